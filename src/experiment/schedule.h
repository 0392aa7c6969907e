/* When and how often what is compared is sampled: the one scheduler of all experiments. It does not know what
 * a cell executes, nor where: that is its operations' business.
 *
 * Cells that are compared with one another stand in a row. In each placement all rows are measured, in random
 * order; each is prepared anew, and then its cells are sampled in turns, A B, B A. As many placements are
 * measured as fit the time. A cell that fails ends alone. */
#ifndef VCOST_EXPERIMENT_SCHEDULE_H
#define VCOST_EXPERIMENT_SCHEDULE_H

#include "base/error.h"
#include "base/progress.h"
#include "base/stop.h"
#include "result/result.h"
#include "runner/sample.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLACEMENTS_MIN = 3, PLACEMENTS_MAX = 12 };

/* How thoroughly a person wants something measured. */
struct budget {
    bool quick;     /* a first impression */
    double seconds; /* the user's, which are kept to the letter; 0: the usual ones */
    uint64_t seed;
};

struct schedule {
    uint64_t seed;
    double sample_seconds;          /* what one sample lasts, about */
    double shortest_sample_seconds; /* how short samples may become where PLACEMENTS_MIN do not fit the time
                                       otherwise; 0: they stay as they are */
    unsigned rounds;                /* samples of each cell in a placement … */
    bool rounds_by_spread; /* … in the first one: the later ones' are planned by how far these are apart */
    double seconds;        /* time budget: as many placements as fit, at least PLACEMENTS_MIN … */
    bool strict;           /* … unless the budget was set by the user: then it ends the experiment */
    struct stop stop;
    struct progress progress;
};

/* A schedule within a budget, of the usual one or of the quick one. */
struct schedule schedule_within(const struct budget *budget, const struct schedule *usual,
    const struct schedule *quick, const struct stop *stop, const struct progress *progress);

/* Cells have numbers from 0 on, over all rows. All functions but sample() may be NULL. */
struct schedule_ops {
    /* Makes ready what all rows of a placement need. A failure in the first one, and -EINTR, end the
     * experiment; from then on it is to be kept for prepare() of the cells that it concerns. */
    int (*place)(void *context, unsigned placement, struct error *error);
    /* Makes a cell ready for samples of about `seconds`, in the order of the row. The seed is the same for
     * the cells of a row, and another in each placement. */
    int (*prepare)(void *context, size_t cell, uint64_t seed, double seconds, struct error *error);
    int (*sample)(void *context, size_t cell, struct sample *sample, struct error *error);
    void (*finish)(void *context, size_t row);      /* ends what prepare() began, also where that failed */
    void (*clear)(void *context);                   /* ends the placement, also where place() failed */
    const char *(*name)(void *context, size_t row); /* for the line of progress */
    double (*now)(void *context);                   /* seconds; NULL: clock_seconds() */
};

struct schedule_row {
    size_t first, count; /* cells */
};

struct schedule_cell {
    size_t baselines[2]; /* cells of its row that it is compared with; its own number: none */
    bool deterministic;  /* one sample says all: it is not repeated, and not compared pair by pair */
};

/* What is measured. Starts zeroed but for ops, context and what happens to failures. */
struct scheduled {
    const struct schedule_ops *ops;
    void *context;
    /* A cell that fails has no figure and says why, and the result is complete nevertheless. Otherwise what
     * was measured of it counts, and the result is broken. */
    bool failures_are_figures;
    struct schedule_row *rows; /* owned */
    size_t row_count;
    struct schedule_cell *cells; /* owned */
    size_t cell_count;
};

/* Appends a cell to the last row, or begins a row with it, and appends it to the result: `cell` says what it
 * is; its figures need not be set. -ENOMEM is the only error. */
int scheduled_add(struct scheduled *scheduled, struct result *result, bool begins_row,
    const struct schedule_cell *how, const struct result_cell *cell, struct error *error);
void scheduled_free(struct scheduled *scheduled);

/* Measures, and fills the cells, which are the last of the result, and its comparisons, seconds, complete,
 * broken and incomplete_reason. Being stopped is no failure, nor is a cell that fails after something was
 * measured. */
int schedule_run(const struct schedule *schedule, const struct scheduled *scheduled, struct result *result,
    struct error *error);

#endif
