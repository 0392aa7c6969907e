/* Trends: values that rise or fall in the order in which they were taken, of a cell within its placements and
 * from placement to placement. Values are positive; a trend is told in percent, and as 0 where chance would
 * do.
 */
#ifndef VCOST_MEASURE_TREND_H
#define VCOST_MEASURE_TREND_H

#include <stddef.h>

/* By how much (in logarithms) the values of one placement rise from the first to the last of them: from each
 * pair that lies symmetrically about the middle, for a straight line exactly. NAN for fewer than two. */
double trend_change(const double *values, size_t count);

/* The change that placements have in common, in percent, from `changes` made by trend_change(). Samples of
 * one placement follow one another and are not independent: what drifts by chance drifts either way. So it is
 * placements that must agree, by Student's t of their changes. Told only beyond TREND_CHANCE and
 * TREND_PERCENT; at least three placements are needed. */
double trend_within(const double *changes, size_t count);

/* From the first of the values, one a placement, to the last, in percent. M. G. Kendall, "A new measure of
 * rank correlation", Biometrika 30 (1938): whether, by the exact distribution of his S; P. K. Sen, "Estimates
 * of the regression coefficient based on Kendall's tau", JASA 63 (1968): by how much, the median of all
 * slopes. Told only beyond TREND_CHANCE and TREND_PERCENT, for TREND_VALUES_MAX values at most; fewer than
 * six cannot tell so much. */
double trend_between(const double *values, size_t count);

/* The probability that as many independent values are in an order as clear as this, rising or falling. 1 for
 * more than TREND_VALUES_MAX. */
double trend_chance(const double *values, size_t count);

enum { TREND_VALUES_MAX = 32 };
#define TREND_CHANCE 0.005
#define TREND_PERCENT 3.0

#endif
