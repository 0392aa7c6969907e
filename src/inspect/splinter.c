#include "inspect/splinter.h"

#include "inspect/splinter_shares.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* How it is judged. Whatever the processor is, a page of 2 MiB is either splintered or not. Lists lie at
 * other places of the memory for every number of lines and in every placement, and up to 512 lines are in one
 * page or two. So where all those few lines show the same share of what translations cost, and placements
 * agree, all pages are alike: splintered if that share is considerable, intact if it is nothing. Where some
 * pages are splintered and others not, placements differ by far more than they do for small pages. How large
 * the share is says little: a hit in the second level of the TLB costs the same for both, a walk less for a
 * splintered page, since the guest's own table is shorter by a level. */

/* Lines, one a page of 4 KiB, in a page of 2 MiB; a few more may still be mostly in one. */
enum { PAGE_LINES = 512 };
static const double one_page = 1.05 * PAGE_LINES, two_pages = 1.95 * PAGE_LINES;

/* ---- what is asked of the measurement ---- */

/* So many points, up to so many lines: 16 pages of 2 MiB. */
enum { POINTS_MIN = 10, LINES_MIN = 8000 };

/* This share of the points with intervals, and no more scatter of the curves than this, relative. */
static const double with_interval_least = 0.75, noise_most = 0.10;

/* Less of large pages than this, and the rest is this kernel's own doing. */
static const double large_share_least = 0.99;

/* ---- where what can be told ---- */

/* A level is fully there so many times the lines at which it begins, and not yet so many times. */
static const double after_knee = 1.45, before_knee = 0.85, after_second = 1.25;

/* Pages of 4 KiB that lie side by side may share an entry, four of them: where those of one curve do and
 * those of the other do not, reaches differ by so much. */
static const double shared_entry = 4.3;

/* The second level begins where the rise is so many times the first one's, in so many spots on end. */
static const double second_rise = 1.8;
enum { SECOND_SPOTS = 3 };

/* The first level is asked up to here at most: beyond, caches of level 2 are left. */
static const double first_level_end = 5000;

/* An intact large page's translations fit the told entries for large pages up to this part of them … */
static const double entries_share = 0.5;
/* … and where these are not told, up to this part of where the large pages' curve begins to rise. */
static const double before_large = 0.75;

/* Beyond so many lines caches of level 2 are left, and a curve may do so with them. */
static const double stays_least = 4096;

/* An interval of a share that reaches further than this to a side: placements disagree. */
static const double loose_width = 0.3;

/* Of the spots where something is to be told, so many must stand out of the noise. */
static const double clear_least = 0.6;

struct evidence {
    const struct splinter_input *input;
    struct splinter_shares shares; /* owned */
    double second;                 /* lines where the small pages' curve rises once more; INFINITY: nowhere */
    double last;                   /* lines of the last spot */
    bool believed;                 /* what is told of the TLB fits what is measured */
    bool fractured;       /* level 1 is told to have no entries for large pages, level 2 to have some */
    bool maybe_fractured; /* … or there are some, and nobody tells at which level */
    size_t seen;          /* spots after the knee that can be told by if they are clear */
    size_t usable, loose; /* clear spots that can be told by, and those where placements disagree */
    /* From where both curves must have risen if all is splintered. */
    struct splinter_zone alone; /* within a page, whatever the level */
    struct splinter_zone first; /* the first level: within a page, and over several */
    struct splinter_zone pages; /* of it, over several pages */
    struct splinter_zone walks; /* the second level */
    struct splinter_zone top;   /* the last octave */
    /* From where the small pages' curve has risen for certain, up to where an intact large page's must not.
     */
    struct splinter_zone one, several, wide; /* within a page; over several; all of it */
    double wide_end;                         /* lines of the last spot of `wide` */
    bool stays; /* the large pages\' curve has not left the caches\' for good by then */
};

/* Does CPUID tell of entries for large pages? */
static bool tells_large(const struct splinter_input *input)
{
    return input->told && (input->large_entries[0] || input->large_entries[1]);
}

/* Are there some, for all that CPUID tells? */
static bool hides_large(const struct splinter_input *input)
{
    return !input->told || (input->has_large && !tells_large(input));
}

