/* From what was measured to findings. */
#include "experiment/inspect_internal.h"

#include "base/size.h"
#include "experiment/internal.h"
#include "inspect/told.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct finding inspect_measured(const char *name, const char *title, enum finding_section section,
    enum unit unit, struct estimate figure, const char *reason)
{
    struct finding finding = {
        .section = section,
        .title = title,
        .source = FINDING_MEASURED,
        .unit = unit,
        .value = isfinite(figure.median) ? fact_known("%s", "") : fact_unknown("%.159s", reason),
        .number = figure.median,
        .low = figure.low,
        .high = figure.high,
    };
    snprintf(finding.name, sizeof finding.name, "%s", name);
    return finding;
}

struct finding inspect_from_cell(const char *name, const char *title, enum finding_section section,
    const struct result_cell *cell, const char *missing)
{
    char why[WHY_BYTES];
    if (cell && !cells_unfit(cell, cell, why))
        return inspect_measured(
            name, title, section, UNIT_NS, (struct estimate){cell->median, cell->low, cell->high}, "");
    if (cell)
        missing = cell_measured(cell) ? why : cell_reason(cell);
    return inspect_measured(name, title, section, UNIT_NS, inspect_figure(NAN), missing);
}

/* ---- prices ---- */

/* An event's price as a finding. */
static const struct price_row {
    const char *event, *name, *key, *title;
    enum finding_section section;
    bool cheap;
} price_rows[] = {
    {"first-touch-4k", "first-touch", "4K recycled", "first touch", FINDING_MEMORY, true},
    {"first-touch-4k-fresh", "first-touch", "4K fresh", "first touch", FINDING_MEMORY, true},
    {"first-touch-2m", "first-touch", "2M recycled", "first touch", FINDING_MEMORY, true},
    {"first-touch-2m-fresh", "first-touch", "2M fresh", "first touch", FINDING_MEMORY, true},
    {"populate-write", "prefault", "", "prefaulting a page", FINDING_MEMORY, false},
    {"fork-exit", "fork-exit", "", "fork and exit", FINDING_MEMORY, false},
    {"rdtsc", "rdtsc", "", "RDTSC", FINDING_CLOCK, true},
    {"clock-vdso", "clock-vdso", "", "clock_gettime(), vDSO", FINDING_CLOCK, true},
    {"clock-syscall", "clock-syscall", "", "clock_gettime(), system call", FINDING_CLOCK, true},
    {"cpuid", "cpuid", "", "CPUID", FINDING_BELOW, true},
};

static struct finding price_finding(
    const struct inspection *inspection, const struct price_row *row, const struct result_cell *cell)
{
    const char *missing = inspection->no_prices[0] ? inspection->no_prices : "it was not measured";
    struct finding finding = inspect_from_cell(row->name, row->title, row->section, cell, missing);
    snprintf(finding.key, sizeof finding.key, "%s", row->key);
    snprintf(finding.how, sizeof finding.how, "the event %s of vcost events, natively", row->event);
    if (cell && cell->quality == QUALITY_NOISY)
        snprintf(finding.sure, sizeof finding.sure, "noisy: %s", cell->reason);
    return finding;
}

static int add_prices(struct inspection *inspection, struct error *error)
{
    struct result *result = inspection->result;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof price_rows / sizeof price_rows[0]; i++) {
        if (inspection->experiment->depth == INSPECT_CHEAP && !price_rows[i].cheap)
            continue;
        struct finding finding =
            price_finding(inspection, &price_rows[i], inspect_event_cell(result, price_rows[i].event));
        rc = findings_add(&result->findings, &finding, error);
    }
    return rc;
}

/* ---- what a miss costs ---- */

/* At 8192 lines, one a page, all but the largest TLBs miss nearly always. */
static const uint64_t walk_bytes = 8192 * (4 * KIB);

static int add_walk(struct inspection *inspection, uint64_t page_bytes, const char *key, struct error *error)
{
    struct result *result = inspection->result;
    const struct result_cell *with = inspect_chase_cell(result, CHASE_LINE_PER_PAGE, walk_bytes, page_bytes);
    const struct result_cell *without = inspect_chase_cell(result, CHASE_SCATTERED, walk_bytes, 2 * MIB);
    struct estimate cost;
    char why[WHY_BYTES] = "it was not measured together without being disturbed";
    if (!with || !without)
        return 0;
    if (figures_difference(with, without, &cost))
        return error_set(error, ENOMEM, "no memory for the cost of a TLB miss");
    (void)cells_unfit(with, without, why);
    struct finding finding = inspect_measured("walk-cost", "TLB miss", FINDING_CACHES, UNIT_NS, cost, why);
    snprintf(finding.key, sizeof finding.key, "%s", key);
    snprintf(finding.how, sizeof finding.how,
        "an access to one of 8192 lines, one in each 4 KiB, against as many lines in a sixteenth of the "
        "memory");
    return findings_add(&result->findings, &finding, error);
}

