#include "report/views.h"

#include "report/format.h"
#include "report/view_parts.h"
#include "result/curves.h"
#include "result/told_levels.h"

#include <math.h>
#include <string.h>

struct found {
    const struct curve *curve;
    const struct curve_point *point; /* NULL: there is none */
};

/* Where something ran that was compared with native, and what all its comparisons say together. */
struct place {
    const char *label;
    bool elsewhere; /* on another machine */
    bool modelled;  /* on a simulated one */
    size_t curves;  /* that were compared */
    struct ratios ratios;
    struct found slowest, fastest;        /* the largest that are significant */
    uint64_t unclear_least, unclear_most; /* working sets */
    bool some_without;                    /* of the unclear ones some have no ratio at all */
    const char *withheld;                 /* why a comparison has no ratio; NULL: all have */
};

struct chase_view {
    const struct result *result;
    struct document *doc;
    struct curves curves;
    const char *prefix;   /* what its curves are called by besides, where there are several results; NULL */
    struct place *places; /* at most one for each curve */
    size_t place_count;
};

/* How a curve is called, in the document's memory. */
struct curve_words {
    const char *title; /* "native", "kvm (nested) 4K/2M": page sizes where the label alone is ambiguous */
    const char *kind;  /* what tells it from others of its label: "packed, 4K/2M"; "" where it is alone */
    const char *name;  /* for a legend: "packed: kvm (nested) 4K/2M" */
};

enum { SHAPE_ORDER, SHAPE_ELEMENT, SHAPE_WRITE, SHAPE_CHAINS, SHAPE_PARTS };

/* "random, 64 B elements, reading, 1 chain": those parts of it that are to be named. */
static const char *shape_name(
    struct document *doc, const struct chase_shape *shape, const bool named[static SHAPE_PARTS])
{
    struct listing name = {.doc = doc, .between = ", "};
    if (named[SHAPE_ORDER])
        listing_add(&name, "%s", chase_orders[shape->order].name);
    if (named[SHAPE_ELEMENT])
        listing_add(&name, "%s elements", format_size(shape->element_bytes).text);
    if (named[SHAPE_WRITE])
        listing_add(&name, shape->write ? "writing" : "reading");
    if (named[SHAPE_CHAINS])
        listing_add(&name, "%u chain%s", shape->chains, shape->chains == 1 ? "" : "s");
    return listing_text(&name);
}

static struct curve_words words_of(const struct chase_view *view, const struct curve *curve)
{
    const struct curve_group *group = curve->group;
    const struct chase_shape *own = &group->shape;
    bool differ[SHAPE_PARTS] = {false};
    const char *pages = "";
    size_t alike = 0;
    for (size_t i = 0; i < view->curves.group_count; i++) {
        const struct chase_shape *shape = &view->curves.groups[i].shape;
        differ[SHAPE_ORDER] |= shape->order != own->order;
        differ[SHAPE_ELEMENT] |= shape->element_bytes != own->element_bytes;
        differ[SHAPE_WRITE] |= shape->write != own->write;
        differ[SHAPE_CHAINS] |= shape->chains != own->chains;
    }
    for (size_t i = 0; i < group->curve_count; i++)
        alike += !strcmp(group->curves[i].label, curve->label);
    if (alike > 1)
        pages = document_text(view->doc, "%s", format_size_short(curve->host_page_bytes).text);
    if (alike > 1 && curve->guest_page_bytes)
        pages = document_text(view->doc, "%s/%s", format_size_short(curve->guest_page_bytes).text, pages);
    const char *tag = shape_name(view->doc, own, differ);
    const char *title = document_text(view->doc, "%s%s%s", curve->label, pages[0] ? " " : "", pages);
    return (struct curve_words){.title = title,
        .kind = document_text(view->doc, "%s%s%s", tag, tag[0] && pages[0] ? ", " : "", pages),
        .name = document_text(view->doc, "%s%s%s", tag, tag[0] ? ": " : "", title)};
}

/* ---- the conclusion, and the facts that bear it ---- */

