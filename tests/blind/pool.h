/* What was counted on simulated machines, for many curves to be made of: simulating is slow, pricing is
 * quick. A pool is one machine in one state (a geometry, tables, replacement, how contiguous its frames are)
 * with several placements of each kind of memory. */
#ifndef VCOST_BLIND_POOL_H
#define VCOST_BLIND_POOL_H

#include "machine.h"

enum {
    POOL_PLACEMENTS = 5,
    POOL_POINTS = 41, /* at most: 10 octaves, 4 points in each */
    POOL_VARIANTS = 2,
    POOL_CURVES = 500, /* as many curves of each kind share pools: one epoch */
};

struct pool {
    const struct geometry *geometry;
    bool shadow;
    struct region_traits traits;
    unsigned per_octave, count;
    unsigned lines[POOL_POINTS];
    /* Of small pages over a host's half: left out, they are those over splintered ones. */
    struct counts counts[POOL_PLACEMENTS][BACKINGS][ARRANGEMENTS][POOL_POINTS];
};

/* The pool of this name; made when first asked for, and kept until one of another epoch or seed is. */
const struct pool *pool_get(uint64_t seed, uint64_t epoch, size_t geometry, unsigned variant);
void pool_forget(void);

#endif
