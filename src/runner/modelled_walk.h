/* Walking a list on simulated machines: what the runner of modelled.h does when it is prepared. */
#ifndef VCOST_RUNNER_MODELLED_WALK_H
#define VCOST_RUNNER_MODELLED_WALK_H

#include "runner/modelled.h"

struct modelled_run {
    struct runner runner;
    struct account account; /* of the workload that is prepared: there is no other */
};

/* By so many runners of one machine, size of host pages and conditions, in one pass: their accounts are of
 * this list then. The order of the list is that of placement_lay_out() with this seed. -EINTR when the
 * placement's stop is asked for. */
int modelled_walk(struct modelled_run *const *runs, size_t count, const struct chase_shape *shape,
    uint64_t seed, struct error *error);

#endif
