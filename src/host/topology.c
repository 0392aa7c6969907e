#include "host/topology.h"

#include "base/size.h"
#include "host/read_text.h"
#include "host/text.h"

#include <hwloc.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char cpus_path[] = "/sys/devices/system/cpu/online";
static const char nodes_path[] = "/sys/devices/system/node/online";

static void add_cache(struct host *host, const struct host_cache *cache)
{
    for (size_t i = 0; i < host->cache_count; i++) {
        const struct host_cache *known = &host->caches[i];
        if (known->level == cache->level && known->bytes == cache->bytes && !strcmp(known->type, cache->type))
            return;
    }
    if (host->cache_count < HOST_CACHES_MAX)
        host->caches[host->cache_count++] = *cache;
}

/* ---- hwloc ---- */

static const char *hwloc_type_name(hwloc_obj_cache_type_t type)
{
    return type == HWLOC_OBJ_CACHE_DATA          ? "data"
           : type == HWLOC_OBJ_CACHE_INSTRUCTION ? "instruction"
                                                 : "unified";
}

static void add_hwloc_cache(struct host *host, hwloc_obj_t object)
{
    const struct hwloc_cache_attr_s *attribute = &object->attr->cache;
    struct host_cache cache = {
        .level = attribute->depth,
        .bytes = attribute->size,
        .line_bytes = attribute->linesize,
        .ways = attribute->associativity > 0 ? (unsigned)attribute->associativity : 0,
        .shared_cpus = (unsigned)hwloc_bitmap_weight(object->cpuset),
    };
    text_copy(cache.type, sizeof cache.type, hwloc_type_name(attribute->type));
    if (cache.bytes)
        add_cache(host, &cache);
}

/* Those of one CPU, where it is told which: cores of other kinds have others. */
static void take_caches(struct host *host, hwloc_topology_t topology)
{
    static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE,
        HWLOC_OBJ_L2ICACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L3ICACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L5CACHE};
    hwloc_obj_t cpu =
        host->looked_at < 0 ? NULL : hwloc_get_pu_obj_by_os_index(topology, (unsigned)host->looked_at);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        hwloc_obj_t own = cpu ? hwloc_get_ancestor_obj_by_type(topology, types[i], cpu) : NULL;
        if (own)
            add_hwloc_cache(host, own);
        for (hwloc_obj_t at = NULL; (at = hwloc_get_next_obj_by_type(topology, types[i], at));) {
            host->caches_differ |= own && at->attr->cache.size != own->attr->cache.size;
            if (!cpu)
                add_hwloc_cache(host, at);
        }
    }
}

/* hwloc writes to stderr what it finds inconsistent unless HWLOC_HIDE_ERRORS is 2, which it reads once. The
 * variable is set only while hwloc looks, and left as it is where the user has set it. */
static int load_quietly(hwloc_topology_t topology)
{
    static const char variable[] = "HWLOC_HIDE_ERRORS";
    bool ours = !getenv(variable) && !setenv(variable, "2", 0);
    int rc = hwloc_topology_load(topology);
    if (ours)
        unsetenv(variable);
    return rc;
}

/* Sees also what a container may not use (INCLUDE_DISALLOWED), for it shares the caches all the same. */
static struct fact take_topology(struct host *host, hwloc_topology_t topology)
{
    if (hwloc_topology_set_icache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL) ||
        hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) || load_quietly(topology))
        return fact_unknown("hwloc could not look at this machine: %s", strerror(errno));
    if (!hwloc_topology_is_thissystem(topology))
        return fact_unknown(
            "the environment (HWLOC_XMLFILE or the like) makes hwloc describe another machine");
    take_caches(host, topology);
    int nodes = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
    if (nodes > 0)
        host->numa_nodes = fact_known("%d", nodes);
    return host->cache_count ? fact_known("hwloc") : fact_unknown("hwloc found no caches");
}

/* Where this is refused hwloc asks for ever, with larger and larger sets. */
static bool may_ask_for_cpus(void)
{
    enum { CPUS = 1 << 16 };
    size_t bytes = CPU_ALLOC_SIZE(CPUS);
    cpu_set_t *set = CPU_ALLOC(CPUS);
    bool may = set && sched_getaffinity(0, bytes, set) == 0;
    CPU_FREE(set);
    return may;
}

