/* What the files of this folder share. */
#ifndef VCOST_EXPERIMENT_INTERNAL_H
#define VCOST_EXPERIMENT_INTERNAL_H

#include "experiment/schedule.h"
#include "result/figures.h"

/* ---- analysis.c: from samples to what a result says of them. -ENOMEM is the only error ---- */

/* Begins a result of an experiment, now. */
void begin_result(struct result *result, const char *experiment, uint64_t seed);
/* A cell's figures and quality. `planned` is the number of placements that were meant to be measured, `cut`
 * why it was fewer ("" if it was not), unless the cell has a reason of its own. */
int analyse_cell(struct result_cell *cell, unsigned planned, const char *cut, struct error *error);
/* Appends the comparison of two cells, if both have a figure; of those that are `paired` it may be that it
 * has none. */
int analyse_comparison(struct result *result, size_t cell, size_t baseline, bool paired, struct error *error);

/* ---- shape.c: two modes and trends in a cell's samples, once its median is known ---- */

/* 0 or -ENOMEM. */
int analyse_shape(struct result_cell *cell);

/* ---- rounds.c: how many samples a cell takes in one placement ---- */

enum { ROUNDS_LEAST = 2, ROUNDS_MOST = 8 };

/* From the pilot (the first placement) of the cells of one shape: the more its samples differ from round to
 * round, the more rounds the next placements take. */
unsigned rounds_after_pilot(const struct result_cell *cells, size_t count);

/* Lowers the largest of `rounds` until all of them together are no more than `most`, or each is ROUNDS_LEAST.
 */
void rounds_limit(unsigned *rounds, size_t count, double most);

#endif
