/* The end of a chase's report: a few plain sentences. Where an interval includes zero it says that no
 * difference can be told. */
#include "report/format.h"
#include "report/view_chase_parts.h"
#include "result/verdict.h"

#include <math.h>
#include <string.h>

enum { HEADLINES_MAX = 4 };

/* A slowdown whose interval reaches no further than this to a side is known well. */
static const double headline_half_width = 0.05;

/* What all comparisons say together. */
struct verdicts {
    size_t of[VERDICTS]; /* VERDICT_NONE: compared, but without an interval */
    size_t all;
    const struct curve_group *group;
    const struct curve *curve; /* of the largest slowdown that is told from zero; NULL: there is none */
    const struct curve_point *largest;
    const struct curve_point *headlines[HEADLINES_MAX];
    size_t headline_count;
};

static enum verdict point_verdict(const struct curve_point *point)
{
    return point_compared(point) ? verdict_of(point->against->low, point->against->high) : VERDICT_NONE;
}

static void judge(const struct chase_view *view, struct verdicts *verdicts)
{
    for (size_t g = 0; g < view->curves.group_count; g++)
        for (size_t c = 0; c < view->curves.groups[g].curve_count; c++)
            for (size_t p = 0; p < view->curves.groups[g].working_set_count; p++) {
                const struct curve *curve = &view->curves.groups[g].curves[c];
                const struct curve_point *point = &curve->points[p];
                if (!point_compared(point))
                    continue;
                verdicts->all++;
                verdicts->of[point_verdict(point)]++;
                if (point_verdict(point) != VERDICT_SLOWER ||
                    (verdicts->largest && verdicts->largest->against->ratio >= point->against->ratio))
                    continue;
                verdicts->group = &view->curves.groups[g];
                verdicts->curve = curve;
                verdicts->largest = point;
            }
}

/* ---- one slowdown of each curve ---- */

/* "a random walk over 64 MiB", "a random writing walk over 64 MiB in 4 chains" */
static const char *walk_name(struct document *document, const struct chase_shape *shape, uint64_t bytes)
{
    static const char *const before[CHASE_ORDERS] = {
        [CHASE_SEQUENTIAL] = "a sequential",
        [CHASE_RANDOM] = "a random",
        [CHASE_RANDOM_IN_PAGE] = "a random-in-page",
        [CHASE_LINE_PER_PAGE] = "a line-per-page",
        [CHASE_PACKED] = "a packed",
        [CHASE_SCATTERED] = "a scattered",
        [CHASE_LINE_PER_LARGE_PAGE] = "a line-per-large-page",
    };
    bool other = shape->order == CHASE_PACKED || shape->order == CHASE_SCATTERED;
    const char *chains = shape->chains > 1 ? document_text(document, " in %u chains", shape->chains) : "";
    return document_text(document, "%s%s walk %s %s%s", before[shape->order], shape->write ? " writing" : "",
        other ? "held against line-per-page at" : "over", format_size(bytes).text, chains);
}

static const char *interval_text(struct document *document, const struct result_comparison *found)
{
    return document_text(
        document, "95 %% interval %s", format_slowdown_interval(found->low, found->high, NULL).text);
}

static void say_headline(const struct chase_view *view, const struct curve_group *group,
    const struct curve *curve, const struct curve_point *point)
{
    struct document *document = view->document;
    const struct result_comparison *found = point->against;
    const char *walk = walk_name(document, &group->shape, point->working_set_bytes);
    const char *title = chase_curve_title(view, group, curve), *interval = interval_text(document, found);
    bool elsewhere = strchr(point->cell->cell.monitor, ':') != NULL;
    const char *place = document_text(document, elsewhere ? "On %s" : "In a guest here, %s,", title);
    struct formatted slowdown = format_slowdown(found->ratio);
    if (!point_interval(point))
        document_say(document, BLOCK_SENTENCE,
            "%s %s came out at %s against native; that has no interval and may be chance.", place, walk,
            slowdown.text);
    else if (point_verdict(point) == VERDICT_SLOWER)
        document_say(document, BLOCK_SENTENCE, "%s %s costs %s over native (%s).", place, walk, slowdown.text,
            interval);
    else if (point_verdict(point) == VERDICT_FASTER)
        document_say(document, BLOCK_SENTENCE, "%s %s is faster than native: %s (%s).", place, walk,
            slowdown.text, interval);
    else
        document_say(document, BLOCK_SENTENCE, "%s no difference from native can be told for %s (%s).", place,
            walk, interval);
}

static bool known_well(const struct curve_point *point)
{
    const struct result_comparison *found = point->against;
    return point_interval(point) &&
           fmax(found->high / found->ratio - 1, 1 - found->low / found->ratio) <= headline_half_width;
}

/* The largest working set is the noisiest as well: the largest that is known well, where there is one, has
 * the headline; then it is said what was found at the largest. */
