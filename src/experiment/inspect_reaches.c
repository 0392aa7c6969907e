/* How far caches and TLBs reach, as findings: between which sizes, and by names that stay. */
#include "experiment/inspect_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* What a step is called that is none of the levels that CPUID tells: always the same of the same machine,
 * since it labels metrics. First levels have up to 128 translations in every processor of today, second ones
 * more than twice as many; a cache without a name is no level that is known. */
static const char *untold_name(const struct result_reach *reach)
{
    static const uint64_t first_level_most = 256;
    return !is_tlb(reach) ? "untold" : reach->from_entries < first_level_most ? "L1 TLB" : "L2 TLB";
}

static bool is_taken(const struct result *result, const char *name, const char *key)
{
    return findings_find(&result->findings, name, key) != NULL;
}

/* "L2 TLB 4K" */
static void reach_key(const struct result *result, const struct result_reach *reach, const char *finding,
    char key[static FINDING_KEY_BYTES])
{
    const char *pages = is_tlb(reach) ? page_name(&result->cells[reach->last]) : "";
    const char *name = reach->name[0] ? reach->name : untold_name(reach);
    snprintf(key, FINDING_KEY_BYTES, "%s%s%s", name, pages[0] ? " " : "", pages);
    for (unsigned number = 2; is_taken(result, finding, key); number++)
        snprintf(key, FINDING_KEY_BYTES, "untold%s%s %u", pages[0] ? " " : "", pages, number);
}

/* A thread beside this one, on the same core, takes half of what they share. */
static bool is_half(const struct result_reach *reach)
{
    static const double least = 0.4, most = 0.7;
    double told = (double)reach->told_bytes;
    return !strcmp(reach->name, "L1d") && (double)reach->from_bytes >= least * told &&
           (double)reach->to_bytes <= most * told;
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
    reach_key(result, reach, finding.name, finding.key);
    if (cell_is_order(cell, CHASE_LINE_PER_LARGE_PAGE))
        snprintf(finding.sure, sizeof finding.sure,
            "where the host splinters large pages these are entries for pieces of them");
    else if (tlb && !reach->name[0])
        snprintf(finding.sure, sizeof finding.sure, "named by its size: CPUID tells no TLB that it could be");
    else if (is_half(reach))
        snprintf(finding.sure, sizeof finding.sure,
            "about half of the %.0f KiB that CPUID tells: the mark of a busy thread beside this one on the "
            "same "
            "core",
            (double)reach->told_bytes / (double)KIB);
    snprintf(finding.how, sizeof finding.how,
        "a chase, %s, steps up from %.3g to %.3g ns an access between them",
        chase_orders[cell_chase(cell)->order].name, reach->below_ns, reach->above_ns);
    return finding;
}

int inspect_find_reaches(struct result *result, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2 * result->reach_count;
         i++) { /* those that CPUID tells first: the names are theirs */
        const struct result_reach *reach = &result->reaches[i % result->reach_count];
        bool told = reach->name[0] != '\0';
        if (!is_told_of(result, reach) || told != (i < result->reach_count))
            continue;
        struct finding finding = reach_finding(result, reach);
        rc = findings_add(&result->findings, &finding, error);
    }
    return rc;
}
