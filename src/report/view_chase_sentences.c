/* What a chase's report begins with: the conclusion, and the facts that bear it. */
#include "report/format.h"
#include "report/view_chase_parts.h"
#include "report/view_run.h"
#include "result/ratios.h"

#include <math.h>
#include <string.h>

enum { PLACES_MAX = 4, CURVES_NAMED = 4 };

/* Differences below this are next to nothing. */
static const double matters = 0.01;

/* A slowdown whose interval reaches no further than this to a side is known well. */
static const double known_half_width = 0.05;

/* Where so many samples were disturbed, other work is to blame for what cannot be told. */
static const double disturbed_share = 0.2;

struct found {
    const struct curve_group *group;
    const struct curve *curve;
    const struct curve_point *point; /* NULL: there is none */
};

/* Where something ran that was compared with native, and what all its comparisons say together. */
struct place {
    const char *label;
    bool elsewhere; /* on another machine */
    size_t curves;  /* that were compared */
    struct ratios ratios;
    struct found slowest, fastest;        /* the largest that are significant */
    uint64_t unclear_least, unclear_most; /* working sets */
};

static bool is_disturbed(const struct place *place)
{
    return ratios_disturbed(&place->ratios) && !ratios_slower(&place->ratios) &&
           !ratios_faster(&place->ratios);
}

/* ---- counting ---- */

static void count_point(struct place *place, struct found found)
{
    const struct result_comparison *against = found.point->against;
    uint64_t bytes = found.point->working_set_bytes;
    if (!point_compared(found.point))
        return;
    ratios_add(&place->ratios, against->ratio, against->low, against->high);
    if (ratio_is_unclear(against->low, against->high)) {
        if (!place->unclear_most || bytes < place->unclear_least)
            place->unclear_least = bytes;
        if (bytes > place->unclear_most)
            place->unclear_most = bytes;
    }
    enum verdict verdict = verdict_of(against->low, against->high);
    if (verdict == VERDICT_SLOWER &&
        (!place->slowest.point || against->ratio > place->slowest.point->against->ratio))
        place->slowest = found;
    if (verdict == VERDICT_FASTER &&
        (!place->fastest.point || against->ratio < place->fastest.point->against->ratio))
        place->fastest = found;
}

/* The places of all compared curves; how many, PLACES_MAX at most. */
static size_t find_places(const struct chase_view *view, struct place places[static PLACES_MAX])
{
    size_t count = 0;
    for (size_t g = 0; g < view->curves.group_count; g++)
        for (size_t c = 0; c < view->curves.groups[g].curve_count; c++) {
            const struct curve_group *group = &view->curves.groups[g];
            const struct curve *curve = &group->curves[c];
            size_t at = 0;
            while (at < count && strcmp(places[at].label, curve->label) != 0)
                at++;
            if (!curve->compared || at == PLACES_MAX)
                continue;
            if (at == count)
                places[count++] = (struct place){.label = curve->label, .elsewhere = curve->elsewhere};
            places[at].curves++;
            for (size_t i = 0; i < group->working_set_count; i++)
                count_point(&places[at], (struct found){group, curve, &curve->points[i]});
        }
    return count;
}

/* ---- words ---- */

/* "in a guest", "on vcost agent (kvm guest)" */
static const char *place_text(const struct chase_view *view, const struct place *place, size_t places)
{
    if (place->elsewhere)
        return document_text(view->document, "on %s", place->label);
    return places == 1 ? "in a guest" : document_text(view->document, "in %s", place->label);
}

/* "at 64 MiB", with what tells the curve from others: "at 64 MiB (packed, 4K/2M)" */
static const char *where_text(const struct chase_view *view, struct found found)
{
    const char *kind = chase_curve_kind(view, found.group, found.curve);
    return document_text(view->document, "at %s%s%s%s", format_size(found.point->working_set_bytes).text,
        kind[0] ? " (" : "", kind, kind[0] ? ")" : "");
}

static const char *found_amount(const struct chase_view *view, struct found found, bool less)
{
    const struct result_comparison *against = found.point->against;
    return less ? view_amount(view->document, 2 - against->ratio, 2 - against->high, 2 - against->low)
                : view_amount(view->document, against->ratio, against->low, against->high);
}

