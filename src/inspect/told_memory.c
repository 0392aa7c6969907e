/* Memory: its size, page sizes, limits, and what the kernel does with it by itself. */
#include "inspect/told_internal.h"

#include "base/size.h"

#include <inttypes.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void bytes_value(uint64_t bytes, struct told_value *value)
{
    value->number = (double)bytes;
    value->value = bytes ? fact_known("%s", "") : fact_unknown("the kernel does not tell it");
}

static void make_total(const struct telling *telling, struct told_value *value)
{
    bytes_value(telling->host->memory_bytes, value);
}

static void make_available(const struct telling *telling, struct told_value *value)
{
    bytes_value(telling->host->memory_available_bytes, value);
}

static const struct told_row rows[] = {
    {{"memory-bytes", FINDING_MEMORY, "memory", UNIT_BYTES, .how = "/proc/meminfo MemTotal, or sysinfo()"},
        .make = make_total},
    {{"memory-available-bytes", FINDING_MEMORY, "memory available", UNIT_BYTES, .detail = true,
         .how = "/proc/meminfo MemAvailable, or sysinfo()"},
        .make = make_available},
    {{"cgroup-memory-bytes", FINDING_MEMORY, "memory limit of control groups", UNIT_BYTES,
         .how = "the narrowest memory.max, memory.high (cgroup v2) or memory.limit_in_bytes (v1) of this "
                "process's groups",
         .sure = "groups above those that are mounted here may be narrower"},
        TOLD_FACT(cgroup_memory_limit)},
    {{"numa-nodes", FINDING_MEMORY, "NUMA nodes", UNIT_COUNT,
         .how = "hwloc, or /sys/devices/system/node/online", .made_up = true},
        TOLD_FACT(numa_nodes)},
    {{"thp", FINDING_MEMORY, "transparent huge pages", UNIT_TEXT,
         .how = "/sys/kernel/mm/transparent_hugepage/enabled"},
        TOLD_FACT(thp)},
    {{"swap-bytes", FINDING_MEMORY, "swap", UNIT_BYTES, .detail = true, .how = "/proc/meminfo SwapTotal",
         .sure = "the hypervisor below may swap all the same"},
        TOLD_FACT(reclaim.swap_bytes)},
    {{"zswap", FINDING_MEMORY, "compressed swap (zswap)", UNIT_YES_NO, .detail = true,
         .how = "/sys/module/zswap/parameters/enabled"},
        TOLD_FACT(reclaim.zswap)},
    {{"ksm", FINDING_MEMORY, "equal pages are shared (ksm)", UNIT_YES_NO, .how = "/sys/kernel/mm/ksm/run",
         .sure = "only memory that a program has offered is shared"},
        TOLD_FACT(reclaim.ksm)},
    {{"damon", FINDING_MEMORY, "memory access is watched (DAMON)", UNIT_YES_NO,
         .how = "a kernel thread kdamond in /proc, or /sys/module/damon_reclaim/parameters/enabled",
         .sure = "what it is told to do only root can read"},
        TOLD_FACT(reclaim.damon)},
};

static const struct told_kind hugetlb_kind = {"hugetlb-pages", FINDING_MEMORY, "hugetlb pages set aside",
    UNIT_COUNT, .how = "/sys/kernel/mm/hugepages"};

static int tell_hugetlb(const struct telling *telling, const struct host_hugetlb *pool)
{
    char key[SIZE_TEXT_BYTES];
    size_text_short(pool->page_bytes, key);
    return tell(telling, &hugetlb_kind,
        &(struct told_value){.key = key,
            .value = pool->total ? fact_known("%" PRIu64 " free", pool->free) : fact_known("%s", ""),
            .number = (double)pool->total});
}

static int tell_no_hugetlb(const struct telling *telling)
{
    return tell(telling, &hugetlb_kind,
        &(struct told_value){.value = fact_unknown("no pool is to be seen in /sys/kernel/mm/hugepages")});
}

int tell_memory(const struct telling *telling)
{
    const struct host *host = telling->host;
    int rc = tell_rows(telling, rows, COUNT(rows));
    if (rc == 0 && !host->hugetlb_count)
        rc = tell_no_hugetlb(telling);
    for (size_t i = 0; rc == 0 && i < host->hugetlb_count; i++)
        rc = tell_hugetlb(telling, &host->hugetlb[i]);
    return rc;
}
