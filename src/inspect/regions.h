/* Is there NUMA below that this kernel is not told of?
 *
 * Latencies from several CPUs to several regions of memory tell: a table of medians, and one rule. A CPU that
 * is slower to all regions, or a region that is slower from all CPUs, is no NUMA, and CPUs that differ make
 * regions differ by more or less (a region slower by 40 ns is so by 50 % from one CPU and by 30 % from a
 * slower one). So the order must turn round: from one group of CPUs one region is nearer, from another group
 * the other. Each block of rounds is looked at where the others say that it is so; rounds say how much is
 * noise.
 *
 * A pure function: it measures nothing and knows no machine. */
#ifndef VCOST_INSPECT_REGIONS_H
#define VCOST_INSPECT_REGIONS_H

#include "base/error.h"
#include "result/finding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REGIONS_MAX = 8, REGION_CPUS_MAX = 8, REGION_ROUNDS_MAX = 64 };

/* A number of NUMA node that is not known; of a region also one that is spread over several. */
enum { REGION_NODE_UNKNOWN = -1 };

struct regions_input {
    size_t cpus, regions, rounds;
    /* ns a hop of [round][cpu][region], each a sample at a random moment of its round; NAN: missing. A round
     * with a missing sample is left out. */
    const double *ns;
    int cpu_node[REGION_CPUS_MAX], region_node[REGIONS_MAX]; /* as this kernel tells */
    bool from_memory; /* are samples known to read memory, and not a cache that holds what others walked? */
};

enum regions_verdict {
    REGIONS_UNKNOWN,      /* cannot tell: `reason` says why */
    REGIONS_UNIFORM,      /* no region is near to some CPUs and far from others */
    REGIONS_NUMA_VISIBLE, /* some are, as this kernel is told */
    REGIONS_HIDDEN,       /* some are, and this kernel is not told so */
    REGIONS_VERDICTS
};
const char *regions_verdict_name(enum regions_verdict verdict); /* "unknown", "uniform", "numa-visible", … */

struct regions {
    enum regions_verdict verdict;
    double
        chance; /* that noise alone makes such an interaction (beyond told nodes if they explain some); NAN */
    /* How many times longer from CPUs to far regions than to near ones, with the 95 % interval. 1 within the
     * interval: nothing is seen, and the interval's upper end is what can hide. NAN: cannot be told. */
    double far, far_low, far_high;
    /* Bit n: CPU or region number n is of the group; a CPU is far from the regions of the group of the same
     * name. 0: no such groups. */
    uint32_t cpus_a, cpus_b, far_from_a, far_from_b;
    char reason[256]; /* a sentence without full stop */
};

/* -EINVAL (more than the maxima) is the only error. */
int regions_judge(const struct regions_input *input, struct regions *regions, struct error *error);

/* The finding "hidden-numa" of the section below. */
struct finding regions_finding(const struct regions *regions);

#endif
