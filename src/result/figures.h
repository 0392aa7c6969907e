/* From samples to figures, once for all that need them: a cell's samples -> one figure a placement -> the
 * estimate over placements; and the same of two cells that were measured side by side, from pairs of their
 * samples.
 *
 * A placement's figures are made of its undisturbed samples. One that has none has still a median, of all,
 * but nothing that is held against another cell's: what disturbs hits the one or the other. Samples without a
 * value (NAN) count nowhere, those from before the machine became another one only where there are no others.
 * There may be any number of samples and placements, in any order. What returns an int is 0 or -ENOMEM, and
 * then leaves its outputs as they were; what takes a pool works in it, and the pool remembers a lack of
 * memory. */
#ifndef VCOST_RESULT_FIGURES_H
#define VCOST_RESULT_FIGURES_H

#include "measure/statistics.h"
#include "result/result.h"

/* Appends a sample to a cell's. */
int figures_add_sample(struct result_cell *cell, const struct result_sample *sample);

/* Sets the cell's placements and, where there is one, median, low, high (over placements' medians) and min
 * (the fastest sample). */
int figures_set_cell(struct result_cell *cell);

/* A cell relative to another that shares placements with it: in each the median over its rounds of the ratio
 * (of its logarithm) and of the difference of the round's two samples. Sets all but `cell` and `baseline`;
 * placements is 0 where they share none with a pair of undisturbed samples. A pair that is not above 0 has no
 * ratio. */
int figures_set_comparison(
    const struct result_cell *cell, const struct result_cell *baseline, struct result_comparison *comparison);

/* Over each placement's fastest sample: what a neighbour's comings and goings hardly touch. NAN of a cell
 * that nothing may be derived from (cell_unfit()). */
int figures_floor(const struct result_cell *cell, struct estimate *floor);

/* How much more a cell costs than another that was measured in the same placements, but not in turns: of each
 * placement's medians. NAN without a placement in which both have undisturbed samples, or where nothing may
 * be derived from one of them. */
int figures_difference(
    const struct result_cell *cell, const struct result_cell *other, struct estimate *difference);

/* ---- the figures themselves, one a placement ---- */

struct figures {
    double *values;
    size_t count;
    double least, most; /* of all samples, or pairs, that have a value; NAN: there is none */
};

/* The medians of a cell; or, with a baseline (else NULL), the ratios of two. */
struct figures figures_by_placement(
    const struct result_cell *cell, const struct result_cell *baseline, struct pool *pool);

/* ---- samples by placement ---- */

/* Samples sorted by placement, then by round, with room to work in. */
struct series {
    struct result_sample *samples;
    double *values; /* room for as many */
    size_t count;
};
struct series series_of(const struct result_cell *cell, struct pool *pool);

/* Steps to the next placement, samples *first … *last - 1; starts from *last = 0. False at the end. */
bool series_next(const struct series *series, size_t *first, size_t *last);

#endif
