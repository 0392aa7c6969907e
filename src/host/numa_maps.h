/* On which NUMA nodes the pages of a mapping are, from /proc/PID/numa_maps: every page counted, and nothing
 * asked for that containers forbid, as they do move_pages(2). */
#ifndef VCOST_HOST_NUMA_MAPS_H
#define VCOST_HOST_NUMA_MAPS_H

#include "host/numa.h"

#include <sys/types.h>

struct numa_maps {
    uint64_t resident_bytes; /* the sum of: */
    uint64_t node_bytes[NUMA_NODES_MAX];
};

/* Sums over the mappings that start in the range. 0 or a negative errno; -ENODATA if there is none, -EINVAL
 * if what is told makes no sense. */
int numa_maps_look(uint64_t start, uint64_t bytes, struct numa_maps *maps);
/* The same over all mappings of another process. */
int numa_maps_of(pid_t process, struct numa_maps *maps);

#endif