static double limit_of(const struct splinter_input *input, double last)
{
    unsigned entries =
        input->large_entries[0] > input->large_entries[1] ? input->large_entries[0] : input->large_entries[1];
    return input->told && entries ? fmin(last, entries_share * entries * PAGE_LINES) : last;
}

/* What the first level costs: the mean rise of small pages, in ns, over two octaves after its knee. */
static double first_rise(const struct splinter_shares *shares)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = shares->knee; i < shares->count; i++) {
        const struct splinter_spot *spot = &shares->spots[i];
        if (spot->lines < after_knee * shares->reach || spot->lines > 4 * shares->reach)
            continue;
        sum += spot->rise.value;
        count++;
    }
    return count ? sum / (double)count : NAN;
}

static bool rises_above(const struct splinter_shares *shares, size_t i, double rise)
{
    for (size_t k = i; k < shares->count && k < i + SECOND_SPOTS; k++)
        if (!(shares->spots[k].rise.value > rise))
            return false;
    return true;
}

static double find_second(const struct splinter_shares *shares)
{
    double rise = second_rise * first_rise(shares);
    for (size_t i = shares->knee; i + 1 < shares->count; i++)
        if (shares->spots[i].lines > second_rise * shares->reach && rises_above(shares, i, rise))
            return shares->spots[i].lines;
    return INFINITY;
}

static void count_loose(struct evidence *evidence, double from, double limit)
{
    for (size_t i = 0; i < evidence->shares.count; i++) {
        const struct splinter_spot *spot = &evidence->shares.spots[i];
        if (spot->lines < from || spot->lines > limit)
            continue;
        evidence->seen++;
        if (!spot->clear)
            continue;
        evidence->usable++;
        evidence->loose += (spot->share.high - spot->share.low) / 2 > loose_width;
    }
}

static struct splinter_zone zone(const struct evidence *evidence, double from, double to)
{
    return splinter_zone_of(&evidence->shares, &(struct splinter_range){from, to}, 1);
}

/* Where all is splintered, the large pages' curve may still rise later than the small pages', or sooner. */
static void find_shared(struct evidence *evidence, double limit)
{
    const struct splinter_shares *shares = &evidence->shares;
    double later =
        fmin(isnan(shares->large_reach) ? INFINITY : shares->large_reach, shared_entry * shares->reach);
    double from = after_knee * fmax(shares->reach, later);
    double end = fmin(fmin(before_knee * evidence->second, first_level_end), limit);
    const struct splinter_range first[] = {{from, fmin(one_page, end)}, {fmax(from, two_pages), end}};
    evidence->alone = zone(evidence, from, fmin(one_page, limit));
    evidence->first = splinter_zone_of(shares, first, 2);
    evidence->pages = splinter_zone_of(shares, &first[1], 1);
    evidence->walks = zone(evidence, fmax(from, after_second * evidence->second), limit);
    evidence->top = zone(evidence, fmax(from, evidence->last / 2.1), limit);
}

static void find_unshared(struct evidence *evidence, double limit)
{
    const struct splinter_shares *shares = &evidence->shares;
    double from = after_knee * shares->reach, wide = fmax(from, shared_entry * shares->reach);
    bool cut = hides_large(evidence->input) && !isnan(shares->large_reach);
    double end = cut ? fmin(limit, before_large * shares->large_reach) : limit;
    evidence->one = zone(evidence, from, fmin(one_page, limit));
    if (evidence->fractured) { /* the first level says nothing */
        wide = evidence->second * (tells_large(evidence->input) ? after_second : shared_entry);
        end = limit;
    }
    evidence->wide = zone(evidence, wide, end);
    evidence->several = zone(evidence, fmax(wide, two_pages), fmin(end, first_level_end));
    evidence->stays = !(shares->large_reach <= fmin(end, stays_least));
    for (size_t i = 0; i < shares->count; i++)
        if (shares->spots[i].clear && shares->spots[i].lines <= end)
            evidence->wide_end = shares->spots[i].lines;
}

