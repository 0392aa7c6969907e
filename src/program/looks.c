#include "program/looks.h"

#include "host/read_text.h"
#include "host/smaps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES_MAX = 32, DEPTH_MAX = 8, TEXT_BYTES = 4096 };

struct sums {
    struct smaps smaps;
    unsigned processes;
};

static void add(struct sums *sums, pid_t process)
{
    struct smaps one;
    if (smaps_of(process, &one))
        return;
    sums->smaps.resident_bytes += one.resident_bytes;
    sums->smaps.huge_bytes += one.huge_bytes;
    sums->smaps.text_bytes += one.text_bytes;
    sums->smaps.hugetlb_bytes += one.hugetlb_bytes;
    sums->smaps.locked_bytes += one.locked_bytes;
    sums->processes++;
}

struct search {
    const char *wanted;
    bool found;
};

static bool find(char *line, void *context)
{
    struct search *search = context;
    search->found |= strstr(line, search->wanted) != NULL;
    return !search->found;
}

static bool has_library(pid_t process, const char *wanted)
{
    char path[48];
    struct search search = {wanted, false};
    snprintf(path, sizeof path, "/proc/%d/maps", (int)process);
    if (wanted)
        read_each_line(path, find, &search);
    return search.found;
}

/* The children of its first thread are most programs' all. */
static void add_tree(struct sums *sums, struct looks *looks, pid_t process, int depth)
{
    char path[64], text[TEXT_BYTES];
    add(sums, process);
    looks->library |= has_library(process, looks->wanted);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)process);
    if (depth == DEPTH_MAX || read_text(path, text, sizeof text) < 0)
        return;
    char *at = text;
    for (long child; sums->processes < PROCESSES_MAX && (child = strtol(at, &at, 10)) > 0;)
        add_tree(sums, looks, (pid_t)child, depth + 1);
}

static void most(uint64_t *so_far, uint64_t value)
{
    *so_far = value > *so_far ? value : *so_far;
}

static void look(pid_t process, void *context)
{
    struct looks *looks = context;
    struct sums sums = {.processes = 0};
    add_tree(&sums, looks, process, 0);
    looks->count += sums.processes > 0;
    most(&looks->bytes, sums.smaps.resident_bytes);
    most(&looks->large_bytes, sums.smaps.huge_bytes);
    most(&looks->text_bytes, sums.smaps.text_bytes);
    most(&looks->hugetlb_bytes, sums.smaps.hugetlb_bytes);
    most(&looks->locked_bytes, sums.smaps.locked_bytes);
}

struct watcher looks_watcher(struct looks *looks)
{
    return (struct watcher){look, looks};
}
