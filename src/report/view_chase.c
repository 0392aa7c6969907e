#include "report/view_chase.h"

#include "report/format.h"
#include "report/view_chase_parts.h"
#include "report/view_parts.h"
#include "result/told_levels.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* Which parts of a shape have to be named. */
struct shape_parts {
    bool order, element, write, chains;
};

static const char *shape_name(struct document *doc, const struct chase_shape *shape, struct shape_parts parts)
{
    struct listing name = {.doc = doc, .between = ", "};
    if (parts.order)
        listing_add(&name, "%s", chase_orders[shape->order].name);
    if (parts.element)
        listing_add(&name, "%s elements", format_size(shape->element_bytes).text);
    if (parts.write)
        listing_add(&name, shape->write ? "writing" : "reading");
    if (parts.chains)
        listing_add(&name, "%u chain%s", shape->chains, shape->chains == 1 ? "" : "s");
    return listing_text(&name);
}

struct curve_words chase_words(const struct chase_view *view, const struct curve *curve)
{
    const struct curve_group *group = curve->group;
    struct shape_parts differing = {false};
    const char *pages = "", *label = curve->label;
    size_t alike = 0;
    for (size_t i = 0; i < view->curves.group_count; i++) {
        const struct chase_shape *shape = &view->curves.groups[i].shape;
        differing.order |= shape->order != group->shape.order;
        differing.element |= shape->element_bytes != group->shape.element_bytes;
        differing.write |= shape->write != group->shape.write;
        differing.chains |= shape->chains != group->shape.chains;
    }
    for (size_t i = 0; i < group->curve_count; i++)
        alike += !strcmp(group->curves[i].label, label);
    if (alike > 1)
        pages = document_text(view->doc, "%s%s%s",
            curve->guest_page_bytes ? format_size_short(curve->guest_page_bytes).text : "",
            curve->guest_page_bytes ? "/" : "", format_size_short(curve->host_page_bytes).text);
    const char *tag = shape_name(view->doc, &group->shape, differing);
    const char *title = document_text(view->doc, "%s%s%s", label, pages[0] ? " " : "", pages);
    return (struct curve_words){.title = title,
        .kind = document_text(view->doc, "%s%s%s", tag, tag[0] && pages[0] ? ", " : "", pages),
        .name = document_text(view->doc, "%s%s%s", tag, tag[0] ? ": " : "", title)};
}

/* ---- the table of a group ---- */

/* Why there is something to say about a point; NULL if there is not. */
static const char *reason_of(const struct result *result, const struct curve_point *point)
{
    if (!point->cell)
        return result->complete || !result->incomplete_reason[0] ? "this cell was not part of the experiment"
                                                                 : result->incomplete_reason;
    const char *reason = cell_reason(point->cell);
    return reason || !point->against ? reason : comparison_reason(point->against);
}

/* Why figures are missing, lack an interval or are of other pages; or the details: that a cell is noisy,
 * since what is read is how cells compare. */
static void say_notes(const struct chase_view *view, const struct curve_group *group, bool details)
{
    struct remarks remarks = {.doc = view->doc};
    for (size_t i = 0; i < group->curve_count; i++) {
        const char *title = chase_words(view, &group->curves[i]).title;
        for (size_t k = 0; k < group->working_set_count; k++) {
            const struct curve_point *point = &group->curves[i].points[k];
            const struct result_cell *cell = point->cell;
            const char *mark = !cell_measured(cell) ? "- " : cell->quality == QUALITY_INTERRUPTED ? "! " : "";
            if (details == (cell && cell->quality == QUALITY_NOISY && cell->pages.as_asked))
                remarks_add(&remarks, document_text(view->doc, "%s%s at ", mark, title),
                    document_text(view->doc, "%s", format_size(point->working_set_bytes).text),
                    reason_of(view->result, point));
        }
    }
    document_details(view->doc, details);
    remarks_say(&remarks, NULL, 4, 8);
    document_details(view->doc, false);
}

/* Of the slowdown where there is one, else of the time. */
static bool is_unclear(const struct curve *curve, const struct curve_point *point)
{
    const struct result_cell *cell = point->cell;
    if (curve->compared)
        return point_compared(point) && ratio_is_unclear(point->against->low, point->against->high);
    return point_measured(point) && ratio_is_unclear(cell->low / cell->median, cell->high / cell->median);
}

/* What the columns of a group depend on. */
struct layout {
    bool compared; /* something is: then what is not has a time alone, else also its interval and fastest */
    bool pair;     /* native and one that is compared with it */
    bool unclear;  /* these are marked: there are some, and they are not the most */
};

