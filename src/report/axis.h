/* Where the ticks of an axis go: round numbers on a linear axis, 1-2-5 steps on a logarithmic one, powers of
 * two for sizes. */
#ifndef VCOST_REPORT_AXIS_H
#define VCOST_REPORT_AXIS_H

#include "report/curves.h"

enum { AXIS_TICKS_MAX = 32 };

struct axis {
    struct span range; /* what the axis shows */
    double ticks[AXIS_TICKS_MAX];
    size_t tick_count; /* ascending, all inside range */
};

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
