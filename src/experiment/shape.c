/* What a cell's samples look like beside their median: two modes, a trend. */
#include "experiment/internal.h"

#include "measure/statistics.h"
#include "measure/trend.h"

#include <math.h>

enum { SAMPLES_MAX = 512, ROUNDS_FOR_A_TREND = 3 };

/* A trend is told beyond this much chance and this much change. */
static const double sigmas_min = 3.3, trend_percent_min = 3;

/* A placement's undisturbed samples in the order in which they were taken. */
static size_t of_placement(const struct result_cell *cell, unsigned placement, double values[SAMPLES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < cell->sample_count && count < SAMPLES_MAX; i++)
        if (cell->samples[i].placement == placement && cell->samples[i].disturbed == DISTURBED_NOT)
            values[count++] = cell->samples[i].ns;
    return count;
}

/* The samples as if all placements had the same median: that placements differ is no second mode. */
static size_t levelled(const struct result_cell *cell, double values[SAMPLES_MAX])
{
    size_t count = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double own[SAMPLES_MAX], sorted[SAMPLES_MAX];
        size_t samples = of_placement(cell, placement, own);
        for (size_t i = 0; i < samples; i++)
            sorted[i] = own[i];
        double median = statistics_median(sorted, samples);
        for (size_t i = 0; i < samples && count < SAMPLES_MAX; i++)
            values[count++] = own[i] / median * cell->median;
    }
    return count;
}

/* From a placement's first sample to its last, in logarithms: twice what its halves differ by. */
static double change_within(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count / 2; i++)
        sum += log(values[count - 1 - i] / values[i]);
    return 2 * sum / (double)(count / 2);
}

static double trend_percent(const struct result_cell *cell)
{
    struct trend trend = {0};
    double change = 0;
    unsigned placements = 0;
    for (unsigned placement = 0; placement < CHASE_PLACEMENTS_MAX; placement++) {
        double values[SAMPLES_MAX];
        size_t count = of_placement(cell, placement, values);
        if (count < ROUNDS_FOR_A_TREND)
            continue;
        trend_add(&trend, values, count);
        change += change_within(values, count);
        placements++;
    }
    double percent = placements ? 100 * expm1(change / placements) : 0;
    bool told = fabs(trend_sigmas(&trend)) > sigmas_min && fabs(percent) >= trend_percent_min;
    return told ? percent : 0;
}

void analyse_shape(struct result_cell *cell)
{
    double values[SAMPLES_MAX];
    cell->modes = modes_find(values, levelled(cell, values));
    cell->trend_percent = trend_percent(cell);
}
