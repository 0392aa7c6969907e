#include "measure/trend.h"

#include <math.h>

void trend_add(struct trend *trend, const double *values, size_t count)
{
    double n = (double)count;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            trend->concordance += (values[k] > values[i]) - (values[k] < values[i]);
    trend->variance += n * (n - 1) * (2 * n + 5) / 18;
}

/* With the correction for continuity: S moves in steps of two. */
double trend_sigmas(const struct trend *trend)
{
    double size = fabs(trend->concordance) - 1;
    if (size <= 0 || trend->variance <= 0)
        return 0;
    return copysign(size / sqrt(trend->variance), trend->concordance);
}
