#include "inspect/splinter_shares.h"

#include "measure/statistics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* No figure is held for surer than this, relative to it. */
static const double error_least = 0.01;

/* Scatter of the curves counts so many times: 95 % of a normal distribution are within twice its deviation.
 */
static const double scatter_weight = 2;

/* A figure without interval is so many times less sure than those that have one usually are. */
static const double no_interval_weight = 2;

/* A curve has left the base for good where it is so much above it, in three spots on end … */
static const double leaves = 1.2;
/* … and hardly falls below this later. */
static const double stays_above = 1.1, stays_share = 0.8;

/* A rise is clear where it is so many errors of itself, and this share of the figure. */
static const double clear_errors = 2.5, clear_share = 0.12;

/* Intervals are held against the share, and against this where it is next to nothing. */
static const double width_least = 0.01;

/* ---- taking the points ---- */

static bool has_value(const struct splinter_figure *figure)
{
    return isfinite(figure->value) && figure->value > 0;
}

static bool has_interval(const struct splinter_figure *figure)
{
    return isfinite(figure->low) && isfinite(figure->high) && figure->low > 0 &&
           figure->low <= figure->value && figure->high >= figure->value;
}

static void take_point(const struct splinter_point *point, struct splinter_shares *shares)
{
    if (!has_value(&point->packed) || !has_value(&point->small) || !has_value(&point->large))
        return;
    struct splinter_spot *spot = &shares->spots[shares->count++];
    *spot = (struct splinter_spot){.lines = point->lines};
    spot->curve[CURVE_PACKED] = point->packed;
    spot->curve[CURVE_SCATTERED] = point->scattered;
    spot->curve[CURVE_SMALL] = point->small;
    spot->curve[CURVE_LARGE] = point->large;
    spot->scattered = has_value(&point->scattered);
    shares->with_interval +=
        has_interval(&point->packed) && has_interval(&point->small) && has_interval(&point->large);
}

/* ---- errors ---- */

/* What the intervals of a curve usually say, relative, half their length; NAN: none. */
static double usual_error(const struct splinter_shares *shares, enum splinter_curve curve, double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < shares->count; i++) {
        const struct splinter_figure *figure = &shares->spots[i].curve[curve];
        if (has_value(figure) && has_interval(figure))
            scratch[count++] = log(figure->high / figure->low) / 2;
    }
    return statistics_median(scratch, count);
}

static double median3(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* The running median of three of a curve's values: monotonic curves stay as they are. */
static double without_outlier(const struct splinter_shares *shares, enum splinter_curve curve, size_t i)
{
    double value = shares->spots[i].curve[curve].value;
    if (i == 0 || i + 1 == shares->count)
        return value;
    double before = shares->spots[i - 1].curve[curve].value, after = shares->spots[i + 1].curve[curve].value;
    return isfinite(before) && isfinite(after) ? median3(before, value, after) : value;
}

/* How far, as a mean square of logarithms, the values of a curve are from what it is without outliers. More
 * lines are never faster: what falls is noise. */
static double scatter(const struct splinter_shares *shares, enum splinter_curve curve, const double *clean)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < shares->count; i++) {
        double value = shares->spots[i].curve[curve].value;
        if (!isfinite(clean[i]))
            continue;
        sum += pow(log(value / clean[i]), 2);
        count++;
    }
    return count ? sqrt(sum / (double)count) : 0;
}

static void widen(struct splinter_figure *figure, double value, double usual)
{
    double up = has_interval(figure) ? figure->high - figure->value : NAN;
    double down = has_interval(figure) ? figure->value - figure->low : NAN;
    double moved = fabs(figure->value - value);
    double instead = isfinite(usual) ? usual * no_interval_weight * value : 0;
    *figure = (struct splinter_figure){
        value,
        value - (isnan(down) ? instead : down) - moved,
        value + (isnan(up) ? instead : up) + moved,
    };
}

/* Frees a curve of outliers; its errors become no less than the distance to what it was. */
static void clean_curve(struct splinter_shares *shares, enum splinter_curve curve, double *scratch)
{
    double usual = usual_error(shares, curve, scratch);
    for (size_t i = 0; i < shares->count; i++)
        scratch[i] = has_value(&shares->spots[i].curve[curve]) ? without_outlier(shares, curve, i) : NAN;
    shares->noise = fmax(shares->noise, scatter_weight * scatter(shares, curve, scratch));
    for (size_t i = 0; i < shares->count; i++)
        if (isfinite(scratch[i]))
            widen(&shares->spots[i].curve[curve], scratch[i], usual);
}

/* ---- rises and shares ---- */

