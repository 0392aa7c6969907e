/* From the measured curves to the verdict about large pages below, and the findings that tell it. */
#include "experiment/inspect_internal.h"

#include "experiment/internal.h"
#include "inspect/splinter.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t large_page = 2 * MIB;

/* Of the placements' fastest samples: neighbours come and go, what pages cost stays. NAN where it was not
 * measured. 0 or -ENOMEM. */
static int set_figure(const struct result *result, enum chase_order order, uint64_t bytes,
    uint64_t page_bytes, struct splinter_figure *figure)
{
    const struct result_cell *cell = inspect_chase_cell(result, order, bytes, page_bytes);
    struct estimate floor = {NAN, NAN, NAN};
    int rc = cell ? figures_floor(cell, &floor) : 0;
    *figure = (struct splinter_figure){floor.median, floor.low, floor.high};
    return rc;
}

static int set_point(const struct result *result, uint64_t bytes, struct splinter_point *point)
{
    point->lines = (double)bytes / CHASE_PAGE_BYTES;
    int rc = set_figure(result, CHASE_PACKED, bytes, large_page, &point->packed);
    if (rc == 0)
        rc = set_figure(result, CHASE_SCATTERED, bytes, large_page, &point->scattered);
    if (rc == 0)
        rc = set_figure(result, CHASE_LINE_PER_PAGE, bytes, 4 * KIB, &point->small);
    return rc < 0 ? rc : set_figure(result, CHASE_LINE_PER_PAGE, bytes, large_page, &point->large);
}

static bool starts_point(const struct result_cell *cell)
{
    return cell_is_order(cell, CHASE_LINE_PER_PAGE) && cell->cell.host_page_bytes == 4 * KIB;
}

static int ascending(const void *a, const void *b)
{
    double left = ((const struct splinter_point *)a)->lines,
           right = ((const struct splinter_point *)b)->lines;
    return (left > right) - (left < right);
}

/* *points is malloc'd and the caller's; NULL: no memory. */
static size_t collect(const struct result *result, struct splinter_point **points)
{
    size_t count = 0;
    int rc = 0;
    struct splinter_point *made = calloc(result->cell_count + 1, sizeof *made);
    for (size_t i = 0; made && rc == 0 && i < result->cell_count; i++)
        if (starts_point(&result->cells[i]))
            rc = set_point(result, workload_size(&result->cells[i].cell.workload), &made[count++]);
    if (rc < 0) {
        free(made);
        made = NULL;
    }
    if (made)
        qsort(made, count, sizeof *made, ascending);
    *points = made;
    return count;
}

/* One of the large curve; NULL: there is none. */
static const struct result_cell *large_cell(const struct result *result)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (cell_is_order(cell, CHASE_LINE_PER_PAGE) && cell->cell.host_page_bytes == large_page)
            return cell;
    }
    return NULL;
}

/* Of its memory, as proved in its worst placement; NAN: not known. */
static double large_share(const struct result *result)
{
    const struct result_cell *cell = large_cell(result);
    return cell ? cell->pages.host_share_2m : NAN;
}

/* Where nothing may be made of the large curve and its share of large pages, which would say so, is not
 * known: why. */
static void explain_large(const struct result *result, struct splinter *splinter)
{
    const struct result_cell *cell = large_cell(result);
    char why[WHY_BYTES];
    if (cell && cell_measured(cell) && !isfinite(large_share(result)) && cells_unfit(cell, cell, why))
        snprintf(splinter->reason, sizeof splinter->reason, "%s", why);
}

static bool is_emulated(const struct host *host)
{
    static const char *const emulators[] = {"tcg", "bochs"};
    for (size_t i = 0; i < sizeof emulators / sizeof emulators[0]; i++)
        if (host->guest_of.known && !strcmp(host->guest_of.text, emulators[i]))
            return true;
    return false;
}

/* Makers all of whose 64-bit processors have data TLB entries for 2 MiB pages, at the first level or the
 * second. Intel: SDM volume 2A, "CPUID", descriptors of leaf 2 (04h, 05h, 5Ah … 5Dh, 63h, C0h … C4h) and leaf
 * 18h; Optimization Reference Manual, a table for each core. AMD: APM volume 3 appendix E.4.5, leaf
 * 8000_0005h EAX; the guide to each family. Hygon's are AMD's. */
static bool has_large_entries(const struct host *host)
{
    static const char *const makers[] = {"GenuineIntel", "AuthenticAMD", "HygonGenuine"};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        if (!strcmp(host->cpu.vendor, makers[i]))
            return true;
    return false;
}

