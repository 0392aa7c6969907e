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

struct series series_of(const struct result_cell *cell)
{
    struct series series = {
        .samples = calloc(cell->sample_count + 1, sizeof *series.samples),
        .values = calloc(cell->sample_count + 1, sizeof *series.values),
    };
    series.failed = !series.samples || !series.values;
    for (size_t i = 0; !series.failed && i < cell->sample_count; i++)
        if (!isnan(cell->samples[i].ns))
            series.samples[series.count++] = cell->samples[i];
    if (series.count)
        qsort(series.samples, series.count, sizeof *series.samples, order);
    return series;
}

void series_free(struct series *series)
{
    free(series->samples);
    free(series->values);
    *series = (struct series){0};
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

/* Makes one sample, of round 0, of each placement's: of the undisturbed ones, or of all where none is. */
static void reduce(struct series *series, double (*figure)(double *values, size_t count))
{
    size_t made = 0;
    for (size_t first, last = 0; series_next(series, &first, &last);) {
        size_t count = 0;
        for (size_t i = first; i < last; i++)
            if (series->samples[i].disturbed == DISTURBED_NOT)
                series->values[count++] = series->samples[i].ns;
        for (size_t i = first; !count && i < last; i++)
            series->values[i - first] = series->samples[i].ns;
        series->samples[made++] = (struct result_sample){
            .ns = figure(series->values, count ? count : last - first),
            .placement = series->samples[first].placement,
        };
    }
    series->count = made;
}

/* A pair without a baseline above 0 has none. */
static double ratio_of(double value, double baseline)
{
    return baseline > 0 ? value / baseline : NAN;
}

static double difference_of(double value, double baseline)
{
    return value - baseline;
}

/* Makes of each sample that has its counterpart, of the same placement and round, their figure. */
static void pair(
    struct series *series, const struct series *baseline, double (*figure)(double value, double baseline))
{
    size_t made = 0;
    for (size_t i = 0, k = 0; i < series->count && k < baseline->count;) {
        struct result_sample here = series->samples[i], there = baseline->samples[k];
        int which = order(&here, &there);
        i += which <= 0;
        k += which >= 0;
        if (which)
            continue;
        here.ns = figure(here.ns, there.ns);
        here.disturbed = here.disturbed != DISTURBED_NOT ? here.disturbed : there.disturbed;
        if (!isnan(here.ns))
            series->samples[made++] = here;
    }
    series->count = made;
}

/* A series' figures, where statistics may sort them. */
static double *values_of(struct series *series)
{
    for (size_t i = 0; i < series->count; i++)
        series->values[i] = series->samples[i].ns;
    return series->values;
}

static struct series medians_of(const struct result_cell *cell)
{
    struct series series = series_of(cell);
    reduce(&series, statistics_median);
    return series;
}

static struct series floors_of(const struct result_cell *cell)
{
    struct series series = series_of(cell);
    reduce(&series, least_of);
    return series;
}

static struct series paired(const struct result_cell *cell, const struct result_cell *baseline,
    double (*figure)(double value, double baseline))
{
    struct series series = series_of(cell), there = series_of(baseline);
    pair(&series, &there, figure);
    reduce(&series, statistics_median);
    series.failed |= there.failed;
    series_free(&there);
    return series;
}

/* ---- what the others see ---- */

int figures_floor(const struct result_cell *cell, struct estimate *floor)
{
    struct series floors = floors_of(cell);
    int status = floors.failed ? -ENOMEM : 0;
    if (!status)
        *floor = statistics_estimate(values_of(&floors), floors.count);
    series_free(&floors);
    return status;
}

int figures_set_cell(struct result_cell *cell)
{
    struct series medians = medians_of(cell), floors = floors_of(cell);
    int status = medians.failed || floors.failed ? -ENOMEM : 0;
    if (!status)
        cell->placements = (unsigned)medians.count;
    if (!status && medians.count) {
        struct estimate estimate = statistics_estimate(values_of(&medians), medians.count);
        cell->median = estimate.median;
        cell->low = estimate.low;
        cell->high = estimate.high;
        cell->min = least_of(values_of(&floors), floors.count);
    }
    series_free(&medians);
    series_free(&floors);
    return status;
}

int figures_set_comparison(
    const struct result_cell *cell, const struct result_cell *baseline, struct result_comparison *comparison)
{
    struct series ratios = paired(cell, baseline, ratio_of);
    struct series differences = paired(cell, baseline, difference_of);
    int status = ratios.failed || differences.failed ? -ENOMEM : 0;
    if (!status) {
        struct estimate ratio = statistics_estimate(values_of(&ratios), ratios.count);
        struct estimate more = statistics_difference(values_of(&differences), differences.count);
        comparison->ratio = ratio.median;
        comparison->low = ratio.low;
        comparison->high = ratio.high;
        comparison->more_ns = more.median;
        comparison->more_low_ns = more.low;
        comparison->more_high_ns = more.high;
        comparison->placements = (unsigned)differences.count;
    }
    series_free(&ratios);
    series_free(&differences);
    return status;
}

int figures_difference(
    const struct result_cell *cell, const struct result_cell *other, struct estimate *difference)
{
    struct series here = medians_of(cell), there = medians_of(other);
    int status = here.failed || there.failed ? -ENOMEM : 0;
    pair(&here, &there, difference_of);
    if (!status)
        *difference = statistics_difference(values_of(&here), here.count);
    series_free(&here);
    series_free(&there);
    return status;
}

int figures_by_placement(
    const struct result_cell *cell, const struct result_cell *baseline, struct figures *figures)
{
    struct series series = baseline ? paired(cell, baseline, ratio_of) : medians_of(cell);
    int status = series.failed ? -ENOMEM : 0;
    if (!status) {
        *figures = (struct figures){values_of(&series), series.count};
        series.values = NULL;
    }
    series_free(&series);
    return status;
}
