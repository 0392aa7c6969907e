/* Medians and their intervals.
 *
 * The unit of independence is the placement, not the sample: samples of one placement share its physical
 * frames and agree with one another far better than with the next placement's. So intervals are made over one
 * figure a placement. */
#ifndef VCOST_MEASURE_STATISTICS_H
#define VCOST_MEASURE_STATISTICS_H

#include <stddef.h>

struct estimate {
    double median;    /* or ratio of medians; NAN if there is no value */
    double low, high; /* 95 % confidence interval; NAN with fewer than two values */
};

/* The median of `count` values, which are sorted in place; NAN for none. */
double statistics_median(double *values, size_t count);

/* From one positive figure a placement (a median time, a median ratio): their median, and Student's t
 * interval of their logarithms' mean, widened to hold the median where that lies outside. Values are sorted
 * in place. */
struct estimate statistics_estimate(double *values, size_t count);

/* From one figure a placement that may be of either sign (a difference): their median, and Student's t
 * interval of their mean, widened to hold the median where that lies outside. Values are sorted in place. */
struct estimate statistics_difference(double *values, size_t count);

/* How many times larger `values` are than `baseline`, both one positive figure a placement, of two
 * measurements that share no placement: the ratio of the medians, and Welch's t interval of the difference of
 * their logarithms' means, widened to hold the ratio where that lies outside. NAN ends with fewer than two
 * figures on either side. Both are sorted in place. Exactly 1, and inside its interval, for the same figures
 * twice. */
struct estimate statistics_ratio(double *values, size_t count, double *baseline, size_t baseline_count);

/* The 97.5 % quantile of Student's t distribution with n - 1 degrees of freedom, for n of 2 and more. */
double statistics_t975(size_t n);

#endif
