#include "inspect/splinter.h"

#include "inspect/splinter_evidence.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { PAGE_LINES = SPLINTER_PAGE_LINES };

/* ---- what is asked of the measurement ---- */

/* So many points, up to so many lines: 16 pages of 2 MiB, fewer may all be splintered, or none, by chance. */
enum { POINTS_MIN = 10, LINES_MIN = 8000 };

/* This share of the points with intervals, and no more scatter of the curves than this, relative. */
static const double with_interval_least = 0.75, noise_most = 0.045;

/* Less of large pages than this, and the rest is this kernel's own doing. */
static const double large_share_least = 0.99;

/* ---- what the curves say by themselves ----
 *
 * Let a share h of the lines be in splintered pages. In the first level's rise, a hit in the second level of
 * the TLB, the large pages' curve takes part to h. In walks it does to h times what a walk costs there of one
 * in small pages: that one's own page table is a step more, so this is 0.5 to 1, not known, and half of the
 * pages splintered may look like all. What tells them apart: up to 512 lines are in one page; the first level
 * over several pages; and that the share does not fall with more pages. */

static bool is_at_least(const struct splinter_zone *zone, double value, double low)
{
    return zone->count > 0 && zone->share.value >= value && zone->share.low >= low;
}

/* The share does not fall from one zone to another, as it does where only the first pages are splintered. */
static bool keeps(const struct splinter_zone *from, const struct splinter_zone *to, double least)
{
    return from->count > 0 && to->count > 0 && to->share.value >= least * fmin(1, from->share.value);
}

/* What is left of the share without the first level. Where walks cost nothing all of it is the first one's.
 */
static bool walks_are_shared(const struct splinter_evidence *evidence)
{
    return evidence->deep_walks.fall <= 0.2 &&
           (evidence->top_walks.count >= 2 ? is_at_least(&evidence->top_walks, 0.45, 0.3)
                                           : evidence->top.share.value >= 0.85);
}

/* The first level over several pages: the surest of all. */
static bool all_by_first_level(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *multi = &evidence->multi, *early = &evidence->early_walks;
    return multi->count >= 2 && is_at_least(multi, 0.85, 0.7) && multi->least > 0.7 &&
           is_at_least(&evidence->top, 0.55, 0.45) && keeps(&evidence->early, &evidence->top, 0.75) &&
           (early->count == 0 || keeps(early, &evidence->top_walks, 0.8));
}

/* The first level goes over eight pages and more: all of them are splintered, and few lines are left for the
 * second one to show. Only where entries hold as many pages of either curve: what is beyond the first level
 * is not comparable else. */
static bool all_by_long_first_level(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *multi = &evidence->multi;
    double knees = evidence->shares.large_reach / evidence->shares.reach;
    return knees > 0.65 && knees < 1.6 && !(evidence->second <= 9 * PAGE_LINES) && multi->count >= 4 &&
           is_at_least(multi, 0.9, 0.75) && multi->least > 0.8 && is_at_least(&evidence->top, 0.65, 0.5) &&
           is_at_least(&evidence->end, 0.66, 0.5) && evidence->end.least > 0.6;
}

/* The second level is reached within one page, or soon after it. */
static bool all_by_walks(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *top = &evidence->top;
    if (evidence->multi.count >= 2)
        return false;
    if (evidence->near_deep.count >= 2)
        return is_at_least(top, 0.5, 0.4) && keeps(&evidence->near_deep, top, 0.8);
    return is_at_least(top, 0.6, 0.5) && keeps(&evidence->early, top, 0.8) &&
           keeps(&evidence->few, top, 0.85) && is_at_least(&evidence->top_walks, 0.58, 0.5);
}

static bool all_with_two_levels(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *near = &evidence->near_all;
    return !isnan(evidence->second) && near->count + evidence->multi.count > 0 &&
           (near->count == 0 || is_at_least(near, 0.85, 0.65)) && walks_are_shared(evidence) &&
           (all_by_first_level(evidence) || all_by_walks(evidence));
}

/* Whatever the levels are: the share hardly falls from the first page to the last. */
static bool all_alike(const struct splinter_evidence *evidence)
{
    bool near = evidence->near_all.count > 0;
    const struct splinter_zone *first = near ? &evidence->near_all : &evidence->multi;
    const struct splinter_zone *top = &evidence->top;
    return is_at_least(first, 0.55, 0.45) && is_at_least(top, near ? 0.55 : 0.66, 0.45) &&
           evidence->after_all.fall < 0.2 && evidence->wide.fall < 0.15 && keeps(first, top, 0.8) &&
           (evidence->multi.count == 0 || keeps(first, &evidence->multi, 0.8));
}

