/* The experiment of the price list: single operations, natively and in a guest, side by side.
 *
 * What is compared (an event at several places; an event and the one that it is held against) makes a unit.
 * In each placement every unit, in random order, is opened anew (its domain, its memory) and its events are
 * made in turns, A B, B A. */
#ifndef VCOST_EXPERIMENT_EVENTS_H
#define VCOST_EXPERIMENT_EVENTS_H

#include "base/error.h"
#include "base/stop.h"
#include "event/event.h"
#include "experiment/chase.h"
#include "result/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_PLACES_MAX = 4 };

struct events_experiment {
    const struct event *const *events; /* each once; those that they are held against come along */
    size_t event_count;
    const struct event_place
        *places; /* native first, where it takes part: it is the baseline of the others */
    size_t place_count;
    uint64_t seed;
    double sample_seconds; /* what one sample lasts, about */
    unsigned rounds;       /* samples of each cell in a placement */
    double seconds;        /* as in struct chase_experiment */
    bool strict;
    struct stop stop;
    struct chase_progress progress;
};

/* Measures. Being stopped is no failure: the result is then marked incomplete. Nor is an event that cannot
 * happen here: its cell has no figure and says why. result_free() releases the result, also after a failure.
 */
int experiment_events(const struct events_experiment *experiment, struct result *result, struct error *error);

#endif
