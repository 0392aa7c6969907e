/* How far caches and TLBs reach: what was measured, told apart from what CPUID says. */
#include "report/format.h"
#include "report/view_chase_parts.h"
#include "result/told_levels.h"

#include <stdlib.h>

/* A reach that ends so many times below what is reported is said to be a part of it: closer ones may be so
 * because a curve has few points, and because caches with random sets miss before they are full. */
static const double part_factor = 2;

/* The curve whose reaches are shown. */
struct choice {
    const struct curve_group *group;
    const struct curve *curve;
    size_t named, all; /* reaches that were found in it, those with a name; 0: none */
};

static bool is_of_curve(
    const struct chase_view *view, const struct choice *choice, const struct result_reach *reach)
{
    for (size_t i = 0; i < choice->group->working_set_count; i++)
        if (choice->curve->points[i].cell == &view->result->cells[reach->last])
            return true;
    return false;
}

static bool is_better(const struct choice *a, const struct choice *b)
{
    if (!a->all || !b->all)
        return a->all > b->all;
    return a->curve->native != b->curve->native ? a->curve->native : a->named > b->named;
}

/* A native curve if there is one with reaches, and of several that in which most have a name; never a packed
 * one, whose working sets are another chase's. Without any reach all is 0. */
static struct choice choose(const struct chase_view *view)
{
    struct choice best = {0};
    for (size_t g = 0; g < view->curves.group_count; g++)
        for (size_t c = 0; c < view->curves.groups[g].curve_count; c++) {
            struct choice choice = {&view->curves.groups[g], &view->curves.groups[g].curves[c], 0, 0};
            enum chase_order order = choice.group->shape.order;
            for (size_t i = 0; i < view->result->reach_count; i++)
                if (is_of_curve(view, &choice, &view->result->reaches[i])) {
                    choice.all++;
                    choice.named += view->result->reaches[i].name[0] != 0;
                }
            if (order != CHASE_PACKED && order != CHASE_SCATTERED && is_better(&choice, &best))
                best = choice;
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
    struct choice choice = choose(view);
    struct told_levels told;
    for (size_t i = 0; choice.all && i < view->result->reach_count; i++) {
        const struct result_reach *reach = &view->result->reaches[i];
        const struct result_cell *last = &view->result->cells[reach->last];
        const struct result_cell *first = &view->result->cells[reach->first];
        if (is_of_curve(view, &choice, reach))
            chart_mark(view->document, chart, MARK_MEASURED, (double)last->cell.chase.working_set_bytes,
                (double)first->cell.chase.working_set_bytes, reach->name[0] ? reach->name : "?");
    }
    if (!view->curves.group_count)
        return;
    const struct curve_group *group = choice.group ? choice.group : &view->curves.groups[0];
    const struct curve *curve = choice.curve ? choice.curve : &group->curves[0];
    told_levels(&view->result->host, group->shape.order, curve->host_page_bytes, &told);
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
    struct choice choice = choose(view);
    const char *list = "";
    for (size_t i = 0; choice.all && i < view->result->reach_count; i++)
        if (is_of_curve(view, &choice, &view->result->reaches[i]))
            list = document_text(view->document, "%s%s%s", list, list[0] ? "; " : "",
                reach_text(view->document, &view->result->reaches[i]));
    if (choice.all)
        document_say(view->document, BLOCK_SENTENCE, "Measured in %s: %s.",
            chase_curve_name(view, choice.group, choice.curve), list);
}
