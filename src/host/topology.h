/* Caches, NUMA nodes and online CPUs, from hwloc; where hwloc cannot tell, from /sys. */
#ifndef VCOST_HOST_TOPOLOGY_H
#define VCOST_HOST_TOPOLOGY_H

#include "host/host.h"

/* Fills host->caches, topology, cpus_online and numa_nodes. Each size of a cache is listed once per level and
 * type: a hybrid processor has several. */
void host_look_topology(struct host *host);

#endif