static void count_point(struct place *place, struct found found)
{
    const struct result_comparison *against = found.point->against;
    uint64_t bytes = found.point->working_set_bytes;
    struct found *slowest = &place->slowest, *fastest = &place->fastest;
    if (found.point->doubt) {
        ratios_add_none(&place->ratios);
        place->some_without = true;
    } else if (against && !point_compared(found.point))
        place->withheld = comparison_reason(against);
    bool tells_nothing = found.point->doubt || (against && ratio_is_unclear(against->low, against->high));
    if (tells_nothing) {
        place->unclear_least = bytes < place->unclear_least ? bytes : place->unclear_least;
        place->unclear_most = bytes > place->unclear_most ? bytes : place->unclear_most;
    }
    if (!point_compared(found.point))
        return;
    enum verdict verdict = verdict_of(against->low, against->high);
    ratios_add(&place->ratios, against->ratio, against->low, against->high);
    if (verdict == VERDICT_SLOWER && (!slowest->point || against->ratio > slowest->point->against->ratio))
        *slowest = found;
    if (verdict == VERDICT_FASTER && (!fastest->point || against->ratio < fastest->point->against->ratio))
        *fastest = found;
}

static void find_places(struct chase_view *view)
{
    view->places = pool_room(&view->doc->pool, view->curves.count, sizeof *view->places);
    for (size_t i = 0; view->places && i < view->curves.count; i++) {
        const struct curve *curve = view->curves.all[i];
        struct place *place = view->places, *end = place + view->place_count;
        while (place < end && strcmp(place->label, curve->label) != 0)
            place++;
        if (!curve->compared)
            continue;
        if (place == end) {
            *place =
                (struct place){curve->label, curve->elsewhere, curve->modelled, .unclear_least = UINT64_MAX};
            view->place_count++;
        }
        place->curves++;
        for (size_t k = 0; k < curve->group->working_set_count; k++)
            count_point(place, (struct found){curve, &curve->points[k]});
    }
}

/* Differences below this are next to nothing. */
static const double matters = 0.01;

/* "71.2 % (55.9 to 92.9) more than native here, at 64 MiB (packed, 4K/2M)": how much more, or less, with what
 * `than` says, and where. */
static const char *found_text(const struct chase_view *view, struct found found, const char *than)
{
    const struct result_comparison *against = found.point->against;
    const char *kind = words_of(view, found.curve).kind;
    return document_text(view->doc, "%s%s at %s%s%s%s",
        view_amount(view->doc, against->ratio, against->low, against->high), than,
        format_size(found.point->working_set_bytes).text, kind[0] ? " (" : "", kind, kind[0] ? ")" : "");
}

/* Of simulated machines: a ratio is exact, and has no interval to be judged by. */
static void conclude_modelled(const struct chase_view *view, const struct place *place)
{
    const struct curve_point *most = NULL;
    for (size_t i = 0; i < view->curves.count; i++) {
        const struct curve *curve = view->curves.all[i];
        for (size_t k = 0; k < curve->group->working_set_count && !strcmp(curve->label, place->label); k++) {
            const struct curve_point *point = &curve->points[k];
            if (point->against && isfinite(point->against->ratio) &&
                (!most || point->against->ratio > most->against->ratio))
                most = point;
        }
    }
    if (most && most->against->ratio < 1.0005)
        document_say(view->doc, BLOCK_CONCLUSION,
            "Memory access on %s would cost what it costs natively there%s.", place->label,
            view_run_incomplete(view->result, view->doc));
    else if (most)
        document_say(view->doc, BLOCK_CONCLUSION,
            "Memory access on %s would cost up to %.1f %% more than native there, at %s%s.", place->label,
            100 * (most->against->ratio - 1), format_size(most->working_set_bytes).text,
            view_run_incomplete(view->result, view->doc));
}

