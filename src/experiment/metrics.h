/* What samples give besides their principal metric, kept by name, and what is made of it in the end. */
#ifndef VCOST_EXPERIMENT_METRICS_H
#define VCOST_EXPERIMENT_METRICS_H

#include "experiment/schedule.h"

/* Keeps a sample's metrics, with the placement and round that it was taken in. -ENOMEM is the only error. */
int metrics_note(struct scheduled_cell *cell, const struct sample *sample, const struct result_sample *taken);

/* Into the cell: of each the median over placements with its interval, as of the principal one (figures.h);
 * or why there is none. -ENOMEM. */
int metrics_conclude(const struct scheduled_cell *cell, struct result_cell *into, struct pool *pool);

void metrics_free(struct scheduled_cell *cell);

#endif
