#include "report/view_chase.h"

#include "report/format.h"
#include "report/view_chase_parts.h"
#include "report/view_run.h"
#include "result/baseline.h"
#include "result/ratios.h"
#include "result/words.h"

#include <string.h>

/* ---- names ---- */

/* Which parts of a shape have to be named. */
struct shape_parts {
    bool order, element, write, chains;
};

static const char *shape_name(
    struct document *document, const struct chase_shape *shape, struct shape_parts parts)
{
    const char *name = parts.order ? chase_orders[shape->order].name : "";
    if (parts.element)
        name = document_text(
            document, "%s%s%s elements", name, name[0] ? ", " : "", format_size(shape->element_bytes).text);
    if (parts.write)
        name = document_text(
            document, "%s%s%s", name, name[0] ? ", " : "", shape->write ? "writing" : "reading");
    if (parts.chains)
        name = document_text(document, "%s%s%u chain%s", name, name[0] ? ", " : "", shape->chains,
            shape->chains == 1 ? "" : "s");
    return name;
}

const char *chase_group_name(const struct chase_view *view, const struct curve_group *group)
{
    return shape_name(view->document, &group->shape,
        (struct shape_parts){true, true, group->shape.write, group->shape.chains > 1});
}

/* Page sizes, "4K/2M" or "2M"; "" where the label alone is not ambiguous. */
static const char *pages_text(
    const struct chase_view *view, const struct curve_group *group, const struct curve *curve)
{
    struct formatted host = format_size_short(curve->host_page_bytes);
    size_t alike = 0;
    for (size_t i = 0; i < group->curve_count; i++)
        alike += !strcmp(group->curves[i].label, curve->label);
    if (alike < 2)
        return "";
    if (!curve->guest_page_bytes)
        return document_text(view->document, "%s", host.text);
    return document_text(view->document, "%s/%s", format_size_short(curve->guest_page_bytes).text, host.text);
}

/* What tells a group from the others: "packed"; "" if it is the only one. */
static const char *group_tag(const struct chase_view *view, const struct curve_group *group)
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
    return shape_name(view->document, &group->shape, parts);
}

static const char *joined(const struct chase_view *view, const char *a, const char *between, const char *b)
{
    return document_text(view->document, "%s%s%s", a, a[0] && b[0] ? between : "", b);
}

const char *chase_curve_title(
    const struct chase_view *view, const struct curve_group *group, const struct curve *curve)
{
    return joined(view, curve->label, " ", pages_text(view, group, curve));
}

const char *chase_curve_kind(
    const struct chase_view *view, const struct curve_group *group, const struct curve *curve)
{
    return joined(view, group_tag(view, group), ", ", pages_text(view, group, curve));
}

const char *chase_curve_name(
    const struct chase_view *view, const struct curve_group *group, const struct curve *curve)
{
    return joined(view, group_tag(view, group), ": ", chase_curve_title(view, group, curve));
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
    if (curve->compared)
        return point_interval(point) && ratio_is_unclear(point->against->low, point->against->high);
    return point_measured(point) &&
           ratio_is_unclear(point->cell->low / point->cell->median, point->cell->high / point->cell->median);
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
            points += layout.compared ? point_interval(point) : point_measured(point);
            unclear += is_unclear(&group->curves[i], point);
        }
    layout.pair = group->curve_count == 2 && group->curves[0].native && group->curves[1].compared;
    layout.unclear = unclear && 2 * unclear < points;
    return layout;
}

enum { CURVE_COLUMNS_MAX = 2 };

/* The columns of a curve, whose block has its name, or their heads where two stand side by side; how many. */
static size_t curve_columns(const struct chase_view *view, const struct curve_group *group,
    const struct curve *curve, struct layout layout, struct column columns[static CURVE_COLUMNS_MAX])
{
    const char *title = chase_curve_title(view, group, curve), *block = layout.pair ? NULL : title;
    columns[0] = (struct column){.key = "ns",
        .head = !layout.pair                        ? "ns"
                : curve->native || curve->elsewhere ? title
                                                    : "guest",
        .block = block,
        .unit = UNIT_NS,
        .bare = true,
        .rounded = true,
        .interval = !layout.compared};
    columns[1] = (struct column){
        .key = "slowdown", .block = block, .unit = UNIT_CHANGE, .rounded = true, .interval = true};
    if (!layout.compared)
        columns[1] = (struct column){.key = "fastest", .block = block, .unit = UNIT_NS, .bare = true};
    return !layout.compared || curve->compared ? 2 : 1;
}

