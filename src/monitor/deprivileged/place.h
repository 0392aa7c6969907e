/* Where a table stands in an address space, and what a child may hold there because of its entries. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_PLACE_H
#define VCOST_MONITOR_DEPRIVILEGED_PLACE_H

#include "monitor/deprivileged/entry.h"
#include "monitor/deprivileged/run.h"

#define PLACE_BITS (PAGE_BIT_WRITE | PAGE_BIT_USER | PAGE_BIT_ACCESSED)

enum { PLACES_MAX = 32 }; /* of one table, that are followed one by one; more: RUN_FORGET */

struct table_place {
    gpa_t root;
    gva_t from;      /* of the first entry; bits 48 to 63 are 0, for place_run() to fill in */
    uint64_t bits;   /* of PLACE_BITS, those that all entries on the way have */
    bool no_execute; /* an entry on the way says so */
};

/* The place of a table of level `level` before any way up is known. */
static inline struct table_place place_start(void)
{
    return (struct table_place){.bits = PLACE_BITS};
}

/* The same table, seen from one level higher: by the entry number `index` of a table of `level`. */
static inline struct table_place place_above(
    struct table_place place, uint64_t entry, unsigned index, unsigned level)
{
    place.from = GVA(place.from.value + index * entry_span(level));
    place.bits &= entry;
    place.no_execute |= (entry & PAGE_BIT_NO_EXECUTE) != 0;
    return place;
}

static inline struct table_place place_at_root(struct table_place place, gpa_t root)
{
    place.root = root;
    return place;
}

/* What may stand in a child for an entry of a table there: enum page_rights, or 0. Only what has been
 * accessed is there, only what is dirty can be written: so the first access and the first write are seen. */
static inline unsigned place_rights(
    const struct table_place *place, uint64_t entry, unsigned level, unsigned physical_bits)
{
    uint64_t common = entry & place->bits;
    unsigned rights = PAGE_READ;
    if (!(common & PAGE_BIT_ACCESSED) || entry_kind(entry, level, physical_bits) != ENTRY_LEAF)
        return 0;
    rights |= common & PAGE_BIT_WRITE && entry & PAGE_BIT_DIRTY ? PAGE_WRITE : 0;
    rights |= common & PAGE_BIT_USER ? PAGE_USER : 0;
    return rights | (place->no_execute || entry & PAGE_BIT_NO_EXECUTE ? 0 : PAGE_EXECUTE);
}

/* What an entry spans; kind, rights and frames are to be set. */
static inline struct run place_run(const struct table_place *place, unsigned index, unsigned level)
{
    return (struct run){.root = place->root,
        .from = address_canonical(place->from.value + index * entry_span(level)),
        .bytes = entry_span(level)};
}

/* Whether all that is mapped by way of a link may still be so when the link changes, and for the same
 * (RUN_PROTECT). */
static inline bool link_allows_no_less(uint64_t old, uint64_t now)
{
    return entry_to(old).value == entry_to(now).value && !(old & ~now & PLACE_BITS) &&
           !(now & ~old & (PAGE_BIT_NO_EXECUTE | PAGE_BIT_USER));
}

#endif
