#include "host/numa.h"

#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIST_BYTES = 128 }; /* of a list of nodes in a sentence */

/* ---- the set ---- */

bool numa_nodes_none(const struct numa_nodes *nodes)
{
    static const struct numa_nodes none;
    return !memcmp(nodes, &none, sizeof none);
}

bool numa_nodes_has(const struct numa_nodes *nodes, unsigned node)
{
    return node < NUMA_NODES_MAX && (nodes->bits[node / 64] >> node % 64 & 1);
}

static void add(struct numa_nodes *nodes, unsigned node)
{
    nodes->bits[node / 64] |= UINT64_C(1) << node % 64;
}

/* The first node that is in `these` and not in `those`; NUMA_NODES_MAX if there is none. */
static unsigned first_beyond(const struct numa_nodes *these, const struct numa_nodes *those)
{
    unsigned node = 0;
    while (node < NUMA_NODES_MAX && (!numa_nodes_has(these, node) || numa_nodes_has(those, node)))
        node++;
    return node;
}

/* ---- as text ---- */

/* Reads a number of digits only. Where it ends, or NULL. */
static const char *read_node(const char *at, uint64_t *node)
{
    return *at >= '0' && *at <= '9' ? text_number(at, node) : NULL;
}

static const char *read_range(const char *at, uint64_t *first, uint64_t *last)
{
    at = read_node(at, first);
    *last = *first;
    return at && *at == '-' ? read_node(at + 1, last) : at;
}

/* Is it a list, "0,2-3"? With nodes beyond NUMA_NODES_MAX it is none. */
static bool read_list(const char *text, struct numa_nodes *nodes)
{
    struct numa_nodes found = {0};
    uint64_t first = 0, last = 0;
    for (const char *at = text;; at++) {
        at = read_range(at, &first, &last);
        if (!at || last < first || last >= NUMA_NODES_MAX)
            return false;
        for (uint64_t node = first; node <= last; node++)
            add(&found, (unsigned)node);
        if (*at != ',') {
            *nodes = found;
            return *at == '\0';
        }
    }
}

void numa_nodes_text(const struct numa_nodes *nodes, const char *before, char *text, size_t size)
{
    text_copy(text, size, before);
    const char *comma = "";
    for (unsigned first = 0, end; first < NUMA_NODES_MAX; first = end + 1) {
        for (end = first; numa_nodes_has(nodes, end);)
            end++;
        if (end == first)
            continue;
        size_t used = strlen(text);
        (void)snprintf(text + used, size - used, end - first > 1 ? "%s%u-%u" : "%s%u", comma, first, end - 1);
        comma = ",";
    }
}

/* ---- which there are ---- */

/* Nodes may be listed without having memory (CPUs only, or all of it taken offline). */
static int look_nodes(struct numa_nodes *online, struct numa_nodes *with_memory, struct error *error)
{
    static const char path[] = "/sys/devices/system/node/online";
    char line[READ_TEXT_LINE];
    if (read_line(path, line, sizeof line) || !read_list(line, online))
        return error_set(error, ENOTSUP,
            "this kernel tells of no NUMA nodes (%s is missing or no list): leave them to the kernel", path);
    if (read_line("/sys/devices/system/node/has_memory", line, sizeof line) || !read_list(line, with_memory))
        *with_memory = *online;
    return 0;
}

static bool take_allowed(char *line, void *context)
{
    char list[READ_TEXT_LINE];
    return !text_value(line, "Mems_allowed_list", ':', list, sizeof list) || !read_list(list, context);
}

/* Those that the cpuset of this process allows; all of them if that cannot be seen. */
static struct numa_nodes look_allowed(void)
{
    struct numa_nodes allowed;
    memset(&allowed, 0xff, sizeof allowed);
    (void)read_each_line("/proc/self/status", take_allowed, &allowed);
    return allowed;
}

static int check_nodes(const struct numa_nodes *nodes, struct error *error)
{
    struct numa_nodes online, with_memory, allowed = look_allowed();
    char list[LIST_BYTES];
    int rc = look_nodes(&online, &with_memory, error);
    if (rc)
        return rc;
    const struct {
        const struct numa_nodes *those;
        const char *sentence;
    } checks[] = {
        {&online, "there is no NUMA node %u here: this machine has %s"},
        {&with_memory, "NUMA node %u has no memory: there is some on %s"},
        {&allowed, "NUMA node %u is forbidden to this process by its cpuset, which allows %s"},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        unsigned node = first_beyond(nodes, checks[i].those);
        if (node == NUMA_NODES_MAX)
            continue;
        numa_nodes_text(checks[i].those, "", list, sizeof list);
        return error_set(error, ENODEV, checks[i].sentence, node, list);
    }
    return 0;
}

int numa_nodes_parse(const char *text, struct numa_nodes *nodes, struct error *error)
{
    struct numa_nodes found;
    if (!read_list(text, &found))
        return error_set(error, EINVAL,
            "\"%s\" is no list of NUMA nodes: write their numbers (below %d) like 0 or 0,2-3", text,
            NUMA_NODES_MAX);
    int rc = check_nodes(&found, error);
    if (rc)
        return rc;
    *nodes = found;
    return 0;
}

/* ---- placing memory ---- */

static int bind_failed(int code, const struct numa_nodes *nodes, struct error *error)
{
    char list[LIST_BYTES];
    numa_nodes_text(nodes, "", list, sizeof list);
    if (code == ENOSYS)
        return error_set(error, ENOTSUP,
            "memory cannot be placed on NUMA node %s: this kernel has no NUMA (mbind(2))", list);
    if (code == EPERM)
        return error_set(error, ENOTSUP,
            "memory cannot be placed on NUMA node %s: this container forbids mbind(2), allow it (docker: "
            "--cap-add SYS_NICE)",
            list);
    if (code == EINVAL)
        return error_set(error, EINVAL,
            "the kernel refuses to place memory on NUMA node %s: it does not exist, has no memory or is "
            "forbidden by the cpuset (Mems_allowed_list in /proc/self/status)",
            list);
    return error_errno(error, code, "memory cannot be placed on NUMA node %s", list);
}

/* The kernel takes the number of bits to be one more than it is (get_nodes() in mm/mempolicy.c). */
int numa_bind(void *start, size_t bytes, const struct numa_nodes *nodes, struct error *error)
{
    if (syscall(SYS_mbind, start, bytes, MPOL_BIND, nodes->bits, (unsigned long)NUMA_NODES_MAX + 1, 0))
        return bind_failed(errno, nodes, error);
    return 0;
}