static void fill_point(struct table *table, size_t row, size_t column, const struct curve *curve,
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
    struct pool *pool = &view->document->pool;
    struct column *columns = pool_room(pool, 1 + CURVE_COLUMNS_MAX * group->curve_count, sizeof *columns);
    struct layout layout = layout_of(group);
    size_t count = 1, rows = 0, row = 0;
    for (size_t i = 0; i < group->working_set_count; i++)
        rows += any_measured(group, i);
    if (!columns || !rows)
        return false;
    columns[0] = (struct column){.key = "working_set", .head = "working set", .unit = UNIT_BYTES};
    for (size_t i = 0; i < group->curve_count; i++)
        count += curve_columns(view, group, &group->curves[i], layout, columns + count);
    struct table *table = document_table(view->document, "slowdown",
        document_text(view->document, "pointer chase, %s: ns per access", chase_group_name(view, group)),
        columns, count, rows);
    for (size_t at = 0; at < group->working_set_count; at++) {
        if (!any_measured(group, at))
            continue;
        table_number(table, row, 0, (double)group->working_sets[at]);
        for (size_t i = 0, column = 1; i < group->curve_count; i++) {
            const struct curve *curve = &group->curves[i];
            fill_point(table, row, column, curve, &curve->points[at], layout);
            column += !layout.compared || curve->compared ? 2 : 1;
        }
        row++;
    }
    return true;
}

/* ---- its notes ---- */

enum { SIZES_NAMED = 4, NOTES_NAMED = 8 };

/* Why there is something to say about a point; NULL if there is not. */
static const char *reason_of(const struct result *result, const struct curve_point *point)
{
    if (!point->cell)
        return result->complete || !result->incomplete_reason[0] ? "this cell was not part of the experiment"
                                                                 : result->incomplete_reason;
    const char *reason = cell_reason(point->cell);
    return reason || !point->against ? reason : comparison_reason(point->against);
}

static bool same_note(const struct result *result, const struct curve_point *a, const struct curve_point *b)
{
    const char *left = reason_of(result, a), *right = reason_of(result, b);
    return left && right && !strcmp(left, right) && mark_of_cell(a) == mark_of_cell(b);
}

/* "4 KiB, 64 KiB, 1 MiB and 3 more": the working sets from `at` on that share its note; "" if one before
 * does. */
static const char *sizes_of_note(
    const struct chase_view *view, const struct curve_group *group, const struct curve *curve, size_t at)
{
    const char *sizes = "";
    size_t count = 0;
    for (size_t i = 0; i < group->working_set_count; i++) {
        if (!same_note(view->result, &curve->points[at], &curve->points[i]))
            continue;
        if (i < at)
            return "";
        if (count++ < SIZES_NAMED)
            sizes = document_text(view->document, "%s%s%s", sizes, sizes[0] ? ", " : "",
                format_size(group->working_sets[i]).text);
    }
    return count > SIZES_NAMED ? document_text(view->document, "%s and %zu more", sizes, count - SIZES_NAMED)
                               : sizes;
}

