#include "experiment/verify.h"

#include "base/size.h"
#include "experiment/chase.h"
#include "experiment/internal.h"
#include "experiment/verify_internal.h"
#include "measure/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- performance ---- */

/* What programs mostly do, within each cache and beyond, and once all over the TLB. */
static const struct chase_shape shapes[] = {
    {32 * KIB, 64, CHASE_RANDOM, false, 1},
    {MIB, 64, CHASE_RANDOM, false, 1},
    {8 * MIB, 64, CHASE_SEQUENTIAL, true, 1},
    {8 * MIB, 64, CHASE_LINE_PER_PAGE, false, 1},
};
static const struct schedule usual = {.sample_seconds = 0.02,
    .shortest_sample_seconds = 0.002,
    .rounds = 4,
    .rounds_by_spread = true,
    .seconds = 15};
static const struct schedule quick = {.sample_seconds = 0.01,
    .shortest_sample_seconds = 0.002,
    .rounds = 2,
    .rounds_by_spread = true,
    .seconds = 3};

/* Natively, and on each monitor that is here, whatever was asked for. */
static int add_runners(struct setting *setting, const struct result *result, struct error *error)
{
    static const struct memory_request memory = {.page_bytes = 4096};
    static const uint64_t guest_page = 4096;
    const char *on[1 + MONITORS_MAX] = {"native"}, *const *asked = setting->on;
    size_t count = 1, asked_count = setting->on_count;
    for (size_t i = 0; i < result->verified_count; i++)
        if (result->verified[i].here)
            on[count++] = result->verified[i].monitor;
    setting->on = on;
    setting->on_count = count;
    int rc = setting_add_wanted(setting, &memory, false, &guest_page, 1, error);
    setting->on = asked;
    setting->on_count = asked_count;
    return rc;
}

static int measure(const struct verify_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error)
{
    struct chase_experiment experiment = {
        .shapes = shapes,
        .shape_count = sizeof shapes / sizeof *shapes,
        .schedule =
            schedule_within(&plan->budget, &usual, &quick, &setting->stop, progress, &setting->lookout),
    };
    int rc = add_runners(setting, result, error);
    experiment.runners = setting->runners;
    experiment.runner_count = setting->runner_count;
    return rc < 0 ? rc : experiment_chase(&experiment, result, error);
}

/* The geometric mean over the set, and likewise of the ends of the intervals: as wide as if all of them erred
 * to the same side, which is on the safe one. */
static void take_slowdown(const struct result *result, struct verified *verified)
{
    double sum[3] = {0};
    unsigned count = 0;
    verified->slowdown = verified->low = verified->high = NAN;
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *each = &result->comparisons[i];
        const struct result_cell *cell = &result->cells[each->cell],
                                 *baseline = &result->cells[each->baseline];
        char why[WHY_BYTES];
        if (strcmp(cell->cell.monitor, verified->monitor) != 0)
            continue;
        if (cells_unfit(cell, baseline, why)) {
            snprintf(verified->slowdown_reason, sizeof verified->slowdown_reason, "%.150s", why);
            return;
        }
        sum[0] += log(each->ratio);
        sum[1] += log(each->low);
        sum[2] += log(each->high);
        count++;
    }
    if (count < sizeof shapes / sizeof *shapes) {
        snprintf(verified->slowdown_reason, sizeof verified->slowdown_reason,
            "it was not measured against native");
        return;
    }
    verified->slowdown = exp(sum[0] / count);
    verified->low = exp(sum[1] / count);
    verified->high = exp(sum[2] / count);
    if (!isfinite(verified->low) || !isfinite(verified->high))
        snprintf(verified->slowdown_reason, sizeof verified->slowdown_reason,
            "too few undisturbed pairs of samples for an interval");
}

/* ---- time ---- */

/* Whoever stops the measuring, or the end of the time budget. */
struct until {
    const struct stop *users;
    const struct budget *budget;
    double started;
};

static bool is_over(void *context)
{
    const struct until *until = context;
    const struct budget *budget = until->budget;
    return stop_asked(until->users) ||
           (budget->seconds > 0 && clock_seconds() - until->started + budget->spent > budget->seconds);
}