static struct layout layout_of(const struct curve_group *group)
{
    struct layout layout = {
        .pair = group->curve_count == 2 && group->curves[0].native && group->curves[1].compared};
    size_t points = 0, unclear = 0;
    for (size_t i = 0; i < group->curve_count; i++)
        layout.compared |= group->curves[i].compared;
    for (size_t i = 0; i < group->curve_count; i++)
        for (size_t k = 0; group->curves[i].compared == layout.compared && k < group->working_set_count;
             k++) {
            const struct curve_point *point = &group->curves[i].points[k];
            points += layout.compared ? point_compared(point) : point_measured(point);
            unclear += is_unclear(&group->curves[i], point);
        }
    layout.unclear = unclear && 2 * unclear < points;
    return layout;
}

enum { COLUMN_TIME, COLUMN_FASTEST, COLUMN_SLOWDOWN, CURVE_COLUMNS };

/* The columns of a curve, whose block has its name, or their heads where two stand side by side. */
static void make_columns(const struct curve *curve, const char *title, struct layout layout,
    struct column columns[static CURVE_COLUMNS])
{
    const char *block = layout.pair ? NULL : title, *head = layout.pair ? title : "ns";
    if (layout.pair && !curve->native && !curve->elsewhere)
        head = "guest";
    columns[COLUMN_TIME] = (struct column){
        "ns", head, block, UNIT_NS, .bare = true, .rounded = true, .interval = !layout.compared};
    columns[COLUMN_FASTEST] = (struct column){"fastest", NULL, block, UNIT_NS, .bare = true};
    columns[COLUMN_SLOWDOWN] =
        (struct column){"slowdown", NULL, block, UNIT_CHANGE, .rounded = true, .interval = true};
}

static void fill_point(struct table *table, size_t row, size_t column, const struct curve *curve,
    const struct curve_point *point, struct layout layout)
{
    static const enum tone tones[VERDICTS] = {[VERDICT_SLOWER] = TONE_SLOWER, [VERDICT_FASTER] = TONE_FASTER};
    const struct result_cell *cell = point->cell;
    const struct result_comparison *against = point->against;
    struct value *time = table_at(table, row, column + COLUMN_TIME);
    struct value *slowdown = table_at(table, row, column + COLUMN_SLOWDOWN);
    if (cell) {
        table_interval(table, row, column + COLUMN_TIME, cell->median, cell->low, cell->high);
        time->mark = point_measured(point) && cell->quality == QUALITY_INTERRUPTED ? "!" : NULL;
        time->why = cell_reason(cell);
        table_number(table, row, column + COLUMN_FASTEST, layout.compared ? NAN : cell->min);
    }
    if (against) {
        table_interval(table, row, column + COLUMN_SLOWDOWN, against->ratio, against->low, against->high);
        slowdown->tone = tones[verdict_of(against->low, against->high)];
        slowdown->why = comparison_reason(against);
    }
    if (layout.unclear && curve->compared == layout.compared && is_unclear(curve, point))
        (curve->compared ? slowdown : time)->mark = "~";
}

static bool any_measured(const struct curve_group *group, size_t at)
{
    bool any = false;
    for (size_t i = 0; i < group->curve_count; i++)
        any |= point_measured(&group->curves[i].points[at]);
    return any;
}

/* A row for each working set that something was measured at. */
static void add_table(const struct chase_view *view, const struct curve_group *group)
{
    const struct chase_shape *shape = &group->shape;
    size_t count = 1 + CURVE_COLUMNS * group->curve_count, rows = 0, row = 0;
    struct column *columns = pool_room(&view->doc->pool, count, sizeof *columns);
    struct layout layout = layout_of(group);
    for (size_t i = 0; i < group->working_set_count; i++)
        rows += any_measured(group, i);
    if (!columns || !rows)
        return;
    columns[0] = (struct column){.key = "working_set", .head = "working set", .unit = UNIT_BYTES};
    for (size_t i = 0; i < group->curve_count; i++)
        make_columns(&group->curves[i], chase_words(view, &group->curves[i]).title, layout,
            columns + 1 + CURVE_COLUMNS * i);
    const char *name =
        shape_name(view->doc, shape, (struct shape_parts){true, true, shape->write, shape->chains > 1});
    struct table *table = document_table(view->doc, "slowdown",
        document_text(view->doc, "pointer chase, %s: ns per access", name), columns, count, rows);
    for (size_t at = 0; at < group->working_set_count; at++) {
        if (!any_measured(group, at))
            continue;
        table_number(table, row, 0, (double)group->working_sets[at]);
        for (size_t i = 0; i < group->curve_count; i++)
            fill_point(
                table, row, 1 + CURVE_COLUMNS * i, &group->curves[i], &group->curves[i].points[at], layout);
        row++;
    }
    view_drop_empty(table);
    view_say_marks(table, view->doc);
    say_notes(view, group, false);
    say_notes(view, group, true);
}

