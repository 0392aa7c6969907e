#include "naive_mmu.h"

#include <string.h>

uint64_t *naive_word(const struct naive_memory *memory, uint64_t address)
{
    for (int i = 0; i < NAIVE_PIECES; i++)
        if (address >= memory->piece[i].start && address - memory->piece[i].start < memory->piece[i].bytes)
            return (uint64_t *)(memory->piece[i].host + (address - memory->piece[i].start));
    return NULL;
}

int naive_frame(const struct naive_memory *memory, uint64_t address)
{
    int before = 0;
    for (int i = 0; i < NAIVE_PIECES; i++) {
        if (address >= memory->piece[i].start && address - memory->piece[i].start < memory->piece[i].bytes)
            return before + (int)((address - memory->piece[i].start) >> 12);
        before += (int)(memory->piece[i].bytes >> 12);
    }
    return -1;
}

/* ---- the CPU ---- */

static const int shifts[4] = {39, 30, 21, 12};

/* Bits 46 to 51 are beyond the memory bus; bit 7 is reserved but at the third level, where it asks for
 * zeroes. */
static bool naive_reserved(uint64_t entry, int depth)
{
    if (entry >> 46 & 0x3f)
        return true;
    if (!(entry >> 7 & 1))
        return false;
    return depth != 2 || (entry >> 12 & 0x1ff) != 0;
}

struct naive_leaf naive_walk(const struct naive_memory *memory, uint64_t root, uint64_t virtual)
{
    struct naive_leaf leaf = {.write = true, .user = true, .execute = true, .accessed = true};
    uint64_t table = root;
    for (int depth = 0; depth < 4; depth++) {
        uint64_t where = table + (virtual >> shifts[depth] & 0x1ff) * 8;
        const uint64_t *word = naive_word(memory, where);
        if (!word)
            return leaf;
        uint64_t entry = *word;
        leaf.entries[depth] = where;
        if ((entry & 1) == 0)
            return leaf;
        if (naive_reserved(entry, depth)) {
            leaf.reserved = true;
            return leaf;
        }
        leaf.write = leaf.write && (entry & 2) != 0;
        leaf.user = leaf.user && (entry & 4) != 0;
        leaf.execute = leaf.execute && (entry >> 63) == 0;
        leaf.accessed = leaf.accessed && (entry & 0x20) != 0;
        if (depth == 3 || (entry & 0x80) != 0) {
            leaf.reached = true;
            leaf.dirty = (entry & 0x40) != 0;
            leaf.bytes = UINT64_C(1) << shifts[depth];
            leaf.to = ((entry & 0x000ffffffffff000) / leaf.bytes * leaf.bytes) + virtual % leaf.bytes;
            return leaf;
        }
        table = entry & 0x000ffffffffff000;
    }
    return leaf;
}

int naive_access(
    const struct naive_memory *memory, uint64_t root, uint64_t virtual, unsigned code, uint64_t *to)
{
    struct naive_leaf leaf = naive_walk(memory, root, virtual);
    bool write = (code & 2) != 0, user = (code & 4) != 0, fetch = (code & 16) != 0;
    if (leaf.reserved)
        return (int)(code | 9);
    if (!leaf.reached)
        return code ? (int)code : -1;
    if ((write && !leaf.write) || (user && !leaf.user) || (fetch && !leaf.execute))
        return (int)(code | 1);
    int last = leaf.bytes == 4096 ? 3 : 2;
    for (int depth = 0; depth <= last; depth++)
        *naive_word(memory, leaf.entries[depth]) |= 0x20;
    if (write)
        *naive_word(memory, leaf.entries[last]) |= 0x40;
    *to = leaf.to;
    return 0;
}

/* ---- the hypervisor ---- */

static void refer(const struct naive_memory *memory, struct naive_types *types, uint64_t frame, unsigned type)
{
    int number = naive_frame(memory, frame);
    if (number < 0) {
        types->wrong |= type != 5; /* a writable device is nobody's business */
        return;
    }
    if (types->type[number] != 0 && types->type[number] != type) {
        types->wrong = true;
        return;
    }
    types->references[number]++;
    if (types->type[number] == type)
        return;
    types->type[number] = (unsigned char)type;
    if (type == 5)
        return;
    types->tables++;
    const uint64_t *entries = naive_word(memory, frame);
    for (int i = 0; i < 512; i++)
        if (entries[i])
            naive_also(memory, types, entries[i], type);
}

void naive_also(const struct naive_memory *memory, struct naive_types *types, uint64_t entry, unsigned level)
{
    if (types->wrong || level == 0 || (entry & 1) == 0)
        return;
    if (naive_reserved(entry, 4 - (int)level)) {
        types->wrong = true;
        return;
    }
    uint64_t to = entry & 0x000ffffffffff000;
    bool large = level == 2 && (entry & 0x80) != 0;
    if (level > 1 && !large)
        refer(memory, types, to, level - 1);
    else if (entry & 2)
        for (uint64_t i = 0; i < (large ? 512 : 1); i++)
            refer(memory, types, to + i * 4096, 5);
}

void naive_collect(
    const struct naive_memory *memory, const struct naive_pins *pins, struct naive_types *types)
{
    memset(types, 0, sizeof *types);
    for (unsigned i = 0; i < pins->count; i++)
        refer(memory, types, pins->list[i].table, pins->list[i].level);
}
