/* CPUs: what their data TLBs and caches hold, what these cost, and what CPUID says of them. */
#ifndef VCOST_BLIND_GEOMETRY_H
#define VCOST_BLIND_GEOMETRY_H

#include "dice.h"

#include <stdbool.h>
#include <stddef.h>

enum { TLB_LEVELS = 2 };

enum large_entries {
    LARGE_NOT_HELD,  /* the level holds no translations of 2 MiB pages: they miss */
    LARGE_OWN,       /* in an array of their own */
    LARGE_SHARED,    /* among those of 4 KiB pages, one entry each */
    LARGE_FRACTURED, /* as one of 4 KiB for each 4 KiB that is used */
};

/* Entries a multiple of ways, sets (entries / ways) a power of two; ways 0: no such array. */
struct tlb_level {
    struct {
        unsigned entries, ways;
    } small, large;
    enum large_entries holds;
};

struct geometry {
    const char *name;
    struct tlb_level tlb[TLB_LEVELS]; /* without a second level tlb[1] is all 0 */
    unsigned coalesced; /* pages of 4 KiB that an entry covers if their frames are contiguous: 1, 4, 8 */
    unsigned l1_sets, l1_ways, l2_sets, l2_ways, l3_lines;
    struct range l1_ns, l2_ns, l3_ns, memory_ns, second_ns /* a hit of the L2 TLB, on top */, walk_ns;
    unsigned told_small[TLB_LEVELS], told_large[TLB_LEVELS];
};

extern const struct geometry geometries[];
extern const size_t geometries_count;

bool geometry_has_one_level(const struct geometry *geometry);

#endif