static struct fact look_by_hwloc(struct host *host)
{
    hwloc_topology_t topology;
    if (!read_text_is_real())
        return fact_unknown("hwloc looks only at the real machine");
    if (!may_ask_for_cpus())
        return fact_unknown("hwloc needs sched_getaffinity(), which is refused: %s", strerror(errno));
    if (hwloc_topology_init(&topology))
        return fact_unknown("hwloc could not start: %s", strerror(errno));
    struct fact told = take_topology(host, topology);
    hwloc_topology_destroy(topology);
    return told;
}

/* ---- /sys ---- */

/* One of the caches that /sys describes. */
struct sysfs_index {
    int cpu;
    unsigned index;
};

static int index_line(struct sysfs_index of, const char *name, char *line, size_t size)
{
    char path[128];
    (void)snprintf(
        path, sizeof path, "/sys/devices/system/cpu/cpu%d/cache/index%u/%s", of.cpu, of.index, name);
    return read_line(path, line, size);
}

/* A number, perhaps with K or M behind it; 0 if there is none. */
static uint64_t index_number(struct sysfs_index index, const char *name)
{
    char line[READ_TEXT_LINE];
    uint64_t number;
    if (index_line(index, name, line, sizeof line))
        return 0;
    const char *end = text_number(line, &number);
    if (!end || number > UINT32_MAX)
        return 0;
    return number * (*end == 'K' ? KIB : *end == 'M' ? MIB : 1);
}

/* Large numbers are garbage here and count as not told. */
static unsigned index_small(struct sysfs_index index, const char *name)
{
    uint64_t number = index_number(index, name);
    return number <= UINT16_MAX ? (unsigned)number : 0;
}

static bool sysfs_type(struct sysfs_index index, char type[static 16])
{
    static const struct {
        const char *sysfs, *ours;
    } types[] = {{"Data", "data"}, {"Instruction", "instruction"}, {"Unified", "unified"}};
    char line[READ_TEXT_LINE];
    if (index_line(index, "type", line, sizeof line))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(line, types[i].sysfs)) {
            text_copy(type, 16, types[i].ours);
            return true;
        }
    return false;
}

static unsigned sysfs_shared(struct sysfs_index index)
{
    char line[READ_TEXT_LINE];
    if (index_line(index, "shared_cpu_list", line, sizeof line))
        return 0;
    return text_list_count(line);
}

static void add_sysfs_cache(struct host *host, struct sysfs_index index)
{
    struct host_cache cache = {
        .level = index_small(index, "level"),
        .bytes = index_number(index, "size"),
        .line_bytes = index_small(index, "coherency_line_size"),
        .ways = index_small(index, "ways_of_associativity"),
        .shared_cpus = sysfs_shared(index),
    };
    if (cache.level && cache.bytes && sysfs_type(index, cache.type))
        add_cache(host, &cache);
}

static void look_by_sysfs(struct host *host)
{
    for (unsigned index = 0; index < 2 * HOST_CACHES_MAX; index++)
        add_sysfs_cache(host, (struct sysfs_index){host->looked_at < 0 ? 0 : host->looked_at, index});
}

static struct fact nodes_by_sysfs(void)
{
    struct fact list = read_fact(nodes_path);
    if (!list.known)
        return list;
    unsigned count = text_list_count(list.text);
    return count ? fact_known("%u", count) : fact_unknown("%s is not a list of nodes", nodes_path);
}

static unsigned cpus_online(void)
{
    char line[READ_TEXT_LINE];
    unsigned count = read_line(cpus_path, line, sizeof line) ? 0 : text_list_count(line);
    long told = count ? 0 : sysconf(_SC_NPROCESSORS_ONLN);
    if (told > 0)
        count = (unsigned)told;
    return count ? count : 1;
}

void host_look_topology(struct host *host)
{
    host->topology = look_by_hwloc(host);
    if (!host->cache_count)
        look_by_sysfs(host);
    struct fact listed = nodes_by_sysfs();
    if (!listed.known || !host->numa_nodes.known)
        host->numa_nodes = listed; /* hwloc makes one up where it sees none */
    host->cpus_online = cpus_online();
}
