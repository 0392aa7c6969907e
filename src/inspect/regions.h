/* Is there NUMA below that this kernel is not told of? Latencies from several CPUs to several regions of
 * memory tell, by one rule.
 *
 * A CPU that is slower to all regions, or a region that is slower from all CPUs, is no NUMA, and CPUs that
 * differ make regions differ by more or less (a region slower by 40 ns is so by 50 % from one CPU and by 30 %
 * from a slower one). So the order must turn round by more than the noise: from one CPU one region is nearer,
 * from another the other. */
#ifndef VCOST_INSPECT_REGIONS_H
#define VCOST_INSPECT_REGIONS_H

#include "measure/statistics.h"

#include <stddef.h>

enum { REGIONS_MAX = 8, REGION_CPUS_MAX = 8, REGION_ROUNDS_MAX = 64 };

struct regions_input {
    size_t cpus, regions, rounds;
    /* A hop, each a sample at a random moment of its round. A round where one is missing (NAN) is left out.
     */
    double ns[REGION_ROUNDS_MAX][REGION_CPUS_MAX][REGIONS_MAX];
    int cpu_node[REGION_CPUS_MAX],
        region_node[REGIONS_MAX]; /* as this kernel tells; one node: all the same */
};

struct regions {
    enum regions_verdict {
        REGIONS_UNKNOWN,      /* cannot tell: `reason` says why */
        REGIONS_UNIFORM,      /* no region is near to some CPUs and far from others */
        REGIONS_NUMA_VISIBLE, /* some are, as this kernel is told */
        REGIONS_HIDDEN,       /* some are, and this kernel is not told so */
        REGIONS_VERDICTS
    } verdict;
    char reason[256]; /* a sentence without full stop */
    struct turn {     /* what was seen of it, or how CPUs differ if nothing was */
        size_t cpu, other_cpu, far,
            near;              /* regions that are so from the CPU, and the other way round from … */
        struct estimate times; /* … the other; by so many times */
        double chance;         /* that noise alone makes it so */
    } turn;
};

struct regions regions_judge(const struct regions_input *input);

#endif