static void conclude(const struct chase_view *view, const struct place *place)
{
    struct document *doc = view->doc;
    const struct ratios *ratios = &place->ratios;
    const char *where = place->elsewhere         ? document_text(doc, "on %s", place->label)
                        : view->place_count == 1 ? "in a guest"
                                                 : document_text(doc, "in %s", place->label);
    const char *incomplete = view_run_incomplete(view->result, doc);
    bool more = ratios_slower(ratios), less = ratios_faster(ratios), any = more || less;
    more &= place->slowest.point && place->slowest.point->against->ratio >= 1 + matters;
    less &= place->fastest.point && place->fastest.point->against->ratio <= 1 - matters;
    if (more || less) {
        document_say(doc, BLOCK_CONCLUSION, "Memory access %s costs up to %s", where,
            more ? found_text(view, place->slowest, " more than native here,")
                 : found_text(view, place->fastest, " less than native here,"));
        if (more && less)
            view_add(doc, ", and up to %s", found_text(view, place->fastest, " less,"));
        view_add(doc, "%s.", incomplete);
    } else if (!ratios->all) {
        document_say(doc, BLOCK_CONCLUSION, "This run cannot tell what memory access %s costs: %s%s.", where,
            place->withheld ? place->withheld : "that needs two placements or more", incomplete);
    } else if (ratios_disturbed(ratios)) {
        document_say(doc, BLOCK_CONCLUSION,
            "This run was too disturbed to tell what memory access %s costs%s: %s.", where, incomplete,
            view_run_blame(view->result, doc));
    } else if (any) {
        document_say(doc, BLOCK_CONCLUSION,
            "Memory access %s costs next to nothing here: no significant difference reaches %.0f %%%s.",
            where, 100 * matters, incomplete);
    } else {
        document_say(
            doc, BLOCK_CONCLUSION, "Memory access %s costs nothing measurable here%s.", where, incomplete);
    }
}

/* Where nothing was compared: the two ends of the first curve. */
static void conclude_alone(const struct chase_view *view)
{
    const struct curve_point *first = NULL, *last = NULL;
    const struct curve *curve = NULL;
    const struct result *result = view->result;
    const char *unfit =
        result->cell_count && cell_measured(result->cells) ? cell_unlike(result->cells) : NULL;
    for (size_t c = 0; c < view->curves.count && !first; c++) {
        curve = view->curves.all[c];
        for (size_t i = 0; i < curve->group->working_set_count; i++)
            if (point_measured(&curve->points[i])) {
                first = first ? first : &curve->points[i];
                last = &curve->points[i];
            }
    }
    if (first)
        document_say(view->doc, BLOCK_CONCLUSION, "An access takes %s ns at %s",
            format_ns(first->cell->median).text, format_size(first->working_set_bytes).text);
    else
        document_say(view->doc, BLOCK_CONCLUSION,
            unfit ? "Nothing that was measured tells how long an access takes: %s" : "Nothing was measured%s",
            unfit ? unfit : "");
    if (last != first)
        view_add(view->doc, " and %s ns at %s", format_ns(last->cell->median).text,
            format_size(last->working_set_bytes).text);
    if (first)
        view_add(view->doc, " (%s); nothing was compared", words_of(view, curve).name);
    view_add(view->doc, "%s.", view_run_incomplete(view->result, view->doc));
}

static void add_slowest(const struct chase_view *view, const struct place *place)
{
    const struct ratios *ratios = &place->ratios;
    if (ratios->slower)
        view_add(view->doc, "; the largest significant slowdown is %s", found_text(view, place->slowest, ""));
    else
        view_add(view->doc, "; no slowdown is significant");
    if (ratios->slower && !ratios_slower(ratios) && !ratios_disturbed(ratios))
        view_add(view->doc, ", no more than chance explains among %zu", ratios->all);
    view_add(view->doc, ".");
}

/* "At 31 of 37 working sets guest and native agree within 3 %; the largest significant slowdown is …", and
 * how much cannot be told; and why, and what to do, unless that is the conclusion. */
static void say_place(const struct chase_view *view, const struct place *place)
{
    struct document *doc = view->doc;
    const struct ratios *ratios = &place->ratios;
    bool disturbed = ratios_disturbed(ratios), one = place->curves == 1;
    const char *of = one ? "working sets" : "comparisons";
    bool several = view->place_count > 1;
    size_t agree;
    if (ratios->all > 1 && !disturbed) {
        document_say(doc, BLOCK_FACT, "%s %zu of %zu %s %s and native agree within 3 %%", one ? "At" : "In",
            ratios->close, ratios->all, of,
            several || place->elsewhere || place->modelled ? place->label : "guest");
        if (ratios_agree(ratios, &agree) >= 0.05)
            view_add(doc, ", %s %zu within 10 %%", one ? "at" : "in", agree);
        add_slowest(view, place);
    }
    if (!ratios->unclear)
        return;
    document_say(doc, BLOCK_FACT, "%s %zu of %zu %s%s%s, ", one ? "At" : "In", ratios->unclear, ratios->all,
        of, several ? " of " : "", several ? place->label : "");
    if (place->unclear_most == place->unclear_least)
        view_add(doc, "at %s", format_size(place->unclear_most).text);
    else
        view_add(doc, "between %s and %s", format_size(place->unclear_least).text,
            format_size(place->unclear_most).text);
    if (!disturbed)
        view_add(doc, ", this run cannot tell: %s.", view_run_blame(view->result, doc));
    else {
        view_add(doc, ", the interval reaches more than 10 %% to a side%s",
            place->some_without ? ", or there is none" : "");
        add_slowest(view, place);
    }
}

