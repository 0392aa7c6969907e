/* What a person asks of `vcost chase`, and how the experiment is made of it: the shapes, and the runners.
 */
#ifndef VCOST_EXPERIMENT_CHASE_PLAN_H
#define VCOST_EXPERIMENT_CHASE_PLAN_H

#include "experiment/schedule.h"
#include "experiment/chase.h"
#include "experiment/setting.h"

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
int chase_plan_run(const struct chase_plan *plan, const struct setting *setting,
    const struct progress *progress, struct result *result, struct error *error);

#endif
