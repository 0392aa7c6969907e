/* Latencies from several CPUs to several regions of memory, for inspect/regions.h to judge. */
#ifndef VCOST_EXPERIMENT_INSPECT_REGIONS_H
#define VCOST_EXPERIMENT_INSPECT_REGIONS_H

#include "base/error.h"
#include "experiment/setting.h"
#include "inspect/regions.h"

/* How it went: for `how` of a finding, and for tests. */
struct region_effort {
    size_t cpus, regions, rounds;
    double cached_ns, flushed_ns; /* the same few lines from the cache, and after they were flushed from it */
};

/* Measures for about so many seconds (at least four rounds, whatever they take, and what memory takes to be
 * made) and judges. Allocates 8 regions of 16 MiB, first touched from different CPUs and, where several NUMA
 * nodes are told, on different ones. The calling thread, which setting->pin binds, visits the CPUs that it
 * was allowed before and is back on its own afterwards. Needs no host's cache sizes: lines are flushed before
 * they are walked. What cannot be done is a verdict "unknown" with its reason; -EINTR and -ENOMEM are the
 * only errors. */
int inspect_regions_measure(struct setting *setting, double seconds, uint64_t seed, struct regions *regions,
    struct region_effort *effort, struct error *error);

#endif