static int add_walks(struct inspection *inspection, struct error *error)
{
    int rc = add_walk(inspection, 4 * KIB, "4K", error);
    return rc < 0 ? rc : add_walk(inspection, 2 * MIB, "2M", error);
}

/* The largest of the caches' curve; NULL: it was not measured. */
static const struct result_cell *largest_random(const struct result *result)
{
    const struct result_cell *largest = NULL;
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (cell_is_order(cell, CHASE_RANDOM) && cell_measured(cell) &&
            (!largest || workload_size(&cell->cell.workload) > workload_size(&largest->cell.workload)))
            largest = cell;
    }
    return largest;
}

static int add_latency(struct inspection *inspection, struct error *error)
{
    const struct result_cell *cell = largest_random(inspection->result);
    if (!cell)
        return 0;
    struct finding finding =
        inspect_from_cell("memory-latency", "a random access to memory", FINDING_MEMORY, cell, "");
    snprintf(finding.how, sizeof finding.how, "a pointer chase over %.0f MiB behind pages of 2 MiB",
        (double)workload_size(&cell->cell.workload) / (double)MIB);
    return findings_add(&inspection->result->findings, &finding, error);
}

/* ---- what was not measured ---- */

static const char *reason_for(const struct inspection *inspection, const char *told, double planned_seconds)
{
    return told[0]                                          ? told
           : planned_seconds > 0                            ? "it was not measured"
           : inspection->short_of_time                      ? "left out: --time leaves no room for it"
           : inspection->experiment->depth == INSPECT_QUICK ? "left out by --quick"
                                                            : NULL;
}

/* A finding in the place of each one that should be there: nothing is left out in silence. */
static int add_missing(struct inspection *inspection, struct error *error)
{
    struct findings *findings = &inspection->result->findings;
    const struct inspect_plan *plan = inspection->plan;
    const char *curves = reason_for(inspection, inspection->no_curves, plan->curve_seconds);
    const char *caches = reason_for(inspection, inspection->no_caches, plan->cache_seconds);
    const struct {
        const char *name, *title, *reason;
        enum finding_section section;
        enum unit unit;
    } rows[] = {
        {"tlb-reach", "TLB reach", curves, FINDING_CACHES, UNIT_COUNT},
        {"cache-reach", "cache reach", caches, FINDING_CACHES, UNIT_BYTES},
        {"memory-latency", "a random access to memory", caches, FINDING_MEMORY, UNIT_NS},
        {"large-tlb", "TLB reach (2M)", inspection->no_large_tlb[0] ? inspection->no_large_tlb : NULL,
            FINDING_CACHES, UNIT_COUNT},
        {"hidden-numa", "NUMA that is not told",
            reason_for(inspection, inspection->no_regions, plan->region_seconds), FINDING_BELOW, UNIT_YES_NO},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].reason || findings_find(findings, rows[i].name, NULL))
            continue;
        struct finding finding = inspect_measured(
            rows[i].name, rows[i].title, rows[i].section, rows[i].unit, inspect_figure(NAN), rows[i].reason);
        rc = findings_add(findings, &finding, error);
    }
    return rc;
}

/* ---- what changed meanwhile ---- */

static int add_changes(struct inspection *inspection, struct error *error)
{
    const struct result *result = inspection->result;
    struct finding finding = {
        .name = "machine-changed",
        .section = FINDING_BELOW,
        .title = "the machine changed meanwhile",
        .source = FINDING_JUDGED,
        .unit = UNIT_YES_NO,
        .number = result->change_count > 0,
        .low = NAN,
        .high = NAN,
        .value = fact_known("%s", ""),
        .how =
            "CPU, clock, settings and limits, and the counter against the clock, looked at again before and "
            "after",
        .detail = result->change_count == 0,
    };
    for (size_t i = result->change_count; i-- > 0;) /* the first one tells most */
        finding.value = fact_known("%s was %.50s, is %.50s", result->changes[i].title, result->changes[i].was,
            result->changes[i].is);
    return findings_add(&inspection->result->findings, &finding, error);
}

/* ---- all of them ---- */

static int find_reaches(struct inspection *inspection, struct error *error)
{
    return inspect_find_reaches(inspection->result, error);
}

int inspect_conclude(struct inspection *inspection, struct error *error)
{
    static int (*const steps[])(struct inspection *, struct error *) = {find_reaches, add_walks, add_latency,
        add_prices, inspect_find_exits, inspect_find_gaps, inspect_find_regions, inspect_find_splinter,
        add_changes, add_missing, inspect_find_remedies};
    struct result *result = inspection->result;
    int rc = inspection->experiment->depth == INSPECT_CHEAP
                 ? 0
                 : inspect_told(
                       &result->host, &inspection->experiment->setting->facts[0], &result->findings, error);
    for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++)
        rc = steps[i](inspection, error);
    return rc;
}
