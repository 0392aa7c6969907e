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

#include <stdlib.h>
#include <string.h>

int host_look(struct host *host, struct error *error)
{
    struct host seen = {0};
    int rc = host_look_cpu(&seen, error);
    if (rc)
        return rc;
    host_look_hypervisor(&seen);
    host_look_tlbs(&seen);
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
