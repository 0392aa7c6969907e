#include "report/chart.h"

#include "report/document.h"

#include <math.h>
#include <stdlib.h>

struct chart_series *chart_series(
    struct document *document, struct chart *chart, const char *name, size_t count)
{
    struct chart_point *points = pool_room(&document->pool, count, sizeof *points);
    struct chart_series *all = !chart || (count && !points)
                                   ? NULL
                                   : pool_grow(&document->pool, chart->series, chart->series_count,
                                         &chart->series_room, sizeof *all);
    if (!all)
        return NULL;
    for (size_t i = 0; i < count; i++)
        points[i] = (struct chart_point){.x = NAN, .y = NAN, .low = NAN, .high = NAN};
    chart->series = all;
    all[chart->series_count] =
        (struct chart_series){.name = pool_text(&document->pool, name), .points = points, .count = count};
    return &all[chart->series_count++];
}

void chart_mark(struct document *document, struct chart *chart, enum chart_mark_kind kind, double from,
    double to, const char *label)
{
    struct chart_mark *all =
        !chart ? NULL
               : pool_grow(&document->pool, chart->marks, chart->mark_count, &chart->mark_room, sizeof *all);
    if (!all)
        return;
    size_t at = chart->mark_count++;
    for (; at && all[at - 1].from > from; at--)
        all[at] = all[at - 1];
    all[at] = (struct chart_mark){from, to, pool_text(&document->pool, label), kind};
    chart->marks = all;
}

/* ---- what can be drawn ---- */

static const double hugest = 1e18; /* no time, size or ratio is as large: it is a damaged file's */

static bool is_sane(double value)
{
    return fabs(value) < hugest; /* false for NAN */
}

static bool can_stand(const struct chart_axis *axis, double value)
{
    return is_sane(value) && (axis->scale == SCALE_LINEAR || value > 1 / hugest);
}

static bool has_place(const struct chart *chart, const struct chart_point *point)
{
    bool placed = chart->kind == CHART_LINES ? can_stand(&chart->x, point->x)
                                             : point->x >= 0 && point->x < (double)chart->category_count;
    return placed && can_stand(&chart->y, point->y);
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
    return has_place(chart, point) && is_sane(point->low) && is_sane(point->high);
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
static double usual_length(const struct chart *chart)
{
    size_t count = 0, room = 0;
    for (size_t i = 0; i < chart->series_count; i++)
        room += chart->series[i].count;
    double *lengths = room ? calloc(room, sizeof *lengths) : NULL, median = 0;
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

/* By the intervals of all points, which alone need `points`; none by more than is useful. */
static void widen_by_intervals(const struct chart *chart, struct span points, struct span *all)
{
    double further = 1.5 * usual_length(chart) + 0.5 * (points.high - points.low);
    for (size_t i = 0; i < chart->series_count; i++)
        for (const struct chart_point *point = NULL; (point = chart_next(chart, &chart->series[i], point));)
            if (chart_has_interval(chart, point)) {
                widen(all, fmax(point->low, points.low - further));
                widen(all, fmin(point->high, points.high + further));
            }
    if (chart->y.scale != SCALE_LINEAR)
        all->low = fmax(all->low, points.low / 2); /* a logarithm has no room for what reaches 0 */
}

bool chart_ranges(const struct chart *chart, bool intervals, struct span *x, struct span *y)
{
    struct span places = {INFINITY, -INFINITY}, values = places;
    for (size_t i = 0; i < chart->series_count; i++)
        for (const struct chart_point *point = NULL; (point = chart_next(chart, &chart->series[i], point));) {
            widen(&places, point->x);
            widen(&values, point->y);
        }
    if (values.low > values.high)
        return false;
    if (can_stand(&chart->y, chart->rule))
        widen(&values, chart->rule);
    *x = places;
    *y = values;
    if (intervals)
        widen_by_intervals(chart, values, y);
    if (chart->kind == CHART_BARS && chart->y.scale == SCALE_LINEAR)
        widen(y, chart_bar_start(chart, *y));
    else if (chart->kind == CHART_BARS) /* a power of ten below the shortest, which is to be seen */
        y->low = pow(10, floor(log10(y->low / 1.5)));
    return true;
}
