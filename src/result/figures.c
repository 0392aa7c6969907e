#include "result/figures.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int figures_add_sample(struct result_cell *cell, const struct result_sample *sample)
{
    struct result_sample *grown = reallocarray(cell->samples, cell->sample_count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    cell->samples = grown;
    cell->samples[cell->sample_count++] = *sample;
    return 0;
}

/* ---- series: samples, or what was made of them, by placement and round ---- */

static int order(const void *a, const void *b)
{
    const struct result_sample *x = a, *y = b;
    if (x->placement != y->placement)
        return x->placement < y->placement ? -1 : 1;
    return (x->round > y->round) - (x->round < y->round);
}

static bool counts(const struct result_sample *sample)
{
    return !isnan(sample->ns) && sample->disturbed != DISTURBED_CHANGED;
}

/* Was anything measured after the machine became what it is? */
static bool has_present(const struct result_cell *cell)
{
    for (size_t i = 0; i < cell->sample_count; i++)
        if (counts(&cell->samples[i]))
            return true;
    return false;
}

struct series series_of(const struct result_cell *cell, struct pool *pool)
{
    bool present = has_present(cell);
    struct series series = {pool_room(pool, cell->sample_count, sizeof *series.samples),
        pool_room(pool, cell->sample_count, sizeof *series.values), 0};
    for (size_t i = 0; !pool->failed && i < cell->sample_count; i++)
        if (present ? counts(&cell->samples[i]) : !isnan(cell->samples[i].ns))
            series.samples[series.count++] = cell->samples[i];
    if (series.count)
        qsort(series.samples, series.count, sizeof *series.samples, order);
    return series;
}

bool series_next(const struct series *series, size_t *first, size_t *last)
{
    *first = *last;
    while (*last < series->count && series->samples[*last].placement == series->samples[*first].placement)
        ++*last;
    return *last > *first;
}

static double least_of(double *values, size_t count)
{
    double least = values[0];
    for (size_t i = 1; i < count; i++)
        least = fmin(least, values[i]);
    return least;
}

/* What a placement gives whose every sample was disturbed. */
enum all_disturbed { COUNTS_ALL, COUNTS_NOT };

/* Of each placement one sample, of round 0, made of its undisturbed ones. */
static struct series reduced(
    struct series series, double (*figure)(double *values, size_t count), enum all_disturbed all_disturbed)
{
    size_t made = 0;
    for (size_t first, last = 0; series_next(&series, &first, &last);) {
        size_t count = 0;
        for (size_t i = first; i < last; i++)
            if (series.samples[i].disturbed == DISTURBED_NOT)
                series.values[count++] = series.samples[i].ns;
        for (size_t i = first; !count && all_disturbed == COUNTS_ALL && i < last; i++)
            series.values[i - first] = series.samples[i].ns;
        size_t used = count || all_disturbed == COUNTS_NOT ? count : last - first;
        unsigned placement = series.samples[first].placement;
        if (used)
            series.samples[made++] =
                (struct result_sample){.ns = figure(series.values, used), .placement = placement};
    }
    series.count = made;
    return series;
}

/* Its logarithm, so that 1/5 and 5 are as far from 1 and their mean is 1. */
static double log_ratio_of(double value, double baseline)
{
    return value > 0 && baseline > 0 ? log(value / baseline) : NAN;
}

static double difference_of(double value, double baseline)
{
    return value - baseline;
}

/* The figures of all samples that have their counterpart, of the same placement and round. */
static struct series paired(
    struct series series, struct series baseline, double (*figure)(double value, double baseline))
{
    size_t made = 0;
    for (size_t i = 0, k = 0; i < series.count && k < baseline.count;) {
        struct result_sample here = series.samples[i], there = baseline.samples[k];
        int which = order(&here, &there);
        i += which <= 0;
        k += which >= 0;
        here.ns = figure(here.ns, there.ns);
        here.disturbed = here.disturbed != DISTURBED_NOT ? here.disturbed : there.disturbed;
        if (!which && !isnan(here.ns))
            series.samples[made++] = here;
    }
    series.count = made;
    return series;
}

/* A series' figures, where statistics may sort them. */
static double *values_of(const struct series *series)
{
    for (size_t i = 0; i < series->count; i++)
        series->values[i] = series->samples[i].ns;
    return series->values;
}

static struct series medians_of(
    const struct result_cell *cell, enum all_disturbed all_disturbed, struct pool *pool)
{
    return reduced(series_of(cell, pool), statistics_median, all_disturbed);
}

/* A disturbance hits one side of a pair, so that pairs of a placement that has no other say nothing. */
static struct series pairs_of(const struct result_cell *cell, const struct result_cell *baseline,
    double (*figure)(double value, double baseline), struct pool *pool)
{
    return reduced(
        paired(series_of(cell, pool), series_of(baseline, pool), figure), statistics_median, COUNTS_NOT);
}

/* ---- what the others see ---- */

static int finish(struct pool *pool)
{
    int status = pool->failed ? -ENOMEM : 0;
    pool_free(pool);
    return status;
}

static const struct estimate no_estimate = {NAN, NAN, NAN};

int figures_floor(const struct result_cell *cell, struct estimate *floor)
{
    struct pool pool = {0};
    *floor = no_estimate;
    if (cell_unfit(cell))
        return 0;
    struct series floors = reduced(series_of(cell, &pool), least_of, COUNTS_ALL);
    if (!pool.failed)
        *floor = statistics_estimate(values_of(&floors), floors.count);
    return finish(&pool);
}

int figures_set_cell(struct result_cell *cell)
{
    struct pool pool = {0};
    struct series medians = medians_of(cell, COUNTS_ALL, &pool),
                  floors = reduced(series_of(cell, &pool), least_of, COUNTS_ALL);
    if (!pool.failed)
        cell->placements = (unsigned)medians.count;
    if (!pool.failed && medians.count) {
        struct estimate estimate = statistics_estimate(values_of(&medians), medians.count);
        cell->median = estimate.median;
        cell->low = estimate.low;
        cell->high = estimate.high;
        cell->min = least_of(values_of(&floors), floors.count);
    }
    return finish(&pool);
}

int figures_set_comparison(
    const struct result_cell *cell, const struct result_cell *baseline, struct result_comparison *comparison)
{
    struct pool pool = {0};
    struct series logs = pairs_of(cell, baseline, log_ratio_of, &pool);
    struct series differences = pairs_of(cell, baseline, difference_of, &pool);
    if (!pool.failed) {
        struct estimate ratio = statistics_difference(values_of(&logs), logs.count);
        struct estimate more = statistics_difference(values_of(&differences), differences.count);
        *comparison = (struct result_comparison){comparison->cell, comparison->baseline, exp(ratio.median),
            exp(ratio.low), exp(ratio.high), more.median, more.low, more.high, (unsigned)differences.count,
            ""};
    }
    return finish(&pool);
}

int figures_difference(
    const struct result_cell *cell, const struct result_cell *other, struct estimate *difference)
{
    struct pool pool = {0};
    *difference = no_estimate;
    if (cell_unfit(cell) || cell_unfit(other))
        return 0;
    struct series pairs =
        paired(medians_of(cell, COUNTS_NOT, &pool), medians_of(other, COUNTS_NOT, &pool), difference_of);
    if (!pool.failed)
        *difference = statistics_difference(values_of(&pairs), pairs.count);
    return finish(&pool);
}

struct figures figures_by_placement(
    const struct result_cell *cell, const struct result_cell *baseline, struct pool *pool)
{
    struct series series = series_of(cell, pool);
    struct figures figures = {.least = NAN, .most = NAN};
    if (baseline)
        series = paired(series, series_of(baseline, pool), log_ratio_of);
    for (size_t i = 0; i < series.count; i++) {
        figures.least = fmin(figures.least, series.samples[i].ns);
        figures.most = fmax(figures.most, series.samples[i].ns);
    }
    series = reduced(series, statistics_median, baseline ? COUNTS_NOT : COUNTS_ALL);
    figures.values = values_of(&series);
    figures.count = series.count;
    for (size_t i = 0; baseline && i < figures.count; i++)
        figures.values[i] = exp(figures.values[i]);
    figures.least = baseline ? exp(figures.least) : figures.least;
    figures.most = baseline ? exp(figures.most) : figures.most;
    return figures;
}
