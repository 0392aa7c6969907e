/* The experiment of the price list: single operations, natively and in a guest, side by side.
 *
 * What is compared (an event on several runners; an event and the one that it is relative to) makes a row
 * (schedule.h). In each placement every row is opened anew (its domains, its memory). */
#ifndef VCOST_EXPERIMENT_EVENTS_H
#define VCOST_EXPERIMENT_EVENTS_H

#include "event/event.h"
#include "experiment/schedule.h"

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

#endif
