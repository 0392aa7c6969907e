#include "host/host.h"

#include "host/balloon.h"
#include "host/below.h"
#include "host/cgroup_cpu.h"
#include "host/clock_source.h"
#include "host/cpu.h"
#include "host/hypervisor.h"
#include "host/iommu.h"
#include "host/memory_facts.h"
#include "host/reclaim.h"
#include "host/settings.h"
#include "host/tlb.h"
#include "host/topology.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* What CPUID tells is of the CPU that asks. */
static int look_by_cpuid(struct host *host, struct error *error)
{
    enum { CPUS_MAX = 8192 };
    size_t bytes = CPU_ALLOC_SIZE(CPUS_MAX);
    cpu_set_t *before = CPU_ALLOC(CPUS_MAX), *one = CPU_ALLOC(CPUS_MAX);
    bool moved = false;
    if (before && one && host->looked_at >= 0 && sched_getaffinity(0, bytes, before) >= 0) {
        CPU_ZERO_S(bytes, one);
        CPU_SET_S((size_t)host->looked_at, bytes, one);
        moved = sched_setaffinity(0, bytes, one) == 0;
    }
    int rc = host_look_cpu(host, error);
    if (rc == 0) {
        host_look_hypervisor(host);
        host_look_tlbs(host);
    }
    if (moved)
        (void)sched_setaffinity(0, bytes, before);
    CPU_FREE(one);
    CPU_FREE(before);
    return rc;
}

int host_look_from(struct host *host, int cpu, struct error *error)
{
    struct host seen = {.looked_at = cpu};
    int rc = look_by_cpuid(&seen, error);
    if (rc)
        return rc;
    host_look_topology(&seen);
    host_look_memory(&seen);
    host_look_settings(&seen);
    host_look_clock_source(&seen);
    host_look_cpu_limits(&seen);
    host_look_iommu(&seen);
    host_look_below(&seen);
    host_look_balloon(&seen);
    host_look_reclaim(&seen);
    *host = seen;
    return 0;
}

int host_look(struct host *host, struct error *error)
{
    return host_look_from(host, -1, error);
}

void host_free(struct host *host)
{
    free(host->cpu.features);
    memset(host, 0, sizeof *host);
}

uint64_t host_last_level_cache_bytes(const struct host *host)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < host->cache_count; i++)
        if (strcmp(host->caches[i].type, "instruction") && host->caches[i].bytes > largest)
            largest = host->caches[i].bytes;
    return largest;
}