static const char *why_over(void *context)
{
    const struct until *until = context;
    return stop_asked(until->users) ? stop_reason(until->users)
                                    : "the time budget ended before all was tried: more of it is needed, or "
                                      "fewer monitors (--on)";
}

/* ---- all of it ---- */

static int try_fidelity(const struct monitor_ops *monitor, struct setting *setting, const struct stop *stop,
    uint64_t seed, struct trials *trials, struct error *error)
{
    struct ground ground;
    const int other = pin_other(&setting->pin);
    struct spare_cpu spare = {.number = (unsigned)other};
    int rc = ground_open(&ground, monitor, stop, error);
    if (rc < 0)
        return rc;
    ground.sync_write = setting->sync_write;
    ground.fill = setting->fill;
    ground.spare = other < 0 ? NULL : &spare;
    rc = verify_fidelity(&ground, trials, error);
    if (rc == 0)
        rc = verify_kernel(&ground, setting_facts(setting, monitor), seed, trials, error);
    ground_close(&ground);
    return rc;
}

/* One that cannot be tried has failed at that, and the others are tried nevertheless. */
static int try_monitor(const struct monitor_ops *monitor, struct setting *setting, const struct stop *stop,
    uint64_t seed, struct trials *trials, struct error *error)
{
    const struct safety safety = {.monitor = monitor, .stop = stop, .patience = SAFETY_PATIENCE};
    trials->monitor = monitor->name;
    int rc = try_fidelity(monitor, setting, stop, seed, trials, error);
    if (rc == 0)
        rc = verify_safety(&safety, trials, error);
    if (rc == 0 || rc == -EINTR || rc == -ENOMEM)
        return rc;
    struct trial *trial = trials_add(trials, TRIAL_SAFETY, -1, "guests to try it with");
    if (trial)
        trial_fails(trial, "%.230s", error->text);
    return trials_end(trials, stop, error);
}

static int try_all(struct setting *setting, const struct stop *stop, const struct progress *progress,
    struct result *result, struct trials *trials, struct error *error)
{
    const struct monitor_ops *monitor;
    int rc = 0;
    result->verified = calloc(MONITORS_MAX, sizeof *result->verified);
    if (!result->verified)
        return error_set(error, ENOMEM, "no memory for what is verified");
    for (size_t i = 0; rc == 0 && (monitor = monitor_at(i)); i++) {
        const struct monitor_facts *facts = &setting->facts[i];
        struct verified *verified = &result->verified[result->verified_count];
        if (!setting_wants(setting, monitor->name))
            continue;
        result->verified_count++;
        verified->here = facts->usable;
        snprintf(verified->monitor, sizeof verified->monitor, "%s", monitor->name);
        snprintf(verified->reason, sizeof verified->reason, "%s", facts->reason);
        monitor_label(facts, monitor->name, verified->label);
        if (progress->tell)
            progress->tell(progress->context, 0, NAN, monitor->name);
        if (facts->usable)
            rc = try_monitor(monitor, setting, stop, result->seed, trials, error);
    }
    return rc;
}

static bool any_here(const struct result *result)
{
    for (size_t i = 0; i < result->verified_count; i++)
        if (result->verified[i].here)
            return true;
    return false;
}

int verify_plan_run(const struct verify_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error)
{
    struct trials trials = {.list = NULL};
    struct verify_plan rest = *plan;
    const double started = clock_seconds();
    struct until until = {&setting->stop, &plan->budget, started};
    const struct stop stop = {is_over, &until, why_over};
    begin_result(result, "verify", plan->budget.seed);
    result->complete = true;
    int rc = try_all(setting, &stop, progress, result, &trials, error);
    rest.budget.spent += clock_seconds() - started;
    result->trials = trials.list;
    result->trial_count = trials.count;
    if (rc == 0 && any_here(result))
        rc = measure(&rest, setting, progress, result, error);
    if (rc < 0 && rc != -EINTR)
        return rc;
    if (rc == -EINTR) {
        result->complete = false;
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.300s", error->text);
    }
    for (size_t i = 0; i < result->verified_count; i++) {
        verified_count(&result->verified[i], result->trials, result->trial_count);
        take_slowdown(result, &result->verified[i]);
    }
    result->seconds = clock_seconds() - started;
    return setting_describe(setting, result, error);
}
