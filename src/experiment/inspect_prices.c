/* The events of `vcost inspect`: natively, what tells of the hypervisor below. */
#include "experiment/inspect_internal.h"

#include "event/event.h"
#include "experiment/events.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* `cheap`: measured in every round of --watch. */
static const struct {
    const char *event;
    bool cheap;
} events[] = {
    {"cpuid", true},
    {"rdtsc", true},
    {"clock-vdso", true},
    {"clock-syscall", true},
    {"first-touch-4k", true},
    {"first-touch-4k-fresh", true},
    {"first-touch-2m", true},
    {"first-touch-2m-fresh", true},
    {"populate-write", false},
    {"fork-exit", false},
};
enum { EVENTS = sizeof events / sizeof events[0] };

static const double sample_seconds = 0.001;

static size_t choose(const struct inspection *inspection, const struct event *chosen[EVENTS])
{
    size_t count = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        const struct event *event = event_find(events[i].event);
        if (event && (events[i].cheap || inspection->experiment->depth != INSPECT_CHEAP))
            chosen[count++] = event;
    }
    return count;
}

int inspect_prices(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    struct setting *setting = inspection->experiment->setting;
    const struct event *chosen[EVENTS];
    struct events_experiment experiment = {
        .events = chosen,
        .event_count = choose(inspection, chosen),
        .runners = &setting->runners[INSPECT_EVENTS],
        .runner_count = 1,
        .schedule = {.seed = inspection->experiment->seed,
            .sample_seconds = sample_seconds,
            .rounds = 2,
            .seconds = inspection->plan->price_seconds * inspection->scale,
            .stop = setting->stop,
            .lookout = &setting->lookout,
            .progress = *progress},
    };
    inspect_limit(inspection, &experiment.schedule);
    int rc = experiment_events(&experiment, inspection->result, error);
    kept_memory_release(&setting->kept);
    return inspect_end_part(inspection, rc, inspection->no_prices, error);
}

const struct result_cell *inspect_event_cell(const struct result *result, const char *event)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (!strcmp(cell_workload(&result->cells[i]), event))
            return &result->cells[i];
    return NULL;
}
