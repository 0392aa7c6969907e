#include "figure.h"

#include <math.h>
#include <stdlib.h>

/* Student's t, 97.5 %, by the number of values (tables; any textbook). */
static const double t975[PLACEMENTS_MAX + 1] = {
    NAN, NAN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201};

/* The rank from either end that holds the median in 95 % of cases (binomial), or the last. */
static const size_t ranks[PLACEMENTS_MAX + 1] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figure figure_none(void)
{
    return (struct figure){NAN, NAN, NAN};
}

struct figure figure_make(double *values, size_t count)
{
    double mean = 0, squares = 0;
    if (count == 0)
        return figure_none();
    qsort(values, count, sizeof values[0], ascending);
    struct figure figure = {(values[(count - 1) / 2] + values[count / 2]) / 2, NAN, NAN};
    if (count == 1)
        return figure;
    for (size_t i = 0; i < count; i++)
        mean += log(values[i]) / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(log(values[i]) - mean, 2);
    double half = t975[count] * sqrt(squares / (double)(count - 1) / (double)count);
    figure.low = fmin(exp(mean - half), values[ranks[count]]);
    figure.high = fmax(exp(mean + half), values[count - 1 - ranks[count]]);
    return figure;
}
