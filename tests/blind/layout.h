/* The lines of a chase, in the order in which it goes round: what each needs of the TLB, of the tables of
 * pages and of the caches. */
#ifndef VCOST_BLIND_LAYOUT_H
#define VCOST_BLIND_LAYOUT_H

#include "geometry.h"
#include "region.h"

enum arrangement { PACKED, SCATTERED, SMALL, LARGE, ARRANGEMENTS };

enum { LINES_MAX = REGION_PAGES, LEAVES = 2, NO_LEAF = -1 };

/* A thing in a store, and the number of which the low bits are its set. */
struct thing {
    int32_t id; /* or NO_LEAF */
    uint32_t number;
};

struct stop {
    bool large; /* both guest and host have a page of 2 MiB: so is its translation */
    struct thing whole,
        piece;         /* its translation; that of its 4 KiB only, where a level holds no larger ones */
    struct thing line; /* in the L2; its number is a physical one */
    uint32_t l1_number;
    struct thing leaves[LEAVES]; /* lines of page tables that a walk reads last: the guest's, the host's */
};

enum {
    TRANSLATION_IDS = 3 * REGION_PAGES,      /* of 4 KiB, of coalesced ones, of 2 MiB */
    LINE_IDS = LINES_MAX + 2 * REGION_PAGES, /* data, the guest's leaves, the host's leaves */
};

struct layout {
    unsigned lines;
    struct stop stops[LINES_MAX];
};

/* shadow: one set of tables holds both mappings; else each has its own. */
void layout_make(struct layout *layout, const struct region *region, enum arrangement arrangement,
    unsigned lines, unsigned coalesced, bool shadow, struct dice *dice);

#endif
