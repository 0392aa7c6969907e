#include "experiment/events_plan.h"

#include "experiment/internal.h"

#include <string.h>

enum { EVENTS_MAX = 256 };

static const struct schedule usual = {.sample_seconds = 0.003, .rounds = 4, .seconds = 50},
                             quick = {.sample_seconds = 0.001, .rounds = 2, .seconds = 7};

static size_t find_places(
    const struct setting *setting, struct event_hold *hold, struct event_place places[EVENTS_PLACES_MAX])
{
    const struct runner_type *type;
    size_t count = 0;
    for (size_t i = 0; (type = runner_at(i)) && count < EVENTS_PLACES_MAX; i++)
        if (setting_has(setting, type))
            places[count++] = (struct event_place){
                .type = type,
                .facts = setting_facts(setting, type->monitor),
                .image = &setting->image,
                .clock = &setting->clock,
                .other_cpu = pin_other(&setting->pin),
                .cpu = setting->pin.cpu,
                .stop = &setting->stop,
                .hold = hold,
            };
    return count;
}

static bool is_chosen(const struct events_plan *plan, const struct event *event)
{
    for (size_t i = 0; i < plan->name_count; i++)
        if (!strcmp(plan->names[i], event->name) || !strcmp(plan->names[i], event_group_name(event->group)))
            return true;
    return plan->name_count == 0;
}

int events_plan_run(const struct events_plan *plan, const struct setting *setting,
    const struct progress *progress, struct result *result, struct error *error)
{
    const struct event *events[EVENTS_MAX];
    struct event_place places[EVENTS_PLACES_MAX];
    struct event_hold hold = {.count = 0};
    struct events_experiment experiment = {
        .events = events,
        .places = places,
        .place_count = find_places(setting, &hold, places),
        .schedule = schedule_within(&plan->budget, &usual, &quick, &setting->stop, progress),
    };
    for (size_t i = 0; event_at(i) && experiment.event_count < EVENTS_MAX; i++)
        if (is_chosen(plan, event_at(i)))
            events[experiment.event_count++] = event_at(i);
    begin_result(result, "events", plan->budget.seed);
    int rc = experiment_events(&experiment, result, error);
    event_hold_release(&hold);
    return rc < 0 ? rc : setting_describe(setting, result, error);
}
