/* What the files of this folder share. */
#ifndef VCOST_EXPERIMENT_INTERNAL_H
#define VCOST_EXPERIMENT_INTERNAL_H

#include "experiment/chase.h"
#include "result/figures.h"

/* ---- lanes.c: the lanes of all sites in one row ---- */

struct row_lane {
    struct site *site;
    size_t index;    /* in the site */
    size_t baseline; /* the lane of the row that it is compared with; its own number where there is none */
};

struct row {
    struct row_lane lanes[CHASE_LANES_MAX];
    size_t count;
};

int row_make(const struct chase_experiment *experiment, struct row *row, struct error *error);

static inline const struct lane *row_lane(const struct row *row, size_t lane)
{
    return &row->lanes[lane].site->lanes[row->lanes[lane].index];
}

/* ---- result_cells.c: one cell for each shape and lane, number shape * row->count + lane, without samples
 * yet ---- */

int make_cells(const struct chase_experiment *experiment, const struct row *row, struct result *result,
    struct error *error);

/* ---- analysis.c: from samples to what a result says of them. -ENOMEM is the only error ---- */

/* Each cell's figures and quality. `planned` is the number of placements that were meant to be measured,
 * `cut` why it was fewer ("" if it was not). */
int analyse_cells(struct result *result, unsigned planned, const char *cut, struct error *error);
/* Appends the comparison of two cells to result->comparisons, which has room, if they share a placement. */
int analyse_comparison(struct result *result, size_t cell, size_t baseline, struct error *error);
/* Each cell against that of its lane's baseline. */
int analyse_comparisons(struct result *result, const struct row *row, struct error *error);

/* ---- order.c ---- */

/* Puts the numbers in `order` into a random order. */
void order_shuffle(size_t *order, size_t count, uint64_t *random);
/* Writes down when the experiment starts. */
void stamp_start(struct result *result);

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
