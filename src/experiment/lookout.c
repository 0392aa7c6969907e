#include "experiment/lookout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int lookout_open(struct lookout *lookout, struct clock *clock, struct error *error)
{
    lookout->clock = clock;
    return host_state_look(&lookout->state, error);
}

static int add_change(struct result *result, const struct result_change *change, struct error *error)
{
    struct result_change *grown =
        reallocarray(result->changes, result->change_count + 1, sizeof *result->changes);
    if (!grown)
        return error_set(error, ENOMEM, "no memory to tell what has changed");
    result->changes = grown;
    result->changes[result->change_count++] = *change;
    return 0;
}

/* ---- the clock ---- */

static int look_at_clock(
    struct lookout *lookout, struct result_change *change, enum clock_change *what, struct error *error)
{
    double before = lookout->clock->ticks_per_ns;
    int rc = clock_look_again(lookout->clock, what, error);
    if (rc < 0 || *what == CLOCK_SAME)
        return rc;
    snprintf(change->was, sizeof change->was, "%.4f GHz", before);
    snprintf(change->is, sizeof change->is, "%.4f GHz", lookout->clock->ticks_per_ns);
    if (*what == CLOCK_ELSEWHERE) {
        snprintf(change->was, sizeof change->was, "running");
        snprintf(change->is, sizeof change->is,
            "running on from elsewhere: this machine was paused, slept, or was moved to another host");
    }
    return 0;
}

static int add_clock(struct lookout *lookout, unsigned placements, struct result *result,
    bool *another_machine, struct error *error)
{
    static const struct {
        const char *name, *title;
        bool another_machine;
    } kinds[] = {
        [CLOCK_ELSEWHERE] = {"counter", "the time-stamp counter", false},
        [CLOCK_OTHER_RATE] = {"counter-rate", "the rate of the time-stamp counter", true},
    };
    struct result_change change = {.placements = placements};
    enum clock_change what;
    int rc = look_at_clock(lookout, &change, &what, error);
    if (rc < 0 || what == CLOCK_SAME)
        return rc;
    change.name = kinds[what].name;
    change.title = kinds[what].title;
    change.another_machine = kinds[what].another_machine;
    *another_machine |= change.another_machine;
    return add_change(result, &change, error);
}

/* ---- facts ---- */

static int add_fact(const struct lookout *lookout, const struct host_state *now, enum host_changing fact,
    unsigned placements, struct result *result, struct error *error)
{
    const struct host_changing_kind *kind = &host_changing_kinds[fact];
    struct result_change change = {.name = kind->name,
        .title = kind->title,
        .placements = placements,
        .another_machine = kind->another_machine};
    snprintf(change.was, sizeof change.was, "%s", lookout->state.facts[fact].text);
    snprintf(change.is, sizeof change.is, "%s", now->facts[fact].text);
    return add_change(result, &change, error);
}

int lookout_look(struct lookout *lookout, unsigned placements, struct result *result, bool *another_machine,
    struct error *error)
{
    struct host_state now;
    *another_machine = false;
    int rc = add_clock(lookout, placements, result, another_machine, error);
    if (rc == 0)
        rc = host_state_look(&now, error);
    if (rc < 0)
        return rc;
    for (enum host_changing fact = 0; rc == 0 && fact < CHANGING_FACTS; fact++) {
        if (!host_state_differs(&lookout->state, &now, fact))
            continue;
        *another_machine |= host_changing_kinds[fact].another_machine;
        rc = add_fact(lookout, &now, fact, placements, result, error);
    }
    lookout->state = now;
    return rc;
}