static void say_curve(const struct chase_view *view, const struct curve_group *group,
    const struct curve *curve, struct verdicts *verdicts)
{
    const struct curve_point *largest = NULL, *known = NULL;
    for (size_t i = group->working_set_count; i-- > 0 && !known;) {
        const struct curve_point *point = &curve->points[i];
        if (point_compared(point) && !largest)
            largest = point;
        if (point_compared(point) && known_well(point))
            known = point;
    }
    if (!largest || verdicts->headline_count == HEADLINES_MAX)
        return;
    const struct curve_point *point = known ? known : largest;
    verdicts->headlines[verdicts->headline_count++] = point;
    say_headline(view, group, curve, point);
    if (point == largest)
        return;
    document_say(view->document, BLOCK_SENTENCE,
        "%s is the largest working set whose interval reaches at most %.0f %% to a side; at %s it came out "
        "at %s (%s).",
        format_size(point->working_set_bytes).text, 100 * headline_half_width,
        format_size(largest->working_set_bytes).text, format_slowdown(largest->against->ratio).text,
        point_interval(largest) ? interval_text(view->document, largest->against) : "without an interval");
}

/* ---- all of them ---- */

static void say_largest(const struct chase_view *view, const struct verdicts *verdicts)
{
    const struct curve_point *point = verdicts->largest;
    for (size_t i = 0; i < verdicts->headline_count; i++)
        if (verdicts->headlines[i] == point)
            return;
    if (point)
        document_say(view->document, BLOCK_SENTENCE,
            "The largest slowdown that is told from zero is %s at %s (%s; %s).",
            format_slowdown(point->against->ratio).text, format_size(point->working_set_bytes).text,
            chase_curve_name(view, verdicts->group, verdicts->curve),
            interval_text(view->document, point->against));
}

static void say_counts(struct document *document, const struct verdicts *verdicts)
{
    size_t slower = verdicts->of[VERDICT_SLOWER], faster = verdicts->of[VERDICT_FASTER];
    size_t without = verdicts->of[VERDICT_NONE], judged = verdicts->all - without;
    const char *chance = "";
    if (judged >= 20 && slower + faster)
        chance = document_text(document,
            "; with as many 95 %% intervals, about %.0f would miss the truth by chance alone",
            round(0.05 * (double)judged));
    if (judged >= 2)
        document_say(document, BLOCK_SENTENCE,
            "Of %zu comparisons %zu %s slower, %zu faster, and in %zu no difference can be told%s.", judged,
            slower, slower == 1 ? "is" : "are", faster, verdicts->of[VERDICT_UNTOLD], chance);
    if (without)
        document_say(document, BLOCK_SENTENCE,
            "%zu comparison%s no interval: more than one placement is needed for that.", without,
            without == 1 ? " has" : "s have");
}

/* For a curve that nothing was compared with: its two ends. */
static void say_latency(
    const struct chase_view *view, const struct curve_group *group, const struct curve *curve)
{
    const struct curve_point *first = NULL, *last = NULL;
    const char *end = "";
    for (size_t i = 0; i < group->working_set_count; i++)
        if (point_measured(&curve->points[i])) {
            first = first ? first : &curve->points[i];
            last = &curve->points[i];
        }
    if (last != first)
        end = document_text(view->document, ", %s ns at %s", format_ns(last->cell->median).text,
            format_size(last->working_set_bytes).text);
    if (first)
        document_say(view->document, BLOCK_SENTENCE, "%s: %s ns per access at %s%s; nothing was compared.",
            chase_curve_name(view, group, curve), format_ns(first->cell->median).text,
            format_size(first->working_set_bytes).text, end);
}

static bool ran_on(const struct result *result, const char *monitor)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (!strcmp(result->cells[i].cell.monitor, monitor))
            return true;
    return false;
}

void chase_say_summary(const struct chase_view *view)
{
    const struct monitor_facts *kvm = &view->result->kvm;
    struct verdicts verdicts = {0};
    size_t curves = 0;
    judge(view, &verdicts);
    for (size_t g = 0; g < view->curves.group_count; g++)
        for (size_t c = 0; c < view->curves.groups[g].curve_count; c++)
            if (verdicts.all)
                say_curve(view, &view->curves.groups[g], &view->curves.groups[g].curves[c], &verdicts);
            else if (curves++ < HEADLINES_MAX)
                say_latency(view, &view->curves.groups[g], &view->curves.groups[g].curves[c]);
    if (verdicts.all) {
        say_largest(view, &verdicts);
        say_counts(view->document, &verdicts);
    } else if (!kvm->usable && kvm->reason[0] && !ran_on(view->result, "kvm")) {
        size_t length = strlen(kvm->reason);
        document_say(view->document, BLOCK_SENTENCE, "KVM cannot be used here: %s%s", kvm->reason,
            kvm->reason[length - 1] == '.' ? "" : ".");
    }
}
