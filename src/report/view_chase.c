#include "report/view_chase.h"

#include "report/format.h"
#include "report/view_chase_parts.h"
#include "report/view_run.h"

#include <string.h>

/* ---- names ---- */

/* Which parts of a shape have to be named. */
struct shape_parts {
    bool order, element, write, chains;
};

static const char *shape_name(
    struct document *document, const struct chase_shape *shape, struct shape_parts parts)
{
    struct listing name = {.between = ", ", .most = SIZE_MAX};
    if (parts.order)
        listing_add(&name, chase_orders[shape->order].name, document);
    if (parts.element)
        listing_add(
            &name, document_text(document, "%s elements", format_size(shape->element_bytes).text), document);
    if (parts.write)
        listing_add(&name, shape->write ? "writing" : "reading", document);
    if (parts.chains)
        listing_add(&name,
            document_text(document, "%u chain%s", shape->chains, shape->chains == 1 ? "" : "s"), document);
    return listing_text(&name, document);
}

/* What tells a curve's group from the others: "packed"; "" if it is the only one. */
static const char *group_tag(const struct chase_view *view, const struct curve *curve)
{
    struct shape_parts parts = {false};
    const struct chase_shape *first = &view->curves.groups[0].shape;
    for (size_t i = 1; i < view->curves.group_count; i++) {
        const struct chase_shape *shape = &view->curves.groups[i].shape;
        parts.order |= shape->order != first->order;
        parts.element |= shape->element_bytes != first->element_bytes;
        parts.write |= shape->write != first->write;
        parts.chains |= shape->chains != first->chains;
    }
    return shape_name(view->document, &curve->group->shape, parts);
}

/* Page sizes, "4K/2M" or "2M"; "" where the label alone is not ambiguous. */
static const char *pages_text(const struct chase_view *view, const struct curve *curve)
{
    const struct curve_group *group = curve->group;
    bool guest = curve->guest_page_bytes;
    size_t alike = 0;
    for (size_t i = 0; i < group->curve_count; i++)
        alike += !strcmp(group->curves[i].label, curve->label);
    if (alike < 2)
        return "";
    return document_text(view->document, "%s%s%s",
        guest ? format_size_short(curve->guest_page_bytes).text : "", guest ? "/" : "",
        format_size_short(curve->host_page_bytes).text);
}

static const char *joined(const struct chase_view *view, const char *a, const char *between, const char *b)
{
    return document_text(view->document, "%s%s%s", a, a[0] && b[0] ? between : "", b);
}

/* "native", "kvm (nested) 4K/2M" */
static const char *curve_title(const struct chase_view *view, const struct curve *curve)
{
    return joined(view, curve->label, " ", pages_text(view, curve));
}

const char *chase_curve_kind(const struct chase_view *view, const struct curve *curve)
{
    return joined(view, group_tag(view, curve), ", ", pages_text(view, curve));
}

const char *chase_curve_name(const struct chase_view *view, const struct curve *curve)
{
    return joined(view, group_tag(view, curve), ": ", curve_title(view, curve));
}

/* ---- notes below a table ---- */

/* Why there is something to say about a point; NULL if there is not. */
static const char *reason_of(const struct result *result, const struct curve_point *point)
{
    if (!point->cell)
        return result->complete || !result->incomplete_reason[0] ? "this cell was not part of the experiment"
                                                                 : result->incomplete_reason;
    const char *reason = cell_reason(point->cell);
    return reason || !point->against ? reason : comparison_reason(point->against);
}

/* That a cell is noisy is a detail: what is read is how cells compare. That it has other pages than were
 * asked for never is. */
static bool is_detail(const struct result_cell *cell)
{
    return cell && cell->quality == QUALITY_NOISY && cell->pages.as_asked;
}

