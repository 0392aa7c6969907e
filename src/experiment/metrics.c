#include "experiment/metrics.h"

#include "result/figures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct metric_samples {
    struct sample_metric last;  /* name, unit, reason */
    struct result_cell figures; /* its samples, and then what is made of them */
};

static struct metric_samples *find(const struct scheduled_cell *cell, const char *name)
{
    for (size_t i = 0; i < cell->metric_count; i++)
        if (!strcmp(cell->metrics[i].last.name, name))
            return &cell->metrics[i];
    return NULL;
}

static struct metric_samples *add(struct scheduled_cell *cell)
{
    struct metric_samples *grown = reallocarray(cell->metrics, cell->metric_count + 1, sizeof *grown);
    if (!grown)
        return NULL;
    cell->metrics = grown;
    grown[cell->metric_count] = (struct metric_samples){
        .figures = {.median = NAN, .low = NAN, .high = NAN, .min = NAN, .pages = {.as_asked = true}}};
    return &grown[cell->metric_count++];
}

int metrics_note(struct scheduled_cell *cell, const struct sample *sample, const struct result_sample *taken)
{
    for (size_t i = 1; i < sample->metric_count; i++) {
        const struct sample_metric *metric = &sample->metrics[i];
        struct metric_samples *of = find(cell, metric->name);
        struct result_sample value = *taken;
        value.ns = metric->value;
        if (!of && !(of = add(cell)))
            return -ENOMEM;
        of->last = *metric;
        if (figures_add_sample(&of->figures, &value))
            return -ENOMEM;
    }
    return 0;
}

int metrics_conclude(const struct scheduled_cell *cell, struct result_cell *into, struct pool *pool)
{
    if (!cell->metric_count || !into->placements)
        return 0;
    into->metrics = calloc(cell->metric_count, sizeof *into->metrics);
    if (!into->metrics)
        return -ENOMEM;
    for (size_t i = 0; i < cell->metric_count; i++) {
        struct metric_samples *of = &cell->metrics[i];
        if (figures_set_cell(&of->figures))
            return -ENOMEM;
        const char *reason = of->last.reason[0] ? of->last.reason : "no sample gave it";
        into->metrics[into->metric_count++] = (struct result_metric){.name = pool_text(pool, of->last.name),
            .unit = pool_text(pool, of->last.unit),
            .value = of->figures.median,
            .low = of->figures.low,
            .high = of->figures.high,
            .reason = isnan(of->figures.median) ? pool_text(pool, reason) : NULL};
    }
    return pool->failed ? -ENOMEM : 0;
}

void metrics_free(struct scheduled_cell *cell)
{
    for (size_t i = 0; i < cell->metric_count; i++)
        free(cell->metrics[i].figures.samples);
    free(cell->metrics);
    cell->metrics = NULL;
    cell->metric_count = 0;
}
