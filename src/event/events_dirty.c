/* Writing while the monitor records which pages are written: what a migration costs while it runs. */
#include "event/internal.h"

#include "base/size.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGES = 512 };
#define DATA_BYTES (PAGES * 4 * KIB)

static int write_pages(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    struct workload_job *job = bench->place->image->job;
    job->first = (uintptr_t)bench->data.base;
    job->stride = 4 * KIB;
    return event_call(bench, "event-touch", count, run, error);
}

/* ---- the monitor's log ---- */

static int log_dirty(struct event_bench *bench, bool on, struct error *error)
{
    const struct guest_region *data = domain_data_region(bench->prepared.domain);
    struct domain_machine machine = domain_machine(bench->prepared.domain);
    return machine.ops->region(
        machine.vm, data->slot, data->start, &data->backing, on ? REGION_LOG_DIRTY : 0, error);
}

static int open_log(struct event_bench *bench, struct error *error)
{
    return log_dirty(bench, true, error);
}

/* Fetches and forgets what was recorded; *pages is their number. */
static int fetch_dirty(struct event_bench *bench, uint64_t *pages, struct error *error)
{
    enum { PAGES_PER_WORD = 64 };
    struct domain_machine machine = domain_machine(bench->prepared.domain);
    size_t words = (bench->data.bytes / (4 * KIB) + PAGES_PER_WORD - 1) / PAGES_PER_WORD;
    uint64_t *bitmap = calloc(words, sizeof *bitmap);
    if (!bitmap)
        return error_set(error, ENOMEM, "no memory for a map of the pages that were written");
    int rc = machine.ops->dirty(machine.vm, domain_data_region(bench->prepared.domain)->slot, bitmap, error);
    *pages = 0;
    for (size_t i = 0; rc == 0 && i < words; i++)
        *pages += (uint64_t)__builtin_popcountll(bitmap[i]);
    free(bitmap);
    return rc;
}

/* Every page that was written must have been recorded, or this was no logging. */
static int write_logged(struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    uint64_t recorded;
    int rc = fetch_dirty(bench, &recorded, error);
    if (rc == 0)
        rc = write_pages(bench, count, run, error);
    if (rc == 0)
        rc = fetch_dirty(bench, &recorded, error);
    if (rc == 0 && recorded != count)
        rc = error_set(error, EPROTO, "%llu pages were written and %llu recorded", (unsigned long long)count,
            (unsigned long long)recorded);
    return rc;
}

/* ---- large pages, which logging splits ---- */

/* Logging is off first, and the memory behind a large page in KVM's tables: then it begins anew. */
static int map_large(struct event_bench *bench, struct error *error)
{
    struct counters now;
    uint64_t large = 0;
    struct event_run ignored;
    int rc = log_dirty(bench, false, error);
    if (rc < 0 || (rc = write_pages(bench, PAGES, &ignored, error)) < 0)
        return rc;
    domain_counters(bench->prepared.domain, &now);
    if (counters_get(&now, "pages_2m", &large) && large == 0)
        return error_set(error, EPROTO, "KVM does not map the host's 2 MiB page as a large one");
    return log_dirty(bench, true, error);
}

static int write_newly_logged(
    struct event_bench *bench, uint64_t count, struct event_run *run, struct error *error)
{
    int rc = map_large(bench, error);
    return rc < 0 ? rc : write_logged(bench, count, run, error);
}

static int check_large(struct event_bench *bench, struct error *error)
{
    return memory_check_obtained(&bench->data, 0, bench->data.bytes, error);
}

#define ARTICLE                                                                                              \
    "Domain migration: while a guest is copied to another machine the monitor must learn what it still "     \
    "writes."
#define SOURCE                                                                                               \
    "Linux Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG; Clark et al., \"Live Migration of Virtual "    \
    "Machines\" (NSDI 2005)"

static const struct event rows[] = {
    {
        .name = "write-page",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "writing one byte of a 4 KiB page that is there",
        .article = ARTICLE,
        .source = SOURCE,
        .steps = "One byte in each of up to 512 pages is written, which the guest, the host and KVM all "
                 "have. In a guest "
                 "each time after an entry, with what that costs its TLB.",
        .advice = "This is what dirty-log is held against.",
        .native = {.run = write_pages, .data_bytes = DATA_BYTES, .most = PAGES},
        .guest = {.run = write_pages, .data_bytes = DATA_BYTES, .most = PAGES},
    },
    {
        .name = "dirty-log",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "the same for the first time since the monitor fetched its dirty log",
        .article = ARTICLE,
        .source = SOURCE,
        .steps =
            "KVM has write-protected all pages; the first write to each leaves the guest (or, with hardware "
            "that logs, "
            "fills a buffer), is recorded, and the page becomes writable until the log is fetched again.",
        .advice = "Migrate while the guest writes little; 4 KiB mappings stay until logging ends, so large "
                  "pages are lost "
                  "for that time.",
        .against = "write-page",
        .native = {.impossible = "nobody records what a process writes"},
        .guest = {.run = write_logged, .open = open_log, .data_bytes = DATA_BYTES, .most = PAGES},
    },
    {
        .name = "dirty-log-2m",
        .group = EVENT_MEMORY,
        .unit = "page",
        .summary = "the first writes after logging began, to what was one 2 MiB page",
        .article = ARTICLE " Large pages have to be split for it.",
        .source = SOURCE,
        .steps = "The memory is a large page in the guest, in the host and in KVM's tables, which is "
                 "checked. Logging begins, which is not timed; KVM splits the page then or at the first "
                 "write. Then each 4 KiB of it is written once.",
        .advice = "Expect a guest with large pages to be slower from the start of its migration until its "
                  "pages have been joined again.",
        .against = "write-page",
        .native = {.impossible = "nobody records what a process writes"},
        .guest = {.run = write_newly_logged,
            .open = check_large,
            .data_bytes = DATA_BYTES,
            .data_page_bytes = 2 * MIB,
            .most = PAGES,
            .waits = true}, /* when logging is switched */
    },
};

const struct event_family events_dirty = EVENT_FAMILY(rows);
