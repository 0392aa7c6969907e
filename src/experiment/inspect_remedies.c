/* What costs most here and what to change: only what was measured, with and without. */
#include "experiment/inspect_internal.h"

#include "base/size.h"
#include "experiment/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cell of this run: an event's, or a chase's over as many lines as `lines` says. */
struct what {
    const char *event; /* NULL: a chase */
    enum chase_order order;
    uint64_t page_bytes;
    const char *text;
};

/* At so many lines, one a page, the second level of the TLB misses on all but the largest. */
#define LINES "4096 lines"
static const uint64_t lines_bytes = 4096 * (4 * KIB);

/* ---- what is so already ---- */

static bool is_yes(const struct result *result, const char *finding)
{
    const struct finding *found = findings_find(&result->findings, finding, NULL);
    return found && finding_has_number(found) && found->number != 0;
}

static bool is_whole(const struct result *result)
{
    return !is_yes(result, "splintered");
}

static bool reads_clock_itself(const struct result *result)
{
    const struct fact *source = &result->host.clock.source;
    return !is_yes(result, "clock-slow") || (source->known && !strcmp(source->text, "tsc"));
}

static bool has_large_pages(const struct result *result)
{
    return result->host.thp.known && !strcmp(result->host.thp.text, "always");
}

/* ---- what can be changed ---- */

static const struct remedy_row {
    const char *name, *cost, *change;
    bool (*already)(const struct result *result); /* then it is none; NULL: nothing tells */
    struct what with, without;
} rows[] = {
    {"backing", "the host backs large pages of this machine with small ones",
        "ask for a machine whose memory is backed by large pages (hugetlbfs, or transparent huge pages in "
        "the "
        "host), and see by vcost inspect whether it is",
        is_whole,
        {NULL, CHASE_LINE_PER_PAGE, 2 * MIB,
            "an access to one of " LINES ", one in each 4 KiB, in pages of 2 MiB"},
        {NULL, CHASE_SCATTERED, 2 * MIB, "as many lines in a sixteenth of the memory, which the TLB holds"}},
    {"large-pages", "small pages miss the TLB where large ones do not, or walk further",
        "use large pages: madvise(MADV_HUGEPAGE) for large data, or GLIBC_TUNABLES=glibc.malloc.hugetlb=1",
        has_large_pages,
        {NULL, CHASE_LINE_PER_PAGE, 4 * KIB, "an access to one of " LINES ", one in each page of 4 KiB"},
        {NULL, CHASE_LINE_PER_PAGE, 2 * MIB, "the same in pages of 2 MiB"}},
    {"keep-large",
        "fresh large pages cost more than those that were in use a moment ago: the host takes free "
        "memory back, or the kernel has to make them",
        "keep memory instead of freeing it, touch it before it is needed, or ask for a machine without free "
        "page "
        "reporting and ballooning",
        NULL, {"first-touch-2m-fresh", 0, 0, "the first touch of a fresh page of 2 MiB"},
        {"first-touch-2m", 0, 0, "of one that was freed a moment ago"}},
    {"keep-small", "fresh small pages cost more than those that were in use a moment ago",
        "keep memory instead of freeing it, or touch it before it is needed", NULL,
        {"first-touch-4k-fresh", 0, 0, "the first touch of a fresh page of 4 KiB"},
        {"first-touch-4k", 0, 0, "of one that was freed a moment ago"}},
    {"prefault", "each first touch of a page is a fault of its own",
        "let the kernel prepare memory in one go: madvise(MADV_POPULATE_WRITE) or MAP_POPULATE", NULL,
        {"first-touch-4k", 0, 0, "the first touch of a page of 4 KiB"},
        {"populate-write", 0, 0, "the same page prepared by MADV_POPULATE_WRITE"}},
    {"clock", "reading the clock takes far longer than reading the time-stamp counter",
        "use a clock source that the vDSO can read (tsc), or read the time-stamp counter", reads_clock_itself,
        {"clock-vdso", 0, 0, "a call of clock_gettime()"},
        {"rdtsc", 0, 0, "a read of the time-stamp counter"}},
};

/* What is gained for certain must be so much of what is left, and so long: less is nothing to change a
 * machine or a program for. */
static const double share_least = 0.1, ns_least = 3;

