/* Where the ticks of an axis go: round numbers on a linear axis, 1-2-5 steps on a logarithmic one, powers of
 * two for sizes. */
#ifndef VCOST_REPORT_AXIS_H
#define VCOST_REPORT_AXIS_H

#include "report/chart.h"
#include "report/span.h"

enum { AXIS_TICKS_MAX = 32 };

struct axis {
    struct span range; /* what the axis shows */
    double ticks[AXIS_TICKS_MAX];
    size_t tick_count; /* ascending, all inside range */
};

/* The axis for these values, with about `wanted` ticks (a logarithmic one: at most so many). Ticks of a
 * UNIT_CHANGE are round numbers of per cent; `least` is a ratio's as the values are: 0.02 for 2 %. */
void axis_make(const struct chart_axis *of, struct span values, unsigned wanted, struct axis *axis);

/* Where a value stands: 0 at the lower end of the axis, 1 at the upper one, and further outside. In the
 * middle where the axis shows a single value; NAN for what a logarithm does not have. */
double axis_place(const struct axis *axis, const struct chart_axis *of, double value);

/* About `wanted` ticks at multiples of 1, 2 or 5 times a power of ten. The range is widened a little, and to
 * at least `least` in length so that noise is not blown up to fill a picture. */
void axis_linear(struct span values, double least, unsigned wanted, struct axis *axis);

/* Ticks at powers of ten, and at 2 and 5 times these while there are not more than `most`; at even steps
 * where that would give less than three. values.low > 0. */
void axis_log(struct span values, unsigned most, struct axis *axis);

/* Ticks at powers of two, every 1, 2, 4 or 10 doublings so that there are not more than `most`; where no
 * power of two is inside, the ends themselves. */
void axis_sizes(struct span bytes, unsigned most, struct axis *axis);

#endif
