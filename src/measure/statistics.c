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
