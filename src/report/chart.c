#include "report/chart.h"

#include <math.h>
#include <stdlib.h>

static const double hugest = 1e18; /* no time, size or ratio is as large: it is a damaged file's */

/* False for NAN. */
static bool can_stand(enum chart_scale scale, double value)
{
    return fabs(value) < hugest && (scale == SCALE_LINEAR || value > 1 / hugest);
}

static bool has_place(const struct chart *chart, const struct chart_point *point)
{
    bool placed = chart->kind != CHART_BARS ? can_stand(chart->x.scale, point->x)
                                            : point->x >= 0 && point->x < (double)chart->category_count;
    return placed && can_stand(chart->y.scale, point->y);
}

const struct chart_point *chart_next(
    const struct chart *chart, const struct chart_series *series, const struct chart_point *point)
{
    const struct chart_point *end = series->points + series->count;
    point = point ? point + 1 : series->points;
    while (point < end && !has_place(chart, point))
        point++;
    return point < end ? point : NULL;
}

bool chart_has_interval(const struct chart *chart, const struct chart_point *point)
{
    return has_place(chart, point) && can_stand(SCALE_LINEAR, point->low) &&
           can_stand(SCALE_LINEAR, point->high);
}

double chart_bar_start(const struct chart *chart, struct span range)
{
    return chart->y.scale != SCALE_LINEAR ? range.low : chart->y.unit == UNIT_CHANGE ? 1 : 0;
}

/* ---- ranges ---- */

