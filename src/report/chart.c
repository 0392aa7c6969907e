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
    chart->marks = all;
    all[chart->mark_count++] = (struct chart_mark){from, to, pool_text(&document->pool, label), kind};
}

/* ---- ranges ---- */

static void widen(struct span *span, double value)
{
    span->low = fmin(span->low, value); /* which prefer a number to NAN */
    span->high = fmax(span->high, value);
}

bool chart_range_x(const struct chart *chart, struct span *span)
{
    struct span found = {INFINITY, -INFINITY};
    for (size_t i = 0; i < chart->series_count; i++)
        for (size_t k = 0; k < chart->series[i].count; k++)
            if (isfinite(chart->series[i].points[k].y))
                widen(&found, chart->series[i].points[k].x);
    if (found.low > found.high)
        return false;
    *span = found;
    return true;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static bool has_interval(const struct chart_point *point)
{
    return isfinite(point->y) && isfinite(point->low) && isfinite(point->high);
}

/* The median interval's length; without memory for it, 0: then intervals may be cut, never points. */
static double usual_length(const struct chart *chart)
{
    size_t count = 0, room = 0;
    for (size_t i = 0; i < chart->series_count; i++)
        room += chart->series[i].count;
    double *lengths = room ? calloc(room, sizeof *lengths) : NULL, median = 0;
    for (size_t i = 0; lengths && i < chart->series_count; i++)
        for (size_t k = 0; k < chart->series[i].count; k++) {
            const struct chart_point *point = &chart->series[i].points[k];
            if (has_interval(point))
                lengths[count++] = point->high - point->low;
        }
    if (count) {
        qsort(lengths, count, sizeof *lengths, by_size);
        median = lengths[count / 2];
    }
    free(lengths);
    return median;
}

bool chart_range_y(const struct chart *chart, struct span *span)
{
    struct span points = {INFINITY, -INFINITY};
    for (size_t i = 0; i < chart->series_count; i++)
        for (size_t k = 0; k < chart->series[i].count; k++)
            widen(&points, chart->series[i].points[k].y);
    widen(&points, chart->rule);
    if (points.low > points.high)
        return false;
    double further = 1.5 * usual_length(chart) + 0.5 * (points.high - points.low);
    struct span all = points;
    for (size_t i = 0; i < chart->series_count; i++)
        for (size_t k = 0; k < chart->series[i].count; k++) {
            const struct chart_point *point = &chart->series[i].points[k];
            if (!has_interval(point))
                continue;
            widen(&all, fmax(point->low, points.low - further));
            widen(&all, fmin(point->high, points.high + further));
        }
    if (chart->y.scale != SCALE_LINEAR)
        all.low = fmax(all.low, points.low / 2); /* a logarithm has no room for what reaches 0 */
    *span = all;
    return true;
}
