/* What a chase's report begins with: the conclusion, and the facts that bear it. */
#include "report/format.h"
#include "report/view_chase_parts.h"
#include "report/view_parts.h"

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

static void count_point(struct place *place, struct found found)
{
    const struct result_comparison *against = found.point->against;
    const struct curve_point *slowest = place->slowest.point, *fastest = place->fastest.point;
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
    if (verdict == VERDICT_SLOWER && (!slowest || against->ratio > slowest->against->ratio))
        place->slowest = found;
    if (verdict == VERDICT_FASTER && (!fastest || against->ratio < fastest->against->ratio))
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

/* ---- the conclusion ---- */

/* "71.2 % (55.9 to 92.9) more than native here, at 64 MiB (packed, 4K/2M)": how much more, or less, with what
 * `than` says, and where. */
static const char *found_text(const struct chase_view *view, struct found found, const char *than)
{
    const struct result_comparison *against = found.point->against;
    const char *kind = chase_words(view, found.curve).kind;
    return document_text(view->doc, "%s%s at %s%s%s%s",
        view_amount(view->doc, against->ratio, against->low, against->high), than,
        format_size(found.point->working_set_bytes).text, kind[0] ? " (" : "", kind, kind[0] ? ")" : "");
}

static void conclude(const struct chase_view *view, const struct place *place, size_t places)
{
    struct document *doc = view->doc;
    const struct ratios *ratios = &place->ratios;
    const char *where = place->elsewhere ? document_text(doc, "on %s", place->label)
                        : places == 1    ? "in a guest"
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
        document_say(doc, BLOCK_CONCLUSION,
            "This run cannot tell what memory access %s costs: that needs two placements or more%s.", where,
            incomplete);
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
        document_say(view->doc, BLOCK_CONCLUSION, "Nothing was measured");
    if (last != first)
        view_add(view->doc, " and %s ns at %s", format_ns(last->cell->median).text,
            format_size(last->working_set_bytes).text);
    if (first)
        view_add(view->doc, " (%s); nothing was compared", chase_words(view, curve).name);
    view_add(view->doc, "%s.", view_run_incomplete(view->result, view->doc));
}

/* ---- the facts ---- */

/* "At 6 of 10 working sets", of several curves "In 6 of 20 comparisons" */
static void say_share(const struct chase_view *view, const struct place *place, size_t count)
{
    document_say(view->doc, BLOCK_FACT, "%s %zu of %zu %s", place->curves == 1 ? "At" : "In", count,
        place->ratios.all, place->curves == 1 ? "working sets" : "comparisons");
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
    bool disturbed = ratios_disturbed(ratios);
    size_t agree;
    if (ratios->all > 1 && !disturbed) {
        say_share(view, place, ratios->close);
        view_add(doc, " %s and native agree within 3 %%", place->elsewhere ? place->label : "guest");
        if (ratios_agree(ratios, &agree) >= 0.05)
            view_add(doc, ", %s %zu within 10 %%", place->curves == 1 ? "at" : "in", agree);
        add_slowest(view, place);
    }
    if (!ratios->unclear)
        return;
    say_share(view, place, ratios->unclear);
    if (place->unclear_most == place->unclear_least)
        view_add(doc, ", at %s", format_size(place->unclear_most).text);
    else
        view_add(doc, ", between %s and %s", format_size(place->unclear_least).text,
            format_size(place->unclear_most).text);
    if (!disturbed)
        view_add(doc, ", this run cannot tell: %s.", view_run_blame(view->result, doc));
    else {
        view_add(doc, ", the interval reaches more than 10 %% to a side");
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
    if (best->high < worst->low)
        view_add(view->doc, "%s is fastest, %s ns per access, %s slowest, %s ns.",
            chase_words(view, fastest).kind, format_ns(best->median).text, chase_words(view, slowest).kind,
            format_ns(worst->median).text);
    else
        view_add(view->doc, "none of the %zu pairs is significantly faster than another.", pairs);
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
    view_run_machine(view->result, view->doc);
    for (size_t i = 0; i < count; i++) {
        say_place(view, &places[i]);
        say_pages(view, places[i].label);
    }
    view_run_below(view->result, view->doc);
    say_technique(view);
    return count && disturbed == count;
}

void chase_say_counts(const struct chase_view *view)
{
    static const char *const comparisons[] = {"comparison", "comparisons"};
    struct place places[PLACES_MAX];
    size_t count = find_places(view, places);
    document_details(view->doc, true);
    for (size_t i = 0; i < count; i++)
        view_run_counts(&places[i].ratios, places[i].label, comparisons, "slower", "faster", view->doc);
    document_details(view->doc, false);
}
