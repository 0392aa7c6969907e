#include "experiment/events.h"

#include "event/event_kind.h"
#include "experiment/internal.h"

#include <errno.h>
#include <string.h>

enum { ROW_EVENTS_MAX = 8 };

static bool is_chosen(const struct events_experiment *experiment, const struct event *event)
{
    for (size_t i = 0; i < experiment->event_count; i++)
        if (experiment->events[i] == event)
            return true;
    return false;
}

/* The chosen events that are relative to `root`, behind it. */
static int find_members(const struct events_experiment *experiment, const struct event *root,
    const struct event *members[static ROW_EVENTS_MAX], size_t *count, struct error *error)
{
    members[0] = root;
    *count = 1;
    for (size_t i = 0; i < experiment->event_count; i++) {
        const struct event *event = experiment->events[i];
        if (!event->against || strcmp(event->against, root->name) != 0)
            continue;
        if (*count == ROW_EVENTS_MAX)
            return error_set(
                error, EINVAL, "more than %d events are compared with '%s'", ROW_EVENTS_MAX - 1, root->name);
        members[(*count)++] = event;
    }
    return 0;
}

/* The rows of an event that is relative to no other: one for each of its sizes, if it is chosen or what a
 * chosen one is relative to. */
static int add_rows(const struct events_experiment *experiment, const struct event *root,
    struct scheduled *scheduled, struct result *result, struct error *error)
{
    static const uint64_t no_size[] = {0, 0};
    const uint64_t *size = root->sizes ? root->sizes : no_size;
    const struct event *members[ROW_EVENTS_MAX];
    struct workload workloads[ROW_EVENTS_MAX];
    size_t count;
    int rc = find_members(experiment, root, members, &count, error);
    if (rc == 0 && count == 1 && !is_chosen(experiment, root))
        return 0;
    do {
        for (size_t i = 0; rc == 0 && i < count; i++)
            workloads[i] = event_workload(members[i], *size);
        if (rc == 0)
            rc = scheduled_add_row(scheduled, result, workloads, count, error);
    } while (rc == 0 && *++size);
    return rc;
}

int experiment_events(const struct events_experiment *experiment, struct result *result, struct error *error)
{
    struct scheduled scheduled = {.runners = experiment->runners,
        .runner_count = experiment->runner_count,
        .failures_are_figures = true};
    int rc = 0;
    for (size_t i = 0; rc == 0 && event_at(i); i++)
        if (!event_at(i)->against)
            rc = add_rows(experiment, event_at(i), &scheduled, result, error);
    if (rc == 0)
        rc = schedule_run(&experiment->schedule, &scheduled, result, error);
    scheduled_free(&scheduled);
    return rc;
}

/* ---- what a person asks ---- */

enum { EVENTS_MAX = 256 };

static const struct schedule usual = {.sample_seconds = 0.003, .rounds = 4, .seconds = 50},
                             quick = {.sample_seconds = 0.001, .rounds = 2, .seconds = 7};

static bool is_asked_for(const struct events_plan *plan, const struct event *event)
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
        .schedule =
            schedule_within(&plan->budget, &usual, &quick, &setting->stop, progress, &setting->lookout),
    };
    begin_result(result, "events", plan->budget.seed);
    for (size_t i = 0; event_at(i) && experiment.event_count < EVENTS_MAX; i++)
        if (is_asked_for(plan, event_at(i)))
            events[experiment.event_count++] = event_at(i);
    int rc = setting_add_wanted(setting, &no_memory, false, &no_page, 1, error);
    experiment.runner_count = setting->runner_count;
    if (rc == 0)
        rc = experiment_events(&experiment, result, error);
    kept_memory_release(&setting->kept);
    return rc < 0 ? rc : setting_describe(setting, result, error);
}