/* Why figures are missing, lack an interval or are of other pages; or the details. */
static void say_notes(const struct chase_view *view, const struct curve_group *group, bool details)
{
    struct remarks remarks = {0};
    for (size_t i = 0; i < group->curve_count; i++)
        for (size_t k = 0; k < group->working_set_count; k++) {
            const struct curve *curve = &group->curves[i];
            const struct curve_point *point = &curve->points[k];
            const char *mark = !point_measured(point)                        ? "- "
                               : point->cell->quality == QUALITY_INTERRUPTED ? "! "
                                                                             : "";
            if (details == is_detail(point->cell))
                remarks_add(&remarks,
                    document_text(view->document, "%s%s at ", mark, curve_title(view, curve)),
                    document_text(view->document, "%s", format_size(point->working_set_bytes).text),
                    reason_of(view->result, point), view->document);
        }
    document_details(view->document, details);
    remarks_say(&remarks, NULL, 4, 8, view->document);
    document_details(view->document, false);
}

/* ---- the table of a group ---- */

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
    bool compared; /* something is: then what is not has a time alone, otherwise also its interval and fastest
                    */
    bool pair;     /* native and one that is compared with it */
    bool unclear;  /* these are marked: there are some, and they are not the most */
};

static struct layout layout_of(const struct curve_group *group)
{
    struct layout layout = {0};
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
    layout.pair = group->curve_count == 2 && group->curves[0].native && group->curves[1].compared;
    layout.unclear = unclear && 2 * unclear < points;
    return layout;
}

enum { COLUMN_TIME, COLUMN_FASTEST, COLUMN_SLOWDOWN, CURVE_COLUMNS };

/* The columns of a curve, whose block has its name, or their heads where two stand side by side. */
static void make_columns(const struct chase_view *view, const struct curve *curve, struct layout layout,
    struct column columns[static CURVE_COLUMNS])
{
    const char *title = curve_title(view, curve), *block = layout.pair ? NULL : title;
    columns[COLUMN_TIME] = (struct column){.key = "ns",
        .head = !layout.pair                        ? "ns"
                : curve->native || curve->elsewhere ? title
                                                    : "guest",
        .block = block,
        .unit = UNIT_NS,
        .bare = true,
        .rounded = true,
        .interval = !layout.compared};
    columns[COLUMN_FASTEST] =
        (struct column){.key = "fastest", .block = block, .unit = UNIT_NS, .bare = true};
    columns[COLUMN_SLOWDOWN] = (struct column){
        .key = "slowdown", .block = block, .unit = UNIT_CHANGE, .rounded = true, .interval = true};
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
        if (!layout.compared)
            table_number(table, row, column + COLUMN_FASTEST, cell->min);
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
    struct document *document = view->document;
    const struct chase_shape *shape = &group->shape;
    size_t count = 1 + CURVE_COLUMNS * group->curve_count, rows = 0, row = 0;
    struct column *columns = pool_room(&document->pool, count, sizeof *columns);
    struct layout layout = layout_of(group);
    for (size_t i = 0; i < group->working_set_count; i++)
        rows += any_measured(group, i);
    if (!columns || !rows)
        return;
    columns[0] = (struct column){.key = "working_set", .head = "working set", .unit = UNIT_BYTES};
    for (size_t i = 0; i < group->curve_count; i++)
        make_columns(view, &group->curves[i], layout, columns + 1 + CURVE_COLUMNS * i);
    const char *name =
        shape_name(document, shape, (struct shape_parts){true, true, shape->write, shape->chains > 1});
    struct table *table = document_table(document, "slowdown",
        document_text(document, "pointer chase, %s: ns per access", name), columns, count, rows);
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
    view_say_marks(table, document);
    say_notes(view, group, false);
    say_notes(view, group, true);
}

/* ---- charts ---- */

static const struct {
    const char *name, *title;
    struct chart_axis y;
    double rule;
} charts[] = {
    {"latency", "latency in ns per access", {"ns per access", UNIT_NS, SCALE_LOG, 0}, NAN},
    {"slowdown", "slowdown over native", {"slowdown over native", UNIT_CHANGE, SCALE_LINEAR, 0.02}, 1},
};

