/* A labelled curve, as generate prints it. */
#ifndef VCOST_BLIND_CURVE_H
#define VCOST_BLIND_CURVE_H

#include "noise.h"

#include <stdio.h>

struct curve {
    const char *kind, *geometry, *truth; /* truth: "no", "yes"; "unknown": there is none to be found */
    uint64_t seed, number;
    double large_share;
    bool emulated, told;
    bool has_large; /* the CPU is known to have entries for large pages, whatever is told */
    unsigned told_small[TLB_LEVELS], told_large[TLB_LEVELS];
    unsigned count;
    unsigned lines[POOL_POINTS];
    struct figure figures[ARRANGEMENTS][POOL_POINTS];
};

void curve_print(const struct curve *curve, FILE *stream);

#endif