/* Does the small pages' curve leave the base where the told entries end? A hypervisor may make them up. */
static bool is_believed(const struct splinter_input *input, const struct splinter_shares *shares)
{
    double entries = input->small_entries[0];
    return input->told && shares->reach > before_knee * entries &&
           shares->reach < after_knee * shared_entry * entries;
}

static void find_evidence(struct evidence *evidence)
{
    const struct splinter_input *input = evidence->input;
    const struct splinter_shares *shares = &evidence->shares;
    evidence->last = shares->spots[shares->count - 1].lines;
    evidence->believed = is_believed(input, shares);
    evidence->fractured = input->told && !input->large_entries[0] && input->large_entries[1];
    evidence->maybe_fractured = evidence->fractured || (input->has_large && hides_large(input));
    evidence->second = find_second(shares);
    double limit = limit_of(input, evidence->last);
    count_loose(evidence, after_knee * shares->reach, limit);
    find_shared(evidence, limit);
    find_unshared(evidence, limit);
}

/* ---- the rules; what they cost and what they decide is measured by tests/blind ---- */

static bool between(double value, double least, double most)
{
    return value >= least && value <= most;
}

/* All spots of a zone show about the same share, not more than all. */
static bool is_even(const struct splinter_zone *zone)
{
    double share = zone->share.value;
    return zone->least >= 0.75 * share && zone->most <= 1.33 * share && share <= 1.25;
}

/* They are shared, and placements agree on it: closely where it is not certain that the first level keeps
 * large pages whole, for then only walks tell. */
static bool walks_are_shared(const struct evidence *evidence, double value, double least)
{
    const struct splinter_zone *walks = &evidence->walks;
    return walks->share.value >= value && walks->least >= least &&
           walks->width <= (evidence->believed && !evidence->maybe_fractured ? 0.6 : 0.2);
}

/* The surest: all few lines, in whatever page they lie, show the same considerable share. */
static bool all_pages_alike(const struct evidence *evidence)
{
    const struct splinter_zone *first = &evidence->first, *walks = &evidence->walks;
    if (first->count < 3 || !is_even(first) || first->share.value < 0.45)
        return false;
    if (evidence->maybe_fractured) /* the first level rises for intact pages too */
        return walks->count >= 3 && walks_are_shared(evidence, 0.33, 0.28) && walks->lowest >= 0.2;
    return walks->count > 0 ? walks_are_shared(evidence, 0.33, 0.25) : evidence->pages.count >= 2;
}

/* Small pages of one curve share entries and those of the other do not, so that within a page shares grow
 * with the lines: those over several pages must be all. */
static bool all_over_several_pages(const struct evidence *evidence)
{
    const struct splinter_zone *pages = &evidence->pages, *top = &evidence->top;
    return !evidence->maybe_fractured && pages->count >= 3 && between(pages->share.value, 0.8, 1.2) &&
           pages->least >= 0.75 && pages->lowest > 0.6 && top->count >= 2 && top->share.value >= 0.33 &&
           evidence->walks.count > 0 && walks_are_shared(evidence, 0.1, 0.1);
}

/* The second level is there within the first page already, and the first one hardly to be seen. */
static bool all_by_walks(const struct evidence *evidence)
{
    const struct splinter_zone *walks = &evidence->walks;
    return evidence->first.count < 3 && walks->count >= 4 && is_even(walks) &&
           walks_are_shared(evidence, 0.45, evidence->maybe_fractured ? 0.35 : 0);
}

/* Only lists within one page tell for certain whether pages are alike: over several the rest of them makes
 * up. */
static bool shows_all(const struct evidence *evidence)
{
    if (evidence->alone.count < 2)
        return false;
    return all_pages_alike(evidence) || all_over_several_pages(evidence) || all_by_walks(evidence);
}

/* Within a page nothing is shared. Where small pages share entries and are held as long, that is not seen,
 * and what is shared over several pages must be closer to nothing. */
static bool pages_share_nothing(const struct evidence *evidence)
{
    const struct splinter_zone *one = &evidence->one, *wide = &evidence->wide;
    if (evidence->fractured)
        return true;
    return one->count >= 2 ? one->share.value <= 0.3 : wide->share.value <= 0.06 && wide->most <= 0.15;
}

