#include "event/exits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The call itself leaves once, at its end: that exit is none of the events'. */
int exits_note(struct event_bench *bench, struct error *error)
{
    uint64_t before, after;
    struct event_run run;
    const struct counters start = local_counters(bench->prepared.domain);
    int rc = event_run(bench, EXITS_TRIED, &run, error);
    const struct counters end = local_counters(bench->prepared.domain);
    if (rc < 0 || !counters_get(&start, "exits", &before) || !counters_get(&end, "exits", &after))
        return rc;
    uint64_t exits = after - before;
    exits -= exits > 0;
    struct runner *runner = bench->prepared.runner;
    size_t used = strlen(runner->note);
    if (exits < EXITS_TRIED)
        snprintf(runner->note + used, sizeof runner->note - used,
            "%scauses no exits of its own here (%" PRIu64 " in %d)", used ? "; " : "", exits, EXITS_TRIED);
    return 0;
}