/* (large - base) / (small - base), of three figures that err independently. */
static struct splinter_figure share_of(const struct splinter_spot *spot)
{
    const struct splinter_figure *large = &spot->curve[CURVE_LARGE], *small = &spot->curve[CURVE_SMALL];
    const struct splinter_figure *base = &spot->base;
    double rise = small->value - base->value, share = (large->value - base->value) / rise;
    bool falls = share < 1; /* as the base grows */
    double up = hypot(large->high - large->value, share * (small->value - small->low));
    double down = hypot(large->value - large->low, share * (small->high - small->value));
    double base_up = falls ? base->value - base->low : base->high - base->value;
    double base_down = falls ? base->high - base->value : base->value - base->low;
    return (struct splinter_figure){
        share,
        share - hypot(down, (1 - share) * base_down) / fabs(rise),
        share + hypot(up, (1 - share) * base_up) / fabs(rise),
    };
}

static void widen_to(struct splinter_figure *figure, double error)
{
    figure->low = fmin(figure->low, figure->value * (1 - error));
    figure->high = fmax(figure->high, figure->value * (1 + error));
}

/* What translations cost the large pages' curve at `lines`, by the spots before `end`: on a line between the
 * logarithms of lines. */
static struct splinter_figure translations_cost(const struct splinter_spot *spots, size_t end, double lines)
{
    size_t i = 0;
    while (i < end && spots[i].lines < lines)
        i++;
    if (i == 0 || i == end)
        return (struct splinter_figure){0, 0, 0};
    const struct splinter_spot *left = &spots[i - 1], *right = &spots[i];
    double part = log(lines / left->lines) / log(right->lines / left->lines);
    struct splinter_figure a = left->translated, b = right->translated;
    return (struct splinter_figure){a.value + part * (b.value - a.value), a.low + part * (b.low - a.low),
        a.high + part * (b.high - a.high)};
}

/* The curve that tells of the caches lies in fewer pages, but in some, and may miss in the TLB too: as often
 * as the large pages' curve does at as many pages. That much is taken off; but more lines are never faster,
 * whatever lies between two points of a steep curve. */
static void find_base(struct splinter_spot *spots, size_t i)
{
    struct splinter_spot *spot = &spots[i];
    double denser = spot->scattered ? SPLINTER_SCATTERED_DENSER : SPLINTER_PACKED_DENSER;
    struct splinter_figure raw = spot->curve[spot->scattered ? CURVE_SCATTERED : CURVE_PACKED];
    struct splinter_figure cost = translations_cost(spots, i, spot->lines / denser);
    double before = i > 0 ? fmin(spots[i - 1].base.value, raw.value) : 0;
    double value = fmax(raw.value - cost.value, before);
    spot->base = (struct splinter_figure){
        value,
        value - hypot(raw.value - raw.low, cost.high - cost.value),
        value + hypot(raw.high - raw.value, cost.value - cost.low),
    };
    const struct splinter_figure *large = &spot->curve[CURVE_LARGE];
    double more = large->value - value;
    spot->translated = (struct splinter_figure){fmax(0, more),
        fmax(0, more - hypot(large->value - large->low, spot->base.high - value)),
        fmax(0, more + hypot(large->high - large->value, value - spot->base.low))};
}

static void judge_rise(struct splinter_spot *spot)
{
    const struct splinter_figure *small = &spot->curve[CURVE_SMALL];
    double rise = small->value - spot->base.value;
    spot->rise = (struct splinter_figure){
        rise,
        rise - hypot(small->value - small->low, spot->base.high - spot->base.value),
        rise + hypot(small->high - small->value, spot->base.value - spot->base.low),
    };
    spot->share = share_of(spot);
    spot->clear = rise > clear_errors * (rise - spot->rise.low) && rise > clear_share * small->value;
}

static void judge_spot(struct splinter_spot *spots, size_t i, double noise)
{
    struct splinter_spot *spot = &spots[i];
    for (size_t curve = 0; curve < SPLINTER_CURVES; curve++)
        widen_to(&spot->curve[curve], fmax(noise, error_least));
    find_base(spots, i);
    judge_rise(spot);
}

/* The first spot from which on a curve is above the base for good; count: none. */
static size_t leaves_at(const struct splinter_shares *shares, enum splinter_curve curve)
{
    size_t best = shares->count, above = 0, later = 0;
    bool run[2] = {true, true}; /* the two spots after this one have left */
    for (size_t i = shares->count; i-- > 0;) {
        double ratio = shares->spots[i].curve[curve].value / shares->spots[i].base.value;
        bool left = ratio > fmax(leaves, 1 + 2 * shares->noise);
        above += ratio > stays_above;
        later++;
        if (left && run[0] && run[1] && (double)above >= stays_share * (double)later)
            best = i;
        run[1] = run[0];
        run[0] = left;
    }
    return best;
}

/* Where no TLB can part the curves they differ by nothing but what the measurement got wrong. */
static double disagreement(const struct splinter_shares *shares, double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < shares->knee && shares->knee < shares->count; i++) {
        const struct splinter_spot *spot = &shares->spots[i];
        double small = spot->curve[CURVE_SMALL].value;
        scratch[count++] =
            fmax(fabs(log(spot->curve[CURVE_LARGE].value / small)), fabs(log(spot->base.value / small)));
    }
    return count < 2 ? 0 : statistics_median(scratch, count);
}

