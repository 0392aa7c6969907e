/* When and how often what is compared is sampled: the one scheduler of all experiments, of any kind of
 * workload on any runners.
 *
 * Cells that are compared with one another stand in a row. In each placement memory is mapped anew and every
 * runner is opened on it; then all rows are measured, in random order: the cells of a row are prepared, and
 * sampled in turns, A B, B A. As many placements are measured as fit the time. A cell that fails ends alone.
 */
#ifndef VCOST_EXPERIMENT_SCHEDULE_H
#define VCOST_EXPERIMENT_SCHEDULE_H

#include "base/error.h"
#include "base/progress.h"
#include "base/stop.h"
#include "experiment/lookout.h"
#include "result/result.h"
#include "runner/runner.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLACEMENTS_MIN = 3, PLACEMENTS_MAX = 12 };

/* How thoroughly a person wants something measured. */
struct budget {
    bool quick;     /* a first impression */
    double seconds; /* the user's, which are kept to the letter; 0: the usual ones */
    double spent;   /* of these, before anything is measured */
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
    double limit;          /* … unless it was set by the user: then these seconds, of which some were … */
    double spent;          /* … spent before, end whatever is done just then; 0: nothing does */
    struct stop stop;
    struct progress progress;
    double (*now)(void); /* seconds; NULL: clock_seconds() */
    /* Looks again after each placement; NULL: nobody does. Where the machine became another one, what was
     * measured before is marked, and PLACEMENTS_MIN more are measured. */
    struct lookout *lookout;
};

/* A schedule within a budget, of the usual one or of the quick one. */
struct schedule schedule_within(const struct budget *budget, const struct schedule *usual,
    const struct schedule *quick, const struct stop *stop, const struct progress *progress,
    struct lookout *lookout);

/* One workload on one runner. */
struct scheduled_cell {
    struct workload workload;
    size_t runner;        /* of scheduled.runners */
    size_t baselines[2];  /* cells of its row that it is compared with; its own number: none */
    struct effort effort; /* of one sample, as planned last */
    struct runner *own;   /* while its row is measured, where its runner's placement has no memory */
    bool done;            /* no more samples are taken: it failed, or is deterministic */
    struct metric_samples *metrics; /* owned; what its samples gave besides their principal metric */
    size_t metric_count;
};

struct scheduled_row {
    size_t first, count; /* cells */
};

/* What is measured. Starts zeroed but for the runners and what happens to failures. */
struct scheduled {
    const struct runner_config *runners; /* the baseline of each: native on its placement, or the first */
    size_t runner_count;
    /* A cell that fails has no figure and says why, and the result is complete nevertheless. Otherwise, and
     * where a remote runner is gone, what was measured of it counts, and the result is broken. */
    bool failures_are_figures;
    struct scheduled_row *rows; /* owned */
    size_t row_count;
    struct scheduled_cell *cells; /* owned */
    size_t cell_count;
};

/* Adds a row: the workloads (several only of kinds that need no memory of a placement) on each of the
 * runners, as cells at the end of the result. Each is compared with the same on its runner's baseline, and
 * with the first of the workloads on its runner. -EINVAL without runners, -ENOMEM. */
int scheduled_add_row(struct scheduled *scheduled, struct result *result, const struct workload *workloads,
    size_t count, struct error *error);
void scheduled_free(struct scheduled *scheduled);

/* Measures, on placements whose stop is the schedule's meanwhile, and fills the cells, which are the last of
 * the result, and its comparisons, seconds, complete, broken and incomplete_reason. Being stopped is no
 * failure, nor is what fails after something was measured.
 */
int schedule_run(
    const struct schedule *schedule, struct scheduled *scheduled, struct result *result, struct error *error);

#endif
