/* Two domains on one CPU: what each loses of its TLB entries to the other. */
#include "event/laps.h"

#include "base/size.h"

#include <errno.h>
#include <stdlib.h>

/* The second domain, with a list like the first one's in memory of its own. */
struct neighbour {
    struct chase_layout layout; /* of both lists */
    struct memory data;
    struct domain *domain;
    workload_function *lap;
};

static int make_neighbour(struct event_bench *bench, struct neighbour *neighbour, struct error *error)
{
    const struct runner_config *runner = &bench->prepared.runner->config;
    struct domain_config config = {
        .monitor = runner->ops->monitor,
        .sync_write = runner->sync_write,
        .fill = runner->fill,
        .image = bench->place->image,
        .data = &neighbour->data,
        .data_page_bytes = 4 * KIB,
        .stop = bench->place->stop,
    };
    const struct memory_request request = {
        .bytes = bench->data.bytes, .page_bytes = 4 * KIB, .shared = bench->data.shared};
    int rc = memory_map_request(&neighbour->data, &request, error);
    if (rc < 0 || (rc = memory_populate(&neighbour->data, true, NULL, NULL, error)) < 0)
        return rc;
    neighbour->layout = laps_write(bench, &neighbour->data, CHASE_LINE_PER_PAGE);
    laps_write(bench, &bench->data, CHASE_LINE_PER_PAGE);
    rc = image_find(bench->place->image, "event-lap", &neighbour->lap, error);
    return rc < 0 ? rc : domain_create(&config, &neighbour->domain, error);
}

static int open_neighbour(struct event_bench *bench, struct error *error)
{
    struct neighbour *neighbour = calloc(1, sizeof *neighbour);
    if (!neighbour)
        return error_set(error, ENOMEM, "no memory for a second domain");
    bench->own = neighbour;
    return make_neighbour(bench, neighbour, error);
}

static void close_neighbour(struct event_bench *bench)
{
    struct neighbour *neighbour = bench->own;
    if (!neighbour)
        return;
    domain_destroy(neighbour->domain);
    memory_unmap(&neighbour->data);
    free(neighbour);
}

static int lap_in(struct event_bench *bench, struct domain *domain, const struct memory *data,
    uint64_t *ticks, struct error *error)
{
    const struct neighbour *neighbour = bench->own;
    struct workload_job *job = bench->place->image->job;
    laps_load(job, data, &neighbour->layout);
    job->ticks = 0;
    int rc = domain_call(domain, neighbour->lap, error);
    if (rc == 0 && job->ticks == 0)
        rc = error_set(error, EPROTO, "a lap took no time by the time-stamp counter");
    *ticks += job->ticks;
    return rc;
}

/* Laps of the first domain; between two of them a lap of `other` is made, which is not counted. */
static int run_laps(struct event_bench *bench, struct domain *other, const struct memory *data,
    uint64_t count, struct event_run *run, struct error *error)
{
    uint64_t ticks = 0, ignored = 0;
    int rc = lap_in(bench, bench->prepared.domain, &bench->data, &ignored, error);
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        rc = lap_in(bench, other, data, &ignored, error);
        if (rc == 0)
            rc = lap_in(bench, bench->prepared.domain, &bench->data, &ticks, error);
    }
    *run = (struct event_run){.count = count, .ticks = ticks};
    return rc;
}

static int run_alone(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    return run_laps(bench, bench->prepared.domain, &bench->data, count, run, error);
}

static int run_both(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct neighbour *neighbour = bench->own;
    return run_laps(bench, neighbour->domain, &neighbour->data, count, run, error);
}

static const uint64_t sizes[] = {64 * KIB, 256 * KIB, MIB, 4 * MIB, 0}; /* 16 to 1024 pages */

#define WAY(function)                                                                                        \
    .run = function, .open = open_neighbour, .close = close_neighbour, .data_bytes = EVENT_SIZE
#define NO_DOMAINS                                                                                           \
    {                                                                                                        \
        .impossible = "there are no two domains without a monitor"                                           \
    }
#define ARTICLE                                                                                              \
    "Two domains on one CPU: with tagged TLBs (ASID, VPID) each keeps its entries while the other runs, "    \
    "without "                                                                                               \
    "tags each finds an empty TLB."

static const struct event rows[] = {
    {
        .name = "reenter-domain",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "touching one line a page in a domain that has run alone",
        .article = ARTICLE,
        .source = "SDM volume 3, 29.3 (VPID); APM volume 2, 15.16 (ASID)",
        .steps = "A domain is entered, walks its list (one line in each 4 KiB page) once around and leaves, "
                 "again and "
                 "again; only the lap is timed.",
        .advice = "This is what switch-domains is held against.",
        .sizes = sizes,
        .native = NO_DOMAINS,
        .guest = {WAY(run_alone)},
    },
    {
        .name = "switch-domains",
        .group = EVENT_INDIRECT,
        .unit = "lap",
        .summary = "the same after another domain has run on the same CPU, over a set of its own",
        .article = ARTICLE,
        .source = "SDM volume 3, 29.3 (VPID); APM volume 2, 15.16 (ASID)",
        .steps = "Between two laps another domain, with as many pages of its own, is entered, makes a lap "
                 "and leaves. "
                 "What the lap of the first costs more is what it has lost: TLB entries, and cache lines "
                 "where both sets "
                 "do not fit.",
        .advice = "Bind domains to CPUs of their own; use large pages; see whether VPID or ASIDs are used "
                  "(vcost list "
                  "runners).",
        .sizes = sizes,
        .against = "reenter-domain",
        .native = NO_DOMAINS,
        .guest = {WAY(run_both)},
    },
};

const struct event_family events_switch = EVENT_FAMILY(rows);
