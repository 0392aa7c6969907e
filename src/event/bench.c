/* An event that is open on a runner. */
#include "event/internal.h"
#include "event/linked.h"

#include "base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

const struct event_way *event_way(const struct event *event, const struct runner_ops *runner)
{
    return runner->monitor ? &event->guest : &event->native;
}

/* ---- opening ---- */

static int map_data(struct event_bench *bench, struct error *error)
{
    const struct event_way *way = bench->way;
    const struct monitor_ops *monitor = bench->prepared.runner->config.ops->monitor;
    struct memory_request request = {
        .bytes = way->data_bytes == EVENT_SIZE ? bench->bytes : way->data_bytes,
        .page_bytes = way->data_page_bytes ? way->data_page_bytes : 4 * KIB,
        .shared = monitor && monitor->elsewhere,
    };
    if (!way->data_bytes)
        return 0;
    int rc = memory_map_request(&bench->data, &request, error);
    return rc < 0 ? rc : memory_populate(&bench->data, true, NULL, NULL, error);
}

static int make_domain(struct event_bench *bench, struct error *error)
{
    const struct runner_config *runner = &bench->prepared.runner->config;
    struct domain_config config = {
        .monitor = runner->ops->monitor,
        .sync_write = runner->sync_write,
        .fill = linked_fill(bench),
        .image = bench->place->image,
        .data = bench->data.base ? &bench->data : NULL,
        .data_page_bytes = bench->data.page_bytes,
        .stop = bench->place->stop,
        .irqchip = bench->way->irqchip,
        .data_is_code = bench->way->code,
        .spare_tables = bench->way->spare_tables,
        .answer = bench->way->handling ? lab_answers : NULL,
    };
    if (!config.monitor || bench->way->linked)
        return 0;
    int rc = domain_create(&config, &bench->prepared.domain, error);
    return rc == 0 && bench->way->handling
               ? lab_open(bench->prepared.domain, bench->way->tables, &bench->lab, error)
               : rc;
}

/* A guest's kernel is emulated where SYSCALL and its like never leave CPL 3: every instruction of it. */
static void note_kernel(struct event_bench *bench)
{
    const struct monitor_facts *facts = bench->prepared.runner->config.facts;
    bool runs_kernel = bench->way->kernel || bench->way->irqchip || bench->way->linked;
    if (bench->prepared.runner->config.ops->monitor && runs_kernel && facts->provider.known &&
        !strcmp(facts->provider.text, "kvm_pvm"))
        snprintf(bench->prepared.runner->note, sizeof bench->prepared.runner->note,
            "%.40s emulates a guest's kernel, about a microsecond an instruction", facts->provider.text);
}

static int make_ready(struct event_bench *bench, struct error *error)
{
    int rc = map_data(bench, error);
    if (rc < 0 || (rc = make_domain(bench, error)) < 0)
        return rc;
    note_kernel(bench);
    return bench->way->open ? bench->way->open(bench, error) : 0;
}

/* Whether the runner's monitor can have it. */
static int check_way(const struct event_way *way, const struct runner *runner, struct error *error)
{
    const struct monitor_ops *monitor = runner->config.ops->monitor;
    if (way->impossible)
        return error_set(error, ENOTSUP, "%s", way->impossible);
    if (monitor && monitor->elsewhere && way->elsewhere)
        return error_set(error, ENOTSUP, "%s", way->elsewhere);
    if (monitor && way->tables && runner->config.technique == TECHNIQUE_DIRECT)
        return error_set(error, ENOTSUP,
            "a guest of %s asks its monitor to change translations, and the kernel of this row changes them "
            "by itself: see the rows kernel-...",
            monitor->name);
    return 0;
}

