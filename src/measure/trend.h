/* A trend: values that rise or fall in the order in which they were taken. */
#ifndef VCOST_MEASURE_TREND_H
#define VCOST_MEASURE_TREND_H

#include <stddef.h>

/* Kendall's test for trend, added over seasons: R. M. Hirsch, J. R. Slack, R. A. Smith, "Techniques of trend
 * analysis for monthly water quality data", Water Resources Research 18 (1982). A season here is a placement:
 * only values of the same one are compared, so that placements that differ make no trend. */
struct trend {
    double concordance; /* Kendall's S so far */
    double variance;    /* of S if there is no trend */
};

/* Adds a season's values, in the order in which they were taken. */
void trend_add(struct trend *trend, const double *values, size_t count);

/* How many standard deviations of chance the trend is: positive if the values rise. Beyond 3.3 it is chance
 * once in a thousand. 0 for too few values. */
double trend_sigmas(const struct trend *trend);

#endif
