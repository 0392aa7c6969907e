/* What a chase's report begins with: the conclusion, and the facts that bear it. */
#include "report/format.h"
#include "report/view_chase_parts.h"
#include "report/view_run.h"

#include <math.h>
#include <string.h>

enum { PLACES_MAX = 4 };

/* Differences below this are next to nothing. */
static const double matters = 0.01;

struct found {
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
    for (size_t i = 0; i < view->curves.count; i++) {
        const struct curve *curve = view->curves.all[i];
        size_t at = 0;
        while (at < count && strcmp(places[at].label, curve->label) != 0)
            at++;
        if (!curve->compared || at == PLACES_MAX)
            continue;
        if (at == count)
            places[count++] = (struct place){.label = curve->label, .elsewhere = curve->elsewhere};
        places[at].curves++;
        for (size_t k = 0; k < curve->group->working_set_count; k++)
            count_point(&places[at], (struct found){curve, &curve->points[k]});
    }
    return count;
}

/* ---- words ---- */

/* "71.2 % (55.9 to 92.9) more than native here, at 64 MiB (packed, 4K/2M)": how much more, or less, with what
 * `than` says, and where. */
static const char *found_text(const struct chase_view *view, struct found found, const char *than)
{
    const struct result_comparison *against = found.point->against;
    const char *kind = chase_curve_kind(view, found.curve);
    bool less = against->ratio < 1;
    return document_text(view->document, "%s%s at %s%s%s%s",
        less ? view_amount(view->document, 2 - against->ratio, 2 - against->high, 2 - against->low)
             : view_amount(view->document, against->ratio, against->low, against->high),
        than, format_size(found.point->working_set_bytes).text, kind[0] ? " (" : "", kind,
        kind[0] ? ")" : "");
}

/* "At 6 of 10 working sets", of several curves "In 6 of 20 comparisons" */
static const char *share_text(const struct chase_view *view, const struct place *place, size_t count)
{
    return document_text(view->document, "%s %zu of %zu %s", place->curves == 1 ? "At" : "In", count,
        place->ratios.all, place->curves == 1 ? "working sets" : "comparisons");
}

/* ---- the conclusion ---- */

static void conclude(const struct chase_view *view, const struct place *place, size_t places)
{
    struct document *document = view->document;
    const struct ratios *ratios = &place->ratios;
    const char *where = place->elsewhere ? document_text(document, "on %s", place->label)
                        : places == 1    ? "in a guest"
                                         : document_text(document, "in %s", place->label);
    const char *incomplete = view_run_incomplete(view->result, document);
    bool any = ratios_slower(ratios) || ratios_faster(ratios);
    bool slower =
        ratios_slower(ratios) && place->slowest.point && place->slowest.point->against->ratio >= 1 + matters;
    bool faster =
        ratios_faster(ratios) && place->fastest.point && place->fastest.point->against->ratio <= 1 - matters;
    if (slower || faster)
        document_say(document, BLOCK_CONCLUSION, "Memory access %s costs up to %s%s%s%s.", where,
            slower ? found_text(view, place->slowest, " more than native here,")
                   : found_text(view, place->fastest, " less than native here,"),
            slower && faster ? ", and up to " : "",
            slower && faster ? found_text(view, place->fastest, " less,") : "", incomplete);
    else if (!ratios->all)
        document_say(document, BLOCK_CONCLUSION,
            "This run cannot tell what memory access %s costs: that needs two placements or more%s.", where,
            incomplete);
    else if (ratios_disturbed(ratios))
        document_say(document, BLOCK_CONCLUSION,
            "This run was too disturbed to tell what memory access %s costs%s: %s.", where, incomplete,
            view_run_blame(view->result, document));
    else if (any)
        document_say(document, BLOCK_CONCLUSION,
            "Memory access %s costs next to nothing here: no significant difference reaches %.0f %%%s.",
            where, 100 * matters, incomplete);
    else
        document_say(document, BLOCK_CONCLUSION, "Memory access %s costs nothing measurable here%s.", where,
            incomplete);
}