/* ---- the conclusion ---- */

static void conclude(const struct chase_view *view, const struct place *place, size_t places)
{
    struct document *document = view->document;
    const char *where = place_text(view, place, places);
    const char *incomplete = view_run_incomplete(view->result, document);
    const struct ratios *ratios = &place->ratios;
    bool slower = ratios_slower(ratios), faster = ratios_faster(ratios), any = slower || faster;
    slower &= place->slowest.point && place->slowest.point->against->ratio >= 1 + matters;
    faster &= place->fastest.point && place->fastest.point->against->ratio <= 1 - matters;
    if (slower && faster)
        document_say(document, BLOCK_CONCLUSION,
            "Memory access %s costs up to %s more than native here, %s, and up to %s less, %s%s.", where,
            found_amount(view, place->slowest, false), where_text(view, place->slowest),
            found_amount(view, place->fastest, true), where_text(view, place->fastest), incomplete);
    else if (slower || faster)
        document_say(document, BLOCK_CONCLUSION, "Memory access %s costs up to %s %s than native here, %s%s.",
            where, found_amount(view, slower ? place->slowest : place->fastest, faster),
            slower ? "more" : "less", where_text(view, slower ? place->slowest : place->fastest), incomplete);
    else if (!ratios->all)
        document_say(document, BLOCK_CONCLUSION,
            "This run cannot tell what memory access %s costs: that needs two placements or more%s.", where,
            incomplete);
    else if (ratios_disturbed(ratios))
        document_say(document, BLOCK_CONCLUSION,
            "This run was too disturbed to tell what memory access %s costs%s.", where, incomplete);
    else if (any)
        document_say(document, BLOCK_CONCLUSION,
            "Memory access %s costs next to nothing here: no significant difference reaches %.0f %%%s.",
            where, 100 * matters, incomplete);
    else
        document_say(document, BLOCK_CONCLUSION, "Memory access %s costs nothing measurable here%s.", where,
            incomplete);
}

/* Where nothing was compared: the two ends of a curve; false if nothing of it was measured. */
static bool say_ends(const struct chase_view *view, const struct curve_group *group,
    const struct curve *curve, enum block_kind kind)
{
    const struct curve_point *first = NULL, *last = NULL;
    const char *name = chase_curve_name(view, group, curve), *end = "";
    for (size_t i = 0; i < group->working_set_count; i++)
        if (point_measured(&curve->points[i])) {
            first = first ? first : &curve->points[i];
            last = &curve->points[i];
        }
    if (!first)
        return false;
    if (last != first)
        end = document_text(view->document, " and %s ns at %s", format_ns(last->cell->median).text,
            format_size(last->working_set_bytes).text);
    bool conclusion = kind == BLOCK_CONCLUSION;
    document_say(view->document, kind, "An access takes %s ns at %s%s (%s)%s%s.",
        format_ns(first->cell->median).text, format_size(first->working_set_bytes).text, end, name,
        conclusion ? "; nothing was compared" : "",
        conclusion ? view_run_incomplete(view->result, view->document) : "");
    return true;
}

static void conclude_alone(const struct chase_view *view)
{
    size_t said = 0;
    for (size_t g = 0; g < view->curves.group_count; g++)
        for (size_t c = 0; c < view->curves.groups[g].curve_count && said < CURVES_NAMED; c++)
            said += say_ends(view, &view->curves.groups[g], &view->curves.groups[g].curves[c],
                said ? BLOCK_FACT : BLOCK_CONCLUSION);
    if (!said)
        document_say(view->document, BLOCK_CONCLUSION, "Nothing was measured%s.",
            view_run_incomplete(view->result, view->document));
}

/* ---- the facts ---- */

