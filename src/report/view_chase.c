#include "report/view_chase.h"

#include "report/format.h"
#include "report/view_parts.h"
#include "report/views.h"

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

struct places {
    struct place *all; /* at most one for each curve */
    size_t count;
};

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
    if (!against || !point_compared(found.point))
        return;
    enum verdict verdict = verdict_of(against->low, against->high);
    ratios_add(&place->ratios, against->ratio, against->low, against->high);
    if (verdict == VERDICT_SLOWER && (!slowest->point || against->ratio > slowest->point->against->ratio))
        *slowest = found;
    if (verdict == VERDICT_FASTER && (!fastest->point || against->ratio < fastest->point->against->ratio))
        *fastest = found;
}

static struct places find_places(const struct chase_view *view)
{
    struct places places = {.all = pool_room(&view->doc->pool, view->curves.count, sizeof *places.all)};
    for (size_t i = 0; places.all && i < view->curves.count; i++) {
        const struct curve *curve = view->curves.all[i];
        struct place *place = places.all, *end = place + places.count;
        while (place < end && strcmp(place->label, curve->label) != 0)
            place++;
        if (!curve->compared)
            continue;
        if (place == end) {
            *place =
                (struct place){curve->label, curve->elsewhere, curve->modelled, .unclear_least = UINT64_MAX};
            places.count++;
        }
        place->curves++;
        for (size_t k = 0; k < curve->group->working_set_count; k++)
            count_point(place, (struct found){curve, &curve->points[k]});
    }
    return places;
}

/* Differences below this are next to nothing. */
static const double matters = 0.01;

/* "64 MiB (packed, 4K/2M)". */
static const char *where_text(const struct chase_view *view, struct found found)
{
    const char *kind = chase_words(view, found.curve).kind;
    return document_text(view->doc, "%s%s%s%s", format_size(found.point->working_set_bytes).text,
        kind[0] ? " (" : "", kind, kind[0] ? ")" : "");
}

/* "71.2 % (55.9 to 92.9) more than native here, at 64 MiB (packed, 4K/2M)": how much more, or less, with what
 * `than` says, and where. */
static const char *found_text(const struct chase_view *view, struct found found, const char *than)
{
    const struct result_comparison *against = found.point->against;
    return document_text(view->doc, "%s%s at %s",
        view_amount(view->doc, against->ratio, against->low, against->high), than, where_text(view, found));
}

/* "up to", or, of several chains, whose times are a range, "55.0 to". */
static const char *least_text(const struct chase_view *view, const struct result_comparison *against)
{
    const struct result_cell *cells = view->result->cells;
    double ratio = chase_at_best(&cells[against->cell]) / chase_at_best(&cells[against->baseline]);
    return isfinite(ratio) ? document_text(view->doc, "%.1f to", 100 * (ratio - 1)) : "up to";
}

/* Of simulated machines: a ratio is exact, and has no interval to be judged by. */
static void conclude_modelled(const struct chase_view *view, const struct place *place)
{
    struct found most = {.point = NULL};
    for (size_t i = 0; i < view->curves.count; i++) {
        const struct curve *curve = view->curves.all[i];
        for (size_t k = 0; k < curve->group->working_set_count && !strcmp(curve->label, place->label); k++) {
            const struct curve_point *point = &curve->points[k];
            if (point->against && isfinite(point->against->ratio) &&
                (!most.point || point->against->ratio > most.point->against->ratio))
                most = (struct found){curve, point};
        }
    }
    if (most.point && most.point->against->ratio < 1.0005)
        document_say(view->doc, BLOCK_CONCLUSION,
            "Memory access on %s would cost what it costs natively there%s.", place->label,
            view_run_incomplete(view->result, view->doc));
    else if (most.point)
        document_say(view->doc, BLOCK_CONCLUSION,
            "Memory access on %s would cost %s %.1f %% more than native there, at %s%s.", place->label,
            least_text(view, most.point->against), 100 * (most.point->against->ratio - 1),
            where_text(view, most), view_run_incomplete(view->result, view->doc));
}