/* Which page sizes are fastest at the largest working set that several were measured at. */
static void say_pages(const struct chase_view *view, const char *label)
{
    const struct curve *fastest = NULL, *slowest = NULL;
    size_t pairs = 0, at = 0;
    for (size_t g = 0; pairs < 2 && g < view->curves.group_count; g++)
        for (at = view->curves.groups[g].working_set_count; pairs < 2 && at-- > 0;) {
            const struct curve_group *group = &view->curves.groups[g];
            pairs = 0;
            for (size_t i = 0; i < group->curve_count; i++) {
                const struct curve *curve = &group->curves[i];
                if (strcmp(curve->label, label) != 0 || !point_measured(&curve->points[at]))
                    continue;
                double median = curve->points[at].cell->median;
                fastest = pairs && median >= fastest->points[at].cell->median ? fastest : curve;
                slowest = pairs && median <= slowest->points[at].cell->median ? slowest : curve;
                pairs++;
            }
        }
    if (pairs < 2)
        return;
    const struct result_cell *best = fastest->points[at].cell, *worst = slowest->points[at].cell;
    document_say(view->doc, BLOCK_FACT,
        "Pages (guest/host) at %s: ", format_size(fastest->points[at].working_set_bytes).text);
    if (best->high < worst->low || (cell_modelled(best) && best->median < worst->median))
        view_add(view->doc, "%s is fastest, %s ns per access, %s slowest, %s ns.",
            words_of(view, fastest).kind, format_ns(best->median).text, words_of(view, slowest).kind,
            format_ns(worst->median).text);
    else
        view_add(view->doc,
            pairs == 2 ? "neither is significantly faster."
                       : "none of the %zu pairs is significantly faster than another.",
            pairs);
}

/* What is not measured says so before anybody reads a figure. */
static void say_modelled(const struct chase_view *view)
{
    bool any = false;
    for (size_t i = 0; i < view->curves.count; i++)
        any |= view->curves.all[i]->modelled;
    if (any)
        document_say(view->doc, BLOCK_FACT,
            "%s: each figure is exact for the file, has no interval, and is compared with the same machine's "
            "modelled native one. Where its cycles go: --explain.",
            result_modelled(view->result) ? "Nothing here was measured, all is modelled"
                                          : "What is called modelled is simulated, not measured");
}

/* What the way in which KVM virtualizes memory means for this. */
static void say_technique(const struct chase_view *view)
{
    static const char *const meanings[] = {
        [TECHNIQUE_NESTED] = "Nested paging walks two page tables where the TLB misses: large pages on both "
                             "sides make that cheaper. What page faults and exits cost: vcost events.",
        [TECHNIQUE_SHADOW] = "Shadow paging makes no walk longer; it makes page faults and exits expensive: "
                             "vcost events.",
        [TECHNIQUE_UNKNOWN] = NULL,
    };
    const char *meaning = NULL;
    for (size_t i = 0; i < view->result->cell_count && !meaning; i++)
        if (!strcmp(view->result->cells[i].cell.monitor, "kvm"))
            meaning = meanings[view->result->cells[i].technique];
    if (meaning)
        document_say(view->doc, BLOCK_FACT, "%s", meaning);
}

/* Whether all was too disturbed to conclude anything. */
static bool conclude_all(const struct chase_view *view)
{
    size_t disturbed = 0;
    for (size_t i = 0; i < view->place_count; i++) {
        (view->places[i].modelled ? conclude_modelled : conclude)(view, &view->places[i]);
        disturbed += ratios_disturbed(&view->places[i].ratios);
    }
    if (!view->place_count)
        conclude_alone(view);
    view_run_machine(view->result, view->doc);
    for (size_t i = 0; i < view->place_count; i++) {
        say_place(view, &view->places[i]);
        say_pages(view, view->places[i].label);
    }
    view_run_below(view->result, view->doc);
    say_modelled(view);
    say_technique(view);
    return disturbed && disturbed == view->place_count;
}