static void say_marks(const struct chase_view *view, const struct curve_group *group)
{
    bool used[POINT_MARKS] = {[POINT_UNCLEAR] = layout_of(group).unclear};
    const char *text = "";
    for (size_t i = 0; i < group->curve_count; i++)
        for (size_t k = 0; k < group->working_set_count; k++)
            used[mark_of_cell(&group->curves[i].points[k])] = true;
    for (enum point_mark mark = POINT_UNCLEAR; mark < POINT_MARKS; mark++)
        if (used[mark])
            text = document_text(view->document, "%s%s%s %s", text, text[0] ? ";  " : "",
                point_marks[mark].mark, point_marks[mark].meaning);
    if (text[0])
        document_say(view->document, BLOCK_NOTE, "%s", text);
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
    size_t notes = 0;
    document_details(view->document, details);
    for (size_t i = 0; i < group->curve_count; i++)
        for (size_t k = 0; k < group->working_set_count; k++) {
            const struct curve *curve = &group->curves[i];
            const struct curve_point *point = &curve->points[k];
            const char *mark = point_marks[mark_of_cell(point)].mark;
            if (details != is_detail(point->cell))
                continue;
            const char *sizes = sizes_of_note(view, group, curve, k);
            if (sizes[0] && notes++ < NOTES_NAMED)
                document_say(view->document, BLOCK_FACT, "%s%s%s at %s: %s", mark ? mark : "",
                    mark ? " " : "", chase_curve_title(view, group, curve), sizes,
                    reason_of(view->result, point));
        }
    if (notes > NOTES_NAMED)
        document_say(
            view->document, BLOCK_FACT, "and %zu more: see \"reason\" in --json", notes - NOTES_NAMED);
    document_details(view->document, false);
}

/* ---- charts ---- */

static struct chart *new_chart(
    const struct chase_view *view, const char *name, const char *title, struct chart_axis y)
{
    char note[BASELINE_BYTES] = "";
    if (!view->prefix)
        baseline_note(&view->result->host, note);
    struct chart *chart = document_chart(view->document, CHART_LINES, name,
        document_text(view->document, "%s%s%s%s", title, note[0] ? " (" : "", note, note[0] ? ")" : ""));
    if (!chart)
        return NULL;
    chart->x = (struct chart_axis){.label = "working set", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = y;
    chart->stamp = view->document->stamp;
    return chart;
}

/* A series for each curve, of its slowdowns (of those that have any) or of its times; points are unknown
 * where there is no figure. */
static void add_series(const struct chase_view *view, const struct curve_group *group,
    const struct curve *curve, bool slowdowns, struct chart *chart)
{
    const char *name = chase_curve_name(view, group, curve);
    if (view->prefix)
        name = document_text(view->document, "%s: %s", view->prefix, name);
    struct chart_series *series = chart_series(view->document, chart, name, group->working_set_count);
    if (series)
        series->baseline = curve->native && !view->prefix;
    for (size_t i = 0; series && i < series->count; i++) {
        const struct curve_point *point = &curve->points[i];
        struct chart_point *to = &series->points[i];
        to->x = (double)group->working_sets[i];
        if (slowdowns && point_compared(point)) {
            to->y = point->against->ratio;
            to->low = point->against->low;
            to->high = point->against->high;
            to->mark = is_unclear(curve, point) ? "tells nothing" : NULL;
        } else if (!slowdowns && point_measured(point) && point->cell->median > 0) {
            to->y = point->cell->median;
            to->low = point->cell->low;
            to->high = point->cell->high;
        }
    }
}

static void add_curves(const struct chase_view *views, size_t count, bool slowdowns, struct chart *chart)
{
    for (size_t i = 0; chart && i < count; i++)
        for (size_t g = 0; g < views[i].curves.group_count; g++)
            for (size_t c = 0; c < views[i].curves.groups[g].curve_count; c++) {
                const struct curve_group *group = &views[i].curves.groups[g];
                if (!slowdowns || group->curves[c].compared)
                    add_series(&views[i], group, &group->curves[c], slowdowns, chart);
            }
}

/* Both charts of one result or several, as far as there is something to draw; of the first the reaches are
 * marked. */
static void add_charts(const struct chase_view *views, size_t count)
{
    const struct chart_axis ratios = {.label = "slowdown over native", .unit = UNIT_CHANGE, .least = 0.02},
                            times = {.label = "ns per access", .unit = UNIT_NS, .scale = SCALE_LOG};
    bool any = false, compared = false;
    for (size_t i = 0; i < count; i++)
        for (size_t g = 0; g < views[i].curves.group_count; g++) {
            any = true;
            compared |= layout_of(&views[i].curves.groups[g]).compared;
        }
    struct chart *chart = compared ? new_chart(views, "slowdown", "slowdown over native", ratios) : NULL;
    add_curves(views, count, true, chart);
    if (chart)
        chart->rule = 1;
    chart = any ? new_chart(views, "latency", "latency in ns per access", times) : NULL;
    add_curves(views, count, false, chart);
    chase_mark_reaches(views, chart);
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