static void conclude(const struct chase_view *view, const struct place *place, bool alone)
{
    struct document *doc = view->doc;
    const struct ratios *ratios = &place->ratios;
    const char *where = place->elsewhere ? document_text(doc, "on %s", place->label)
                        : alone          ? "in a guest"
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
        view_add(view->doc, " (%s); nothing was compared", chase_words(view, curve).name);
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
static void say_place(const struct chase_view *view, const struct place *place, bool several)
{
    struct document *doc = view->doc;
    const struct ratios *ratios = &place->ratios;
    bool disturbed = ratios_disturbed(ratios), one = place->curves == 1;
    const char *of = one ? "working sets" : "comparisons";
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
static void say_pages(const struct chase_view *view, const char *label, bool several)
{
    static const double told = 1.005; /* of what is modelled: less is not seen in three digits */
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
    document_say(view->doc, BLOCK_FACT, "Pages (guest/host)%s%s at %s: ", several ? " on " : "",
        several ? label : "", format_size(fastest->points[at].working_set_bytes).text);
    if (best->high < worst->low || (cell_modelled(best) && worst->median > told * best->median))
        view_add(view->doc, "%s is fastest, %s ns per access, %s slowest, %s ns.",
            chase_words(view, fastest).kind, format_ns(best->median).text, chase_words(view, slowest).kind,
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
    bool any = false, smaller = false;
    for (size_t i = 0; i < view->curves.count; i++) {
        const struct curve *curve = view->curves.all[i];
        any |= curve->modelled;
        smaller |= curve->modelled && curve->compared && curve->guest_page_bytes &&
                   curve->guest_page_bytes < curve->host_page_bytes;
    }
    if (any)
        document_say(view->doc, BLOCK_FACT,
            "%s: each figure is exact for the file, has no interval, and is compared with the same machine's "
            "modelled native one.",
            result_modelled(view->result) ? "Nothing here was measured, all is modelled"
                                          : "What is called modelled is simulated, not measured");
    if (smaller)
        document_say(view->doc, BLOCK_FACT,
            "Small pages of a guest lie in frames of their own within the host's large ones (--frames), "
            "where native memory lies in one piece: which lines of the caches meet may be part of such a "
            "difference, besides translation. --explain tells them apart.");
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
static bool conclude_all(const struct chase_view *view, const struct places *places)
{
    size_t disturbed = 0;
    for (size_t i = 0; i < places->count; i++) {
        if (places->all[i].modelled)
            conclude_modelled(view, &places->all[i]);
        else
            conclude(view, &places->all[i], places->count == 1);
        disturbed += ratios_disturbed(&places->all[i].ratios);
    }
    if (!places->count)
        conclude_alone(view);
    view_run_machine(view->result, view->doc);
    for (size_t i = 0; i < places->count; i++) {
        say_place(view, &places->all[i], places->count > 1);
        say_pages(view, places->all[i].label, places->count > 1);
    }
    view_run_below(view->result, view->doc);
    say_modelled(view);
    say_technique(view);
    return disturbed && disturbed == places->count;
}

void view_chase(const struct result *result, struct document *doc)
{
    struct chase_view view = {.result = result, .doc = doc};
    curves_arrange(result, &doc->pool, &view.curves);
    struct places places = find_places(&view);
    view_run_title(result, doc);
    if (conclude_all(&view, &places) && !doc->stamp)
        doc->stamp = "too disturbed to tell";
    view_run_today(result, doc);
    for (size_t i = 0; i < view.curves.group_count; i++)
        chase_add_table(&view, &view.curves.groups[i]);
    const char *reaches = chase_add_charts(&view, 1);
    if (reaches[0])
        document_say(doc, BLOCK_SENTENCE, "%s", reaches);
    document_details(doc, true);
    for (size_t i = 0; i < places.count; i++)
        view_run_counts(&places.all[i].ratios, places.all[i].label,
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
        chase_add_charts(views, count);
}
