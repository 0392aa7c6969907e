#include "monitor/deprivileged/transport_switch.h"

#include <string.h>

static const double FADE = 0.95;  /* a window: what is 20 ms old counts a third */
static const double BETTER = 0.9; /* than that the other one must be */
static const double WORSE = 1.3;  /* the one in use has become, if a try is to come soon */
static const double HOPELESS = 2; /* a try is given up early */
static const double HOPELESS_AFTER_NS = 4e6;
static const double SETTLED_NS = 10e6; /* when the mean of the first one means something */

void transport_switch_init(struct transport_switch *state, unsigned mode)
{
    *state = (struct transport_switch){
        .mode = mode, .pause_ns = SWITCH_DEAD_NS, .wait_ns = {SWITCH_DEAD_NS, SWITCH_DEAD_NS}};
}

static double mean_of(const struct mean *mean)
{
    return mean->count > 0 ? mean->ns / mean->count : 0;
}

/* ---- a try ---- */

static double rare(double ns)
{
    return ns < SWITCH_RARE_NS ? ns : SWITCH_RARE_NS;
}

/* It costs something to try, so it is left out where the other one's median, when it was tried last, was no
 * better than what the one in use does now. That is believed less each time. */
static void begin_try(struct transport_switch *state)
{
    double *median = &state->median_ns[!state->mode];
    if (*median * BETTER > mean_of(&state->mean[state->mode])) {
        *median *= FADE;
        state->since_ns = 0;
        state->pause_ns = rare(state->pause_ns * 2);
        return;
    }
    state->trying = true;
    state->probe_ns = 0;
    state->probe_count = 0;
}

static double median(const struct transport_switch *state)
{
    const unsigned middle = SWITCH_PROBE_HANDOVERS / 2;
    return state->probe[middle];
}

/* The one that is left is tried again soon if it has lasted, and ever later while it does not. */
static void take_other(struct transport_switch *state)
{
    double *wait = &state->wait_ns[state->mode];
    *wait = state->lasted_ns < SWITCH_SHORT_NS ? rare(*wait * 2) : SWITCH_DEAD_NS;
    state->lasted_ns = 0;
    state->mode = !state->mode;
    state->pause_ns = *wait;
}

static void end_try(struct transport_switch *state, bool take)
{
    state->mean[!state->mode] = (struct mean){state->probe_ns, state->probe_count};
    state->median_ns[!state->mode] = median(state);
    state->trying = false;
    state->since_ns = 0;
    state->window_ns = state->window_count = 0;
    if (take)
        take_other(state);
    else
        state->pause_ns = rare(state->pause_ns * 2);
    state->then_ns = mean_of(&state->mean[state->mode]);
}

static void sort_in(struct transport_switch *state, uint64_t latency_ns)
{
    const uint32_t value = latency_ns < UINT32_MAX ? (uint32_t)latency_ns : UINT32_MAX;
    unsigned at = state->probe_count;
    while (at > 0 && state->probe[at - 1] > value)
        at--;
    memmove(&state->probe[at + 1], &state->probe[at], (state->probe_count - at) * sizeof state->probe[0]);
    state->probe[at] = value;
}

static void try_on(struct transport_switch *state, uint64_t latency_ns)
{
    const double in_use = mean_of(&state->mean[state->mode]);
    if (state->probe_count < SWITCH_PROBE_HANDOVERS)
        sort_in(state, latency_ns);
    state->probe_count++;
    state->probe_ns += (double)latency_ns;
    const double probed = state->probe_ns / state->probe_count;
    if ((state->probe_count == SWITCH_PROBE_HANDOVERS && median(state) > in_use * BETTER) ||
        (state->probe_ns > HOPELESS_AFTER_NS && probed > in_use * HOPELESS))
        end_try(state, false);
    else if (state->probe_ns > SWITCH_PROBE_NS && state->probe_count >= SWITCH_PROBE_HANDOVERS)
        end_try(state, probed < in_use * BETTER);
}

/* ---- in use ---- */

static void close_window(struct transport_switch *state)
{
    struct mean *mean = &state->mean[state->mode];
    mean->ns = mean->ns * FADE + state->window_ns;
    mean->count = mean->count * FADE + state->window_count;
    state->since_ns += state->window_ns;
    state->lasted_ns += state->window_ns;
    state->window_ns = state->window_count = 0;
    if (state->then_ns == 0 && state->since_ns >= SETTLED_NS)
        state->then_ns = mean_of(mean);
    if (state->then_ns > 0 && mean_of(mean) > state->then_ns * WORSE)
        state->pause_ns = state->wait_ns[!state->mode];
    if (state->since_ns >= state->pause_ns)
        begin_try(state);
}

unsigned transport_switch_next(struct transport_switch *state, uint64_t ns, unsigned count)
{
    if (state->trying) {
        try_on(state, ns);
    } else {
        state->window_ns += (double)ns;
        state->window_count += count;
        if (state->window_ns >= SWITCH_WINDOW_NS)
            close_window(state);
    }
    return transport_switch_mode(state);
}