/* Where nothing was compared: the two ends of the first curve. */
static void conclude_alone(const struct chase_view *view)
{
    const char *incomplete = view_run_incomplete(view->result, view->document), *end = "";
    const struct curve_point *first = NULL, *last = NULL;
    const struct curve *curve = NULL;
    for (size_t c = 0; c < view->curves.count && !first; c++) {
        curve = view->curves.all[c];
        for (size_t i = 0; i < curve->group->working_set_count; i++)
            if (point_measured(&curve->points[i])) {
                first = first ? first : &curve->points[i];
                last = &curve->points[i];
            }
    }
    if (!first) {
        document_say(view->document, BLOCK_CONCLUSION, "Nothing was measured%s.", incomplete);
        return;
    }
    if (last != first)
        end = document_text(view->document, " and %s ns at %s", format_ns(last->cell->median).text,
            format_size(last->working_set_bytes).text);
    document_say(view->document, BLOCK_CONCLUSION,
        "An access takes %s ns at %s%s (%s); nothing was compared%s.", format_ns(first->cell->median).text,
        format_size(first->working_set_bytes).text, end, chase_curve_name(view, curve), incomplete);
}

/* ---- the facts ---- */

static const char *slowest_text(const struct chase_view *view, const struct place *place)
{
    const struct ratios *ratios = &place->ratios;
    const char *chance = "";
    if (!ratios->slower)
        return "no slowdown is significant";
    if (!ratios_slower(ratios) && !ratios_disturbed(ratios))
        chance = document_text(view->document, ", no more than chance explains among %zu", ratios->all);
    return document_text(view->document, "the largest significant slowdown is %s%s",
        found_text(view, place->slowest, ""), chance);
}

/* "At 31 of 37 working sets guest and native agree within 3 %; the largest significant slowdown is …" */
static void say_agreement(const struct chase_view *view, const struct place *place)
{
    const struct ratios *ratios = &place->ratios;
    size_t agree;
    bool close = ratios_agree(ratios, &agree) < 0.05;
    const char *near = "";
    if (!close)
        near =
            document_text(view->document, ", %s %zu within 10 %%", place->curves == 1 ? "at" : "in", agree);
    document_say(view->document, BLOCK_FACT, "%s %s and native agree within 3 %%%s; %s.",
        share_text(view, place, ratios->close), place->elsewhere ? place->label : "guest", near,
        slowest_text(view, place));
}

/* How much cannot be told; and why, and what to do, unless that is the conclusion. */
static void say_unclear(const struct chase_view *view, const struct place *place)
{
    struct document *document = view->document;
    const struct ratios *ratios = &place->ratios;
    if (!ratios->unclear)
        return;
    const char *sizes = document_text(document, "at %s", format_size(place->unclear_most).text);
    if (place->unclear_most != place->unclear_least)
        sizes = document_text(document, "between %s and %s", format_size(place->unclear_least).text,
            format_size(place->unclear_most).text);
    const char *share = share_text(view, place, ratios->unclear);
    if (ratios_disturbed(ratios))
        document_say(document, BLOCK_FACT, "%s, %s, the interval reaches more than 10 %% to a side; %s.",
            share, sizes, slowest_text(view, place));
    else
        document_say(document, BLOCK_FACT, "%s, %s, this run cannot tell: %s.", share, sizes,
            view_run_blame(view->result, document));
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
    const char *says = document_text(view->document, "%s is fastest, %s ns per access, %s slowest, %s ns",
        chase_curve_kind(view, fastest), format_ns(best->median).text, chase_curve_kind(view, slowest),
        format_ns(worst->median).text);
    if (!(best->high < worst->low))
        says = document_text(
            view->document, "none of the %zu pairs is significantly faster than another", pairs);
    document_say(view->document, BLOCK_FACT, "Pages (guest/host) at %s: %s.",
        format_size(fastest->points[at].working_set_bytes).text, says);
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
        disturbed += ratios_disturbed(&places[i].ratios);
    }
    if (!count)
        conclude_alone(view);
    view_run_machine(view->result, view->document);
    for (size_t i = 0; i < count; i++) {
        if (places[i].ratios.all > 1 && !ratios_disturbed(&places[i].ratios))
            say_agreement(view, &places[i]);
        say_unclear(view, &places[i]);
        say_pages(view, places[i].label);
    }
    view_run_below(view->result, view->document);
    say_technique(view);
    return count && disturbed == count;
}

void chase_say_counts(const struct chase_view *view)
{
    static const char *const comparisons[] = {"comparison", "comparisons"};
    struct place places[PLACES_MAX];
    size_t count = find_places(view, places);
    document_details(view->document, true);
    for (size_t i = 0; i < count; i++)
        view_run_counts(&places[i].ratios, places[i].label, comparisons, "slower", "faster", view->document);
    document_details(view->document, false);
}