/* Lines one a page leave a cache sooner than packed ones, which looks like a share: without the scattered
 * curve all must be clearer. */
static bool base_is_good(const struct splinter_evidence *evidence)
{
    return evidence->scattered ||
           (evidence->top_rise > 3 * evidence->first_rise && evidence->multi.count >= 3 &&
               evidence->multi.least > 0.85 && evidence->multi.share.low > 0.75 &&
               is_at_least(&evidence->top, 0.68, 0.5) && is_at_least(&evidence->top_walks, 0.55, 0.4));
}

/* More than all: the curves differ in something else. */
static bool is_too_much(const struct splinter_evidence *evidence)
{
    return evidence->after_all.most > 1.3 || evidence->near_all.share.value > 1.15 ||
           evidence->multi.share.value > 1.15;
}

static bool shows_all(const struct splinter_evidence *evidence)
{
    return evidence->large_fall < 0.05 && evidence->after_all.least > 0.45 && !is_too_much(evidence) &&
           evidence->after_all.large_to_base > 1.25 && evidence->top.count >= 2 && base_is_good(evidence) &&
           (all_by_long_first_level(evidence) || (keeps(&evidence->before_last, &evidence->end, 0.8) &&
                                                     (all_alike(evidence) || all_with_two_levels(evidence))));
}

/* Splintered pages at the end of the range may be so few that the second level holds them: then they cost
 * only the first one's rise, a small share of what walks cost the small pages. A second level that is small
 * holds no such number. */
static bool end_is_low(const struct splinter_evidence *evidence)
{
    return 16 * evidence->second < evidence->last ||
           (evidence->end_excess.high < 0.34 && evidence->top_excess.value < 0.13 &&
               evidence->end_excess.value - evidence->before_last_excess.value < 0.17);
}

static bool shows_none(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *after = &evidence->after, *top = &evidence->top;
    return after->count >= 6 && evidence->wide.count >= 4 && top->count >= 2 &&
           evidence->near.count + evidence->multi.count + evidence->few.count >= 2 && after->most < 0.25 &&
           after->least > -0.35 && after->share.high < 0.25 && after->surest < 0.1 && top->most < 0.18 &&
           top->share.high < 0.2 && top->surest < 0.06 && evidence->wide.share.high < 0.22 &&
           after->small_to_large > 1.2 && end_is_low(evidence);
}

static bool between(const struct splinter_zone *zone, double low, double high, double least, double most)
{
    return zone->count >= 2 && zone->share.value > low && zone->share.value < high &&
           zone->share.low > least && zone->share.high < most;
}

/* A share between none and all is that of a cheaper walk, or of a drift, where it is between within the first
 * page already: that page is either splintered or not. */
static bool first_page_is_sharp(const struct splinter_evidence *evidence)
{
    const struct splinter_figure *near = &evidence->near.share;
    bool none =
        fabs(near->value) < 0.04 && near->low < 0.01 && !(evidence->shares.large_reach < 1.05 * PAGE_LINES);
    return evidence->near.count > 0 && (none || (near->value > 0.93 && near->value < 1.1));
}

/* … and differs between placements, where pages are splintered by chance. */
static bool first_page_differs(const struct splinter_evidence *evidence)
{
    const struct splinter_figure *near = &evidence->near.share;
    return evidence->near.count >= 2 && near->high - near->low > 0.6 &&
           evidence->near_large_error > 5 * evidence->near_small_error;
}

static bool shows_some(const struct splinter_evidence *evidence)
{
    const struct splinter_zone *multi = &evidence->multi, *wide = &evidence->wide;
    if (!evidence->scattered || isnan(evidence->second) || multi->small_to_large < 1.12 ||
        multi->large_to_base < 1.18 || wide->least < 0.08 || wide->most > 0.88)
        return false;
    return between(&evidence->top, 0.12, 0.7, 0.06, 0.85) &&
           ((first_page_is_sharp(evidence) && between(multi, 0.25, 0.72, 0.12, 0.88)) ||
               (first_page_differs(evidence) && between(multi, 0.2, 0.8, -0.5, 1.5)));
}

static enum splinter_verdict shape(const struct splinter_evidence *evidence)
{
    return shows_all(evidence)    ? SPLINTER_YES
           : shows_none(evidence) ? SPLINTER_NO
           : shows_some(evidence) ? SPLINTER_PARTLY
                                  : SPLINTER_UNKNOWN;
}

/* ---- the verdict ---- */

