#include "measure/trend.h"

#include "measure/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { PLACEMENTS_MIN = 3, PAIRS_MAX = TREND_VALUES_MAX * (TREND_VALUES_MAX - 1) / 2 };

static double percent_beyond(double change)
{
    double percent = 100 * expm1(change);
    return fabs(percent) >= TREND_PERCENT ? percent : 0;
}

double trend_change(const double *values, size_t count)
{
    size_t half = count / 2;
    double sum = 0;
    if (count < 2)
        return NAN;
    for (size_t i = 0; i < half; i++)
        sum += log(values[count - 1 - i] / values[i]);
    /* The pairs lie count - half apart in the mean, the ends count - 1. */
    return sum / (double)half * (double)(count - 1) / (double)(count - half);
}

double trend_within(const double *changes, size_t count)
{
    double mean = 0, squares = 0;
    if (count < PLACEMENTS_MIN)
        return 0;
    for (size_t i = 0; i < count; i++)
        mean += changes[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(changes[i] - mean, 2);
    double error = sqrt(squares / (double)(count - 1) / (double)count);
    /* No change is no trend, however sure. */
    bool told = mean != 0 && statistics_t_chance(mean / error, count) < TREND_CHANCE;
    return told ? percent_beyond(mean) : 0;
}

/* Kendall's S: pairs that rise less pairs that fall. */
static int concordance(const double *values, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            sum += (values[k] > values[i]) - (values[k] < values[i]);
    return sum;
}

/* shares[k] becomes the share of the orders of `count` values in which k pairs fall: value number n, put
 * among the n - 1 before it, adds 0 to n - 1 of these, all alike. */
static void falling_pairs(size_t count, double shares[PAIRS_MAX + 1])
{
    shares[0] = 1;
    for (size_t k = 1; k <= PAIRS_MAX; k++)
        shares[k] = 0;
    for (size_t n = 2; n <= count; n++)
        for (size_t k = n * (n - 1) / 2 + 1; k-- > 0;) {
            double sum = 0;
            for (size_t added = 0; added < n && added <= k; added++)
                sum += shares[k - added];
            shares[k] = sum / (double)n;
        }
}

double trend_chance(const double *values, size_t count)
{
    double shares[PAIRS_MAX + 1], chance = 0;
    if (count < 2 || count > TREND_VALUES_MAX)
        return 1;
    size_t pairs = count * (count - 1) / 2, clear = (size_t)abs(concordance(values, count));
    falling_pairs(count, shares);
    for (size_t k = 0; 2 * k + clear <= pairs; k++)
        chance += shares[k];
    return fmin(1, 2 * chance);
}

double trend_between(const double *values, size_t count)
{
    double slopes[PAIRS_MAX];
    size_t pairs = 0;
    if (trend_chance(values, count) >= TREND_CHANCE)
        return 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            slopes[pairs++] = log(values[k] / values[i]) / (double)(k - i);
    return percent_beyond(statistics_median(slopes, pairs) * (double)(count - 1));
}
