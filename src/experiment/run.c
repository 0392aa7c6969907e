#include "experiment/run.h"

#include "experiment/internal.h"
#include "measure/clock.h"
#include "measure/statistics.h"
#include "monitor/kvm/kvm.h"
#include "program/guest.h"
#include "program/inside/calls.h"
#include "program/run.h"
#include "runner/run_kind.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum side { NATIVE, GUEST, SIDES };
enum { RUNS_MOST = 1000 };

/* What is figured out besides wall clock time, of each side: one value a run. */
enum { USER, SYSTEM, PEAK, METRICS };
static const struct {
    const char *name, *unit;
} metrics[METRICS] = {{"user", "ns"}, {"system", "ns"}, {"peak_memory", "bytes"}};

struct running {
    const struct run_plan *plan;
    const struct setting *setting;
    const struct progress *progress;
    struct result *result;
    struct guest_start start;
    const char **guest_words;
    struct run_end first, last[SIDES]; /* the first native run; the last of each side */
    double *values[SIDES][METRICS];    /* of the timed runs */
    size_t count[SIDES];
    double began;
    unsigned done, all;
};

/* ---- one run ---- */

static int shell(const struct running *running, const char *command, const char *option, struct error *error)
{
    const char *const words[] = {"/bin/sh", "-c", command, NULL};
    const struct program program = {.words = words};
    const struct conditions conditions = {.variable_count = 0};
    const struct run_limits limits = {
        .seconds = running->plan->timeout_seconds, .stop = &running->setting->stop};
    struct run_end end;
    char how[RUN_STATUS_BYTES];
    int rc = command ? program_run(&program, &conditions, &limits, &end, error) : 0;
    if (rc < 0 || !command || (!end.timed_out && !end.status))
        return rc;
    run_status_text(end.status, how);
    return error_set(error, EIO, "%s: \"%.100s\" %s", option, command, end.timed_out ? "took too long" : how);
}

static int run_side(struct running *running, enum side side, struct run_end *end, struct error *error)
{
    const struct run_plan *plan = running->plan;
    const struct program program = {
        .words = side == GUEST ? running->guest_words : plan->words, .input = plan->input};
    const struct run_limits limits = {.seconds = plan->timeout_seconds, .stop = &running->setting->stop};
    const struct pin *pin = &running->setting->pin;
    struct conditions conditions = {.variable_count = 0};
    if (pin->before)
        memcpy(&conditions.cpus, pin->before,
            pin->bytes < sizeof conditions.cpus ? pin->bytes : sizeof conditions.cpus);
    int rc = shell(running, plan->prepare, "--prepare", error);
    if (rc < 0)
        return rc;
    if (side == GUEST)
        guest_start_next(&running->start, true);
    rc = program_run(&program, &conditions, &limits, end, error);
    if (side == GUEST)
        guest_start_next(&running->start, false);
    if (rc == 0)
        rc = shell(running, plan->cleanup, "--cleanup", error);
    running->last[side] = *end;
    running->done++;
    if (rc == 0 && running->progress && running->progress->tell) {
        double took = clock_seconds() - running->began;
        running->progress->tell(running->progress->context, (double)running->done / running->all,
            took / running->done * (running->all - running->done), "the program");
    }
    return rc;
}

static bool is_same(const struct run_end *a, const struct run_end *b)
{
    return a->status == b->status && a->out_bytes == b->out_bytes && a->out_digest == b->out_digest;
}

static int judge_native(const struct running *running, const struct run_end *end, struct error *error)
{
    char how[RUN_STATUS_BYTES];
    run_status_text(end->status, how);
    if (end->timed_out)
        return error_set(error, ECANCELED,
            "the program natively had not ended after %.3g s (--timeout SECONDS gives it longer)",
            end->seconds);
    if (end->status && !running->plan->ignore_failure)
        return error_set(error, ECANCELED,
            "the program natively %s%s%.200s; if that is as it should be, give --ignore-failure", how,
            end->said[0] ? " and said: " : "", end->said);
    return 0;
}

/* ---- the cells ---- */

