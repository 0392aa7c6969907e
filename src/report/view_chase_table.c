#include "report/view_chase.h"

#include "model/overlap.h"
#include "report/format.h"
#include "report/view_parts.h"

#include <math.h>

double chase_at_best(const struct result_cell *cell)
{
    const struct result_modelled *modelled = &cell->modelled;
    unsigned chains = cell_chase(cell)->chains;
    return cell_modelled(cell) && cell_measured(cell) && chains > 1 && modelled->account.accesses
               ? overlap_of(&modelled->account, chains).best / modelled->ghz
               : NAN;
}

/* Why figures are missing, lack an interval or are of other pages; or the details: that a
 * cell is noisy, since what is read is how cells compare. */
static void say_notes(const struct chase_view *view, const struct curve_group *group, bool details)
{
    struct remarks remarks = {.doc = view->doc};
    for (size_t i = 0; i < group->curve_count; i++) {
        const char *title = chase_words(view, &group->curves[i]).title;
        for (size_t k = 0; k < group->working_set_count; k++) {
            const struct curve_point *point = &group->curves[i].points[k];
            const struct result_cell *cell = point->cell;
            const char *reason = cell ? cell_reason(cell) : view->result->incomplete_reason;
            if (!cell && (view->result->complete || !reason[0]))
                reason = "this cell was not part of the experiment";
            if (cell && cell_modelled(cell) && cell_measured(cell)) {
                if (!details && cell->note[0] && !isfinite(chase_at_best(cell)))
                    remarks_add(&remarks, document_text(view->doc, "%s at ", title),
                        document_text(view->doc, "%s", format_size(point->working_set_bytes).text),
                        cell->note);
                continue; /* it lacks nothing but an interval, as is said of all */
            }
            if (cell && point->against && (point->doubt || !reason))
                reason = point->doubt ? point->doubt : comparison_reason(point->against);
            const char *mark = !cell_measured(cell) ? "- " : cell->quality == QUALITY_INTERRUPTED ? "! " : "";
            if (details == (cell && !point->doubt && cell->quality == QUALITY_NOISY && cell->pages.as_asked))
                remarks_add(&remarks, document_text(view->doc, "%s%s at ", mark, title),
                    document_text(view->doc, "%s", format_size(point->working_set_bytes).text), reason);
        }
    }
    document_details(view->doc, details);
    remarks_say(&remarks, NULL, 4, 8);
    document_details(view->doc, false);
}

static void say_range(const struct chase_view *view, const struct curve_group *group)
{
    bool any = false;
    for (size_t i = 0; i < group->curve_count; i++)
        for (size_t k = 0; k < group->working_set_count; k++)
            any |= point_measured(&group->curves[i].points[k]) &&
                   isfinite(chase_at_best(group->curves[i].points[k].cell));
    if (any)
        document_say(view->doc, BLOCK_NOTE,
            "modelled times of %u chains are a range: at best memory, TLBs and walks of all overlap; ns is "
            "where data alone does and walks wait for one another. How many misses a core can have on the "
            "way is not simulated",
            group->shape.chains);
}

enum { COLUMN_TIME, COLUMN_FASTEST, COLUMN_SLOWDOWN, CURVE_COLUMNS };

/* The columns of a curve, whose block has its name, or their heads in a pair of native and what is compared
 * with it. Where something is compared the others have a time alone, else also its interval and the fastest.
 */
static void make_columns(const struct curve *curve, const char *title, bool pair, bool compared,
    struct column columns[static CURVE_COLUMNS])
{
    const char *block = pair ? NULL : title, *head = pair ? title : "ns";
    if (pair && !curve->native && !curve->elsewhere && !curve->modelled)
        head = "guest";
    columns[COLUMN_TIME] = (struct column){
        "ns", head, block, UNIT_NS, .bare = true, .rounded = true, .interval = !compared && !curve->modelled};
    columns[COLUMN_FASTEST] =
        (struct column){curve->modelled ? "at best" : "fastest", NULL, block, UNIT_NS, .bare = true};
    columns[COLUMN_SLOWDOWN] =
        (struct column){"slowdown", NULL, block, UNIT_CHANGE, .rounded = true, .interval = !curve->modelled};
}

static void fill_point(
    struct table *table, size_t row, size_t column, const struct curve_point *point, bool compared)
{
    static const enum tone tones[VERDICTS] = {[VERDICT_SLOWER] = TONE_SLOWER, [VERDICT_FASTER] = TONE_FASTER};
    const struct result_cell *cell = point->cell;
    const struct result_comparison *against = point->against;
    if (cell)
        *table_at(table, row, column + COLUMN_TIME) =
            (struct value){UNIT_NS, cell->median, cell->low, cell->high, .why = cell_reason(cell),
                .mark = point_measured(point) && cell->quality == QUALITY_INTERRUPTED ? "!" : NULL};
    if (cell && (cell_modelled(cell) || !compared))
        table_number(
            table, row, column + COLUMN_FASTEST, cell_modelled(cell) ? chase_at_best(cell) : cell->min);
    if (point->doubt)
        *table_at(table, row, column + COLUMN_SLOWDOWN) =
            (struct value){UNIT_CHANGE, NAN, NAN, NAN, .why = point->doubt};
    else if (against)
        *table_at(table, row, column + COLUMN_SLOWDOWN) =
            (struct value){UNIT_CHANGE, against->ratio, against->low, against->high,
                .why = comparison_reason(against), .tone = tones[verdict_of(against->low, against->high)]};
}

void chase_add_table(const struct chase_view *view, const struct curve_group *group)
{
    size_t count = 1 + CURVE_COLUMNS * group->curve_count, rows = 0;
    size_t *measured = pool_room(&view->doc->pool, group->working_set_count, sizeof *measured);
    struct column *columns = pool_room(&view->doc->pool, count, sizeof *columns);
    const struct curve *curves = group->curves;
    bool compared = false, pair = group->curve_count == 2 && curves[0].native && curves[1].compared;
    for (size_t i = 0; i < group->curve_count; i++)
        compared |= curves[i].compared;
    for (size_t at = 0; measured && at < group->working_set_count; at++) {
        bool any = false;
        for (size_t i = 0; i < group->curve_count; i++)
            any |= cell_measured(curves[i].points[at].cell);
        measured[rows] = at;
        rows += any;
    }
    if (!columns || !rows)
        return;
    columns[0] = (struct column){.key = "working_set", .head = "working set", .unit = UNIT_BYTES};
    for (size_t i = 0; i < group->curve_count; i++)
        make_columns(
            &curves[i], chase_words(view, &curves[i]).title, pair, compared, columns + 1 + CURVE_COLUMNS * i);
    struct table *table = document_table(view->doc, "slowdown",
        document_text(
            view->doc, "pointer chase, %s: ns per access", chase_shape_text(view->doc, &group->shape)),
        columns, count, rows);
    for (size_t row = 0; row < rows; row++) {
        table_number(table, row, 0, (double)group->working_sets[measured[row]]);
        for (size_t i = 0; i < group->curve_count; i++)
            fill_point(table, row, 1 + CURVE_COLUMNS * i, &curves[i].points[measured[row]], compared);
    }
    view_drop_empty(table);
    view_mark_unclear(table);
    view_say_marks(table, view->doc);
    say_range(view, group);
    say_notes(view, group, false);
    say_notes(view, group, true);
}
