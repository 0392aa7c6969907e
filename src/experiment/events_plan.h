/* What a person asks of `vcost events`, and how the experiment is made of it. */
#ifndef VCOST_EXPERIMENT_EVENTS_PLAN_H
#define VCOST_EXPERIMENT_EVENTS_PLAN_H

#include "experiment/schedule.h"
#include "experiment/events.h"
#include "experiment/setting.h"

struct events_plan {
    const char *const *names; /* of events and of groups of events; not owned */
    size_t name_count;        /* 0: all events */
    struct budget budget;
};

/* Measures wherever the setting, which has been probed, says. As experiment_events(); fills all of the result
 * but what was asked for. */
int events_plan_run(const struct events_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error);

#endif
