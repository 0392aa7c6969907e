#include "experiment/events_plan.h"

#include "experiment/internal.h"

#include <string.h>

enum { EVENTS_MAX = 256 };

static const struct schedule usual = {.sample_seconds = 0.003, .rounds = 4, .seconds = 50},
                             quick = {.sample_seconds = 0.001, .rounds = 2, .seconds = 7};

static bool is_chosen(const struct events_plan *plan, const struct event *event)
{
    for (size_t i = 0; i < plan->name_count; i++)
        if (!strcmp(plan->names[i], event->name) || !strcmp(plan->names[i], event_group_name(event->group)))
            return true;
    return plan->name_count == 0;
}

int events_plan_run(const struct events_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error)
{
    static const struct memory_request no_memory;
    static const uint64_t no_page;
    const struct event *events[EVENTS_MAX];
    struct events_experiment experiment = {
        .events = events,
        .runners = setting->runners,
        .schedule = schedule_within(&plan->budget, &usual, &quick, &setting->stop, progress),
    };
    begin_result(result, "events", plan->budget.seed);
    for (size_t i = 0; event_at(i) && experiment.event_count < EVENTS_MAX; i++)
        if (is_chosen(plan, event_at(i)))
            events[experiment.event_count++] = event_at(i);
    int rc = setting_add_wanted(setting, &no_memory, false, &no_page, 1, error);
    experiment.runner_count = setting->runner_count;
    if (rc == 0)
        rc = experiment_events(&experiment, result, error);
    kept_memory_release(&setting->kept);
    return rc < 0 ? rc : setting_describe(setting, result, error);
}
