/* What happens beside the accesses of a workload, by rate.
 *
 * The n-th event of a kind, n from 1, is due with the access that makes the account's accesses, or its
 * cycles, reach floor((n - 0.5) * period), where the period is 10^6 / rate accesses, or ghz * 10^9 / rate
 * cycles; it happens after that access. After an access at most one of each kind happens, in the order of
 * this enum; what is still due then follows after the next one. */
#ifndef VCOST_MODEL_RATES_H
#define VCOST_MODEL_RATES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum model_event {
    EVENT_FAULT,  /* model_fault() at an address at random */
    EVENT_CHANGE, /* model_change_entry(), likewise */
    EVENT_SWITCH, /* another process runs for a moment, which touches nothing: model_switch(), and back */
    EVENT_EXIT,   /* model_exit() */
    EVENT_TICK,   /* model_tick() */
    EVENT_FLUSH,  /* model_flush() */
    EVENT_TURN,   /* model_turn() to the next domain */
    EVENT_SCAN,   /* model_scan() */
    MODEL_EVENTS
};
/* "faults", "pte-changes", "switches", "exits", "ticks", "flushes", "turns", "scans" */
extern const char *const model_event_names[MODEL_EVENTS];

/* An address at random is one of the last model_map() of the domain that runs: random_below(&state, bytes),
 * of which the lowest 6 bits are 0; the state begins with model_config.seed. */
struct event_rate {
    double rate;     /* a million accesses; 0: none; at most 10^6 */
    bool per_second; /* of modelled time instead; at most 10^9 */
};

struct event_rates {
    struct event_rate of[MODEL_EVENTS];
};

#define EVENT_RATE_MAX 1e6
#define EVENT_RATE_PER_SECOND_MAX 1e9

/* "faults=200,switches=100/s": of each kind at most one, so many a million accesses or a second. -EINVAL. */
int event_rates_parse(const char *text, struct event_rates *rates, struct error *error);
int event_rates_check(const struct event_rates *rates, struct error *error);

#endif
