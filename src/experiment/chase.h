/* The experiment of the article: the same pointer chase over growing working sets, here and there, side by
 * side.
 *
 * A row is a shape (schedule.h): its list is laid out somewhere in the memory, and all runners walk it in
 * turns, in the same frames, each going on where the one before stopped, so that what differs is where the
 * code runs. */
#ifndef VCOST_EXPERIMENT_CHASE_H
#define VCOST_EXPERIMENT_CHASE_H

#include "base/size.h"
#include "experiment/schedule.h"
#include "experiment/setting.h"
#include "workload/chase.h"

struct chase_experiment {
    const struct chase_shape *shapes; /* each has passed chase_check() */
    size_t shape_count;
    const struct runner_config *runners; /* on one placement or several */
    size_t runner_count;
    struct schedule schedule;
};

/* The working sets of a curve: `per_octave` to each doubling, both ends included, rounded to whole elements
 * (and to whole pages from 64 KiB on), each once. *sets is malloc'd and the caller's. */
int chase_working_sets(struct size_range range, unsigned per_octave, uint64_t element_bytes, uint64_t **sets,
    size_t *count, struct error *error);

/* Measures, as schedule_run(), and appends the cells and comparisons to the result. */
int experiment_chase(const struct chase_experiment *experiment, struct result *result, struct error *error);

/* ---- what a person asks of `vcost chase` ---- */

enum { CHASE_PLAN_MAX = 16 }; /* of everything that there can be several of */

struct chase_plan {
    struct size_range working_set; /* bytes */
    unsigned per_octave;           /* working sets per doubling */
    enum chase_order orders[CHASE_PLAN_MAX];
    size_t order_count;
    uint32_t element_bytes[CHASE_PLAN_MAX]; /* of orders whose elements are not single lines */
    size_t element_count;
    unsigned chains;
    bool write;

    uint64_t guest_pages[CHASE_PLAN_MAX], host_pages[CHASE_PLAN_MAX]; /* bytes */
    size_t guest_page_count, host_page_count;
    struct memory_request memory; /* source and nodes */
    bool lock;

    struct budget budget;
};

/* Adds the runners to a setting that has been probed: on a placement for each host page size, with each guest
 * page size. */
int chase_plan_runners(const struct chase_plan *plan, struct setting *setting, struct error *error);

/* Measures on them. As experiment_chase(); fills all of the result but what was asked for. */
int chase_plan_run(const struct chase_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error);

#endif
