#include "measure/statistics.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double statistics_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof values[0], compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* Abramowitz and Stegun, Handbook of Mathematical Functions, table 26.10, for 1 to 30 degrees of freedom. */
static const double t975[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201,
    2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042};

double statistics_t975(size_t n)
{
    size_t degrees = n - 1, known = sizeof t975 / sizeof t975[0];
    if (degrees <= known)
        return t975[degrees - 1];
    /* The first terms of the expansion in 1/degrees (26.7.5), right to three decimals here. */
    double z = 1.959964, v = (double)degrees;
    return z + (z * z * z + z) / (4 * v) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * v * v);
}

struct estimate statistics_estimate(double *values, size_t count)
{
    struct estimate estimate = {.median = statistics_median(values, count), .low = NAN, .high = NAN};
    double mean = 0, squares = 0;
    if (count < 2)
        return estimate;
    for (size_t i = 0; i < count; i++)
        mean += log(values[i]) / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(log(values[i]) - mean, 2);
    double half = statistics_t975(count) * sqrt(squares / (double)(count - 1) / (double)count);
    estimate.low = fmin(exp(mean - half), estimate.median);
    estimate.high = fmax(exp(mean + half), estimate.median);
    return estimate;
}

struct estimate statistics_difference(double *values, size_t count)
{
    struct estimate estimate = {.median = statistics_median(values, count), .low = NAN, .high = NAN};
    double mean = 0, squares = 0;
    if (count < 2)
        return estimate;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(values[i] - mean, 2);
    double half = statistics_t975(count) * sqrt(squares / (double)(count - 1) / (double)count);
    estimate.low = fmin(mean - half, estimate.median);
    estimate.high = fmax(mean + half, estimate.median);
    return estimate;
}

struct logarithms {
    double mean, variance; /* of the mean */
};

static struct logarithms logarithms_of(const double *values, size_t count)
{
    struct logarithms logs = {0};
    for (size_t i = 0; i < count; i++)
        logs.mean += log(values[i]) / (double)count;
    for (size_t i = 0; i < count; i++)
        logs.variance += pow(log(values[i]) - logs.mean, 2) / (double)(count - 1) / (double)count;
    return logs;
}

/* For degrees of freedom between two whole numbers: linear in 1/degrees, which lies slightly above the true
 * quantile. */
static double t975_between(double degrees)
{
    double whole = floor(degrees);
    double more = statistics_t975((size_t)whole + 1), less = statistics_t975((size_t)whole + 2);
    return more + (less - more) * (1 / whole - 1 / degrees) / (1 / whole - 1 / (whole + 1));
}

/* B. L. Welch, "The generalization of 'Student's' problem when several different population variances are
 * involved", Biometrika 34 (1947): degrees of freedom from the two variances' shares. */
static double welch_half_width(double variance, size_t count, double baseline_variance, size_t baseline_count)
{
    double sum = variance + baseline_variance;
    if (!(sum > 0))
        return 0;
    double share = variance / sum;
    double degrees =
        1 / (share * share / (double)(count - 1) + (1 - share) * (1 - share) / (double)(baseline_count - 1));
    /* Never below the smaller sample's own, but for rounding. */
    return t975_between(fmax(degrees, 1)) * sqrt(sum);
}

struct estimate statistics_ratio(double *values, size_t count, double *baseline, size_t baseline_count)
{
    struct estimate estimate = {.low = NAN, .high = NAN};
    estimate.median = statistics_median(values, count) / statistics_median(baseline, baseline_count);
    if (count < 2 || baseline_count < 2)
        return estimate;
    struct logarithms here = logarithms_of(values, count), there = logarithms_of(baseline, baseline_count);
    double half = welch_half_width(here.variance, count, there.variance, baseline_count);
    estimate.low = fmin(exp(here.mean - there.mean - half), estimate.median);
    estimate.high = fmax(exp(here.mean - there.mean + half), estimate.median);
    return estimate;
}
