/* What events.c and events_units.c share. */
#ifndef VCOST_EXPERIMENT_EVENTS_INTERNAL_H
#define VCOST_EXPERIMENT_EVENTS_INTERNAL_H

#include "experiment/events.h"

enum { UNIT_CELLS_MAX = 24 };

/* One cell's event, place and what is known of it. */
struct unit_cell {
    const struct event *event;
    const struct event_place *place;
    size_t cell;               /* in the result */
    size_t native, root;       /* in the unit, what it is compared with; its own number: nothing */
    uint64_t count;            /* events in one run, found at the first opening; 0: not yet */
    bool failed;               /* the result's cell says why */
    struct event_bench *bench; /* while it is open */
};

/* Cells that are measured in turns. */
struct event_unit {
    uint64_t bytes;
    struct unit_cell cells[UNIT_CELLS_MAX];
    size_t count;
};

struct event_units {
    struct event_unit *units;
    size_t count;
};

/* Arranges the events in units and makes the result's cells. *units is the caller's, to be released with
 * units_free(). */
int units_make(const struct events_experiment *experiment, struct result *result, struct event_units *units,
    struct error *error);
void units_free(struct event_units *units);

#endif
