/* The experiment of the price list: single operations, natively and in a guest, side by side.
 *
 * What is compared (an event on several runners; an event and the one that it is relative to) makes a row
 * (schedule.h). In each placement every row is opened anew (its domains, its memory). */
#ifndef VCOST_EXPERIMENT_EVENTS_H
#define VCOST_EXPERIMENT_EVENTS_H

#include "event/event.h"
#include "experiment/schedule.h"
#include "experiment/setting.h"

struct events_experiment {
    const struct event *const *events; /* each once; those that they are relative to come along */
    size_t event_count;
    const struct runner_config *runners; /* on placements of which no memory is mapped */
    size_t runner_count;
    struct schedule schedule;
};

/* Measures, as schedule_run(), and appends the cells and comparisons to the result. An event that cannot
 * happen here has a cell without figure, which says why. */
int experiment_events(const struct events_experiment *experiment, struct result *result, struct error *error);

/* ---- what a person asks of `vcost events` ---- */

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
