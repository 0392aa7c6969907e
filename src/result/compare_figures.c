#include "result/compare_figures.h"

#include "measure/statistics.h"

#include <errno.h>
#include <stdlib.h>

/* The median of samples first … last-1, which are one placement's. `values` has room for as many. */
static double median_of(const struct saved_sample *samples, size_t first, size_t last, double *values)
{
    size_t count = 0;
    for (size_t i = first; i < last; i++)
        if (!samples[i].disturbed)
            values[count++] = samples[i].value;
    for (size_t i = first; !count && i < last; i++)
        values[i - first] = samples[i].value;
    return statistics_median(values, count ? count : last - first);
}

/* Samples are sorted by placement, so that there are never more figures than samples seen: the room behind
 * the figures is free to work in. */
static int medians_by_placement(const struct saved_sample *samples, size_t count, struct figures *figures)
{
    struct figures made = {.values = calloc(count + 1, sizeof *made.values)};
    if (!made.values)
        return -ENOMEM;
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first; last < count && samples[last].placement == samples[first].placement;)
            last++;
        double median = median_of(samples, first, last, made.values + made.count);
        made.values[made.count++] = median;
    }
    *figures = made;
    return 0;
}

int figures_of_cell(const struct saved_cell *cell, struct figures *figures)
{
    return medians_by_placement(cell->samples, cell->sample_count, figures);
}

static int order(const struct saved_sample *a, const struct saved_sample *b)
{
    if (a->placement != b->placement)
        return a->placement < b->placement ? -1 : 1;
    return (a->round > b->round) - (a->round < b->round);
}

/* Samples of one placement and round, as samples of their ratio. Returns how many. */
static size_t pair(
    const struct saved_cell *cell, const struct saved_cell *baseline, struct saved_sample *pairs)
{
    size_t count = 0;
    for (size_t i = 0, k = 0; i < cell->sample_count && k < baseline->sample_count;) {
        const struct saved_sample *here = &cell->samples[i], *there = &baseline->samples[k];
        int which = order(here, there);
        if (which == 0 && there->value > 0)
            pairs[count++] = (struct saved_sample){here->value / there->value, here->placement, here->round,
                here->disturbed || there->disturbed};
        i += which <= 0;
        k += which >= 0;
    }
    return count;
}

int figures_of_comparison(const struct saved_comparison *comparison, struct figures *figures)
{
    struct saved_sample *pairs = calloc(comparison->cell->sample_count + 1, sizeof *pairs);
    if (!pairs)
        return -ENOMEM;
    size_t count = pair(comparison->cell, comparison->baseline, pairs);
    int status = medians_by_placement(pairs, count, figures);
    free(pairs);
    return status;
}

void figures_free(struct figures *figures)
{
    free(figures->values);
    *figures = (struct figures){0};
}

bool figures_hold(const struct figures *figures, double value)
{
    bool below = false, above = false;
    const double rounding = 1e-6; /* files keep ten digits */
    for (size_t i = 0; i < figures->count; i++) {
        if (!(figures->values[i] > 0))
            return false;
        below |= figures->values[i] <= value * (1 + rounding);
        above |= figures->values[i] >= value * (1 - rounding);
    }
    return below && above;
}
