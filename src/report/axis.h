/* What an axis shows, and where its ticks go: round numbers on a linear axis, 1-2-5 steps on a logarithmic
 * one, powers of two for sizes. */
#ifndef VCOST_REPORT_AXIS_H
#define VCOST_REPORT_AXIS_H

#include "report/chart.h"

enum { AXIS_TICKS_MAX = 32 };

struct axis {
    const struct chart_axis *of; /* which must outlive it */
    struct span range;           /* what it shows: a linear one a little more than the values, and at least
                                    of->least; a logarithmic one a little more; that of sizes these alone */
    double ticks[AXIS_TICKS_MAX];
    size_t tick_count; /* ascending, all inside range */
};

/* The axis for these values, with about `wanted` ticks (a logarithmic one: at most so many, unless these
 * would be less than three). Ticks of a UNIT_CHANGE are round numbers of per cent. */
void axis_make(const struct chart_axis *of, struct span values, unsigned wanted, struct axis *axis);

/* Where a value stands: 0 at the lower end of the axis, 1 at the upper one, and further outside. In the
 * middle where the axis shows a single value; NAN for what a logarithm does not have. */
double axis_place(const struct axis *axis, double value);

#endif