/* "At 31 of 37 working sets guest and native agree within 3 %; the largest significant slowdown is …" */
static void say_agreement(const struct chase_view *view, const struct place *place)
{
    const struct ratios *ratios = &place->ratios;
    size_t agree;
    double level = ratios_agree(ratios, &agree);
    const char *slowest = "no slowdown is significant", *chance = "";
    if (ratios->slower && !ratios_slower(ratios))
        chance = document_text(view->document, ", no more than chance explains among %zu", ratios->all);
    if (ratios->slower)
        slowest = document_text(view->document, "the largest significant slowdown is %s %s%s",
            found_amount(view, place->slowest, false), where_text(view, place->slowest), chance);
    document_say(view->document, BLOCK_FACT, "%s %zu of %zu %s %s and native agree within %.0f %%; %s.",
        place->curves == 1 ? "At" : "In", agree, ratios->all,
        place->curves == 1 ? "working sets" : "comparisons", place->elsewhere ? place->label : "guest",
        100 * level, slowest);
}

static bool known_well(const struct curve_point *point)
{
    const struct result_comparison *found = point->against;
    return point_interval(point) &&
           fmax(found->high / found->ratio - 1, 1 - found->low / found->ratio) <= known_half_width;
}

/* The largest working set is the noisiest as well: the largest that is known well; NULL if none is. */
static const struct curve_point *largest_known(const struct curve_group *group, const struct curve *curve)
{
    for (size_t i = group->working_set_count; i-- > 0;)
        if (point_compared(&curve->points[i]) && known_well(&curve->points[i]))
            return &curve->points[i];
    return NULL;
}

/* "Slowdown at the largest working set that is known to within 5 %: 0.8 % (-1.2 to 2.4) at 1 GiB, not
 * significant.", for each of the place's curves. */
static void say_largest(const struct chase_view *view, const struct place *place)
{
    const char *list = "";
    size_t said = 0;
    for (size_t g = 0; g < view->curves.group_count; g++)
        for (size_t c = 0; c < view->curves.groups[g].curve_count; c++) {
            const struct curve_group *group = &view->curves.groups[g];
            const struct curve *curve = &group->curves[c];
            const struct curve_point *point =
                curve->compared && !strcmp(curve->label, place->label) ? largest_known(group, curve) : NULL;
            if (!point || said++ >= CURVES_NAMED)
                continue;
            const struct result_comparison *against = point->against;
            struct found found = {group, curve, point};
            bool significant = verdict_of(against->low, against->high) != VERDICT_UNTOLD;
            list = document_text(view->document, "%s%s%s %s%s", list, list[0] ? "; " : "",
                found_amount(view, found, false), where_text(view, found),
                significant ? "" : ", not significant");
        }
    if (list[0])
        document_say(view->document, BLOCK_FACT,
            "Slowdown at the largest working set%s that %s known to within %.0f %%: %s.", said > 1 ? "s" : "",
            said > 1 ? "are" : "is", 100 * known_half_width, list);
}

/* Why some cannot be told, and what to do. */
static void say_unclear(const struct chase_view *view, const struct place *place)
{
    size_t samples = 0, disturbed = 0;
    const struct ratios *ratios = &place->ratios;
    const char *sizes, *why;
    for (size_t i = 0; i < view->result->cell_count; i++) {
        const struct result_cell *cell = &view->result->cells[i];
        samples += cell->sample_count + cell->repeated;
        disturbed += cell->repeated;
        for (size_t k = 0; k < cell->sample_count; k++)
            disturbed += cell->samples[k].disturbed != DISTURBED_NOT;
    }
    if (!ratios->unclear)
        return;
    sizes = place->unclear_most == place->unclear_least
                ? document_text(view->document, "at %s", format_size(place->unclear_most).text)
                : document_text(view->document, "between %s and %s", format_size(place->unclear_least).text,
                      format_size(place->unclear_most).text);
    if ((double)disturbed >= disturbed_share * (double)samples)
        why = document_text(view->document,
            "other work takes this CPU (%zu of %zu samples were disturbed). Stop it or move it, then run "
            "again.",
            disturbed, samples);
    else
        why = document_text(view->document,
            "placements differ, as where caches are shared with neighbours. Run again, or longer: --time "
            "%.0f.",
            10 * ceil(fmax(4 * view->result->seconds, 60) / 10));
    document_say(view->document, BLOCK_FACT, "%s %zu of %zu %s, %s, this run cannot tell: %s",
        place->curves == 1 ? "At" : "In", ratios->unclear, ratios->all,
        place->curves == 1 ? "working sets" : "comparisons", sizes, why);
}

