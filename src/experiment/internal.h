/* What the files of this folder share. */
#ifndef VCOST_EXPERIMENT_INTERNAL_H
#define VCOST_EXPERIMENT_INTERNAL_H

#include "experiment/chase.h"

/* analysis.c: from the samples to each cell's median, interval and quality, and to the comparisons. `planned`
 * is the number of placements that were meant to be measured, `cut` why it was fewer ("" if it was not). */
void analyse_cells(struct result *result, unsigned planned, const char *cut);
int analyse_comparisons(struct result *result, size_t runner_count, struct error *error);

/* result_cells.c: one cell for each shape and runner, cell number shape * runner_count + runner, without
 * samples yet. */
int make_cells(const struct chase_experiment *experiment, struct result *result, struct error *error);
int add_sample(struct result_cell *cell, const struct result_sample *sample, struct error *error);

#endif
