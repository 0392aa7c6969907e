/* Brings what accesses to come will need near to the real CPU: entries of tables (here) and
 * sets of tags (caches_prefetch()). Nothing that is simulated changes by it. */
#ifndef VCOST_MODEL_AHEAD_H
#define VCOST_MODEL_AHEAD_H

#include "model/walk.h"

enum { AHEAD_TABLES = 4096 };

/* Of one set of tables: the tables with leaves that were met last, by the 2 MiB that they are for. */
struct ahead {
    struct ahead_table {
        uint64_t region;         /* address >> 21, plus 1; 0: free */
        const uint64_t *entries; /* in real memory */
        uint64_t address;        /* in the memory that the tables stand in */
        unsigned shift;          /* of an address, for the number of its entry */
    } * known;                   /* AHEAD_TABLES; owned */
};

int ahead_init(struct ahead *ahead, struct error *error);
void ahead_free(struct ahead *ahead);

/* The entry of the leaf for an address. */
struct ahead_leaf {
    const uint64_t *entry; /* in real memory, and on its way; NULL: there is none */
    uint64_t at;           /* in the memory that the tables stand in */
    uint64_t within;       /* bits of an address that are not translated */
};

/* Down to the table that has a leaf for the address; region 0: there is none. */
struct ahead_table ahead_look_up(const struct walk_dimension *tables, uint64_t address);

static inline struct ahead_leaf ahead_find(
    struct ahead *ahead, const struct walk_dimension *tables, uint64_t address)
{
    uint64_t region = address >> 21;
    struct ahead_table *known = &ahead->known[region % AHEAD_TABLES];
    if (known->region != region + 1) {
        *known = ahead_look_up(tables, address);
        if (!known->region)
            return (struct ahead_leaf){.entry = NULL};
    }
    unsigned index = address >> known->shift & 511;
    __builtin_prefetch(known->entries + index);
    return (struct ahead_leaf){
        known->entries + index, known->address + index * sizeof(uint64_t), (UINT64_C(1) << known->shift) - 1};
}

/* What it says of the address; of one that is not present anything. */
static inline uint64_t ahead_translate(const struct ahead_leaf *leaf, uint64_t address)
{
    return (*leaf->entry & UINT64_C(0x000ffffffffff000) & ~leaf->within) | (address & leaf->within);
}

#endif
