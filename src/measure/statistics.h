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
 * interval of their logarithms' mean, widened to hold what the ranks alone say of the median. Student's is
 * the wider of the two up to 4 figures, and exact where logarithms are normal. Where placements fall into two
 * groups it is about a mean that lies in neither; there the ranks hold the median of all placements in 95 %
 * of cases, from 6 figures on (tests/unit/test_coverage.c says where hardly). Of n figures, fewer than 6,
 * none is surer than to 1 - 2^(1-n), the probability that not all lie on one side: 75 % for 3. Values are
 * sorted in place. */
struct estimate statistics_estimate(double *values, size_t count);

/* The same from one figure a placement that may be of either sign (a difference), with Student's t interval
 * of their mean. Values are sorted in place. */
struct estimate statistics_difference(double *values, size_t count);

/* How many times larger `values` are than `baseline`, both one positive figure a placement, of two
 * measurements that share no placement: the ratio of the medians, and Welch's t interval of the difference of
 * their logarithms' means, widened to hold what the ranks alone say of the medians: where placements fall
 * into two groups the means differ by how many fall into which. NAN ends with fewer than two figures on
 * either side. Both are sorted in place. Exactly 1, and inside its interval, for the same figures twice. */
struct estimate statistics_ratio(double *values, size_t count, double *baseline, size_t baseline_count);

/* The 97.5 % quantile of Student's t distribution with n - 1 degrees of freedom, for n of 2 and more. */
double statistics_t975(size_t n);

/* The probability that Student's t with n - 1 degrees of freedom, for n of 2 and more, lies so far from 0, to
 * either side (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4). */
double statistics_t_chance(double t, size_t n);

#endif