static void tell_tlbs(const struct host *host, struct splinter_input *input)
{
    input->has_large = has_large_entries(host);
    input->told = host->tlb_count > 0;
    for (size_t i = 0; i < host->tlb_count; i++) {
        const struct host_tlb *tlb = &host->tlbs[i];
        if (tlb->level < 1 || tlb->level > 2 || !strcmp(tlb->type, "instruction"))
            continue;
        unsigned *entries = tlb->page_bytes == 4 * KIB      ? input->small_entries
                            : tlb->page_bytes == large_page ? input->large_entries
                                                            : NULL;
        if (entries)
            entries[tlb->level - 1] = tlb->entries;
    }
}

static struct finding verdict_finding(const struct splinter *splinter)
{
    struct finding finding = {
        .name = "splintered",
        .section = FINDING_BELOW,
        .title = "large pages splintered from below",
        .source = FINDING_JUDGED,
        .unit = UNIT_YES_NO,
        .number = splinter->verdict == SPLINTER_NO ? 0 : 1,
        .low = NAN,
        .high = NAN,
        .how = "one line in each 4 KiB, in pages of 2 MiB against pages of 4 KiB and against as many lines "
               "side by side; the fastest sample of each placement",
    };
    if (splinter->verdict == SPLINTER_UNKNOWN) {
        finding.number = NAN;
        finding.value = fact_unknown("%.159s", splinter->reason);
    } else {
        finding.value = fact_known("%s", "");
        snprintf(finding.sure, sizeof finding.sure, "%s", splinter->reason);
    }
    return finding;
}

static struct finding cost_finding(const struct splinter *splinter)
{
    struct finding finding = inspect_measured("splinter-cost", "what that costs an access", FINDING_BELOW,
        UNIT_NS, (struct estimate){splinter->cost_ns, splinter->cost_low, splinter->cost_high}, "");
    snprintf(finding.how, sizeof finding.how,
        "%.0f lines, one in each 4 KiB of pages of 2 MiB, against as many lines without TLB misses",
        splinter->cost_lines);
    return finding;
}

/* What one level of the TLB says. */
static int add_level(
    const struct splinter_level *level, size_t index, struct result *result, struct error *error)
{
    if (!level->seen || !isfinite(level->share))
        return 0;
    struct finding finding = inspect_measured("splinter-share", "misses that large pages share",
        FINDING_BELOW, UNIT_SHARE, (struct estimate){level->share, level->low, level->high}, "");
    finding.detail = true;
    snprintf(finding.key, sizeof finding.key, "level %zu", index + 1);
    snprintf(finding.how, sizeof finding.how,
        "of what small pages cost more than the caches from %.0f lines on, one in each 4 KiB", level->lines);
    return findings_add(&result->findings, &finding, error);
}

static int judge(const struct result *result, const struct splinter_point *points, size_t count,
    struct splinter *splinter, struct error *error)
{
    struct splinter_input input = {
        .points = points,
        .count = count,
        .large_share = large_share(result),
        .emulated = is_emulated(&result->host),
    };
    tell_tlbs(&result->host, &input);
    return splinter_judge(&input, splinter, error);
}

int inspect_find_splinter(struct inspection *inspection, struct error *error)
{
    struct result *result = inspection->result;
    struct splinter_point *points;
    struct splinter splinter;
    size_t count = collect(result, &points);
    if (!points)
        return error_set(error, ENOMEM, "no memory for the curves");
    int rc = judge(result, points, count, &splinter, error);
    free(points);
    if (rc < 0)
        return rc;
    if (splinter.verdict == SPLINTER_UNKNOWN && inspection->no_curves[0])
        snprintf(splinter.reason, sizeof splinter.reason, "%s", inspection->no_curves);
    else if (splinter.verdict == SPLINTER_UNKNOWN)
        explain_large(result, &splinter);
    struct finding verdict = verdict_finding(&splinter);
    for (size_t i = 0; rc == 0 && i < 2; i++)
        rc = add_level(&splinter.levels[i], i, result, error);
    if (rc < 0)
        return rc;
    if ((rc = findings_add(&result->findings, &verdict, error)) < 0 || !isfinite(splinter.cost_ns) ||
        splinter.verdict == SPLINTER_NO || splinter.verdict == SPLINTER_UNKNOWN)
        return rc;
    struct finding cost = cost_finding(&splinter);
    return findings_add(&result->findings, &cost, error);
}
