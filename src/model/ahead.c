#include "model/ahead.h"

#include <errno.h>
#include <stdlib.h>

int ahead_init(struct ahead *ahead, struct error *error)
{
    ahead->known = calloc(AHEAD_TABLES, sizeof *ahead->known);
    return ahead->known ? 0 : error_set(error, ENOMEM, "no memory for a simulated machine");
}

void ahead_free(struct ahead *ahead)
{
    free(ahead->known);
    ahead->known = NULL;
}

static const uint64_t nothing[PAGE_TABLE_BYTES / sizeof(uint64_t)];

struct ahead_table ahead_look_up(const struct walk_dimension *tables, uint64_t address)
{
    const struct model_ground *ground = tables->ground;
    size_t number = tables->root.number;
    uint64_t above = 0;
    for (unsigned level = tables->levels; level > 0 && number < ground->table_count; level--) {
        const struct ground_table *table = &ground->tables[number];
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t entry = table->entries[address >> shift & 511];
        if (level == 1 || entry & PAGE_BIT_LARGE)
            return (struct ahead_table){
                (address >> 21) + 1, table->entries, table->address, above, (uint32_t)number, shift};
        if (!(entry & PAGE_BIT_PRESENT))
            break;
        above = table->address + (address >> shift & 511) * sizeof entry;
        number = ground_table_number(ground, entry & UINT64_C(0x000ffffffffff000));
    }
    return (struct ahead_table){.entries = nothing, .shift = 12};
}
