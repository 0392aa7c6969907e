#include "inspect/splinter_evidence.h"

#include <math.h>

/* A level is fully there so many times the lines at which it begins, and not yet so many times … */
static const double after_knee = 1.45, before_knee = 0.85;
/* … and the second one sooner, for it is higher. */
static const double after_second = 1.25;

/* Pages of 4 KiB that lie side by side may share an entry, four of them at most: where those of one curve do
 * and those of the other do not, reaches differ by so much. */
static const double shared_entry = 4.3;

/* The second level begins where the rise is so many times the first one's … in so many spots on end. */
static const double second_rise = 1.8;
enum { SECOND_SPOTS = 3 };

/* The first level is asked up to here at most: beyond, caches of level 2 are left. */
static const double first_level_end = 5000;

static double mean_rise(const struct splinter_shares *shares, double from, double to)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = shares->knee; i < shares->count; i++)
        if (shares->spots[i].lines >= from && shares->spots[i].lines <= to) {
            sum += shares->spots[i].rise.value;
            count++;
        }
    return count ? sum / (double)count : NAN;
}

/* The mean of how much the large pages' curve is above the base, with the mean of its error. */
static struct splinter_figure excess_of(const struct splinter_shares *shares, double from, double to)
{
    double sum = 0, errors = 0;
    size_t count = 0;
    for (size_t i = 0; i < shares->count; i++) {
        const struct splinter_spot *spot = &shares->spots[i];
        const struct splinter_figure *large = &spot->curve[CURVE_LARGE], *base = &spot->base;
        if (spot->lines < from || spot->lines > to)
            continue;
        sum += large->value - base->value;
        errors += hypot(large->high - large->value, base->value - base->low);
        count++;
    }
    double mean = sum / (double)count, error = errors / (double)count; /* NAN for none */
    return (struct splinter_figure){mean, mean - error, mean + error};
}

static struct splinter_figure in_rises(struct splinter_figure figure, double rise)
{
    return (struct splinter_figure){figure.value / rise, figure.low / rise, figure.high / rise};
}

static double mean_error(
    const struct splinter_shares *shares, enum splinter_curve curve, double from, double to)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < shares->count; i++) {
        const struct splinter_figure *figure = &shares->spots[i].curve[curve];
        if (shares->spots[i].lines < from || shares->spots[i].lines > to)
            continue;
        sum += (figure->high - figure->low) / 2 / figure->value;
        count++;
    }
    return count ? sum / (double)count : NAN;
}

/* More lines are never faster, unless pages that come later are better than those before. */
static double fall_of_large(const struct splinter_shares *shares)
{
    double most = 0, fall = 0;
    for (size_t i = 0; i < shares->count; i++) {
        double large = shares->spots[i].curve[CURVE_LARGE].value;
        most = fmax(most, large);
        fall = fmax(fall, 1 - large / most);
    }
    return fall;
}

/* ---- where the second level begins ---- */

/* Of a curve, above the base. */
static double rise_of(const struct splinter_spot *spot, enum splinter_curve curve)
{
    return spot->curve[curve].value - spot->base.value;
}

static bool rises_above(
    const struct splinter_shares *shares, enum splinter_curve curve, size_t i, double rise)
{
    for (size_t k = i; k < shares->count && k < i + SECOND_SPOTS; k++)
        if (!(rise_of(&shares->spots[k], curve) > rise))
            return false;
    return true;
}

static double rises_again(const struct splinter_shares *shares, enum splinter_curve curve, double rise)
{
    for (size_t i = shares->knee; i + 1 < shares->count; i++)
        if (shares->spots[i].lines > 1.8 * shares->reach && rises_above(shares, curve, i, rise))
            return shares->spots[i].lines;
    return NAN;
}

/* What the first level costs, by the spots after its knee: two octaves of them, or as far as entries that are
 * told say that it goes. */
static double first_guess(const struct splinter_shares *shares, const struct splinter_input *input)
{
    double wide = 4;
    if (input->told && input->small_entries[0] && input->small_entries[1])
        wide = fmin(wide, 0.9 * input->small_entries[1] / input->small_entries[0]);
    return mean_rise(shares, 1.4 * shares->reach, fmax(wide, 1.9) * shares->reach);
}

