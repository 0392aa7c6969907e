/* How much memory this machine has, in which page sizes it gives it, and how much of it we may take. */
#ifndef VCOST_HOST_MEMORY_FACTS_H
#define VCOST_HOST_MEMORY_FACTS_H

#include "host/cgroup.h"
#include "host/host.h"
#include "host/numa.h"

/* What there is for us to take now. */
struct memory_room {
    uint64_t total_bytes, available_bytes; /* MemTotal and MemAvailable */
    bool guessed; /* the latter, from above: /proc/meminfo, which alone knows it, is hidden */
    struct cgroup_memory cgroup;
};

void memory_room_look(struct memory_room *room);

/* May `bytes` be taken, with the page tables that map them and a reserve left over, so that the kernel never
 * has to kill for them? 0, or -ENOMEM and a sentence that names what is asked for and what there is. */
int memory_room_check(const struct memory_room *room, uint64_t bytes, struct error *error);

/* The same for memory that may only come from some nodes; for what is bound to a node that is full the kernel
 * kills as well. 0 where /sys hides them. */
int memory_room_check_nodes(const struct numa_nodes *nodes, uint64_t bytes, struct error *error);

/* Fills host->memory_bytes, memory_available_bytes, thp, hugetlb and cgroup_memory_limit. */
void host_look_memory(struct host *host);

#endif