/* ---- the table of a group ---- */

/* Why figures are missing, lack an interval or are of other pages; or the details: that a cell is noisy,
 * since what is read is how cells compare. */
static void say_notes(const struct chase_view *view, const struct curve_group *group, bool details)
{
    struct remarks remarks = {.doc = view->doc};
    for (size_t i = 0; i < group->curve_count; i++) {
        const char *title = words_of(view, &group->curves[i]).title;
        for (size_t k = 0; k < group->working_set_count; k++) {
            const struct curve_point *point = &group->curves[i].points[k];
            const struct result_cell *cell = point->cell;
            const char *reason = cell ? cell_reason(cell) : view->result->incomplete_reason;
            if (!cell && (view->result->complete || !reason[0]))
                reason = "this cell was not part of the experiment";
            if (cell && cell_modelled(cell) && cell_measured(cell))
                continue; /* it lacks nothing but an interval, as is said of all */
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
    columns[COLUMN_FASTEST] = (struct column){"fastest", NULL, block, UNIT_NS, .bare = true};
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
    if (cell && !compared && !cell_modelled(cell))
        table_number(table, row, column + COLUMN_FASTEST, cell->min);
    if (point->doubt)
        *table_at(table, row, column + COLUMN_SLOWDOWN) =
            (struct value){UNIT_CHANGE, NAN, NAN, NAN, .why = point->doubt};
    else if (against)
        *table_at(table, row, column + COLUMN_SLOWDOWN) =
            (struct value){UNIT_CHANGE, against->ratio, against->low, against->high,
                .why = comparison_reason(against), .tone = tones[verdict_of(against->low, against->high)]};
}

/* A row for each working set that something was measured at. */
static void add_table(const struct chase_view *view, const struct curve_group *group)
{
    const struct chase_shape *shape = &group->shape;
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
            &curves[i], words_of(view, &curves[i]).title, pair, compared, columns + 1 + CURVE_COLUMNS * i);
    struct table *table = document_table(view->doc, "slowdown",
        document_text(view->doc, "pointer chase, %s: ns per access",
            shape_name(view->doc, shape, (bool[]){true, true, shape->write, shape->chains > 1})),
        columns, count, rows);
    for (size_t row = 0; row < rows; row++) {
        table_number(table, row, 0, (double)group->working_sets[measured[row]]);
        for (size_t i = 0; i < group->curve_count; i++)
            fill_point(table, row, 1 + CURVE_COLUMNS * i, &curves[i].points[measured[row]], compared);
    }
    view_drop_empty(table);
    view_mark_unclear(table);
    view_say_marks(table, view->doc);
    say_notes(view, group, false);
    say_notes(view, group, true);
}

/* ---- charts ---- */

/* Points are unknown where there is no figure. */
static void add_series(
    const struct chase_view *view, const struct curve *curve, bool slowdowns, struct chart *chart)
{
    const char *name = words_of(view, curve).name;
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
    if (chart && !curve->modelled) /* CPUID is of this machine */
        told_levels(&view->result->host, curve->group->shape.order, curve->host_page_bytes, &told);
    for (size_t i = 0; i < told.count; i++)
        chart_mark(view->doc, chart, MARK_REPORTED, told.levels[i].working_set_bytes,
            told.levels[i].working_set_bytes, told.levels[i].name);
    return reaches.count ? document_text(view->doc, "Measured in %s: %s.", words_of(view, chosen).name,
                               listing_text(&reaches))
                         : "";
}

void view_chase(const struct result *result, struct document *doc)
{
    struct chase_view view = {.result = result, .doc = doc};
    curves_arrange(result, &doc->pool, &view.curves);
    find_places(&view);
    view_run_title(result, doc);
    if (conclude_all(&view) && !doc->stamp)
        doc->stamp = "too disturbed to tell";
    view_run_today(result, doc);
    for (size_t i = 0; i < view.curves.group_count; i++)
        add_table(&view, &view.curves.groups[i]);
    const char *reaches = add_charts(&view, 1);
    if (reaches[0])
        document_say(doc, BLOCK_SENTENCE, "%s", reaches);
    document_details(doc, true);
    for (size_t i = 0; i < view.place_count; i++)
        view_run_counts(&view.places[i].ratios, view.places[i].label,
            (const char *[]){"comparison", "comparisons"}, "slower", "faster", doc);
    document_details(doc, false);
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
