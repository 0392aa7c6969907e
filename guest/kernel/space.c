/* Address spaces: a process's own tables, in which the kernel's part is the one that all have (SDM volume 3,
 * 4.5). */
#include "guest/kernel/kernel.h"

static unsigned index_of(uint64_t address, unsigned level)
{
    return address >> (12 + 9 * (level - 1)) & (ENTRIES - 1);
}

/* Of a link to a lower table: the leaf decides. */
static uint64_t link_to(const void *table)
{
    return physical_of(table) | BIT_PRESENT | BIT_WRITE | BIT_USER | BIT_ACCESSED;
}

static void *table_behind(uint64_t entry)
{
    return page_of(entry & FRAME_BITS);
}

uint64_t *space_entry(void *root, uint64_t address, unsigned lowest)
{
    uint64_t *entry = (uint64_t *)root + index_of(address, LEVELS);
    for (unsigned level = LEVELS - 1; level >= lowest; level--) {
        if (!(*entry & BIT_PRESENT)) {
            operations->set(entry, link_to(take_table()), address);
            operations->commit();
        }
        entry = (uint64_t *)table_behind(*entry) + index_of(address, level);
    }
    return entry;
}

void *space_make(void)
{
    uint64_t *root = take_table(), *kernel = page_of(boot.root);
    unsigned shared = index_of(GUEST_KERNEL_BASE, LEVELS);
    operations->make_root(root);
    operations->set(root + shared, kernel[shared], GUEST_KERNEL_BASE);
    operations->commit();
    return root;
}

/* Frees a table of a level and all below. */
static void end_table(uint64_t *table, unsigned level)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (level > 1 && table[i] & BIT_PRESENT && !(table[i] & BIT_LARGE))
            end_table(table_behind(table[i]), level - 1);
        else if (level == 1 && table[i] & BIT_DEMAND)
            give_frame(page_of(table[i] & FRAME_BITS));
    }
    give_table(table);
}

void space_end(void *root)
{
    uint64_t *table = root;
    operations->end_root(root);
    end_table(table_behind(table[index_of(GUEST_PROGRAM, LEVELS)]), LEVELS - 1);
    give_table(root);
}

uint64_t leaf_bits(unsigned rights)
{
    return BIT_MAPPED | (is_present(rights) ? BIT_PRESENT : 0) | (rights & GUEST_WRITE ? BIT_WRITE : 0) |
           (rights & GUEST_EXECUTE ? 0 : BIT_NO_EXECUTE) | (rights & GUEST_USER ? BIT_USER : 0);
}
