/* What was counted: an open list of names with whole numbers. What could not be counted is not in it. */
#ifndef VCOST_MEASURE_COUNTERS_H
#define VCOST_MEASURE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COUNTERS_MAX = 24, COUNTER_NAME_BYTES = 24 };

struct counter {
    char name[COUNTER_NAME_BYTES]; /* as in files: "exits", "page_faults" */
    uint64_t value;
};

struct counters {
    struct counter list[COUNTERS_MAX]; /* each name once */
    size_t count;
};

/* As JSON (record.h): {"exits": 12, …}. */
struct record;
extern const struct record counters_record;

/* Sets a counter, added if it is not there; without room, or with a name that is too long, it is left out. */
void counters_set(struct counters *counters, const char *name, uint64_t value);

/* False, and *value untouched: it was not counted. */
bool counters_get(const struct counters *counters, const char *name, uint64_t *value);

/* What was counted between two looks: the counters that both have and that did not go down, as what tells a
 * state may. */
struct counters counters_between(const struct counters *before, const struct counters *after);

#endif
