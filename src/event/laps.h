/* A closed list in an event's data, and laps over it. */
#ifndef VCOST_EVENT_LAPS_H
#define VCOST_EVENT_LAPS_H

#include "event/internal.h"
#include "workload/chase.h"

/* Lays a list of the bench's size out at the start of `data`. */
struct chase_layout laps_write(
    const struct event_bench *bench, const struct memory *data, enum chase_order order);

/* Loads a job for laps over it. */
void laps_load(struct workload_job *job, const struct memory *data, const struct chase_layout *layout);

/* For event_way: a list in bench->data, random or one line per page, and laps by the way's entry. */
int laps_open_lines(struct event_bench *bench, struct error *error);
int laps_open_pages(struct event_bench *bench, struct error *error);
void laps_aim(const struct event_bench *bench, struct workload_job *job);
void laps_close(struct event_bench *bench);

#endif
