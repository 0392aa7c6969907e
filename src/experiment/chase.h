/* The experiment of the article: the same pointer chase over growing working sets, here and there, side by
 * side.
 *
 * One placement after the other: memory is mapped anew and faulted in, every runner is opened on it, and
 * then, in random order, each shape's list is laid out somewhere in it and walked by all runners in turns (A
 * B, B A, …). All of them walk the same list in the same frames and go on where the one before stopped, so
 * that what differs is where the code runs. */
#ifndef VCOST_EXPERIMENT_CHASE_H
#define VCOST_EXPERIMENT_CHASE_H

#include "base/error.h"
#include "base/size.h"
#include "base/stop.h"
#include "monitor/monitor_facts.h"
#include "result/result.h"
#include "runner/site.h"
#include "workload/chase.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHASE_PLACEMENTS_MIN = 3, CHASE_PLACEMENTS_MAX = 12, CHASE_LANES_MAX = 16 };

struct chase_progress {
    void (*tell)(
        void *context, double fraction, double seconds_left, const char *what); /* NULL: nobody listens */
    void *context;
};

struct chase_experiment {
    const struct chase_shape *shapes; /* each has passed chase_check() */
    size_t shape_count;
    struct site *const *sites; /* the caller's, with their lanes; none is placed */
    size_t site_count;
    uint64_t seed;
    double sample_seconds;          /* what one sample lasts, about */
    double shortest_sample_seconds; /* how short samples may become where the least number of placements does
                                       not fit the budget otherwise; 0: they stay as they are */
    unsigned
        pilot_rounds; /* samples of each cell in the first placement; the later ones' are planned from it */
    double seconds;   /* time budget: as many placements as fit, at least CHASE_PLACEMENTS_MIN … */
    bool strict;      /* … unless the budget was set by the user: then it ends the experiment */
    struct stop stop;
    struct chase_progress progress;
};

/* The working sets of a curve: `per_octave` to each doubling, both ends included, rounded to whole elements
 * (and to whole pages from 64 KiB on), each once. *sets is malloc'd and the caller's. */
int chase_working_sets(struct size_range range, unsigned per_octave, uint64_t element_bytes, uint64_t **sets,
    size_t *count, struct error *error);

/* Measures. Being stopped is no failure: the result is then marked incomplete. Fills what is measured and
 * when; the command, the host and where it ran are the caller's. result_free() releases the result, also
 * after a failure. */
int experiment_chase(const struct chase_experiment *experiment, struct result *result, struct error *error);

#endif
