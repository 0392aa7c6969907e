#include "host/hugetlb.h"

#include "base/size.h"
#include "host/read_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { PATH_BYTES = 160 };
static const char machine_pools[] = "/sys/kernel/mm/hugepages";

/* Where the pool of a node is, or of the machine if there is no node. */
static void pool_path(char path[static PATH_BYTES], uint64_t page_bytes, int node, const char *file)
{
    char folder[64];
    (void)snprintf(folder, sizeof folder, "/sys/devices/system/node/node%d/hugepages", node);
    (void)snprintf(path, PATH_BYTES, "%s/hugepages-%" PRIu64 "kB/%s", node < 0 ? machine_pools : folder,
        page_bytes / KIB, file);
}

static int pool_number(uint64_t page_bytes, int node, const char *file, uint64_t *value)
{
    char path[PATH_BYTES];
    pool_path(path, page_bytes, node, file);
    return read_number(path, value);
}

/* a - b, but never below 0: the files are read one after the other. */
static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static int look_machine(uint64_t page_bytes, struct hugetlb_pool *pool)
{
    struct hugetlb_pool found;
    uint64_t promised, most, added;
    int rc = pool_number(page_bytes, -1, "nr_hugepages", &found.total);
    if (rc || (rc = pool_number(page_bytes, -1, "free_hugepages", &found.free)))
        return rc;
    if (!pool_number(page_bytes, -1, "resv_hugepages", &promised))
        found.free = less(found.free, promised);
    found.more = pool_number(page_bytes, -1, "nr_overcommit_hugepages", &most) ||
                         pool_number(page_bytes, -1, "surplus_hugepages", &added)
                     ? 0
                     : less(most, added);
    *pool = found;
    return 0;
}

static int look_node(uint64_t page_bytes, int node, struct hugetlb_pool *sum)
{
    uint64_t total, free;
    int rc = pool_number(page_bytes, node, "nr_hugepages", &total);
    if (rc || (rc = pool_number(page_bytes, node, "free_hugepages", &free)))
        return rc;
    sum->total += total;
    sum->free += free;
    return 0;
}

int hugetlb_look(uint64_t page_bytes, const struct numa_nodes *nodes, struct hugetlb_pool *pool)
{
    struct hugetlb_pool sum = {0};
    if (numa_nodes_none(nodes))
        return look_machine(page_bytes, pool);
    for (int node = 0; node < NUMA_NODES_MAX; node++) {
        int rc = numa_nodes_has(nodes, (unsigned)node) ? look_node(page_bytes, node, &sum) : 0;
        if (rc)
            return rc;
    }
    *pool = sum;
    return 0;
}

static int first_node(const struct numa_nodes *nodes)
{
    for (int node = 0; node < NUMA_NODES_MAX; node++)
        if (numa_nodes_has(nodes, (unsigned)node))
            return node;
    return -1;
}

/* A running machine seldom has a whole GiB in one piece. */
static const char *at_boot(uint64_t page_bytes)
{
    return page_bytes >= GIB ? ", or better at boot with hugepagesz=1G hugepages=NUMBER" : "";
}

int hugetlb_shortage(uint64_t page_bytes, uint64_t bytes, const struct numa_nodes *nodes, struct error *error)
{
    struct hugetlb_pool pool = {0};
    char path[PATH_BYTES], where[96] = "";
    uint64_t pages = bytes / page_bytes;
    if (!numa_nodes_none(nodes))
        numa_nodes_text(nodes, " on NUMA node ", where, sizeof where);
    (void)hugetlb_look(page_bytes, nodes, &pool);
    if (pool.free >= pages)
        return error_set(error, ENOMEM,
            "the kernel does not give %" PRIu64 " hugetlb pages of %" PRIu64 " MiB%s although %" PRIu64
            " are free: another process takes them, or the control group limits them (hugetlb.*.max)",
            pages, page_bytes / MIB, where, pool.free);
    pool_path(path, page_bytes, first_node(nodes), "nr_hugepages");
    return error_set(error, ENOTSUP,
        "%" PRIu64 " hugetlb page%s of %" PRIu64 " MiB %s needed%s, but %" PRIu64 " of %" PRIu64
        " are free: root reserves them with `echo %" PRIu64 " > %s`%s",
        pages, pages == 1 ? "" : "s", page_bytes / MIB, pages == 1 ? "is" : "are", where, pool.free,
        pool.total, pool.total + less(pages, pool.free), path, at_boot(page_bytes));
}

int hugetlb_check(uint64_t page_bytes, uint64_t bytes, const struct numa_nodes *nodes, struct error *error)
{
    static const struct numa_nodes anywhere;
    struct hugetlb_pool pool, near;
    int rc = look_machine(page_bytes, &pool);
    if (rc == -ENOENT)
        return error_set(error, ENOTSUP,
            "this machine has no hugetlb pages of %" PRIu64 " MiB (no %s/hugepages-%" PRIu64 "kB)",
            page_bytes / MIB, machine_pools, page_bytes / KIB);
    if (rc)
        return 0;
    if (pool.free + pool.more < bytes / page_bytes)
        return hugetlb_shortage(page_bytes, bytes, &anywhere, error);
    if (!pool.more && !hugetlb_look(page_bytes, nodes, &near) && near.free < bytes / page_bytes)
        return hugetlb_shortage(page_bytes, bytes, nodes, error);
    return 0;
}