/* The fastest and the slowest of the curves of that label at a working set; how many were measured there. */
static size_t page_pairs(const struct curve_group *group, const char *label, size_t at,
    const struct curve **fastest, const struct curve **slowest)
{
    size_t count = 0;
    for (size_t i = 0; i < group->curve_count; i++) {
        const struct curve *curve = &group->curves[i];
        if (strcmp(curve->label, label) != 0 || !point_measured(&curve->points[at]))
            continue;
        double median = curve->points[at].cell->median;
        if (!count || median < (*fastest)->points[at].cell->median)
            *fastest = curve;
        if (!count || median > (*slowest)->points[at].cell->median)
            *slowest = curve;
        count++;
    }
    return count;
}

/* Which page sizes are fastest at the largest working set that several were measured at. */
static void say_pages(const struct chase_view *view, const char *label)
{
    for (size_t g = 0; g < view->curves.group_count; g++) {
        const struct curve_group *group = &view->curves.groups[g];
        const struct curve *fastest = NULL, *slowest = NULL;
        size_t at = group->working_set_count, pairs = 0;
        while (pairs < 2 && at-- > 0)
            pairs = page_pairs(group, label, at, &fastest, &slowest);
        if (pairs < 2)
            continue;
        const struct result_cell *best = fastest->points[at].cell, *worst = slowest->points[at].cell;
        const char *size = document_text(view->document, "%s", format_size(group->working_sets[at]).text);
        if (best->high < worst->low)
            document_say(view->document, BLOCK_FACT,
                "Pages (guest/host) at %s: %s is fastest, %s ns per access, %s slowest, %s ns.", size,
                chase_curve_kind(view, group, fastest), format_ns(best->median).text,
                chase_curve_kind(view, group, slowest), format_ns(worst->median).text);
        else
            document_say(view->document, BLOCK_FACT,
                "Pages (guest/host) at %s: none of the %zu pairs is significantly faster than another.", size,
                pairs);
        return;
    }
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
    for (size_t i = 0; i < view->result->cell_count; i++) {
        const struct result_cell *cell = &view->result->cells[i];
        if (!strcmp(cell->cell.monitor, "kvm") && meanings[cell->technique]) {
            document_say(view->document, BLOCK_FACT, "%s", meanings[cell->technique]);
            return;
        }
    }
}

bool chase_conclude(const struct chase_view *view)
{
    struct place places[PLACES_MAX];
    size_t count = find_places(view, places), disturbed = 0;
    for (size_t i = 0; i < count; i++) {
        conclude(view, &places[i], count);
        disturbed += is_disturbed(&places[i]);
    }
    if (!count)
        conclude_alone(view);
    view_run_machine(view->result, view->document);
    for (size_t i = 0; i < count; i++) {
        if (places[i].ratios.all > 1 && !is_disturbed(&places[i])) {
            say_agreement(view, &places[i]);
            say_largest(view, &places[i]);
        }
        say_unclear(view, &places[i]);
        say_pages(view, places[i].label);
    }
    view_run_below(view->result, view->document);
    say_technique(view);
    return count && disturbed == count;
}

void chase_say_counts(const struct chase_view *view)
{
    struct place places[PLACES_MAX];
    size_t count = find_places(view, places);
    document_details(view->document, true);
    for (size_t i = 0; i < count; i++) {
        static const char *const comparisons[] = {"comparison", "comparisons"};
        const struct ratios *ratios = &places[i].ratios;
        view_run_counts(ratios, places[i].label, comparisons, "slower", "faster", view->document);
        if (ratios->without)
            document_say(view->document, BLOCK_SENTENCE,
                "%s: %zu comparison%s no interval: more than one placement is needed for that.",
                places[i].label, ratios->without, ratios->without == 1 ? " has" : "s have");
    }
    document_details(view->document, false);
}