/* Over several pages nothing is shared, and placements agree on it. Near the edge of a cache lines one a page
 * are a little dearer than scattered ones, TLB or not. */
static bool shows_none(const struct evidence *evidence)
{
    double wide_least = hides_large(evidence->input) ? 2800 : 1500; /* lines: three pages, nearly, or five */
    const struct splinter_zone *wide = &evidence->wide;
    return wide->count >= 4 && (evidence->stays || evidence->fractured) && evidence->wide_end >= wide_least &&
           wide->share.value <= 0.2 && wide->most <= 0.36 && wide->highest < 0.5 &&
           !(evidence->several.half_length > 0.08) && pages_share_nothing(evidence);
}

/* Enough stands out of the noise. */
static bool is_clear(const struct evidence *evidence)
{
    return (double)evidence->usable >= clear_least * (double)evidence->seen && evidence->usable > 0;
}

static bool placements_agree(const struct evidence *evidence)
{
    size_t most = evidence->usable / 4;
    return evidence->loose <= (most > 2 ? most : 2);
}

/* Few lines cost the same in both, which a first level that keeps large pages in pieces does too. */
static bool only_first_level_tells(const struct evidence *evidence)
{
    const struct splinter_zone *first = &evidence->first;
    return evidence->maybe_fractured && first->count >= 3 && is_even(first) && first->share.value >= 0.45;
}

/* Where nobody tells at which level large pages have entries, and the first one shows nothing of them, the
 * second one may. */
static bool shows_none_beyond_first_level(struct evidence *evidence)
{
    struct evidence beyond = *evidence;
    if (!only_first_level_tells(evidence))
        return false;
    beyond.fractured = true;
    find_unshared(&beyond, limit_of(beyond.input, beyond.last));
    if (!shows_none(&beyond))
        return false;
    *evidence = beyond;
    return true;
}

static enum splinter_verdict shape(struct evidence *evidence)
{
    if (!is_clear(evidence) || !placements_agree(evidence))
        return SPLINTER_UNKNOWN;
    if (shows_all(evidence))
        return SPLINTER_YES;
    return shows_none(evidence) || shows_none_beyond_first_level(evidence) ? SPLINTER_NO : SPLINTER_UNKNOWN;
}

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
    if (!tells_large(input))
        return UNKNOWN(splinter, "this processor has no entries for large pages in its TLB, and so misses as "
                                 "often with them whatever the host does");
    return true;
}

static double percent(const struct splinter_zone *zone)
{
    return 100 * fmax(0, zone->share.value);
}

/* Somewhere between what large pages of the host show and what small ones do. */
static void explain_between(const struct evidence *evidence, struct splinter *splinter)
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

static void explain_doubt(const struct evidence *evidence, struct splinter *splinter)
{
    if (!is_clear(evidence))
        decide(splinter, SPLINTER_UNKNOWN,
            "what small pages cost more than the caches is lost in the noise: "
            "measure again when the machine is quieter");
    else if (!placements_agree(evidence))
        decide(splinter, SPLINTER_UNKNOWN,
            "placements of the memory disagree at %zu of %zu numbers of lines: some pages may be splintered "
            "and others not, or the machine is too busy",
            evidence->loose, evidence->usable);
    else if (only_first_level_tells(evidence))
        decide(splinter, SPLINTER_UNKNOWN,
            "few lines miss in the TLB as often in large pages as in small ones, but the TLB may keep large "
            "pages in pieces there, and many lines do not show it as well");
    else
        explain_between(evidence, splinter);
}

static void explain(const struct evidence *evidence, enum splinter_verdict verdict, struct splinter *splinter)
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

static void judge(struct evidence *evidence, struct splinter *splinter)
{
    find_evidence(evidence);
    splinter->levels[0] = level_of(evidence->shares.reach, evidence->shares.large_reach,
        evidence->first.count ? &evidence->first : &evidence->one);
    splinter->levels[1] = level_of(evidence->second, NAN, &evidence->walks);
    enum splinter_verdict verdict = shape(evidence);
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
    struct evidence evidence = {.input = input};
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