/* ---- charts ---- */

/* Points are unknown where there is no figure. */
static void add_series(
    const struct chase_view *view, const struct curve *curve, bool slowdowns, struct chart *chart)
{
    const char *name = chase_words(view, curve).name;
    if (view->prefix)
        name = document_text(view->doc, "%s: %s", view->prefix, name);
    struct chart_series *series = chart_series(view->doc, chart, name, curve->group->working_set_count);
    if (series)
        series->baseline = curve->native && !view->prefix;
    for (size_t i = 0; series && i < series->count; i++) {
        const struct curve_point *point = &curve->points[i];
        const struct result_cell *cell = point->cell;
        const struct result_comparison *against = point->against;
        double x = series->points[i].x = (double)point->working_set_bytes;
        if (slowdowns && point_compared(point))
            series->points[i] = (struct chart_point){x, against->ratio, against->low, against->high,
                is_unclear(curve, point) ? "tells nothing" : NULL};
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

static int by_working_set(const void *a, const void *b)
{
    const struct told_level *x = a, *y = b;
    return (x->working_set_bytes > y->working_set_bytes) - (x->working_set_bytes < y->working_set_bytes);
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

/* Both charts, as far as there is something to draw; in the first result's latencies the reaches of one curve
 * are marked, and what CPUID reports of the same machine. Returns these as words, "" without any:
 * "Measured in native: L1d up to 32 KiB (CPUID says 32 KiB); …" */
static const char *add_charts(const struct chase_view *view, size_t count)
{
    const struct curve *chosen = choose(view);
    struct listing reaches = {.doc = view->doc, .between = "; "};
    struct told_levels told = {.count = 0};
    add_chart(view, count, true);
    struct chart *chart = add_chart(view, count, false);
    for (size_t i = 0; chart && chosen && i < view->result->reach_count; i++) {
        const struct result_reach *reach = &view->result->reaches[i];
        const struct result_cell *cells = view->result->cells;
        if (!is_of_curve(view, chosen, reach))
            continue;
        list_reach(&reaches, reach);
        chart_mark(view->doc, chart, MARK_MEASURED, (double)workload_size(&cells[reach->last].cell.workload),
            (double)workload_size(&cells[reach->first].cell.workload), reach->name[0] ? reach->name : "?");
    }
    const struct curve *curve = chosen || !chart ? chosen : view->curves.all[0];
    if (chart)
        told_levels(&view->result->host, curve->group->shape.order, curve->host_page_bytes, &told);
    qsort(told.levels, told.count, sizeof *told.levels, by_working_set);
    for (size_t i = 0; i < told.count; i++)
        chart_mark(view->doc, chart, MARK_REPORTED, told.levels[i].working_set_bytes,
            told.levels[i].working_set_bytes, told.levels[i].name);
    return reaches.count ? document_text(view->doc, "Measured in %s: %s.", chase_words(view, chosen).name,
                               listing_text(&reaches))
                         : "";
}

/* ---- all ---- */

void view_chase(const struct result *result, struct document *doc)
{
    struct chase_view view = {.result = result, .doc = doc};
    curves_arrange(result, &doc->pool, &view.curves);
    view_run_title(result, doc);
    if (chase_conclude(&view) && !doc->stamp)
        doc->stamp = "too disturbed to tell";
    view_run_today(result, doc);
    for (size_t i = 0; i < view.curves.group_count; i++)
        add_table(&view, &view.curves.groups[i]);
    const char *reaches = add_charts(&view, 1);
    if (reaches[0])
        document_say(doc, BLOCK_SENTENCE, "%s", reaches);
    chase_say_counts(&view);
    view_run_method(result, doc);
    view_run_cells(result, doc);
}

void view_chase_overlay(const struct compare_input *results, size_t count, struct document *doc)
{
    struct chase_view *views = pool_room(&doc->pool, count, sizeof *views);
    for (size_t i = 0; views && i < count; i++) {
        views[i] = (struct chase_view){.result = results[i].result, .doc = doc, .prefix = results[i].name};
        curves_arrange(results[i].result, &doc->pool, &views[i].curves);
    }
    if (views)
        add_charts(views, count);
}
