#include "inspect/splinter.h"

#include "inspect/splinter_evidence.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* So many points, up to so many lines: 16 pages of 2 MiB. */
enum { POINTS_MIN = 10, LINES_MIN = 8000 };

/* This share of the points with intervals, and no more scatter of the curves than this, relative. */
static const double with_interval_least = 0.75, noise_most = 0.10;

/* Less of large pages than this, and the rest is this kernel's own doing. */
static const double large_share_least = 0.99;

/* ---- the verdict in words ---- */

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
            "this kernel had only %.0f %% of that memory in pages of 2 MiB: allow transparent huge pages, or "
            "free memory and try again",
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
            "the curves contradict themselves by %.0f %% (%.0f %% is too much): some pages may be splintered "
            "and others not, or the machine is too busy",
            100 * shares->noise, 100 * noise_most);
    if (shares->knee == shares->count)
        return UNKNOWN(splinter, "even small pages show no misses in the TLB that stand out of the noise, so "
                                 "there is nothing to hold large ones against");
    return true;
}

/* Whether it can be the host's doing: a processor that has no entries for large pages keeps them as small
 * ones too. */
static bool may_blame_host(const struct splinter_input *input, struct splinter *splinter)
{
    if (!isfinite(input->large_share))
        return UNKNOWN(splinter,
            "large pages behave as small ones, and it is not known whether this kernel had them at all");
    if (input->has_large)
        return true;
    if (!input->told)
        return UNKNOWN(splinter,
            "large pages miss in the TLB as often as small ones, and CPUID does not tell "
            "whether it has entries for large ones at all");
    if (!splinter_tells_large(input))
        return UNKNOWN(splinter, "this processor has no entries for large pages in its TLB, and so misses as "
                                 "often with them whatever the host does");
    return true;
}

static double percent(const struct splinter_zone *zone)
{
    return 100 * fmax(0, zone->share.value);
}

/* Somewhere between what large pages of the host show and what small ones do. */
static void explain_between(const struct splinter_evidence *evidence, struct splinter *splinter)
{
    const struct splinter_zone *few = &evidence->one, *many = &evidence->pages, *most = &evidence->top;
    const struct splinter_zone *told = few->count ? few : many->count ? many : most;
    if (!told->count)
        decide(splinter, SPLINTER_UNKNOWN,
            "too few numbers of lines show what misses in the TLB cost: measure more memory, or when the "
            "machine is quieter");
    else
        decide(splinter, SPLINTER_UNKNOWN,
            "large pages pay %.0f %% of what small ones do for misses in the TLB (%.0f %% over all): too "
            "much "
            "for large pages of the host, too little for small ones",
            percent(told), percent(most->count ? most : told));
}

static void explain_doubt(const struct splinter_evidence *evidence, struct splinter *splinter)
{
    if (!splinter_is_clear(evidence))
        decide(splinter, SPLINTER_UNKNOWN,
            "what small pages cost more than the caches is lost in the noise: "
            "measure again when the machine is quieter");
    else if (!splinter_placements_agree(evidence))
        decide(splinter, SPLINTER_UNKNOWN,
            "placements of the memory disagree at %zu of %zu numbers of lines: some pages may be splintered "
            "and others not, or the machine is too busy",
            evidence->loose, evidence->usable);
    else if (splinter_only_first_level_tells(evidence))
        decide(splinter, SPLINTER_UNKNOWN,
            "few lines miss in the TLB as often in large pages as in small ones, but the TLB may keep large "
            "pages in pieces there, and many lines do not show it as well");
    else
        explain_between(evidence, splinter);
}

static void explain(
    const struct splinter_evidence *evidence, enum splinter_verdict verdict, struct splinter *splinter)
{
    const struct splinter_shares *shares = &evidence->shares;
    if (verdict == SPLINTER_YES)
        decide(splinter, verdict,
            "large pages miss in the TLB from %.0f lines on, one in each 4 KiB, small ones from %.0f; in "
            "every placement and page alike",
            shares->large_reach, shares->reach);
    else
        decide(splinter, verdict,
            "small pages miss in the TLB from %.0f lines on, one in each 4 KiB; up to %.0f lines large ones "
            "show %.0f %% of what that costs",
            shares->reach, evidence->wide_end, 100 * fmax(0, evidence->wide.share.value));
}

/* ---- what is told besides ---- */

static struct splinter_level level_of(double lines, double large_lines, const struct splinter_zone *zone)
{
    return (struct splinter_level){isfinite(lines), isfinite(lines) ? lines : NAN, zone->share.value,
        zone->share.low, zone->share.high, large_lines};
}

/* Where the cost is told: the nearest spot to so many lines, 16 MiB of memory. */
static const double cost_lines = 4096;

static void tell_cost(const struct splinter_shares *shares, struct splinter *splinter)
{
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

static void judge(struct splinter_evidence *evidence, struct splinter *splinter)
{
    splinter_find_evidence(evidence);
    splinter->levels[0] = level_of(evidence->shares.reach, evidence->shares.large_reach,
        evidence->first.count ? &evidence->first : &evidence->one);
    splinter->levels[1] = level_of(evidence->second, NAN, &evidence->walks);
    enum splinter_verdict verdict = splinter_shape(evidence);
    if (verdict == SPLINTER_UNKNOWN)
        explain_doubt(evidence, splinter);
    else if (verdict == SPLINTER_NO || may_blame_host(evidence->input, splinter))
        explain(evidence, verdict, splinter);
    if (splinter->verdict == SPLINTER_YES)
        tell_cost(&evidence->shares, splinter);
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
    const struct splinter_level unseen = {false, NAN, NAN, NAN, NAN, NAN};
    struct splinter_evidence evidence = {.input = input};
    int rc = check_input(input, error);
    if (rc == 0)
        rc = splinter_shares_make(input, &evidence.shares, error);
    if (rc < 0)
        return rc;
    *splinter = (struct splinter){.verdict = SPLINTER_UNKNOWN,
        .levels = {unseen, unseen},
        .cost_lines = NAN,
        .cost_ns = NAN,
        .cost_low = NAN,
        .cost_high = NAN};
    if (may_be_judged(input, splinter) && is_measured(&evidence.shares, splinter))
        judge(&evidence, splinter);
    splinter_shares_free(&evidence.shares);
    return 0;
}

const char *splinter_verdict_name(enum splinter_verdict verdict)
{
    static const char *const names[SPLINTER_VERDICTS] = {"unknown", "no", "yes"};
    return names[verdict];
}