static const struct result_cell *cell_of(const struct result *result, const struct what *what)
{
    return what->event ? inspect_event_cell(result, what->event)
                       : inspect_chase_cell(result, what->order, lines_bytes, what->page_bytes);
}

/* In the place of what might be a remedy: why it cannot be told. */
static int add_untold(
    struct result *result, const struct remedy_row *row, const char *why, struct error *error)
{
    struct finding finding = inspect_measured(
        "remedy-cost", "what a change would bring", FINDING_MEMORY, UNIT_NS, inspect_figure(NAN), why);
    snprintf(finding.key, sizeof finding.key, "%s", row->name);
    snprintf(finding.how, sizeof finding.how, "%.110s, against %.110s", row->with.text, row->without.text);
    return findings_add(&result->findings, &finding, error);
}

static int add_remedy(struct result *result, const struct remedy_row *row, const struct result_cell *with,
    const struct result_cell *without, const struct estimate *more, struct error *error)
{
    struct remedy remedy = {
        .with_ns = with->median,
        .without_ns = without->median,
        .more_ns = more->median,
        .low = more->low,
        .high = more->high,
    };
    snprintf(remedy.name, sizeof remedy.name, "%s", row->name);
    snprintf(remedy.cost, sizeof remedy.cost, "%s", row->cost);
    snprintf(remedy.change, sizeof remedy.change, "%s", row->change);
    snprintf(remedy.with_what, sizeof remedy.with_what, "%s", row->with.text);
    snprintf(remedy.without_what, sizeof remedy.without_what, "%s", row->without.text);
    return findings_add_remedy(&result->findings, &remedy, error);
}

/* What a control group's limit takes, of a second of computing. */
static int add_cpu_limit(struct inspection *inspection, struct error *error)
{
    static const double second = 1e9;
    const struct fact *limit = &inspection->result->host.cpus.limit;
    double left = inspection->gaps_known ? 1 - inspection->gaps.known.share : NAN;
    if (!inspection->throttled || !limit->known || !(left > 0 && left * (1 + share_least) < 1))
        return 0;
    struct remedy remedy = {
        .name = "cpu-limit",
        .change =
            "raise the limit (cpu.max or cpu.cfs_quota_us, Kubernetes' limits.cpu, docker's --cpus), to "
            "one CPU at least, or take it away",
        .with_what = "a second of computing",
        .without_what = "the same on a CPU that is not taken away",
        .with_ns = second / left,
        .without_ns = second,
        .more_ns = second / left - second,
        .low = NAN,
        .high = NAN,
    };
    snprintf(remedy.cost, sizeof remedy.cost,
        "the control group's limit of %g CPUs keeps this process off its CPU", strtod(limit->text, NULL));
    return findings_add_remedy(&inspection->result->findings, &remedy, error);
}

/* What was not measured at all is missing elsewhere, with its reason. */
static int add_row(struct result *result, const struct remedy_row *row, struct error *error)
{
    const struct result_cell *with = cell_of(result, &row->with), *without = cell_of(result, &row->without);
    struct estimate more;
    char why[WHY_BYTES];
    if (!cell_measured(with) || !cell_measured(without) || (row->already && row->already(result)))
        return 0;
    if (cells_unfit(with, without, why))
        return add_untold(result, row, why, error);
    if (figures_difference(with, without, &more))
        return error_set(error, ENOMEM, "no memory for what a remedy brings");
    bool relevant = more.low >= ns_least && more.low >= share_least * without->median;
    return relevant ? add_remedy(result, row, with, without, &more, error) : 0;
}

/* By how many times dearer: operations that differ in length cannot be held against each other otherwise.
 */
static int dearest_first(const void *a, const void *b)
{
    const struct remedy *left = a, *right = b;
    double difference = left->with_ns / left->without_ns - right->with_ns / right->without_ns;
    return (difference < 0) - (difference > 0);
}

int inspect_find_remedies(struct inspection *inspection, struct error *error)
{
    struct result *result = inspection->result;
    int rc = 0;
    if (inspection->experiment->depth == INSPECT_CHEAP)
        return 0;
    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++)
        rc = add_row(result, &rows[i], error);
    if (rc == 0)
        rc = add_cpu_limit(inspection, error);
    if (rc == 0 && result->findings.remedy_count)
        qsort(result->findings.remedies, result->findings.remedy_count, sizeof *result->findings.remedies,
            dearest_first);
    return rc;
}
