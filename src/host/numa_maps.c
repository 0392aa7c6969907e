#include "host/numa_maps.h"

#include "base/size.h"
#include "host/read_text.h"
#include "host/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    uint64_t start, bytes; /* the range */
    bool found, garbled;
    struct numa_maps sums;
};

/* The number behind a word like "N0=" or "kernelpagesize_kB=" that starts at `at`, which ends at a blank. */
static bool word_number(const char *at, const char *name, uint64_t *value)
{
    size_t length = strlen(name);
    if (strncmp(at, name, length) || at[length] < '0' || at[length] > '9')
        return false;
    const char *end = text_number(at + length, value);
    return end && (*end == ' ' || *end == '\0');
}

static bool next_word(const char **at)
{
    *at = strchr(*at, ' ');
    *at += *at ? strspn(*at, " ") : 0;
    return *at && **at;
}

/* The size of the pages that a line counts in; 0 if it does not tell. */
static uint64_t unit_bytes(const char *line)
{
    uint64_t kib;
    for (const char *at = line; next_word(&at);)
        if (word_number(at, "kernelpagesize_kB=", &kib) && kib <= GIB / KIB)
            return kib * KIB;
    return 0;
}

/* "N<node>=<pages>". */
static bool node_pages(const char *at, uint64_t *node, uint64_t *pages)
{
    if (at[0] != 'N' || at[1] < '0' || at[1] > '9')
        return false;
    const char *end = text_number(at + 1, node);
    return end && *node < NUMA_NODES_MAX && word_number(end, "=", pages);
}

static void take_counts(const char *line, struct walk *walk)
{
    uint64_t unit = unit_bytes(line), node, pages;
    for (const char *at = line; next_word(&at);) {
        if (!node_pages(at, &node, &pages))
            continue;
        if (!unit || pages > UINT64_MAX / GIB) {
            walk->garbled = true;
            return;
        }
        walk->sums.node_bytes[node] += pages * unit;
        walk->sums.resident_bytes += pages * unit;
    }
}

/* A mapping is one line, "<hex start> <policy> [file=… huge anon=… N0=… …] [kernelpagesize_kB=…]"; without
 * pages it has no counts. Linux Documentation/filesystems/proc.rst, fs/proc/task_mmu.c. */
static bool take_line(char *line, void *context)
{
    struct walk *walk = context;
    char *end;
    uint64_t start = strtoull(line, &end, 16);
    if (end == line || *end != ' ' || start < walk->start)
        return true;
    if (start - walk->start >= walk->bytes)
        return false; /* they come in the order of their addresses */
    walk->found = true;
    take_counts(line, walk);
    return !walk->garbled;
}

static int look(const char *path, struct walk *walk, struct numa_maps *maps)
{
    int rc = read_each_line(path, take_line, walk);
    if (rc || walk->garbled)
        return rc ? rc : -EINVAL;
    if (!walk->found)
        return -ENODATA;
    *maps = walk->sums;
    return 0;
}

int numa_maps_look(uint64_t start, uint64_t bytes, struct numa_maps *maps)
{
    struct walk walk = {.start = start, .bytes = bytes};
    return look("/proc/self/numa_maps", &walk, maps);
}

int numa_maps_of(pid_t process, struct numa_maps *maps)
{
    char path[48];
    struct walk walk = {.bytes = UINT64_MAX};
    snprintf(path, sizeof path, "/proc/%d/numa_maps", (int)process);
    return look(path, &walk, maps);
}
