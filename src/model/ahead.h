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
        struct walk_table is;
        unsigned shift; /* of an address, for the number of its entry */
    } * known;          /* AHEAD_TABLES; owned */
};

int ahead_init(struct ahead *ahead, struct error *error);
void ahead_free(struct ahead *ahead);

/* Down to the table that has a leaf for the address; where there is none, one of entries that are 0, for
 * region 0. */
struct ahead_table ahead_look_up(const struct walk_dimension *tables, uint64_t address);

/* Of an address: the entry of its leaf, where that stands, in the memory that the tables stand in, and where
 * it leads to; of one that is not present these mean nothing. And the table. */
struct ahead_leaf {
    uint64_t entry, at, to;
    struct walk_table table;
};

static inline const struct ahead_table *ahead_table(
    struct ahead *ahead, const struct walk_dimension *tables, uint64_t address)
{
    uint64_t region = address >> 21;
    struct ahead_table *known = &ahead->known[region % AHEAD_TABLES];
    if (known->region != region + 1)
        *known = ahead_look_up(tables, address);
    return known;
}

/* Has the real CPU bring that entry near. */
static inline void ahead_bring(struct ahead *ahead, const struct walk_dimension *tables, uint64_t address)
{
    const struct ahead_table *known = ahead_table(ahead, tables, address);
    __builtin_prefetch(known->entries + (address >> known->shift & 511));
}

static inline struct ahead_leaf ahead_find(
    struct ahead *ahead, const struct walk_dimension *tables, uint64_t address)
{
    const struct ahead_table *known = ahead_table(ahead, tables, address);
    unsigned index = address >> known->shift & 511;
    uint64_t entry = known->entries[index], within = (UINT64_C(1) << known->shift) - 1;
    return (struct ahead_leaf){entry, known->is.address + index * sizeof entry,
        (entry & UINT64_C(0x000ffffffffff000) & ~within) | (address & within), known->is};
}

#endif