static void __attribute__((format(printf, 3, 4)))
decide(struct splinter *splinter, enum splinter_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    splinter->verdict = verdict;
    vsnprintf(splinter->reason, sizeof splinter->reason, format, arguments);
    va_end(arguments);
}
#define UNKNOWN(splinter, ...) (decide(splinter, SPLINTER_UNKNOWN, __VA_ARGS__), false)

/* Whether the circumstances allow any verdict. */
static bool may_be_judged(const struct splinter_input *input, struct splinter *splinter)
{
    if (input->emulated)
        return UNKNOWN(
            splinter, "the processor is emulated in software, and its timing is not that of a TLB");
    if (input->large_share < large_share_least)
        return UNKNOWN(splinter,
            "this kernel had only %.0f %% of that memory in pages of 2 MiB, and what is smaller of its own "
            "says nothing of the host: allow transparent huge pages, or free memory and try again",
            100 * fmax(0, input->large_share));
    return true;
}

/* Whether the measurement is good enough to say anything. */
static bool is_measured(const struct splinter_shares *shares, struct splinter *splinter)
{
    double last = shares->count ? shares->spots[shares->count - 1].lines : 0;
    if (shares->count < POINTS_MIN)
        return UNKNOWN(splinter, "only %zu numbers of lines were measured in all curves, and %d are needed",
            shares->count, POINTS_MIN);
    if (last < LINES_MIN)
        return UNKNOWN(splinter, "the curves end at %.0f lines, and %d are needed: measure more memory", last,
            LINES_MIN);
    if ((double)shares->with_interval < with_interval_least * (double)shares->count)
        return UNKNOWN(splinter, "only %zu of %zu points have intervals: measure more placements",
            shares->with_interval, shares->count);
    if (shares->noise > noise_most)
        return UNKNOWN(splinter,
            "the curves contradict themselves by %.0f %%, and %.1f %% would be too much already: measure "
            "again "
            "when the machine is quieter, or more placements",
            100 * shares->noise, 100 * noise_most);
    if (shares->knee == shares->count)
        return UNKNOWN(splinter, "even small pages show no reach of a TLB beyond noise");
    return true;
}

/* Whether it can be the host's doing: a processor that has no entries for large pages keeps them as small
 * ones too. A curve that stays low needs no such proof. */
static bool may_blame_host(const struct splinter_input *input, const struct splinter_evidence *evidence,
    enum splinter_verdict verdict, struct splinter *splinter)
{
    if (verdict == SPLINTER_NO || verdict == SPLINTER_UNKNOWN)
        return true;
    if (!isfinite(input->large_share))
        return UNKNOWN(splinter,
            "large pages behave as small ones, and it is not known whether this kernel had them at all");
    if (!input->told)
        return verdict == SPLINTER_PARTLY ||
               UNKNOWN(splinter,
                   "large pages cost as many translations as small ones, and CPUID does not tell "
                   "whether the TLB has entries for large ones");
    if (!input->large_entries[0] && !input->large_entries[1])
        return UNKNOWN(splinter, "this processor has no entries for large pages in its TLB, and so needs as "
                                 "many translations for them whatever the host does");
    if (!input->large_entries[0] && (verdict == SPLINTER_PARTLY || isnan(evidence->second) ||
                                        !is_at_least(&evidence->top_walks, 0.6, 0.5)))
        return UNKNOWN(splinter,
            "level 1 of the TLB has no entries for large pages, and level 2 does not show "
            "clearly enough what the host does");
    return true;
}

static void explain_doubt(
    const struct splinter_input *input, const struct splinter_evidence *evidence, struct splinter *splinter)
{
    unsigned entries =
        input->large_entries[0] > input->large_entries[1] ? input->large_entries[0] : input->large_entries[1];
    double reach = entries * (double)PAGE_LINES;
    const struct splinter_zone *after = &evidence->after;
    if (input->told && entries && reach < 0.9 * evidence->last && evidence->shares.large_reach > 0.4 * reach)
        decide(splinter, SPLINTER_UNKNOWN,
            "the curve of large pages rises from %.0f lines on, but the TLB's %u entries for large pages "
            "reach "
            "no further than %.0f, so that may be the processor's doing",
            evidence->shares.large_reach, entries, reach);
    else if (after->count == 0)
        decide(splinter, SPLINTER_UNKNOWN,
            "what small pages cost more is within what was measured wrong: "
            "measure again when the machine is quieter");
    else
        decide(splinter, SPLINTER_UNKNOWN,
            "large pages show %.2f to %.2f of what translations of small pages cost, which fits neither "
            "large "
            "pages of the host nor small ones clearly%s",
            after->least, after->most,
            evidence->scattered ? "" : "; lines scattered in fewer pages were not measured");
}

