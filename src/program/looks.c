#include "program/looks.h"

#include "host/numa_maps.h"
#include "host/read_text.h"
#include "host/smaps.h"
#include "host/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESSES_MAX = 32, DEPTH_MAX = 8, TEXT_BYTES = 4096 };

struct sums {
    struct smaps smaps;
    uint64_t node_bytes[LOOKS_NODES_MAX], placed_bytes;
    unsigned processes, threads;
};

static void most(uint64_t *so_far, uint64_t value)
{
    *so_far = value > *so_far ? value : *so_far;
}

static void most_of(unsigned *so_far, unsigned value)
{
    *so_far = value > *so_far ? value : *so_far;
}

/* ---- one process ---- */

static void add_memory(struct sums *sums, pid_t process)
{
    struct smaps one;
    struct numa_maps placed;
    if (smaps_of(process, &one))
        return;
    sums->smaps.resident_bytes += one.resident_bytes;
    sums->smaps.huge_bytes += one.huge_bytes;
    sums->smaps.text_bytes += one.text_bytes;
    sums->smaps.hugetlb_bytes += one.hugetlb_bytes;
    sums->smaps.locked_bytes += one.locked_bytes;
    sums->processes++;
    if (numa_maps_of(process, &placed))
        return;
    for (size_t node = 0; node < LOOKS_NODES_MAX; node++)
        sums->node_bytes[node] += placed.node_bytes[node];
    sums->placed_bytes += placed.resident_bytes;
}

/* Where the stack of a process on x86-64 ends that asked for no randomization: the last page below 2^47 stays
 * free. Linux arch/x86/include/asm/processor.h, STACK_TOP. */
static const uint64_t fixed_stack_end = (UINT64_C(1) << 47) - 4096;

/* malloc/arena.c of glibc: HEAP_MAX_SIZE, to which the heaps of further arenas are aligned. */
static const uint64_t arena_bytes = 64 << 20;

struct maps {
    struct looks *looks;
    unsigned arenas;
};

/* "<hex start>-<hex end> rw-p <offset> <device> <inode>   [path]" */
static bool take_mapping(char *line, void *context)
{
    struct maps *maps = context;
    char *at;
    uint64_t start = strtoull(line, &at, 16), end = *at == '-' ? strtoull(at + 1, &at, 16) : 0;
    maps->looks->library |= maps->looks->wanted && strstr(line, maps->looks->wanted);
    maps->looks->fixed |= end == fixed_stack_end && strstr(at, "[stack]");
    maps->arenas +=
        end && start % arena_bytes == 0 && !strncmp(at, " rw-p 00000000 00:00 0", 22) && !strpbrk(at, "/[");
    return true;
}

static bool take_threads(char *line, void *context)
{
    uint64_t threads;
    if (!text_value_number(line, "Threads", ':', &threads))
        return true;
    *(unsigned *)context += (unsigned)threads;
    return false;
}

static void add(struct sums *sums, struct looks *looks, pid_t process)
{
    char path[48];
    cpu_set_t cpus;
    struct maps maps = {.looks = looks};
    add_memory(sums, process);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)process);
    read_each_line(path, take_mapping, &maps);
    most_of(&looks->arenas, maps.arenas);
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    read_each_line(path, take_threads, &sums->threads);
    if (sched_getaffinity(process, sizeof cpus, &cpus) == 0)
        most_of(&looks->cpus, (unsigned)CPU_COUNT(&cpus));
}

/* The children of its first thread are most programs' all. */
static void add_tree(struct sums *sums, struct looks *looks, pid_t process, int depth)
{
    char path[64], text[TEXT_BYTES];
    add(sums, looks, process);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)process, (int)process);
    if (depth == DEPTH_MAX || read_text(path, text, sizeof text) < 0)
        return;
    char *at = text;
    for (long child; sums->processes < PROCESSES_MAX && (child = strtol(at, &at, 10)) > 0;)
        add_tree(sums, looks, (pid_t)child, depth + 1);
}

/* ---- all of them ---- */

static uint64_t placed_bytes(const struct looks *looks)
{
    uint64_t sum = 0;
    for (size_t node = 0; node < LOOKS_NODES_MAX; node++)
        sum += looks->node_bytes[node];
    return sum;
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
    most_of(&looks->threads, sums.threads);
    if (sums.placed_bytes > placed_bytes(looks))
        memcpy(looks->node_bytes, sums.node_bytes, sizeof looks->node_bytes);
}

struct watcher looks_watcher(struct looks *looks)
{
    return (struct watcher){look, looks};
}
