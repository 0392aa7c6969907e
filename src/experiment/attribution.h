/* Which structure of the CPU a step of a curve belongs to: steps that were measured, held against the caches
 * and TLBs that CPUID tells. Used by reaches.c. */
#ifndef VCOST_EXPERIMENT_ATTRIBUTION_H
#define VCOST_EXPERIMENT_ATTRIBUTION_H

#include "result/told_levels.h"

/* What a step can be, from the curve alone. */
enum step_cause {
    STEP_OF_CACHE,
    STEP_OF_TLB,   /* a chase of the same lines without the TLB has no such step */
    STEP_OF_EITHER /* there is no such chase to tell by */
};

struct measured_step {
    uint64_t from_bytes, to_bytes; /* working sets of the cells around it */
    double rise_ns;
    enum step_cause cause;
    const struct told_level *told; /* what it is attributed to; NULL: nothing */
};

/* Sets `told` of each of the steps of one curve, which ascend. A level and a step belong together if the
 * measured reach is not beyond the level and not less than half of it, the nearest first, each once. The last
 * cache may be less still, as a machine that others use too gives only a share of it: of the steps that are
 * left above the cache below it and not beyond its own size it is given the largest. */
void attribute_steps(const struct told_levels *told, struct measured_step *steps, size_t count);

#endif
