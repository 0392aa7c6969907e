/* What a monitor that maps pages into processes (paravirt, shadow) pays where a guest has more scattered
 * pages than a process may have mappings: those that were touched longest ago go, and come again by a hidden
 * fault. */
#include "event/internal.h"
#include "event/linked.h"

#include "base/size.h"
#include "domain/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Pages are touched by whole tables, one after the other, so that a run is many times what is filled at once.
 * They are behind so many frames, each again and again, in descending order: no two make one mapping. */
enum { STEP = 512, FRAMES = 512, WITHIN = 16 * STEP, LIMIT_MOST = 1 << 17 };
#define WINDOW GVA(0x200000000000)

struct scattered {
    uint64_t pages, at;
    bool beyond;
};

static int read_limit(uint64_t *limit, struct error *error)
{
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
    bool read = file && fscanf(file, "%" SCNu64, limit) == 1;
    if (file)
        fclose(file);
    if (!read)
        return error_set(error, ENOTSUP, "this host hides how many mappings a process may have");
    return *limit <= LIMIT_MOST ? 0
                                : error_set(error, ENOTSUP,
                                      "this host lets a process have %" PRIu64
                                      " mappings (vm.max_map_count): to go beyond them takes too long",
                                      *limit);
}

static int map_all(struct event_bench *bench, uint64_t pages, struct error *error)
{
    struct domain *domain = bench->prepared.domain;
    const gpa_t data = domain_data_region(domain)->start;
    int rc = 0;
    domain_tables(domain)->preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY; /* or each would fault by itself */
    for (uint64_t i = 0; rc == 0 && i < pages; i++) {
        const uint64_t frame = FRAMES - 1 - i % FRAMES;
        rc = i % STEP == 0 && stop_asked(bench->place->stop)
                 ? error_set(error, EINTR, "stopped while pages were mapped")
                 : domain_map(domain, GVA(WINDOW.value + i * 4 * KIB), GPA(data.value + frame * 4 * KIB),
                       4 * KIB, 4 * KIB, PAGE_READ | PAGE_WRITE | PAGE_USER, error);
    }
    return rc;
}

static int touch(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct scattered *scattered = bench->own;
    struct workload_job *job = bench->place->image->job;
    if (scattered->at + count > scattered->pages)
        scattered->at = 0;
    job->first = WINDOW.value + scattered->at * 4 * KIB;
    job->stride = 4 * KIB;
    scattered->at += count;
    return event_call(bench, "event-touch", count, run, error);
}

static int open_scattered(struct event_bench *bench, bool beyond, struct error *error)
{
    uint64_t limit = 0;
    struct event_run run;
    struct scattered *scattered = calloc(1, sizeof *scattered);
    if (!(bench->own = scattered))
        return error_set(error, ENOMEM, "no memory for an event");
    if (!bench->prepared.runner->config.ops->monitor->elsewhere)
        return error_set(error, ENOTSUP,
            "KVM maps into page tables of its own: how many mappings a process may have does not matter");
    int rc = beyond ? read_limit(&limit, error) : 0;
    scattered->beyond = beyond;
    scattered->pages = beyond ? (limit + limit / 4) / STEP * STEP : WITHIN;
    if (rc == 0)
        rc = map_all(bench, scattered->pages, error);
    for (uint64_t done = 0; rc == 0 && done < scattered->pages; done += STEP)
        rc = touch(bench, STEP, &run, error);
    return rc;
}

static int open_within(struct event_bench *bench, struct error *error)
{
    return open_scattered(bench, false, error);
}

static int open_beyond(struct event_bench *bench, struct error *error)
{
    return open_scattered(bench, true, error);
}

static void close_scattered(struct event_bench *bench)
{
    free(bench->own);
}

/* Within, all are there; beyond, what is filled at once is missing each time, and perhaps a page of code or
 * the like. */
static int run_scattered(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    enum { OTHERS_MOST = 8 };
    const struct scattered *scattered = bench->own;
    uint64_t before = 0, after = 0;
    count = (count + STEP - 1) / STEP * STEP;
    const uint64_t least = scattered->beyond ? count / linked_fill(bench) : 0;
    const uint64_t most = scattered->beyond ? least + OTHERS_MOST : 0;
    const struct counters first = local_counters(bench->prepared.domain);
    int rc = touch(bench, count, run, error);
    const struct counters last = local_counters(bench->prepared.domain);
    if (rc < 0)
        return rc;
    if (!counters_get(&first, "page_faults_fixed", &before) ||
        !counters_get(&last, "page_faults_fixed", &after))
        return error_set(error, EPROTO, "its monitor did not count the faults that it answers");
    if (after - before >= least && after - before <= most)
        return 0;
    return error_set(error, EPROTO,
        "its count does not hold: %" PRIu64 " pages were %" PRIu64 " hidden faults, and must be %" PRIu64
        " to %" PRIu64,
        count, after - before, least, most);
}

#define WAY(which)                                                                                           \
    .guest = {.open = open_##which,                                                                          \
        .run = run_scattered,                                                                                \
        .close = close_scattered,                                                                            \
        .data_bytes = FRAMES * 4 * KIB,                                                                      \
        .spare_tables = LIMIT_MOST * 5 / 4 / STEP + 8,                                                       \
        .most = 4 * STEP}
#define NOT_NATIVE                                                                                           \
    .native = {.impossible = "a process cannot have more mappings than it may: see munmap-page"}

static const struct event rows[] = {
    {
        .name = "scattered-within",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "touching one of 8192 scattered pages, each a mapping of its own, all of which are there",
        .article = "Shadow page tables are a cache of the guest's, and a process's mappings can be one, too.",
        .source = "doc/shadow.md",
        .steps = "Where a guest's pages lie in descending order Linux joins no two to one mapping. They have "
                 "been touched: no fault.",
        .advice = "This is what scattered-beyond starts from.",
        NOT_NATIVE,
        WAY(within),
    },
    {
        .name = "scattered-beyond",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "the same with a quarter more of them than a process may have mappings "
                   "(vm.max_map_count)",
        .article = "Shadow page tables are a cache of the guest's, and a process's mappings can be one, too.",
        .source = "doc/shadow.md",
        .steps = "At the limit the monitor unmaps what was touched longest ago. Pages are touched in order, "
                 "so that each has gone when it is touched again: a hidden fault fills it and those around "
                 "it.",
        .advice = "Frames in runs (large pages), or a larger vm.max_map_count.",
        .against = "scattered-within",
        NOT_NATIVE,
        WAY(beyond),
    },
};

const struct event_family events_scattered = EVENT_FAMILY(rows);
