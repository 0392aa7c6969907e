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

/* ---- the table of a group ---- */

/* What stands beside a figure. */
enum point_mark { POINT_GOOD, POINT_UNCLEAR, POINT_INTERRUPTED, POINT_MISSING, POINT_MARKS };

static const struct {
    const char *mark, *meaning;
} point_marks[POINT_MARKS] = {
    [POINT_UNCLEAR] = {"~", "tells nothing: its interval reaches more than 10 % to a side"},
    [POINT_INTERRUPTED] = {"!", "interrupted: fewer placements than planned"},
    [POINT_MISSING] = {"-", "not measured"},
};

static enum point_mark mark_of_cell(const struct curve_point *point)
{
    if (!point_measured(point))
        return POINT_MISSING;
    return point->cell->quality == QUALITY_INTERRUPTED ? POINT_INTERRUPTED : POINT_GOOD;
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

enum { CURVE_COLUMNS_MAX = 2 };

/* The columns of a curve, whose block has its name, or their heads where two stand side by side; how many. */
static size_t curve_columns(const struct chase_view *view, const struct curve *curve, struct layout layout,
    struct column columns[static CURVE_COLUMNS_MAX])
{
    const char *title = curve_title(view, curve), *block = layout.pair ? NULL : title;
    columns[0] = (struct column){.key = "ns",
        .head = !layout.pair                        ? "ns"
                : curve->native || curve->elsewhere ? title
                                                    : "guest",
        .block = block,
        .unit = UNIT_NS,
        .bare = true,
        .rounded = true,
        .interval = !layout.compared};
    columns[1] = layout.compared
                     ? (struct column){.key = "slowdown",
                           .block = block,
                           .unit = UNIT_CHANGE,
                           .rounded = true,
                           .interval = true}
                     : (struct column){.key = "fastest", .block = block, .unit = UNIT_NS, .bare = true};
    return !layout.compared || curve->compared ? 2 : 1;
}

/* Fills a curve's columns; the next curve's first. */
static size_t fill_point(struct table *table, size_t row, size_t column, const struct curve *curve,
    const struct curve_point *point, struct layout layout)
{
    static const enum tone tones[VERDICTS] = {[VERDICT_SLOWER] = TONE_SLOWER, [VERDICT_FASTER] = TONE_FASTER};
    const struct result_cell *cell = point->cell;
    const struct result_comparison *against = point->against;
    struct value *value = table_at(table, row, column);
    if (cell) {
        table_interval(table, row, column, cell->median, cell->low, cell->high);
        value->mark = point_measured(point) ? point_marks[mark_of_cell(point)].mark : NULL;
        value->why = cell_reason(cell);
        if (!layout.compared)
            table_number(table, row, column + 1, cell->min);
    }
    if (curve->compared)
        value = table_at(table, row, column + 1);
    if (curve->compared && against) {
        table_interval(table, row, column + 1, against->ratio, against->low, against->high);
        value->tone = tones[verdict_of(against->low, against->high)];
        value->why = comparison_reason(against);
    }
    if (layout.unclear && curve->compared == layout.compared && is_unclear(curve, point))
        value->mark = point_marks[POINT_UNCLEAR].mark;
    return column + (!layout.compared || curve->compared ? 2 : 1);
}

static bool any_measured(const struct curve_group *group, size_t at)
{
    bool any = false;
    for (size_t i = 0; i < group->curve_count; i++)
        any |= point_measured(&group->curves[i].points[at]);
    return any;
}

/* A row for each working set that something was measured at; false if there is none. */
static bool add_table(const struct chase_view *view, const struct curve_group *group)
{
    struct document *document = view->document;
    const struct chase_shape *shape = &group->shape;
    struct column *columns =
        pool_room(&document->pool, 1 + CURVE_COLUMNS_MAX * group->curve_count, sizeof *columns);
    struct layout layout = layout_of(group);
    size_t count = 1, rows = 0, row = 0;
    for (size_t i = 0; i < group->working_set_count; i++)
        rows += any_measured(group, i);
    if (!columns || !rows)
        return false;
    columns[0] = (struct column){.key = "working_set", .head = "working set", .unit = UNIT_BYTES};
    for (size_t i = 0; i < group->curve_count; i++)
        count += curve_columns(view, &group->curves[i], layout, columns + count);
    const char *name =
        shape_name(document, shape, (struct shape_parts){true, true, shape->write, shape->chains > 1});
    struct table *table = document_table(document, "slowdown",
        document_text(document, "pointer chase, %s: ns per access", name), columns, count, rows);
    for (size_t at = 0; at < group->working_set_count; at++) {
        if (!any_measured(group, at))
            continue;
        table_number(table, row, 0, (double)group->working_sets[at]);
        for (size_t i = 0, column = 1; i < group->curve_count; i++)
            column = fill_point(table, row, column, &group->curves[i], &group->curves[i].points[at], layout);
        row++;
    }
    return true;
}

/* ---- its notes ---- */

static void say_marks(const struct chase_view *view, const struct curve_group *group)
{
    bool used[POINT_MARKS] = {[POINT_UNCLEAR] = layout_of(group).unclear};
    struct listing marks = {.between = ";  ", .most = POINT_MARKS};
    for (size_t i = 0; i < group->curve_count; i++)
        for (size_t k = 0; k < group->working_set_count; k++)
            used[mark_of_cell(&group->curves[i].points[k])] = true;
    for (enum point_mark mark = POINT_UNCLEAR; mark < POINT_MARKS; mark++)
        if (used[mark])
            listing_add(&marks,
                document_text(view->document, "%s %s", point_marks[mark].mark, point_marks[mark].meaning),
                view->document);
    if (marks.count)
        document_say(view->document, BLOCK_NOTE, "%s", marks.text);
}

/* Why there is something to say about a point; NULL if there is not. */
static const char *reason_of(const struct result *result, const struct curve_point *point)
{
    if (!point->cell)
        return result->complete || !result->incomplete_reason[0] ? "this cell was not part of the experiment"
                                                                 : result->incomplete_reason;
    const char *reason = cell_reason(point->cell);
    return reason || !point->against ? reason : comparison_reason(point->against);
}

/* "4 KiB, 64 KiB, 1 MiB and 3 more": the working sets from `at` on that share its reason and mark; "" if one
 * before does, or there is no reason. */
static const char *sizes_of_note(const struct chase_view *view, const struct curve *curve, size_t at)
{
    struct listing sizes = {.between = ", ", .most = 4};
    const struct curve_point *point = &curve->points[at];
    const char *reason = reason_of(view->result, point);
    for (size_t i = 0; reason && i < curve->group->working_set_count; i++) {
        const struct curve_point *other = &curve->points[i];
        const char *its = reason_of(view->result, other);
        if (!its || strcmp(its, reason) != 0 || mark_of_cell(other) != mark_of_cell(point))
            continue;
        if (i < at)
            return "";
        listing_add(&sizes, document_text(view->document, "%s", format_size(other->working_set_bytes).text),
            view->document);
    }
    return listing_text(&sizes, view->document);
}

/* Why figures are missing or lack an interval; or why cells are noisy, which is a detail: what is read is how
 * they compare. */
static void say_notes(const struct chase_view *view, const struct curve_group *group, bool noisy)
{
    enum { NAMED = 8 };
    size_t notes = 0;
    document_details(view->document, noisy);
    for (size_t i = 0; i < group->curve_count; i++)
        for (size_t k = 0; k < group->working_set_count; k++) {
            const struct curve *curve = &group->curves[i];
            const struct curve_point *point = &curve->points[k];
            const char *mark = point_marks[mark_of_cell(point)].mark;
            if (noisy != (point->cell && point->cell->quality == QUALITY_NOISY))
                continue;
            const char *sizes = sizes_of_note(view, curve, k);
            if (sizes[0] && notes++ < NAMED)
                document_say(view->document, BLOCK_FACT, "%s%s%s at %s: %s", mark ? mark : "",
                    mark ? " " : "", curve_title(view, curve), sizes, reason_of(view->result, point));
        }
    if (notes > NAMED)
        document_say(view->document, BLOCK_FACT, "and %zu more: see \"reason\" in --json", notes - NAMED);
    document_details(view->document, false);
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
    for (size_t i = 0; i < view.curves.group_count; i++) {
        if (!add_table(&view, &view.curves.groups[i]))
            continue;
        say_marks(&view, &view.curves.groups[i]);
        say_notes(&view, &view.curves.groups[i], false);
        say_notes(&view, &view.curves.groups[i], true);
    }
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