int event_open(const struct event *event, uint64_t bytes, struct runner *runner, struct event_bench **out,
    struct error *error)
{
    const struct event_way *way = event_way(event, runner->config.ops);
    int rc = check_way(way, runner, error);
    if (rc < 0)
        return rc;
    struct event_bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return error_set(error, ENOMEM, "no memory for an event");
    *bench = (struct event_bench){
        .prepared = {.runner = runner, .waits = way->waits},
        .event = event,
        .way = way,
        .place = &runner->config.placement->config,
        .bytes = bytes,
    };
    if (way->linked)
        bench->prepared.passing = &bench->passed;
    bench->prepared.partly = way->linked;
    if (way->linked && runner->config.ops->monitor->elsewhere)
        counters_set(&bench->passed, "guest_ns", 0);
    runner->note[0] = '\0';
    rc = make_ready(bench, error);
    if (rc < 0)
        event_close(bench);
    else
        *out = bench;
    return rc;
}

void event_close(struct event_bench *bench)
{
    if (!bench)
        return;
    if (bench->way->close)
        bench->way->close(bench);
    lab_close(bench->lab);
    domain_destroy(bench->prepared.domain);
    memory_unmap(&bench->data);
    free(bench);
}

/* ---- running ---- */

int event_call(
    struct event_bench *bench, const char *name, uint64_t count, struct event_run *run, struct error *error)
{
    struct workload_job *job = bench->place->image->job;
    workload_function *entry;
    int rc = image_find(bench->place->image, name, &entry, error);
    job->steps = count;
    job->ticks = 0;
    if (rc < 0 || (rc = local_call(&bench->prepared, bench->way->kernel, entry, error)) < 0)
        return rc;
    if (job->ticks == 0)
        return error_set(error, EPROTO, "'%s' took no time by the time-stamp counter", name);
    *run = (struct event_run){.count = count, .ticks = job->ticks};
    return 0;
}

static int make_each(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    int rc = 0;
    uint64_t start = clock_ticks();
    for (uint64_t i = 0; rc == 0 && i < count; i++)
        rc = bench->way->make(bench, error);
    *run = (struct event_run){.count = count, .ticks = clock_ticks() - start};
    return rc;
}

int event_run(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    const struct event_way *way = bench->way;
    if (stop_asked(bench->place->stop))
        return error_set(error, EINTR, "stopped between two samples");
    if (way->most && count > way->most)
        count = way->most;
    if (way->aim)
        way->aim(bench, bench->place->image->job);
    if (way->run)
        return way->run(bench, count, run, error);
    return way->make ? make_each(bench, count, run, error) : event_call(bench, way->entry, count, run, error);
}

uint64_t event_minor_faults(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_THREAD, &usage);
    return (uint64_t)usage.ru_minflt;
}

int event_check_faults(uint64_t before, uint64_t pages, struct error *error)
{
    enum { OWN_FAULTS_MAX = 8 };
    uint64_t faults = event_minor_faults() - before;
    if (faults >= pages && faults <= pages + OWN_FAULTS_MAX)
        return 0;
    return error_set(error, EPROTO,
        "%" PRIu64 " pages took the kernel %" PRIu64
        " page faults: these are not the pages that were asked for",
        pages, faults);
}

/* ---- dropping ---- */

static volatile uint64_t *mark_of(const struct memory *memory, uint64_t page)
{
    return (volatile uint64_t *)((char *)memory->base + page * memory->page_bytes + memory->page_bytes / 2);
}

int event_drop_pages(const struct memory *memory, uint64_t count, struct error *error)
{
    for (uint64_t i = 0; i < count; i++)
        *mark_of(memory, i) = UINT64_MAX;
    int advice = memory->shared ? MADV_REMOVE : MADV_DONTNEED;
    if (madvise(memory->base, count * memory->page_bytes, advice) == 0)
        return 0;
    return error_errno(error, errno, "cannot give pages back");
}

int event_check_dropped(const struct memory *memory, uint64_t count, struct error *error)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < count; i++)
        kept += *mark_of(memory, i) != 0;
    if (!kept)
        return 0;
    return error_set(error, EPROTO,
        "the kernel says that it took %" PRIu64 " pages back, and left %" PRIu64
        " in place: touching them was no fault",
        count, kept);
}
