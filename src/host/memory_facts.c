#include "host/memory_facts.h"

#include "base/size.h"
#include "host/hugetlb.h"
#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* ---- room ---- */

static bool meminfo_bytes(const char *meminfo, const char *name, uint64_t *bytes)
{
    uint64_t kib;
    if (!text_value_number(meminfo, name, ':', &kib) || kib > UINT64_MAX / KIB)
        return false;
    *bytes = kib * KIB;
    return true;
}

/* What is free may be little where most is file cache, which can be had as well, and of which sysinfo() does
 * not tell: half of the memory, if no more is free. */
static uint64_t guess_available(const struct sysinfo *info)
{
    uint64_t free = (uint64_t)info->freeram + info->bufferram, half = info->totalram / 2;
    return (free > half ? free : half) * info->mem_unit;
}

void memory_room_look(struct memory_room *room)
{
    char meminfo[8192] = "";
    struct sysinfo info = {.mem_unit = 1};
    (void)sysinfo(&info); /* cannot fail with a good address */
    if (read_text("/proc/meminfo", meminfo, sizeof meminfo))
        meminfo[0] = '\0';
    if (!meminfo_bytes(meminfo, "MemTotal", &room->total_bytes))
        room->total_bytes = (uint64_t)info.totalram * info.mem_unit;
    room->guessed = !meminfo_bytes(meminfo, "MemAvailable", &room->available_bytes);
    if (room->guessed)
        room->available_bytes = guess_available(&info);
    cgroup_memory(&room->cgroup);
}

/* Is there room for `bytes` and, beside it, a 32nd of the whole (at least `reserve`, at most 1 GiB)? */
static bool fits(uint64_t bytes, uint64_t available, uint64_t whole, uint64_t reserve)
{
    reserve = clamp(whole / 32, reserve, GIB);
    return available >= reserve && available - reserve >= bytes;
}

static uint64_t mib_up(uint64_t bytes)
{
    return bytes / MIB + (bytes % MIB != 0);
}

/* The tables that map 4 KiB pages take a 512th of the memory, once for this process and once more in KVM. */
int memory_room_check(const struct memory_room *room, uint64_t bytes, struct error *error)
{
    const struct cgroup_memory *cgroup = &room->cgroup;
    uint64_t whole;
    if (__builtin_add_overflow(bytes, bytes / 256, &whole))
        whole = UINT64_MAX;
    if (!fits(whole, room->available_bytes, room->total_bytes, 128 * MIB))
        return error_set(error, ENOMEM,
            "%" PRIu64 " MiB of memory are asked for, but this machine has %s %" PRIu64
            " MiB available and some of it must stay free: take a smaller working set or free memory",
            mib_up(bytes), room->guessed ? "(/proc/meminfo is hidden) hardly more than" : "only",
            room->available_bytes / MIB);
    if (cgroup->limit_bytes != UINT64_MAX && !fits(whole, cgroup->room_bytes, cgroup->limit_bytes, 16 * MIB))
        return error_set(error, ENOMEM,
            "%" PRIu64 " MiB of memory are asked for, but the control group of this process has only %" PRIu64
            " MiB left of its %" PRIu64
            " MiB and some must stay free: take a smaller working set or raise its limit",
            mib_up(bytes), cgroup->room_bytes / MIB, cgroup->limit_bytes / MIB);
    return 0;
}

/* The lines are "Node 0 MemFree:  1234 kB". */
static bool node_bytes(const char *meminfo, unsigned node, const char *field, uint64_t *bytes)
{
    char name[64];
    (void)snprintf(name, sizeof name, "Node %u %s", node, field);
    return meminfo_bytes(meminfo, name, bytes);
}

/* Adds what a node has and what of it can be had: there is no MemAvailable, so free memory and file cache
 * that is not in active use. */
static bool add_node(unsigned node, uint64_t *total, uint64_t *available)
{
    char path[64], meminfo[8192];
    uint64_t whole, free, cache = 0;
    (void)snprintf(path, sizeof path, "/sys/devices/system/node/node%u/meminfo", node);
    if (read_text(path, meminfo, sizeof meminfo) || !node_bytes(meminfo, node, "MemTotal", &whole) ||
        !node_bytes(meminfo, node, "MemFree", &free))
        return false;
    (void)node_bytes(meminfo, node, "Inactive(file)", &cache);
    *total += whole;
    *available += free + cache;
    return true;
}

int memory_room_check_nodes(const struct numa_nodes *nodes, uint64_t bytes, struct error *error)
{
    uint64_t total = 0, available = 0;
    char list[128];
    for (unsigned node = 0; node < NUMA_NODES_MAX; node++)
        if (numa_nodes_has(nodes, node) && !add_node(node, &total, &available))
            return 0;
    if (!total || fits(bytes, available, total, 16 * MIB))
        return 0;
    numa_nodes_text(nodes, "", list, sizeof list);
    return error_set(error, ENOMEM,
        "%" PRIu64 " MiB of memory are asked for on NUMA node %s, but only %" PRIu64 " of its %" PRIu64
        " MiB are free and some must stay so: take a smaller working set or free memory there",
        mib_up(bytes), list, available / MIB, total / MIB);
}

/* ---- page sizes ---- */

/* The word in brackets of "always [madvise] never". */
static struct fact look_thp(void)
{
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    struct fact line = read_fact(path);
    if (!line.known)
        return line;
    const char *open = strchr(line.text, '['), *close = open ? strchr(open, ']') : NULL;
    if (!close || close == open + 1)
        return fact_unknown("%s does not tell the mode", path);
    return fact_known("%.*s", (int)(close - open - 1), open + 1);
}

/* A pool is a directory "hugepages-<size>kB". */
static bool take_hugetlb(const char *pool, void *context)
{
    static const char prefix[] = "hugepages-";
    static const struct numa_nodes anywhere;
    struct host *host = context;
    struct hugetlb_pool found;
    uint64_t kib;
    if (strncmp(pool, prefix, strlen(prefix)))
        return true;
    const char *end = text_number(pool + strlen(prefix), &kib);
    if (!end || strcmp(end, "kB") || kib > UINT64_MAX / KIB)
        return true;
    if (!hugetlb_look(kib * KIB, &anywhere, &found))
        host->hugetlb[host->hugetlb_count++] = (struct host_hugetlb){kib * KIB, found.total, found.free};
    return host->hugetlb_count < HOST_HUGETLB_MAX;
}

void host_look_memory(struct host *host)
{
    struct memory_room room;
    memory_room_look(&room);
    host->memory_bytes = room.total_bytes;
    host->memory_available_bytes = room.guessed ? 0 : room.available_bytes;
    host->cgroup_memory_limit = room.cgroup.limit;
    host->thp = look_thp();
    (void)read_each_name("/sys/kernel/mm/hugepages", take_hugetlb, host);
}
