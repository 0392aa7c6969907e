/* How far caches and TLBs reach: what was measured, told apart from what CPUID says. */
#include "report/format.h"
#include "report/view_chase_parts.h"
#include "report/view_parts.h"
#include "result/told_levels.h"

#include <stdlib.h>

/* A reach that ends so many times below what is reported is said to be a part of it: closer ones may be so
 * because a curve has few points, and because caches with random sets miss before they are full. */
static const double part_factor = 2;

static bool is_of_curve(
    const struct chase_view *view, const struct curve *curve, const struct result_reach *reach)
{
    for (size_t i = 0; i < curve->group->working_set_count; i++)
        if (curve->points[i].cell == &view->result->cells[reach->last])
            return true;
    return false;
}

/* The curve whose reaches are shown: a native one if there is one with reaches, and of several that in which
 * most have a name; never a packed one, whose working sets are another chase's. NULL without any reach. */
static const struct curve *choose(const struct chase_view *view)
{
    const struct curve *best = NULL;
    size_t best_named = 0;
    for (size_t c = 0; c < view->curves.count; c++) {
        const struct curve *curve = view->curves.all[c];
        size_t named = 0, all = 0;
        for (size_t i = 0; i < view->result->reach_count; i++)
            if (is_of_curve(view, curve, &view->result->reaches[i])) {
                all++;
                named += view->result->reaches[i].name[0] != 0;
            }
        if (!all || curve->group->shape.order == CHASE_PACKED || curve->group->shape.order == CHASE_SCATTERED)
            continue;
        if (!best || (curve->native != best->native ? curve->native : named > best_named)) {
            best = curve;
            best_named = named;
        }
    }
    return best;
}

static int by_working_set(const void *a, const void *b)
{
    const struct told_level *x = a, *y = b;
    return (x->working_set_bytes > y->working_set_bytes) - (x->working_set_bytes < y->working_set_bytes);
}

void chase_mark_reaches(const struct chase_view *view, struct chart *chart)
{
    const struct curve *chosen = choose(view);
    struct told_levels told;
    if (!chart)
        return;
    for (size_t i = 0; chosen && i < view->result->reach_count; i++) {
        const struct result_reach *reach = &view->result->reaches[i];
        const struct result_cell *last = &view->result->cells[reach->last];
        const struct result_cell *first = &view->result->cells[reach->first];
        if (is_of_curve(view, chosen, reach))
            chart_mark(view->document, chart, MARK_MEASURED, (double)last->cell.chase.working_set_bytes,
                (double)first->cell.chase.working_set_bytes, reach->name[0] ? reach->name : "?");
    }
    const struct curve *curve = chosen ? chosen : view->curves.all[0];
    told_levels(&view->result->host, curve->group->shape.order, curve->host_page_bytes, &told);
    qsort(told.levels, told.count, sizeof *told.levels, by_working_set);
    for (size_t i = 0; i < told.count; i++)
        chart_mark(view->document, chart, MARK_REPORTED, told.levels[i].working_set_bytes,
            told.levels[i].working_set_bytes, told.levels[i].name);
}

/* "32 KiB", "64 entries (256 KiB)" */
static const char *reach_size(struct document *document, uint64_t bytes, uint64_t entries)
{
    return entries ? document_text(
                         document, "%s entries (%s)", format_count(entries).text, format_size(bytes).text)
                   : document_text(document, "%s", format_size(bytes).text);
}

/* "L1d up to 32 KiB (CPUID says 32 KiB)", "L3 up to 5.66 MiB of the 32 MiB that CPUID says", "a step after
 * 256 MiB, from 186 to 312 ns, that nothing in CPUID explains" */
static const char *reach_text(struct document *document, const struct result_reach *reach)
{
    const char *measured = reach_size(document, reach->from_bytes, reach->from_entries);
    const char *told = reach_size(document, reach->told_bytes, reach->told_entries);
    bool less = (double)reach->to_bytes * part_factor < (double)reach->told_bytes;
    if (reach->name[0])
        return document_text(document,
            less ? "%s up to %s of the %s that CPUID says" : "%s up to %s (CPUID says %s)", reach->name,
            measured, told);
    return document_text(document, "a step%s after %s, from %s to %s ns, that nothing in CPUID explains",
        reach->kind == REACH_TLB ? " of address translation" : "", measured, format_ns(reach->below_ns).text,
        format_ns(reach->above_ns).text);
}

void chase_say_reaches(const struct chase_view *view)
{
    const struct curve *chosen = choose(view);
    struct listing reaches = {.between = "; ", .most = SIZE_MAX};
    for (size_t i = 0; chosen && i < view->result->reach_count; i++)
        if (is_of_curve(view, chosen, &view->result->reaches[i]))
            listing_add(&reaches, reach_text(view->document, &view->result->reaches[i]), view->document);
    if (chosen)
        document_say(view->document, BLOCK_SENTENCE, "Measured in %s: %s.", chase_curve_name(view, chosen),
            reaches.text);
}
