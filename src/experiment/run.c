#include "experiment/run.h"

#include "experiment/internal.h"
#include "experiment/run_heat.h"
#include "experiment/run_internal.h"
#include "measure/clock.h"
#include "monitor/kvm/kvm.h"

#include <errno.h>
#include <stdio.h>

/* ---- timed runs ---- */

static int keep(struct running *running, size_t index, unsigned run, struct error *error)
{
    struct run_arm *arm = &running->arms[index];
    const struct run_end *end = &arm->end;
    const struct result_sample sample = {.ns = end->seconds * 1e9, .placement = run};
    const double values[METRICS] = {[USER] = end->user_seconds * 1e9,
        [SYSTEM] = end->system_seconds * 1e9,
        [PEAK] = (double)end->peak_bytes,
        [FAULTS] = (double)(end->faults + end->read_faults),
        [KEPT] = end->kept_seconds * 1e9};
    if (figures_add_sample(&running->result->cells[index], &sample))
        return error_set(error, ENOMEM, "no memory for what is measured");
    for (int i = 0; i < METRICS; i++)
        arm->values[i][arm->count] = values[i];
    arm->count++;
    return 0;
}

/* A native run that cannot go on leaves its guests nothing that they could be held against. */
static bool goes(const struct running *running, size_t arm)
{
    const struct run_arm *of = &running->arms[arm];
    return !of->failed && !running->arms[of->native].failed;
}

static void see(struct running *running)
{
    for (size_t i = 0; i < running->arm_count; i++) {
        struct run_arm *arm = &running->arms[i];
        const struct run_arm *native = &running->arms[arm->native];
        const struct run_end ends[RUN_SIDES] = {[RUN_NATIVE] = native->end, [RUN_GUEST] = arm->end};
        arm->seen.native_yields = native->yields / native->yields_counted;
        if (run_is_guest(arm) && goes(running, i))
            run_seen_add(&arm->seen, ends, &arm->counted);
    }
}

/* All arms in turns: the order is turned round from round to round, and begins with another every two. */
static int run_round(struct running *running, unsigned round, bool timed, struct error *error)
{
    size_t count = running->arm_count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t at = (i + round / 2) % count, index = round % 2 ? count - 1 - at : at;
        struct run_arm *arm = &running->arms[index];
        if (!goes(running, index))
            continue;
        if (stop_asked(&running->setting->stop))
            return -EINTR;
        rc = run_once(running, arm, false, error);
        if (rc == 0 && !run_still_goes(running, index))
            continue;
        if (rc == 0 && timed)
            rc = keep(running, index, round, error);
    }
    if (rc == 0 && timed)
        see(running);
    return rc;
}

static int sample_prices(struct running *running, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < running->arm_count; i++) {
        struct run_arm *arm = &running->arms[i];
        if (!arm->owns_prices)
            continue;
        rc = run_prices_sample(arm->prices, &arm->conditions, &running->setting->stop, error);
    }
    return rc;
}

static bool some_go(const struct running *running)
{
    bool go = false;
    for (size_t i = 0; i < running->arm_count; i++)
        go |= run_is_guest(&running->arms[i]) && goes(running, i);
    return go;
}

static int run_all(struct running *running, struct error *error)
{
    const struct run_plan *plan = running->plan;
    size_t every = run_prices_every(plan->runs);
    int rc = 0;
    for (unsigned round = 0; rc == 0 && round < plan->warmup && some_go(running); round++)
        rc = run_round(running, round, false, error);
    for (unsigned round = 0; rc == 0 && round < plan->runs && some_go(running); round++) {
        if (round % every == 0)
            rc = sample_prices(running, error);
        if (rc == 0)
            rc = run_round(running, round, true, error);
    }
    if (rc == -EINTR) {
        running->result->complete = false;
        snprintf(running->result->incomplete_reason, sizeof running->result->incomplete_reason, "%s",
            stop_reason(&running->setting->stop));
    }
    return rc == -EINTR ? 0 : rc;
}

/* ---- what it touches ---- */

static int watch(struct running *running, size_t index, struct heat_log *log, struct error *error)
{
    struct run_arm *arm = &running->arms[index];
    struct ran_heat *heat = &running->result->cells[index].ran.heat;
    const struct tally counted = arm->counted; /* which is of the last timed run */
    int rc = run_once(running, arm, false, error);
    if (rc == 0 && arm->counted.problem_code)
        heat->reason = pool_text(&running->result->pool, arm->counted.problem);
    arm->counted = counted;
    if (rc == 0)
        rc = run_heat_read(log, &running->result->pool, heat, error);
    heat->ran_ns = arm->end.seconds * 1e9;
    return rc;
}

/* A run of its own, of the first guest that is held against each native arm: its pages are small in any case.
 */
static int run_heat(struct running *running, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < running->arm_count; i++) {
        const struct run_arm *arm = &running->arms[i];
        struct heat_log *log;
        if (!goes(running, i) || i != arm->native + 1)
            continue;
        rc = guest_start_heat(&running->start, (uint64_t)(running->plan->heat_seconds * 1e9), &log, error);
        if (rc < 0)
            return rc;
        rc = watch(running, i, log, error);
        guest_start_heat_end(&running->start, log);
    }
    return rc;
}

/* ---- all of it ---- */

unsigned run_plan_all(const struct run_plan *plan)
{
    unsigned natives = (unsigned)plan->host_page_count, guests = natives * (unsigned)plan->guest_page_count;
    unsigned heats = plan->heat_seconds > 0 ? natives : 0;
    return (unsigned)plan->program_count *
           (2 * natives + guests + (natives + guests) * (plan->runs + plan->warmup) + heats);
}

static int make_ready(struct running *running, struct error *error)
{
    const struct monitor_facts *facts = setting_facts(running->setting, &monitor_kvm);
    if (!facts->usable)
        return error_set(error, ENOTSUP, "%s", facts->reason);
    int rc = guest_start_open(&running->start, error);
    return rc < 0 ? rc : run_arms_make(running, error);
}

int run_plan_run(const struct run_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error)
{
    struct running running = {.plan = plan,
        .setting = setting,
        .progress = progress,
        .result = result,
        .start = {.executable = -1, .page = -1},
        .began = clock_seconds(),
        .all = run_plan_all(plan)};
    begin_result(result, "run", plan->seed);
    int rc = make_ready(&running, error);
    if (rc == 0)
        rc = run_try(&running, error);
    if (rc == 0)
        rc = run_all(&running, error);
    if (rc == 0 && plan->heat_seconds > 0 && result->complete)
        rc = run_heat(&running, error);
    if (rc == 0)
        rc = run_figures(&running, error);
    run_arms_end(&running);
    guest_start_close(&running.start);
    result->seconds = clock_seconds() - running.began;
    if (rc == 0)
        rc = setting_describe(setting, result, error);
    for (size_t i = 0; rc == 0 && i < result->cell_count; i++)
        heat_set_reach(&result->host, &result->cells[i].ran.heat);
    return rc;
}