static void explain(
    const struct splinter_evidence *evidence, enum splinter_verdict verdict, struct splinter *splinter)
{
    static const char *const what[SPLINTER_VERDICTS] = {
        [SPLINTER_NO] = "large pages need hardly any translations where small ones miss in the TLB",
        [SPLINTER_PARTLY] = "large pages miss in the TLB too, but less often than small ones",
        [SPLINTER_YES] = "large pages miss in the TLB where small ones do",
    };
    decide(splinter, verdict,
        "%s: from %.0f to %.0f lines, one in each 4 KiB, they show %.2f of what that costs", what[verdict],
        evidence->shares.reach, evidence->last, evidence->after.share.value);
}

/* ---- what is told besides ---- */

static struct splinter_level level_of(double lines, double large_lines, const struct splinter_zone *zone)
{
    struct splinter_figure share = zone->count ? zone->share : (struct splinter_figure){NAN, NAN, NAN};
    return (struct splinter_level){!isnan(lines), lines, share.value, share.low, share.high, large_lines};
}

static void tell_levels(const struct splinter_evidence *evidence, struct splinter *splinter)
{
    splinter->levels[0] = level_of(evidence->shares.reach, evidence->shares.large_reach,
        evidence->near.count ? &evidence->near : &evidence->multi);
    splinter->levels[1] = level_of(evidence->second, evidence->large_second, &evidence->top_walks);
}

/* Where the cost is told: the nearest spot to so many lines, 16 MiB of memory. */
static const double cost_lines = 4096;

static void tell_cost(const struct splinter_evidence *evidence, struct splinter *splinter)
{
    const struct splinter_shares *shares = &evidence->shares;
    const struct splinter_spot *best = &shares->spots[0];
    for (size_t i = 1; i < shares->count; i++)
        if (fabs(log(shares->spots[i].lines / cost_lines)) < fabs(log(best->lines / cost_lines)))
            best = &shares->spots[i];
    const struct splinter_figure *large = &best->curve[CURVE_LARGE], *base = &best->base;
    double cost = large->value - base->value;
    if (cost <= 0)
        return;
    splinter->cost_lines = best->lines;
    splinter->cost_ns = cost;
    splinter->cost_low = cost - hypot(large->value - large->low, base->high - base->value);
    splinter->cost_high = cost + hypot(large->high - large->value, base->value - base->low);
}

/* Takes over the shares. */
static void judge(
    const struct splinter_input *input, struct splinter_shares shares, struct splinter *splinter)
{
    struct splinter_evidence evidence;
    splinter_evidence_find(input, shares, &evidence);
    tell_levels(&evidence, splinter);
    enum splinter_verdict verdict = shape(&evidence);
    if (may_blame_host(input, &evidence, verdict, splinter)) {
        if (verdict == SPLINTER_UNKNOWN)
            explain_doubt(input, &evidence, splinter);
        else
            explain(&evidence, verdict, splinter);
    }
    if (splinter->verdict == SPLINTER_YES || splinter->verdict == SPLINTER_PARTLY)
        tell_cost(&evidence, splinter);
    splinter_evidence_free(&evidence);
}

static int check_input(const struct splinter_input *input, struct error *error)
{
    for (size_t i = 0; i < input->count; i++) {
        double lines = input->points[i].lines, before = i ? input->points[i - 1].lines : 0;
        if (!isfinite(lines) || !(lines > before))
            return error_set(error, EINVAL, "numbers of lines must ascend: %g after %g", lines, before);
    }
    return 0;
}

int splinter_judge(const struct splinter_input *input, struct splinter *splinter, struct error *error)
{
    struct splinter_shares shares = {.reach = NAN, .large_reach = NAN};
    int rc = check_input(input, error);
    if (rc == 0)
        rc = splinter_shares_make(input, &shares, error);
    if (rc < 0)
        return rc;
    const struct splinter_level unseen = {false, NAN, NAN, NAN, NAN, NAN};
    *splinter = (struct splinter){.verdict = SPLINTER_UNKNOWN,
        .levels = {unseen, unseen},
        .cost_lines = NAN,
        .cost_ns = NAN,
        .cost_low = NAN,
        .cost_high = NAN};
    if (may_be_judged(input, splinter) && is_measured(&shares, splinter))
        judge(input, shares, splinter);
    else
        splinter_shares_free(&shares);
    return 0;
}

const char *splinter_verdict_name(enum splinter_verdict verdict)
{
    static const char *const names[SPLINTER_VERDICTS] = {"unknown", "no", "partly", "yes"};
    return names[verdict];
}
