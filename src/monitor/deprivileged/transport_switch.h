/* Which of two transports to use next, from how long hand-overs have taken so far. Pure: same latencies, same
 * answers.
 *
 * What counts is the mean, since few stalls (of a task that spins while the other one does not get its CPU)
 * may cost more than all else together; so a mean takes a while. But the median is known at once and the mean
 * is hardly ever below it. So the other transport is tried now and then: given up at once if its median is
 * worse than the mean of the one in use, and taken only if its mean over PROBE_NS is better by more than a
 * tenth. Tries become rare while they fail, and come soon where the one in use has become worse. Changes have
 * at least DEAD_NS between them, and more while they do not last, so there is no flapping. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_TRANSPORT_SWITCH_H
#define VCOST_MONITOR_DEPRIVILEGED_TRANSPORT_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

enum { SWITCH_PROBE_HANDOVERS = 32 };

/* All times are those that hand-overs took, summed up: what is between them does not count. */
enum {
    SWITCH_WINDOW_NS = 1000000,
    SWITCH_PROBE_NS = 10000000,
    SWITCH_DEAD_NS = 20000000,
    SWITCH_SHORT_NS = 120000000, /* one that did not last longer was perhaps not worth it */
    SWITCH_RARE_NS = 320000000
};

struct mean {
    double ns, count; /* sums that fade */
};

struct transport_switch {
    unsigned mode; /* 0 or 1: in use, but for tries */
    bool trying;   /* the other one */
    struct mean mean[2];
    double median_ns[2]; /* of its last try; 0: there was none */
    double window_ns, window_count;
    double since_ns, pause_ns; /* since the last try; until the next one */
    double wait_ns[2];         /* before one is tried again */
    double lasted_ns;          /* the one in use */
    double then_ns;            /* the mean in use after the last try */
    double probe_ns;
    unsigned probe_count;
    uint32_t probe[SWITCH_PROBE_HANDOVERS]; /* in order of size */
};

void transport_switch_init(struct transport_switch *state, unsigned mode);

/* Notes how long `count` hand-overs took in all, by the mode that was told last; tells the mode of the next
 * one. `count` is 1 while the other mode is tried, and may be 0 otherwise: time that belongs to the others.
 */
unsigned transport_switch_next(struct transport_switch *state, uint64_t ns, unsigned count);

/* What it told last. */
static inline unsigned transport_switch_mode(const struct transport_switch *state)
{
    return state->trying ? !state->mode : state->mode;
}

#endif
