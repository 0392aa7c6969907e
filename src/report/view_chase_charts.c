#include "report/view_chase.h"

#include "report/format.h"
#include "report/view_parts.h"
#include "result/told_levels.h"

#include <math.h>

/* Points are unknown where there is no figure. */
static void add_series(
    const struct chase_view *view, const struct curve *curve, bool slowdowns, struct chart *chart)
{
    const char *name = chase_words(view, curve).name;
    if (view->prefix)
        name = document_text(view->doc, "%s: %s", view->prefix, name);
    struct chart_series *series = chart_series(view->doc, chart, name, curve->group->working_set_count);
    if (series) {
        series->baseline = curve->native && !view->prefix;
        series->modelled = curve->modelled;
    }
    for (size_t i = 0; series && i < series->count; i++) {
        const struct curve_point *point = &curve->points[i];
        const struct result_cell *cell = point->cell;
        const struct result_comparison *against = point->against;
        double x = series->points[i].x = (double)point->working_set_bytes;
        if (slowdowns && point_compared(point))
            series->points[i] = (struct chart_point){x, against->ratio, against->low, against->high,
                ratio_is_unclear(against->low, against->high) ? "tells nothing" : NULL};
        else if (!slowdowns && point_measured(point) && cell->median > 0)
            series->points[i] = (struct chart_point){x, cell->median, cell->low, cell->high, NULL};
    }
}

/* The chart of one result's curves or several's; NULL if there is nothing to draw. */
static struct chart *add_chart(const struct chase_view *views, size_t count, bool slowdowns)
{
    static const char *const titles[] = {"latency in ns per access", "slowdown over native"};
    struct document *doc = views->doc;
    const char *guest = views->prefix ? NULL : view_run_guest(views->result, doc);
    struct chart *chart = NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < views[i].curves.count; k++) {
            if (slowdowns && !views[i].curves.all[k]->compared)
                continue;
            if (!chart)
                chart = document_chart(doc, CHART_LINES, slowdowns ? "slowdown" : "latency",
                    guest ? document_text(doc, "%s (native here is itself a %s)", titles[slowdowns], guest)
                          : titles[slowdowns]);
            if (!chart)
                return NULL;
            add_series(&views[i], views[i].curves.all[k], slowdowns, chart);
        }
    if (!chart)
        return NULL;
    for (size_t i = 0; i < chart->series_count; i++)
        if (chart->series[i].modelled)
            chart->caption = "Dashed: modelled, not measured.";
    chart->x = (struct chart_axis){"working set", UNIT_BYTES, SCALE_LOG2, 0};
    chart->y = slowdowns ? (struct chart_axis){titles[1], UNIT_CHANGE, SCALE_LINEAR, 0.02}
                         : (struct chart_axis){"ns per access", UNIT_NS, SCALE_LOG, 0};
    chart->rule = slowdowns ? 1 : NAN;
    return chart;
}

/* ---- how far caches and TLBs reach: what was measured, told apart from what CPUID says ---- */

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
        enum chase_order order = curve->group->shape.order;
        size_t named = 0, all = 0;
        for (size_t i = 0; i < view->result->reach_count; i++)
            if (is_of_curve(view, curve, &view->result->reaches[i])) {
                all++;
                named += view->result->reaches[i].name[0] != 0;
            }
        if (!all || order == CHASE_PACKED || order == CHASE_SCATTERED ||
            (best && (curve->native != best->native ? !curve->native : named <= best_named)))
            continue;
        best = curve;
        best_named = named;
    }
    return best;
}

/* "32 KiB", "64 entries (256 KiB)" */
static const char *reach_size(struct document *doc, uint64_t bytes, uint64_t entries)
{
    const char *size = document_text(doc, "%s", format_size(bytes).text);
    return entries ? document_text(doc, "%s entries (%s)", format_count(entries).text, size) : size;
}

/* "L1d up to 32 KiB (CPUID says 32 KiB)", "L3 up to 5.66 MiB of the 32 MiB that CPUID says", "a step after
 * 256 MiB, from 186 to 312 ns, that nothing in CPUID explains" */
static void list_reach(struct listing *list, const struct result_reach *reach)
{
    /* One that ends so many times below what is reported is said to be a part of it: closer ones may be so
     * because a curve has few points, and because caches with random sets miss before they are full. */
    static const double part_factor = 2;
    const char *measured = reach_size(list->doc, reach->from_bytes, reach->from_entries);
    const char *told = reach_size(list->doc, reach->told_bytes, reach->told_entries);
    bool part = (double)reach->to_bytes * part_factor < (double)reach->told_bytes;
    if (reach->name[0])
        listing_add(list, part ? "%s up to %s of the %s that CPUID says" : "%s up to %s (CPUID says %s)",
            reach->name, measured, told);
    else
        listing_add(list, "a step%s after %s, from %s to %s ns, that nothing in CPUID explains",
            reach->kind == REACH_TLB ? " of address translation" : "", measured,
            format_ns(reach->below_ns).text, format_ns(reach->above_ns).text);
}

const char *chase_add_charts(const struct chase_view *views, size_t count)
{
    const struct curve *chosen = choose(views);
    struct listing reaches = {.doc = views->doc, .between = "; "};
    struct told_levels told = {.count = 0};
    add_chart(views, count, true);
    struct chart *chart = add_chart(views, count, false);
    for (size_t i = 0; chart && chosen && i < views->result->reach_count; i++) {
        const struct result_reach *reach = &views->result->reaches[i];
        const struct result_cell *cells = views->result->cells;
        if (!is_of_curve(views, chosen, reach))
            continue;
        list_reach(&reaches, reach);
        chart_mark(views->doc, chart, MARK_MEASURED, (double)workload_size(&cells[reach->last].cell.workload),
            (double)workload_size(&cells[reach->first].cell.workload), reach->name[0] ? reach->name : "?");
    }
    const struct curve *curve = chosen || !chart ? chosen : views->curves.all[0];
    if (chart && !curve->modelled) /* CPUID is of this machine */
        told_levels(&views->result->host, curve->group->shape.order, curve->host_page_bytes, &told);
    for (size_t i = 0; i < told.count; i++)
        chart_mark(views->doc, chart, MARK_REPORTED, told.levels[i].working_set_bytes,
            told.levels[i].working_set_bytes, told.levels[i].name);
    return reaches.count ? document_text(views->doc, "Measured in %s: %s.", chase_words(views, chosen).name,
                               listing_text(&reaches))
                         : "";
}
