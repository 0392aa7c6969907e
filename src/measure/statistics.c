#include "measure/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(const double *sorted, size_t count)
{
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double statistics_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof values[0], compare);
    return median_of(values, count);
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

double statistics_t_chance(double t, size_t n)
{
    size_t degrees = n - 1;
    bool odd = degrees % 2;
    double angle = atan(fabs(t) / sqrt((double)degrees)), cosine = cos(angle);
    double term = odd ? sin(angle) * cosine : sin(angle), sum = 0;
    for (size_t k = odd ? 3 : 2; k <= degrees; k += 2) {
        sum += term;
        term *= cosine * cosine * (double)(k - 1) / (double)k;
    }
    return 1 - (odd ? 2 / M_PI * (angle + sum) : sum);
}

/* Up to so many values their whole range is the interval: of 6 it holds the median in 96.9 %, and fewer have
 * no 95 % interval that is free of assumptions. */
enum { WHOLE_RANGE_MAX = 6 };

struct ends {
    double low, high;
};

/* What holds the median whatever the distribution is: the values of two ranks, so that fewer than 2.5 % of
 * the draws of coins leave it outside at either end, and a step towards the next ranks that uses up what is
 * left of these 2.5 %. T. P. Hettmansperger, S. J. Sheather, "Confidence intervals based on interpolated
 * order statistics", Statistics & Probability Letters 4 (1986). */
static struct ends rank_interval(const double *sorted, size_t count)
{
    if (count <= WHOLE_RANGE_MAX)
        return (struct ends){sorted[0], sorted[count - 1]};
    size_t rank = 1;
    double outside = ldexp(1, -(int)count), more = outside * (double)count; /* at one end */
    while (outside + more <= 0.025 && rank < count / 2) {
        outside += more;
        more *= (double)(count - rank) / (double)(rank + 1);
        rank++;
    }
    double n = (double)count, r = (double)rank, left = (0.025 - outside) / more;
    double step = (n - r) * left / (r + (n - 2 * r) * left);
    return (struct ends){
        .low = sorted[rank - 1] + step * (sorted[rank] - sorted[rank - 1]),
        .high = sorted[count - rank] - step * (sorted[count - rank] - sorted[count - rank - 1]),
    };
}

/* Student's interval, or further out where the ranks or the median itself are. */
static struct estimate widened(double median, struct ends student, struct ends ranks)
{
    return (struct estimate){
        .median = median,
        .low = fmin(fmin(student.low, ranks.low), median),
        .high = fmax(fmax(student.high, ranks.high), median),
    };
}

static double identity(double value)
{
    return value;
}

/* Of the mean of f(value). */
static struct ends student_interval(const double *values, size_t count, double (*f)(double))
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        mean += f(values[i]) / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(f(values[i]) - mean, 2);
    double half = statistics_t975(count) * sqrt(squares / (double)(count - 1) / (double)count);
    return (struct ends){mean - half, mean + half};
}

struct estimate statistics_estimate(double *values, size_t count)
{
    double median = statistics_median(values, count);
    if (count < 2)
        return (struct estimate){median, NAN, NAN};
    struct ends logs = student_interval(values, count, log);
    return widened(median, (struct ends){exp(logs.low), exp(logs.high)}, rank_interval(values, count));
}

struct estimate statistics_difference(double *values, size_t count)
{
    double median = statistics_median(values, count);
    if (count < 2)
        return (struct estimate){median, NAN, NAN};
    return widened(median, student_interval(values, count, identity), rank_interval(values, count));
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

/* Of the ratio of two medians, from the rank interval of each: G. Y. Zou, A. Donner, "Construction of
 * confidence limits about effect measures: a general approach", Statistics in Medicine 27 (2008). */
static struct ends rank_ratio(
    const double *sorted, size_t count, const double *sorted_baseline, size_t baseline_count)
{
    struct ends here = rank_interval(sorted, count), there = rank_interval(sorted_baseline, baseline_count);
    double median = median_of(sorted, count), baseline = median_of(sorted_baseline, baseline_count);
    double down = hypot(log(median / here.low), log(there.high / baseline));
    double up = hypot(log(here.high / median), log(baseline / there.low));
    return (struct ends){median / baseline * exp(-down), median / baseline * exp(up)};
}

struct estimate statistics_ratio(double *values, size_t count, double *baseline, size_t baseline_count)
{
    struct estimate estimate = {.low = NAN, .high = NAN};
    estimate.median = statistics_median(values, count) / statistics_median(baseline, baseline_count);
    if (count < 2 || baseline_count < 2)
        return estimate;
    struct logarithms here = logarithms_of(values, count), there = logarithms_of(baseline, baseline_count);
    double half = welch_half_width(here.variance, count, there.variance, baseline_count);
    double mean = here.mean - there.mean;
    return widened(estimate.median, (struct ends){exp(mean - half), exp(mean + half)},
        rank_ratio(values, count, baseline, baseline_count));
}
