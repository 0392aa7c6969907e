/* The ranges that a picture of the curves has to show. */
#include "report/curves.h"

#include <math.h>
#include <stdlib.h>

static void widen(struct span *span, double value)
{
    span->low = fmin(span->low, value);
    span->high = fmax(span->high, value);
}

/* Calls visit for every point of every curve. */
static void each_point(
    const struct curves *curves, void (*visit)(const struct curve_point *, void *), void *data)
{
    for (size_t g = 0; g < curves->group_count; g++)
        for (size_t c = 0; c < curves->groups[g].curve_count; c++)
            for (size_t p = 0; p < curves->groups[g].working_set_count; p++)
                visit(&curves->groups[g].curves[c].points[p], data);
}

static void visit_working_set(const struct curve_point *point, void *span)
{
    if (point_measured(point))
        widen(span, (double)point->working_set_bytes);
}

static void visit_latency(const struct curve_point *point, void *span)
{
    if (point_measured(point) && point->cell->median > 0)
        widen(span, point->cell->median);
}

static void visit_slowdown(const struct curve_point *point, void *span)
{
    if (point_compared(point))
        widen(span, slowdown_percent(point->against->ratio));
}

static bool span_over(
    const struct curves *curves, void (*visit)(const struct curve_point *, void *), struct span *span)
{
    struct span found = {INFINITY, -INFINITY};
    each_point(curves, visit, &found);
    if (found.low > found.high)
        return false;
    *span = found;
    return true;
}

bool curves_working_sets(const struct curves *curves, struct span *bytes)
{
    return span_over(curves, visit_working_set, bytes);
}

bool curves_latencies(const struct curves *curves, struct span *ns)
{
    return span_over(curves, visit_latency, ns);
}

/* Lengths of the intervals, to find the usual one. */
struct lengths {
    double *list;
    size_t count, room;
};

static void visit_length(const struct curve_point *point, void *data)
{
    struct lengths *lengths = data;
    if (point_interval(point) && lengths->count < lengths->room)
        lengths->list[lengths->count++] = 100 * (point->against->high - point->against->low);
}

static void visit_room(const struct curve_point *point, void *data)
{
    ((struct lengths *)data)->room += point_interval(point);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median interval's length in per cent; without memory for it, 0: then intervals may be cut, never
 * points. */
static double usual_length(const struct curves *curves)
{
    struct lengths lengths = {0};
    each_point(curves, visit_room, &lengths);
    lengths.list = lengths.room ? calloc(lengths.room, sizeof *lengths.list) : NULL;
    if (!lengths.list)
        return 0;
    each_point(curves, visit_length, &lengths);
    qsort(lengths.list, lengths.count, sizeof *lengths.list, by_size);
    double median = lengths.list[lengths.count / 2];
    free(lengths.list);
    return median;
}

/* How far intervals may push the range. */
struct reach {
    struct span span, limit;
};

static void visit_interval(const struct curve_point *point, void *data)
{
    struct reach *reach = data;
    if (!point_interval(point))
        return;
    widen(&reach->span, fmax(slowdown_percent(point->against->low), reach->limit.low));
    widen(&reach->span, fmin(slowdown_percent(point->against->high), reach->limit.high));
}

bool curves_slowdowns(const struct curves *curves, struct span *percent)
{
    struct reach reach;
    if (!span_over(curves, visit_slowdown, &reach.span))
        return false;
    widen(&reach.span, 0);
    double further = 1.5 * usual_length(curves) + 0.5 * (reach.span.high - reach.span.low);
    reach.limit = (struct span){reach.span.low - further, reach.span.high + further};
    each_point(curves, visit_interval, &reach);
    *percent = reach.span;
    return true;
}