/* Nor can translations make anything faster than the caches are: by as much as large pages seem to be, in the
 * quarter of the spots where they are most, something drifts. */
static double impossible_gain(const struct splinter_shares *shares, double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < shares->count; i++)
        if (shares->spots[i].scattered)
            scratch[count++] = log(shares->spots[i].base.value / shares->spots[i].curve[CURVE_LARGE].value);
    if (count < 4)
        return 0;
    double middle = statistics_median(scratch, count);
    return fmax(0, fmax(middle, scratch[count - 1 - count / 4] - shares->noise));
}

static void judge_spots(struct splinter_shares *shares, double *scratch)
{
    for (size_t i = 0; i < shares->count; i++)
        judge_spot(shares->spots, i, shares->noise);
    shares->knee = leaves_at(shares, CURVE_SMALL);
    double more = fmax(disagreement(shares, scratch), impossible_gain(shares, scratch));
    if (more > shares->noise) {
        shares->noise = more;
        for (size_t i = 0; i < shares->count; i++)
            judge_spot(shares->spots, i, shares->noise);
    }
    size_t large = leaves_at(shares, CURVE_LARGE);
    shares->reach = shares->knee < shares->count ? shares->spots[shares->knee].lines : NAN;
    shares->large_reach = large < shares->count ? shares->spots[large].lines : NAN;
}

int splinter_shares_make(
    const struct splinter_input *input, struct splinter_shares *shares, struct error *error)
{
    *shares = (struct splinter_shares){.reach = NAN, .large_reach = NAN};
    double *scratch = calloc(input->count + 1, sizeof *scratch);
    shares->spots = calloc(input->count + 1, sizeof *shares->spots);
    if (!scratch || !shares->spots) {
        free(scratch);
        splinter_shares_free(shares);
        return error_set(error, ENOMEM, "not enough memory to judge %zu points", input->count);
    }
    for (size_t i = 0; i < input->count; i++)
        take_point(&input->points[i], shares);
    for (enum splinter_curve curve = 0; curve < SPLINTER_CURVES; curve++)
        clean_curve(shares, curve, scratch);
    judge_spots(shares, scratch);
    free(scratch);
    return 0;
}

void splinter_shares_free(struct splinter_shares *shares)
{
    free(shares->spots);
    *shares = (struct splinter_shares){.reach = NAN, .large_reach = NAN};
}

/* ---- zones ---- */

enum { ZONE_SPOTS_MAX = 64 }; /* in more the first ones are enough */

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static bool is_in(const struct splinter_spot *spot, const struct splinter_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spot->clear && spot->lines >= ranges[i].from && spot->lines <= ranges[i].to)
            return true;
    return false;
}

/* Sorted figures of a zone's spots. */
struct zone_figures {
    double values[ZONE_SPOTS_MAX], lows[ZONE_SPOTS_MAX], highs[ZONE_SPOTS_MAX], widths[ZONE_SPOTS_MAX];
    double half_lengths; /* their sum */
    size_t count;
};

static void collect(const struct splinter_shares *shares, const struct splinter_range *ranges, size_t count,
    struct zone_figures *figures)
{
    figures->count = 0;
    figures->half_lengths = 0;
    for (size_t i = 0; i < shares->count && figures->count < ZONE_SPOTS_MAX; i++) {
        const struct splinter_figure *share = &shares->spots[i].share;
        if (!is_in(&shares->spots[i], ranges, count))
            continue;
        figures->values[figures->count] = share->value;
        figures->half_lengths += (share->high - share->low) / 2;
        figures->lows[figures->count] = share->low;
        figures->highs[figures->count] = share->high;
        figures->widths[figures->count++] = (share->high - share->low) / 2 / fmax(share->value, width_least);
    }
    double *const lists[] = {figures->values, figures->lows, figures->highs, figures->widths};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        qsort(lists[i], figures->count, sizeof *lists[i], by_value);
}

struct splinter_zone splinter_zone_of(
    const struct splinter_shares *shares, const struct splinter_range *ranges, size_t range_count)
{
    struct zone_figures figures;
    collect(shares, ranges, range_count, &figures);
    size_t count = figures.count, over = count >= 4;
    return (struct splinter_zone){
        .count = count,
        .share = {statistics_median(figures.values, count), statistics_median(figures.lows, count),
            statistics_median(figures.highs, count)},
        .least = count ? figures.values[over] : NAN,
        .most = count ? figures.values[count - 1 - over] : NAN,
        .lowest = count ? figures.lows[0] : NAN,
        .highest = count ? figures.highs[count - 1] : NAN,
        .width = statistics_median(figures.widths, count),
        .half_length = figures.half_lengths / (double)count, /* NAN for none */
    };
}
