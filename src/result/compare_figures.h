/* From a saved result's samples to one figure a placement, as src/experiment/analysis.c makes them: what an
 * interval over two results is made from. */
#ifndef VCOST_RESULT_COMPARE_FIGURES_H
#define VCOST_RESULT_COMPARE_FIGURES_H

#include "result/saved.h"

struct figures {
    double *values; /* owned; one a placement */
    size_t count;
};

/* Of each placement the median of its undisturbed samples, or of all where none is. 0 or -ENOMEM. */
int figures_of_cell(const struct saved_cell *cell, struct figures *figures);

/* Of each placement the median of (cell / baseline) over the pairs of its rounds: undisturbed ones, or all
 * where none is. */
int figures_of_comparison(const struct saved_comparison *comparison, struct figures *figures);

void figures_free(struct figures *figures);

/* Whether `value`, which the file gives as the figure of all placements, can have been made from these: they
 * are positive, and it is among them. */
bool figures_hold(const struct figures *figures, double value);

#endif
