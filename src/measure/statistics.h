/* Medians and their intervals.
 *
 * The unit of independence is the placement, not the sample: samples of one placement share its physical
 * frames and agree with one another far better than with the next placement's. So intervals are made over one
 * figure a placement. */
#ifndef VCOST_MEASURE_STATISTICS_H
#define VCOST_MEASURE_STATISTICS_H

#include <stddef.h>

struct estimate {
    double median;    /* NAN if there is no value */
    double low, high; /* 95 % confidence interval; NAN with fewer than two values */
};

/* The median of `count` values, which are sorted in place; NAN for none. */
double statistics_median(double *values, size_t count);

/* From one positive figure a placement (a median time, a median ratio): their median, and Student's t
 * interval of their logarithms' mean, widened to hold the median where that lies outside. Values are sorted
 * in place. */
struct estimate statistics_estimate(double *values, size_t count);

/* The 97.5 % quantile of Student's t distribution with n - 1 degrees of freedom, for n of 2 and more. */
double statistics_t975(size_t n);

#endif