static int add_cell(struct running *running, enum side side, struct error *error)
{
    struct result *result = running->result;
    const struct monitor_facts *facts = setting_facts(running->setting, &monitor_kvm);
    const char *slash = strrchr(running->plan->words[0], '/');
    const char *name = pool_text(&result->pool, slash ? slash + 1 : running->plan->words[0]);
    struct result_cell *grown = reallocarray(result->cells, result->cell_count + 1, sizeof *grown);
    if (!grown)
        return error_set(error, ENOMEM, "no memory for what is measured");
    result->cells = grown;
    struct result_cell *cell = &grown[result->cell_count++];
    *cell = (struct result_cell){
        .cell = {.monitor = side == GUEST ? "kvm" : "native", .workload = run_workload(name)},
        .technique = side == GUEST ? facts->technique : TECHNIQUE_NONE,
        .label = "native",
        .pages = {.as_asked = true, .host_share_2m = NAN, .proof = "those that the program asks for"},
        .ran = {.exit_status = RAN_NO_STATUS, .fidelity = FIDELITY_UNKNOWN},
        .median = NAN,
        .low = NAN,
        .high = NAN,
        .min = NAN,
        .quality = QUALITY_MISSING};
    if (side == GUEST)
        monitor_label(facts, "kvm", cell->label);
    cell_id(&cell->cell, cell->id);
    return 0;
}

static void tell_end(struct result_cell *cell, const struct run_end *end)
{
    if (WIFEXITED(end->status))
        cell->ran.exit_status = (uint32_t)WEXITSTATUS(end->status);
    else
        cell->ran.signal = (uint32_t)WTERMSIG(end->status);
    cell->counters.known = true;
    cell->counters.page_faults = end->faults + end->read_faults;
}

/* ---- does it do the same? ---- */

/* What the domain could not do is said by the one that runs it; the process' own end is no program's. */
static bool domain_failed(struct running *running, struct result_cell *cell)
{
    const struct tally *tally = running->start.tally;
    int code = tally->problem_code;
    if (!code)
        return false;
    snprintf(cell->reason, sizeof cell->reason, "%.*s", (int)sizeof cell->reason - 1, tally->problem);
    cell->quality = QUALITY_MISSING;
    if (!running->result->first_failure)
        running->result->first_failure = code;
    return true;
}

static int try_both(struct running *running, bool *goes, struct error *error)
{
    struct result_cell *native = &running->result->cells[NATIVE], *guest = &running->result->cells[GUEST];
    struct run_end again, inside;
    int rc = run_side(running, NATIVE, &running->first, error);
    if (rc < 0 || (rc = judge_native(running, &running->first, error)) < 0 ||
        (rc = run_side(running, NATIVE, &again, error)) < 0 ||
        (rc = judge_native(running, &again, error)) < 0 ||
        (rc = run_side(running, GUEST, &inside, error)) < 0)
        return rc;
    tell_end(native, &again);
    *goes = !domain_failed(running, guest);
    if (!*goes)
        return 0;
    tell_end(guest, &inside);
    guest->ran.fidelity = !is_same(&running->first, &again)   ? FIDELITY_NOT_COMPARABLE
                          : is_same(&running->first, &inside) ? FIDELITY_SAME
                                                              : FIDELITY_DIFFERENT;
    if (inside.timed_out) {
        snprintf(guest->reason, sizeof guest->reason,
            "in the domain it had not ended after %.3g s (--timeout SECONDS gives it longer)",
            inside.seconds);
        *goes = false;
    }
    return 0;
}

/* ---- timed runs ---- */

static int keep(
    struct running *running, enum side side, const struct run_end *end, unsigned run, struct error *error)
{
    struct result_cell *cell = &running->result->cells[side];
    const struct result_sample sample = {.ns = end->seconds * 1e9, .placement = run};
    const double values[METRICS] = {
        end->user_seconds * 1e9, end->system_seconds * 1e9, (double)end->peak_bytes};
    if (figures_add_sample(cell, &sample))
        return error_set(error, ENOMEM, "no memory for what is measured");
    for (int i = 0; i < METRICS; i++)
        running->values[side][i][running->count[side]] = values[i];
    running->count[side]++;
    return 0;
}

/* One that ends otherwise than before says nothing about time. */
static int judge_again(struct running *running, enum side side, const struct run_end *end)
{
    struct result_cell *cell = &running->result->cells[side];
    if (side == GUEST && domain_failed(running, cell))
        return -EPROTO;
    if (side == GUEST && cell->ran.fidelity == FIDELITY_SAME && !is_same(end, &running->first))
        cell->ran.fidelity = FIDELITY_DIFFERENT;
    return 0;
}

static int run_pair(struct running *running, unsigned run, bool timed, struct error *error)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < SIDES; i++) {
        enum side side = run % 2 ? (enum side)(SIDES - 1 - i) : (enum side)i;
        struct run_end end;
        if (stop_asked(&running->setting->stop))
            return -EINTR;
        rc = run_side(running, side, &end, error);
        if (rc == 0)
            rc = judge_again(running, side, &end);
        if (rc == 0 && timed)
            rc = keep(running, side, &end, run, error);
    }
    return rc;
}

