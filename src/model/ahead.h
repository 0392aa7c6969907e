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
        uint64_t at, above;      /* where it stands, and the entry that leads to it; of a root: 0 */
        uint32_t number;         /* in the ground that it was made in */
        uint32_t shift;          /* of an address, for the number of its entry */
    } * known;                   /* AHEAD_TABLES; owned */
};

int ahead_init(struct ahead *ahead, struct error *error);
void ahead_free(struct ahead *ahead);

/* Down to the table that has a leaf for the address; where there is none, one of entries that are 0, for
 * region 0. */
struct ahead_table ahead_look_up(const struct walk_dimension *tables, uint64_t address);

/* Where the entry of an address' leaf stands: in real memory, and in the one that the tables stand in; of one
 * that is not present that means nothing. */
struct ahead_place {
    const uint64_t *entry;
    uint64_t at;
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

static inline struct ahead_place ahead_find(
    struct ahead *ahead, const struct walk_dimension *tables, uint64_t address)
{
    const struct ahead_table *known = ahead_table(ahead, tables, address);
    const unsigned index = address >> known->shift & 511;
    return (struct ahead_place){known->entries + index, known->at + index * sizeof *known->entries};
}

/* Where the entry of a leaf of this level leads to. */
static inline uint64_t ahead_to(uint64_t entry, unsigned level, uint64_t address)
{
    const uint64_t within = (UINT64_C(1) << walk_shift(level)) - 1;
    return (entry & UINT64_C(0x000ffffffffff000) & ~within) | (address & within);
}

#endif
