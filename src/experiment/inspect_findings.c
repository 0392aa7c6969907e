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
        .value = isfinite(figure.median) ? fact_known("%s", "") : fact_unknown("%.150s", reason),
        .number = figure.median,
        .low = figure.low,
        .high = figure.high,
    };
    snprintf(finding.name, sizeof finding.name, "%s", name);
    return finding;
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
    const struct estimate price =
        cell ? (struct estimate){cell->median, cell->low, cell->high} : inspect_figure(NAN);
    const char *reason = cell && cell->reason[0]    ? cell->reason
                         : inspection->no_prices[0] ? inspection->no_prices
                                                    : "it was not measured";
    struct finding finding = inspect_measured(row->name, row->title, row->section, UNIT_NS, price, reason);
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

/* ---- reaches ---- */

/* Lines one a page behind large pages tell of the host, not of a TLB of this machine's: splinter.h. */
static bool tells_of_tlb(const struct result_cell *cell)
{
    return cell_is_order(cell, CHASE_LINE_PER_LARGE_PAGE) ||
           (cell_is_order(cell, CHASE_LINE_PER_PAGE) && cell->cell.host_page_bytes == 4 * KIB);
}

static const char *page_name(const struct result_cell *cell)
{
    return cell_is_order(cell, CHASE_LINE_PER_LARGE_PAGE) || cell->cell.host_page_bytes == 2 * MIB ? "2M"
                                                                                                   : "4K";
}

static bool is_tlb(const struct result_reach *reach)
{
    return reach->kind == REACH_TLB;
}

static bool is_told_of(const struct result *result, const struct result_reach *reach)
{
    const struct result_cell *cell = &result->cells[reach->last];
    if (is_tlb(reach))
        return tells_of_tlb(cell);
    return reach->kind == REACH_CACHE && cell_is_order(cell, CHASE_RANDOM);
}

/* "L2 TLB 4K"; a level that CPUID's are not told of is called by its number among all steps. */
static void reach_key(
    const struct result *result, const struct result_reach *reach, char key[static FINDING_KEY_BYTES])
{
    const char *pages = is_tlb(reach) ? page_name(&result->cells[reach->last]) : "";
    if (reach->name[0])
        snprintf(key, FINDING_KEY_BYTES, "%s%s%s", reach->name, pages[0] ? " " : "", pages);
    else
        snprintf(key, FINDING_KEY_BYTES, "step %zu%s%s", (size_t)(reach - result->reaches) + 1,
            pages[0] ? " " : "", pages);
}

static struct finding reach_finding(const struct result *result, const struct result_reach *reach)
{
    const struct result_cell *cell = &result->cells[reach->last];
    bool tlb = is_tlb(reach);
    double least = (double)(tlb ? reach->from_entries : reach->from_bytes);
    double most = (double)(tlb ? reach->to_entries : reach->to_bytes);
    struct finding finding =
        inspect_measured(tlb ? "tlb-reach" : "cache-reach", tlb ? "TLB reach" : "cache reach", FINDING_CACHES,
            tlb ? UNIT_COUNT : UNIT_BYTES, (struct estimate){least, least, most}, "");
    reach_key(result, reach, finding.key);
    if (cell_is_order(cell, CHASE_LINE_PER_LARGE_PAGE))
        snprintf(finding.sure, sizeof finding.sure,
            "where the host splinters large pages these are entries for pieces of them");
    snprintf(finding.how, sizeof finding.how,
        "a chase, %s, steps up from %.3g to %.3g ns an access between them",
        chase_orders[cell_chase(cell)->order].name, reach->below_ns, reach->above_ns);
    return finding;
}

static int add_reaches(struct inspection *inspection, struct error *error)
{
    struct result *result = inspection->result;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < result->reach_count; i++) {
        if (!is_told_of(result, &result->reaches[i]))
            continue;
        struct finding finding = reach_finding(result, &result->reaches[i]);
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
    if (!with || !without)
        return 0;
    struct estimate cost;
    if (figures_difference(with, without, &cost))
        return error_set(error, ENOMEM, "no memory for the cost of a TLB miss");
    struct finding finding = inspect_measured(
        "walk-cost", "TLB miss", FINDING_CACHES, UNIT_NS, cost, "it was not measured together");
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
        if (cell_is_order(cell, CHASE_RANDOM) && isfinite(cell->median) &&
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
    const struct estimate latency = {cell->median, cell->low, cell->high};
    struct finding finding =
        inspect_measured("memory-latency", "a random access to memory", FINDING_MEMORY, UNIT_NS, latency, "");
    snprintf(finding.how, sizeof finding.how, "a pointer chase over %.0f MiB behind pages of 2 MiB",
        (double)workload_size(&cell->cell.workload) / (double)MIB);
    return findings_add(&inspection->result->findings, &finding, error);
}

/* ---- what was not measured ---- */

static const char *reason_for(const struct inspection *inspection, const char *told, double planned_seconds)
{
    return told[0]                                          ? told
           : planned_seconds > 0                            ? "it was not measured"
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

/* ---- all of them ---- */

int inspect_conclude(struct inspection *inspection, struct error *error)
{
    static int (*const steps[])(struct inspection *, struct error *) = {add_reaches, add_walks, add_latency,
        add_prices, inspect_find_exits, inspect_find_gaps, inspect_find_regions, inspect_find_splinter,
        add_missing, inspect_find_remedies};
    struct result *result = inspection->result;
    int rc = inspection->experiment->depth == INSPECT_CHEAP
                 ? 0
                 : inspect_told(
                       &result->host, &inspection->experiment->setting->facts[0], &result->findings, error);
    for (size_t i = 0; rc == 0 && i < sizeof steps / sizeof steps[0]; i++)
        rc = steps[i](inspection, error);
    return rc;
}