static int run_all(struct running *running, struct error *error)
{
    const struct run_plan *plan = running->plan;
    int rc = 0;
    for (unsigned run = 0; rc == 0 && run < plan->warmup; run++)
        rc = run_pair(running, run, false, error);
    for (unsigned run = 0; rc == 0 && run < plan->runs; run++)
        rc = run_pair(running, run, true, error);
    if (rc == -EINTR) {
        running->result->complete = false;
        snprintf(running->result->incomplete_reason, sizeof running->result->incomplete_reason, "%s",
            stop_reason(&running->setting->stop));
    }
    return rc == -EINTR || rc == -EPROTO ? 0 : rc;
}

/* ---- figures ---- */

static int by_time(const void *a, const void *b)
{
    const struct ran_call *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : 0;
}

static int tell_calls(struct running *running, struct error *error)
{
    struct result *result = running->result;
    struct result_ran *ran = &result->cells[GUEST].ran;
    const struct tally *tally = running->start.tally;
    ran->calls = pool_room(&result->pool, TALLY_CALLS, sizeof *ran->calls);
    if (!ran->calls)
        return error_set(error, ENOMEM, "no memory for what is measured");
    for (unsigned i = 0; i < TALLY_CALLS; i++) {
        const struct call *call = call_at(i);
        uint64_t count = tally->calls[i];
        if (count)
            ran->calls[ran->call_count++] = (struct ran_call){call ? call->name : "unknown", count,
                (double)tally->call_ticks[i] / running->setting->clock.ticks_per_ns};
    }
    qsort(ran->calls, ran->call_count, sizeof *ran->calls, by_time);
    result->cells[GUEST].counters.exits = tally->exits;
    return 0;
}

static int tell_metrics(struct running *running, enum side side, struct error *error)
{
    struct result_cell *cell = &running->result->cells[side];
    cell->metrics = calloc(METRICS, sizeof *cell->metrics);
    if (!cell->metrics)
        return error_set(error, ENOMEM, "no memory for what is measured");
    cell->metric_count = METRICS;
    for (int i = 0; i < METRICS; i++) {
        struct estimate estimate = statistics_difference(running->values[side][i], running->count[side]);
        cell->metrics[i] = (struct result_metric){
            metrics[i].name, metrics[i].unit, estimate.median, estimate.low, estimate.high, NULL};
        if (!running->count[side])
            cell->metrics[i].reason = "it was not run";
    }
    return 0;
}

static int make_figures(struct running *running, struct error *error)
{
    struct result *result = running->result;
    int rc = tell_calls(running, error);
    for (int side = 0; rc == 0 && side < SIDES; side++) {
        struct result_cell *cell = &result->cells[side];
        rc = tell_metrics(running, (enum side)side, error);
        if (rc == 0)
            rc = analyse_cell(cell, running->plan->runs, result->incomplete_reason, error);
    }
    return rc < 0 ? rc : analyse_comparison(result, GUEST, NATIVE, true, error);
}

/* ---- all of it ---- */

static int make_ready(struct running *running, struct error *error)
{
    const struct monitor_facts *facts = setting_facts(running->setting, &monitor_kvm);
    if (!facts->usable)
        return error_set(error, ENOTSUP, "%s", facts->reason);
    int rc = guest_start_open(&running->start, error);
    if (rc < 0)
        return rc;
    running->guest_words = guest_start_words(&running->start, running->plan->words);
    bool room = running->guest_words;
    for (int i = 0; i < SIDES * METRICS; i++)
        room &=
            (running->values[i / METRICS][i % METRICS] = calloc(running->plan->runs, sizeof(double))) != NULL;
    return room ? 0 : error_set(error, ENOMEM, "no memory for what is measured");
}

static void end_all(struct running *running)
{
    for (int i = 0; i < SIDES * METRICS; i++)
        free(running->values[i / METRICS][i % METRICS]);
    free(running->guest_words);
    guest_start_close(&running->start);
}

int run_plan_run(const struct run_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error)
{
    enum { TRIED = 3 };
    struct running running = {.plan = plan,
        .setting = setting,
        .progress = progress,
        .result = result,
        .start = {.executable = -1, .page = -1},
        .began = clock_seconds(),
        .all = TRIED + SIDES * (plan->runs + plan->warmup)};
    bool goes = false;
    begin_result(result, "run", plan->seed);
    int rc = make_ready(&running, error);
    for (int side = 0; rc == 0 && side < SIDES; side++)
        rc = add_cell(&running, (enum side)side, error);
    if (rc == 0)
        rc = try_both(&running, &goes, error);
    if (rc == 0 && goes)
        rc = run_all(&running, error);
    if (rc == 0)
        rc = make_figures(&running, error);
    end_all(&running);
    result->seconds = clock_seconds() - running.began;
    return rc < 0 ? rc : setting_describe(setting, result, error);
}
