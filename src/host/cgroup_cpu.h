/* How much of the CPUs this process may have: its control groups' share of time, and the CPUs themselves. */
#ifndef VCOST_HOST_CGROUP_CPU_H
#define VCOST_HOST_CGROUP_CPU_H

#include "host/host.h"

/* Reads a limit of time as cgroup v2 writes it, "150000 100000" (µs of a period's µs), into thousandths of a
 * CPU. False: "max", which is no limit, or no such text. */
bool cgroup_cpu_parse(const char *line, uint64_t *thousandths);

/* How often this process's groups have been kept off the CPUs for having used up their time, since they were
 * made; false if that is not told. */
bool cgroup_cpu_throttled(uint64_t *times);

/* Fills host->cpus. Looks at cpu.max (v2) and cpu.cfs_quota_us (v1) of the group of this process and of every
 * one above it that is visible; the narrowest counts. */
void host_look_cpu_limits(struct host *host);

#endif
