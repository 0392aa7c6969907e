#include "event/exits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The call itself leaves once, at its end: that exit is none of the events'. */
int exits_note(struct event_bench *bench, struct error *error)
{
    struct runner_counters before, after;
    struct event_run run;
    event_counters(bench, &before);
    int rc = event_run(bench, EXITS_TRIED, &run, error);
    event_counters(bench, &after);
    if (rc < 0 || !before.known || !after.known)
        return rc;
    uint64_t exits = after.exits - before.exits;
    exits -= exits > 0;
    size_t used = strlen(bench->note);
    if (exits < EXITS_TRIED)
        snprintf(bench->note + used, sizeof bench->note - used,
            "%scauses no exits of its own here (%" PRIu64 " in %d)", used ? "; " : "", exits, EXITS_TRIED);
    return 0;
}