static void find_second(struct splinter_evidence *evidence, const struct splinter_input *input)
{
    const struct splinter_shares *shares = &evidence->shares;
    double rise = second_rise * first_guess(shares, input);
    evidence->second = rises_again(shares, CURVE_SMALL, rise);
    evidence->large_second = rises_again(shares, CURVE_LARGE, rise);
    double after = after_knee * shares->reach;
    double end = isnan(evidence->second) ? INFINITY : before_knee * evidence->second;
    evidence->first_rise = mean_rise(shares,
        isnan(evidence->second) ? after : fmax(after, evidence->second / 4.2), fmin(end, first_level_end));
    if (isnan(evidence->first_rise))
        evidence->first_rise = mean_rise(shares, after, fmin(first_level_end, evidence->second / 1.1));
}

/* ---- the zones ---- */

static void find_first_level(struct splinter_evidence *evidence)
{
    const struct splinter_shares *shares = &evidence->shares;
    double page = 1.05 * SPLINTER_PAGE_LINES, pages = 1.95 * SPLINTER_PAGE_LINES;
    double after = after_knee * shares->reach;
    double later = fmin(shares->large_reach, shared_entry * shares->reach);
    double after_all = after_knee * fmax(shares->reach, later);
    double end = isnan(evidence->second) ? INFINITY : before_knee * evidence->second;
    evidence->near = splinter_zone_of(shares, after, fmin(page, end));
    evidence->near_all = splinter_zone_of(shares, after_all, fmin(page, end));
    evidence->multi = splinter_zone_of(shares, fmax(after, pages), fmin(first_level_end, end));
    evidence->after = splinter_zone_of(shares, after, INFINITY);
    evidence->after_all = splinter_zone_of(shares, after_all, INFINITY);
    evidence->wide = splinter_zone_of(shares, fmax(after, pages), INFINITY);
    evidence->near_small_error = mean_error(shares, CURVE_SMALL, after, page);
    evidence->near_large_error = mean_error(shares, CURVE_LARGE, after, page);
}

static void find_rest(struct splinter_evidence *evidence)
{
    const struct splinter_shares *shares = &evidence->shares;
    double pages = 1.95 * SPLINTER_PAGE_LINES, last = evidence->last;
    double deep = isnan(evidence->second) ? after_knee * shares->reach : after_second * evidence->second;
    evidence->near_deep = splinter_zone_of(shares, deep, 1.05 * SPLINTER_PAGE_LINES);
    evidence->early = splinter_zone_of(shares, deep, 2.5 * deep);
    evidence->few = splinter_zone_of(shares, fmax(deep, pages), 2.1 * pages);
    evidence->before_last = splinter_zone_of(shares, last / 4.2, last / 1.9);
    evidence->top = splinter_zone_of(shares, last / 2.1, last);
    evidence->end = splinter_zone_of(shares, last / 1.3, last);
    evidence->top_rise = mean_rise(shares, last / 2.1, last);
    evidence->before_last_excess = in_rises(excess_of(shares, last / 4.2, last / 1.9), evidence->first_rise);
    evidence->top_excess = in_rises(excess_of(shares, last / 2.1, last), evidence->first_rise);
    evidence->end_excess = in_rises(excess_of(shares, last / 1.3, last), evidence->first_rise);
}

/* Of the second level alone. Spots are as they were afterwards. */
static void find_walks(struct splinter_evidence *evidence)
{
    struct splinter_shares *shares = &evidence->shares;
    double deep = after_second * evidence->second, last = evidence->last;
    if (isnan(evidence->second))
        return;
    splinter_shares_take_off(shares, evidence->first_rise);
    evidence->deep_walks = splinter_zone_of(shares, deep, last);
    evidence->early_walks = splinter_zone_of(shares, deep, 2.5 * deep);
    evidence->top_walks = splinter_zone_of(shares, last / 2.1, last);
    splinter_shares_take_off(shares, -evidence->first_rise);
}

void splinter_evidence_find(
    const struct splinter_input *input, struct splinter_shares shares, struct splinter_evidence *evidence)
{
    *evidence = (struct splinter_evidence){
        .shares = shares, .scattered = true, .last = shares.spots[shares.count - 1].lines};
    for (size_t i = 0; i < shares.count; i++)
        evidence->scattered = evidence->scattered && shares.spots[i].scattered;
    find_second(evidence, input);
    find_first_level(evidence);
    find_rest(evidence);
    find_walks(evidence);
    evidence->large_fall = fall_of_large(&evidence->shares);
}

void splinter_evidence_free(struct splinter_evidence *evidence)
{
    splinter_shares_free(&evidence->shares);
}