static struct chart *new_chart(const struct chase_view *view, bool slowdowns)
{
    const char *guest = view->prefix ? NULL : view_run_guest(view->result, view->document);
    struct chart *chart = document_chart(view->document, CHART_LINES, charts[slowdowns].name,
        document_text(view->document, "%s%s%s%s", charts[slowdowns].title,
            guest ? " (native here is itself a " : "", guest ? guest : "", guest ? ")" : ""));
    if (!chart)
        return NULL;
    chart->x = (struct chart_axis){.label = "working set", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = charts[slowdowns].y;
    chart->rule = charts[slowdowns].rule;
    return chart;
}

/* Points are unknown where there is no figure. */
static void add_series(
    const struct chase_view *view, const struct curve *curve, bool slowdowns, struct chart *chart)
{
    const char *name = chase_curve_name(view, curve);
    if (view->prefix)
        name = document_text(view->document, "%s: %s", view->prefix, name);
    struct chart_series *series = chart_series(view->document, chart, name, curve->group->working_set_count);
    if (series)
        series->baseline = curve->native && !view->prefix;
    for (size_t i = 0; series && i < series->count; i++) {
        const struct curve_point *point = &curve->points[i];
        const struct result_cell *cell = point->cell;
        const struct result_comparison *against = point->against;
        double x = (double)point->working_set_bytes;
        series->points[i].x = x;
        if (slowdowns && point_compared(point))
            series->points[i] = (struct chart_point){.x = x,
                .y = against->ratio,
                .low = against->low,
                .high = against->high,
                .mark = is_unclear(curve, point) ? "tells nothing" : NULL};
        else if (!slowdowns && point_measured(point) && cell->median > 0)
            series->points[i] =
                (struct chart_point){.x = x, .y = cell->median, .low = cell->low, .high = cell->high};
    }
}

/* The chart of one result's curves or several's; NULL if there is nothing to draw. */
static struct chart *add_chart(const struct chase_view *views, size_t count, bool slowdowns)
{
    struct chart *chart = NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < views[i].curves.count; k++) {
            const struct curve *curve = views[i].curves.all[k];
            if (slowdowns && !curve->compared)
                continue;
            if (!chart && !(chart = new_chart(views, slowdowns)))
                return NULL;
            add_series(&views[i], curve, slowdowns, chart);
        }
    return chart;
}

/* Both, as far as there is something to draw; of the first result the reaches are marked. */
static void add_charts(const struct chase_view *views, size_t count)
{
    add_chart(views, count, true);
    chase_mark_reaches(views, add_chart(views, count, false));
}

/* ---- all ---- */

void view_chase(const struct result *result, struct document *document)
{
    struct chase_view view = {.result = result, .document = document};
    curves_arrange(result, &document->pool, &view.curves);
    view_run_title(result, document);
    bool disturbed = chase_conclude(&view);
    if (disturbed && !document->stamp)
        document->stamp = "too disturbed to tell";
    view_run_today(result, document);
    for (size_t i = 0; i < view.curves.group_count; i++)
        add_table(&view, &view.curves.groups[i]);
    add_charts(&view, 1);
    chase_say_reaches(&view);
    chase_say_counts(&view);
    view_run_method(result, document);
    view_run_cells(result, document);
}

void view_chase_overlay(const struct compare_input *results, size_t count, struct document *document)
{
    struct chase_view *views = pool_room(&document->pool, count, sizeof *views);
    if (!views)
        return;
    for (size_t i = 0; i < count; i++) {
        views[i] =
            (struct chase_view){.result = results[i].result, .document = document, .prefix = results[i].name};
        curves_arrange(results[i].result, &document->pool, &views[i].curves);
    }
    add_charts(views, count);
}