static void widen(struct span *span, double value)
{
    span->low = fmin(span->low, value);
    span->high = fmax(span->high, value);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median interval's length; without memory for it, 0: then intervals may be cut, never points. */
static double usual_length(const struct chart *chart, size_t points)
{
    size_t count = 0;
    double *lengths = calloc(points, sizeof *lengths), median = 0;
    for (size_t i = 0; lengths && i < chart->series_count; i++)
        for (const struct chart_point *point = NULL; (point = chart_next(chart, &chart->series[i], point));)
            if (chart_has_interval(chart, point))
                lengths[count++] = point->high - point->low;
    if (count) {
        qsort(lengths, count, sizeof *lengths, by_size);
        median = lengths[count / 2];
    }
    free(lengths);
    return median;
}

bool chart_ranges(const struct chart *chart, bool intervals, struct span *x, struct span *y)
{
    struct span places = {INFINITY, -INFINITY}, values = places;
    size_t points = 0;
    for (size_t i = 0; i < chart->series_count; i++)
        for (const struct chart_point *p = NULL; (p = chart_next(chart, &chart->series[i], p)); points++) {
            widen(&places, p->x);
            widen(&values, p->y);
        }
    if (!points)
        return false;
    for (size_t i = 0; i < chart->mark_count; i++)
        if (chart->marks[i].kind == MARK_PHASE && can_stand(chart->x.scale, chart->marks[i].from) &&
            can_stand(chart->x.scale, chart->marks[i].to)) {
            widen(&places, chart->marks[i].from);
            widen(&places, chart->marks[i].to);
        }
    if (can_stand(chart->y.scale, chart->rule))
        widen(&values, chart->rule);
    *x = places;
    *y = values;
    double further = intervals ? 1.5 * usual_length(chart, points) + 0.5 * (values.high - values.low) : 0;
    for (size_t i = 0; intervals && i < chart->series_count; i++)
        for (const struct chart_point *p = NULL; (p = chart_next(chart, &chart->series[i], p));)
            if (chart_has_interval(chart, p)) {
                widen(y, fmax(p->low, values.low - further));
                widen(y, fmin(p->high, values.high + further));
            }
    if (chart->y.scale != SCALE_LINEAR)
        y->low = fmax(y->low, values.low / 2); /* a logarithm has no room for what reaches 0 */
    if (chart->kind == CHART_BARS && chart->y.scale == SCALE_LINEAR)
        widen(y, chart_bar_start(chart, *y));
    else if (chart->kind == CHART_BARS) /* a power of ten below the shortest, which is to be seen */
        y->low = pow(10, floor(log10(y->low / 1.5)));
    return true;
}

/* ---- axes ---- */

static void add_tick(struct axis *axis, double value)
{
    if (axis->tick_count < AXIS_TICKS_MAX && value >= axis->range.low && value <= axis->range.high)
        axis->ticks[axis->tick_count++] = value;
}

/* In steps of 1, 2 or 5 times a power of ten, from `origin`. */
static void add_even_ticks(struct axis *axis, double origin, unsigned wanted)
{
    double low = axis->range.low - origin, step = (axis->range.high - origin - low) / wanted;
    double power = pow(10, floor(log10(step))), times = step / power * 0.999999;
    step = power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
    axis->tick_count = 0;
    for (unsigned i = 0; i < AXIS_TICKS_MAX; i++)
        add_tick(axis, origin + (ceil(low / step) + i) * step);
}

static void make_linear(struct axis *axis, struct span values, unsigned wanted)
{
    double length = values.high - values.low;
    double least = axis->of->least > 0 || length > 0 ? axis->of->least : 1;
    double more = fmax(least - length, 0) / 2 + 0.06 * fmax(length, least);
    axis->range = (struct span){values.low - more, values.high + more};
    add_even_ticks(axis, axis->of->unit == UNIT_CHANGE ? 1 : 0, wanted);
}

/* At powers of ten, and at 2 and 5 times these while there are not more than `most`; at even steps where that
 * would give less than three. */
static void make_log(struct axis *axis, struct span values, unsigned most)
{
    static const double factors[] = {1, 2, 5};
    double edge = pow(fmax(values.high / values.low, 1.2), 0.06);
    axis->range = (struct span){values.low / edge, values.high * edge};
    int first = (int)floor(log10(axis->range.low)), last = (int)ceil(log10(axis->range.high));
    for (size_t dense = 3;; dense = 1) {
        axis->tick_count = 0;
        for (int power = first; power <= last; power++)
            for (size_t i = 0; i < dense; i++)
                add_tick(axis, factors[i] * pow(10, power));
        if (dense == 1 || axis->tick_count <= most)
            break;
    }
    if (axis->tick_count < 3)
        add_even_ticks(axis, 0, 4);
}

/* Every 1, 2, 4 or more doublings, so that there are not more ticks than `most`; where no power of two is
 * inside, at the ends themselves. */
static void make_sizes(struct axis *axis, struct span sizes, unsigned most)
{
    static const int steps[] = {1, 2, 4, 10, 20};
    axis->range = sizes;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && (!i || axis->tick_count > most); i++) {
        axis->tick_count = 0;
        for (int power = 0; power < 63; power += steps[i])
            add_tick(axis, ldexp(1, power));
    }
    if (axis->tick_count)
        return;
    add_tick(axis, sizes.low);
    if (sizes.high > sizes.low && most > 1)
        add_tick(axis, sizes.high);
}

void axis_make(const struct chart_axis *of, struct span values, unsigned wanted, struct axis *axis)
{
    *axis = (struct axis){.of = of};
    if (of->scale != SCALE_LINEAR && !(values.low > 0))
        values = values.high > 0 ? (struct span){values.high / 1000, values.high} : (struct span){1, 10};
    static void (*const make[])(struct axis *, struct span, unsigned) = {
        [SCALE_LINEAR] = make_linear, [SCALE_LOG] = make_log, [SCALE_LOG2] = make_sizes};
    make[of->scale](axis, values, wanted);
}

double axis_place(const struct axis *axis, double value)
{
    double low = axis->range.low, high = axis->range.high;
    if (axis->of->scale != SCALE_LINEAR) {
        value = value > 0 ? log(value) : NAN;
        low = log(low);
        high = log(high);
    }
    return high > low ? (value - low) / (high - low) : 0.5;
}
