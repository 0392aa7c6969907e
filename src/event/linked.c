#include "event/linked.h"

#include "event/internal.h"

#include "base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES (4 * MIB)

void linked_add_steps(struct linked_script *script, const struct guest_step *steps, size_t count)
{
    memcpy(script->step + script->count, steps, count * sizeof *steps);
    script->count += count;
}

/* ---- what is counted ---- */

/* Of the kernel's own counts, those that rows are checked by. */
static const struct {
    const char *name;
    size_t offset;
} statuses[] = {
    {"switches", offsetof(struct guest_kernel_status, switches)},
    {"faults", offsetof(struct guest_kernel_status, faults)},
    {"filled", offsetof(struct guest_kernel_status, filled)},
    {"exceptions", offsetof(struct guest_kernel_status, exceptions)},
    {"calls", offsetof(struct guest_kernel_status, calls)},
    {"ended", offsetof(struct guest_kernel_status, ended)},
    {"changes", offsetof(struct guest_kernel_status, changes)},
};
enum { STATUSES = sizeof statuses / sizeof statuses[0] };

static uint64_t *status_at(struct guest_kernel_status *status, size_t which)
{
    return (uint64_t *)((char *)status + statuses[which].offset);
}

static struct linked_part between(const struct guest_kernel_mark *from, const struct guest_kernel_mark *to)
{
    struct guest_kernel_status before = from->status;
    struct linked_part part = {.ticks = to->ticks - from->ticks,
        .status = to->status,
        .counters = counters_between(&from->counters, &to->counters)};
    for (size_t i = 0; i < STATUSES; i++)
        *status_at(&part.status, i) -= *status_at(&before, i);
    return part;
}

/* A part without what belongs to something else that is in it. */
static void take_off(struct linked_part *part, const struct linked_part *off)
{
    struct guest_kernel_status status = off->status;
    uint64_t count;
    part->ticks -= off->ticks;
    for (size_t i = 0; i < part->counters.count; i++)
        if (counters_get(&off->counters, part->counters.list[i].name, &count))
            part->counters.list[i].value -= count;
    for (size_t i = 0; i < STATUSES; i++)
        *status_at(&part->status, i) -= *status_at(&status, i);
}

static void add_up(struct linked_part *sum, const struct linked_part *part)
{
    struct guest_kernel_status status = part->status;
    sum->ticks += part->ticks;
    for (size_t i = 0; i < part->counters.count; i++) {
        const struct counter *counter = &part->counters.list[i];
        uint64_t count = 0;
        counters_get(&sum->counters, counter->name, &count);
        counters_set(&sum->counters, counter->name, count + counter->value);
    }
    for (size_t i = 0; i < STATUSES; i++)
        *status_at(&sum->status, i) += *status_at(&status, i);
}

static bool status_of(const struct linked_part *part, const char *name, uint64_t *count)
{
    struct guest_kernel_status status = part->status;
    for (size_t i = 0; i < STATUSES; i++)
        if (!strcmp(statuses[i].name, name)) {
            *count = *status_at(&status, i);
            return true;
        }
    return false;
}

static enum linked_manner manner_of(const struct event_bench *bench, const struct linked_work *work)
{
    const struct runner_config *runner = &bench->prepared.runner->config;
    if (runner->facts->technique == TECHNIQUE_DIRECT)
        return LINKED_PARAVIRT;
    return runner->sync_write || work->sync_write ? LINKED_WRITE : LINKED_LAZY;
}

/* Of KVM's counters: its others may be more for reasons of its own. */
static bool is_promised(const char *name)
{
    return !strcmp(name, "pages_2m");
}

int linked_check(const struct event_bench *bench, const struct linked_work *work,
    const struct linked_part *part, const struct linked_due *due, struct error *error)
{
    const bool elsewhere = bench->prepared.runner->config.ops->monitor->elsewhere;
    for (; due->name; due++) {
        uint64_t count, must = due->manner[0];
        bool own = status_of(part, due->name, &count);
        if (!own && !elsewhere && !is_promised(due->name))
            continue;
        must = own || !elsewhere ? must : due->manner[manner_of(bench, work)];
        if (must == LINKED_ANY)
            continue;
        if (!own && !counters_get(&part->counters, due->name, &count))
            return error_set(error, EPROTO, "its monitor did not count %s", due->name);
        if (count != must)
            return error_set(error, EPROTO,
                "its count does not hold: %s were %" PRIu64 ", and must be %" PRIu64, due->name, count, must);
    }
    return 0;
}

/* ---- a run of the kernel ---- */

unsigned linked_fill(const struct event_bench *bench)
{
    enum { USUAL = 64 };
    const unsigned fill = bench->prepared.runner->config.fill;
    return fill ? fill : USUAL;
}

/* The time that processes of the monitor's took in a run: of all that it counts only this is added up. */
static void note_time(struct event_bench *bench, const struct counters *before, const struct counters *after)
{
    uint64_t from, to, sum = 0;
    if (!counters_get(before, "guest_ns", &from) || !counters_get(after, "guest_ns", &to))
        return;
    counters_get(&bench->passed, "guest_ns", &sum);
    counters_set(&bench->passed, "guest_ns", sum + (to - from));
}

/* Runs it; parts: between the marks that a script has set, `count` of them, in order. */
static int run_parts(struct event_bench *bench, const struct linked_work *work, struct linked_part *parts,
    unsigned count, struct error *error)
{
    const struct runner_config *runner = &bench->prepared.runner->config;
    struct guest_kernel_config config = {
        .monitor = runner->ops->monitor,
        .facts = runner->facts,
        .bytes = MEMORY_BYTES,
        .sync_write = runner->sync_write || work->sync_write,
        .fill = linked_fill(bench),
        .spare = placement_spare(runner->placement),
        .fault_around = work->around ? work->around : 1,
        .large = work->large,
        .processes = work->at_once ? work->at_once : 1,
        .preset = true,
        .events = 64,
        .stop = bench->place->stop,
        .job[0] = {work->first->step, work->first->count},
    };
    if (work->second)
        config.job[1] = (struct guest_kernel_job){work->second->step, work->second->count};
    struct guest_kernel *kernel;
    struct watch *watch = &runner->placement->watch;
    struct guest_kernel_mark from, to;
    struct counters before, after;
    int rc = guest_kernel_create(&config, &kernel, error);
    if (rc < 0)
        return rc;
    guest_kernel_counters(kernel, &before);
    watch_start(watch);
    rc = guest_kernel_run(kernel, error);
    const struct evidence evidence = watch_end(watch);
    evidence_add(&bench->prepared.measured, &evidence);
    guest_kernel_counters(kernel, &after);
    note_time(bench, &before, &after);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        if (!guest_kernel_mark(kernel, i, &from) || !guest_kernel_mark(kernel, i + 1, &to))
            rc = error_set(error, EPROTO, "a guest's process did not come to its end");
        else
            parts[i] = between(&from, &to);
    }
    guest_kernel_destroy(kernel);
    return rc;
}

int linked_run(
    struct event_bench *bench, const struct linked_work *work, struct linked_part *part, struct error *error)
{
    struct linked_part parts[2]; /* between marks alone; what is timed, and one more mark */
    int rc = run_parts(bench, work, parts, 2, error);
    if (rc < 0)
        return rc;
    take_off(&parts[1], &parts[0]);
    *part = parts[1];
    return part->ticks && part->ticks < UINT64_MAX / 2
               ? 0
               : error_set(error, EPROTO, "a guest's process timed nothing");
}

/* ---- to the monitor and back for nothing ---- */

/* Ticks of each, the least of some tries; NAN: it does not come about here. */
struct nulls {
    double request, trap, fault;
    double instruction; /* of the kernel where it is emulated; else NAN */
};

struct linked {
    struct nulls nulls;     /* of the sample: the way to the monitor may be another in the next */
    struct linked_part sum; /* of the sample so far */
    uint64_t count;
};

/* What a try is made of: a system call for nothing, and the same with so many of each kind in it. */
enum { PART_CALL, PART_REQUEST, PART_TRAP, PART_FAULT, PART_LOOP, TRY_PARTS };
enum { TRIES = 3, NULLS = 16, LOOP = 256, INSTRUCTIONS = 2 * LOOP };

/* How many of each kind of hand-over a part had. */
struct handovers {
    bool known;
    uint64_t requests, faults, traps; /* traps: all others */
};

static struct handovers handovers_of(const struct linked_part *part)
{
    struct handovers of = {.known = false};
    uint64_t exits;
    of.known = counters_get(&part->counters, "exits", &exits) &&
               counters_get(&part->counters, "hypercalls", &of.requests) &&
               counters_get(&part->counters, "page_faults", &of.faults);
    of.traps = of.known ? exits - of.requests - of.faults : 0;
    return of;
}

static double transport_of(const struct handovers *of, const struct nulls *nulls)
{
    if (!of->known)
        return NAN;
    return (of->requests ? (double)of->requests * nulls->request : 0) +
           (of->faults ? (double)of->faults * nulls->fault : 0) +
           (of->traps ? (double)of->traps * nulls->trap : 0);
}

/* NAN unless so many happened as were wanted, and took some time: more than the call for nothing. */
static double each_of(double ticks, uint64_t happened)
{
    return happened == NULLS && ticks > 0 ? ticks / NULLS : NAN;
}

static double ticks_of(const struct linked_part *part)
{
    return (double)(int64_t)part->ticks;
}

static void solve(const struct linked_part *least, struct nulls *nulls)
{
    const struct handovers requests = handovers_of(&least[PART_REQUEST]),
                           traps = handovers_of(&least[PART_TRAP]), faults = handovers_of(&least[PART_FAULT]);
    const struct handovers back = {.known = true, .requests = faults.requests, .traps = faults.traps};
    const struct linked_part *loop = &least[PART_LOOP];
    uint64_t emulated;
    nulls->request = each_of(ticks_of(&least[PART_REQUEST]), requests.requests);
    nulls->trap = each_of(ticks_of(&least[PART_TRAP]), traps.traps);
    nulls->fault = each_of(ticks_of(&least[PART_FAULT]) - transport_of(&back, nulls), faults.faults);
    nulls->instruction = counters_get(&loop->counters, "instructions_emulated", &emulated) &&
                                 emulated >= INSTRUCTIONS && ticks_of(loop) > 0
                             ? ticks_of(loop) / (double)emulated
                             : NAN;
}

static void take_least(struct linked_part *least, const struct linked_part *part)
{
    if (!least->ticks || part->ticks < least->ticks)
        *least = *part;
}

static void add_tries(struct linked_script *script, bool elsewhere)
{
    const uint64_t nulls = elsewhere ? NULLS : 0; /* KVM's hand-overs are of other kinds */
    const struct guest_step parts[TRY_PARTS] = {
        [PART_CALL] = {LINKED_CALL(NULL), NULL_LOOP, 0, 0},
        [PART_REQUEST] = {LINKED_CALL(NULL), NULL_REQUEST, nulls, 0},
        [PART_TRAP] = {LINKED_CALL(NULL), NULL_TRAP, nulls, 0},
        [PART_FAULT] = {LINKED_CALL(NULL), NULL_FAULT, nulls, 0},
        [PART_LOOP] = {LINKED_CALL(NULL), NULL_LOOP, LOOP, 0},
    };
    LINKED_ADD(script, {LINKED_CALL(MARK), 0, 0, 0});
    for (unsigned i = 0; i < TRIES * TRY_PARTS; i++)
        LINKED_ADD(script, {STEP_TIME, 0, 0, 0}, parts[i % TRY_PARTS], {STEP_TIME, 1, 0, 0},
            {LINKED_CALL(MARK), 0, 0, 0});
}

/* What interrupts a try makes it no shorter. */
static int find_nulls(struct event_bench *bench, struct nulls *nulls, struct error *error)
{
    struct linked_part parts[TRIES * TRY_PARTS], least[TRY_PARTS] = {0};
    struct linked_script script = {.count = 0};
    add_tries(&script, bench->prepared.runner->config.ops->monitor->elsewhere);
    int rc = run_parts(bench, &(struct linked_work){.first = &script}, parts, TRIES * TRY_PARTS, error);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < TRIES * TRY_PARTS; i++)
        take_least(&least[i % TRY_PARTS], &parts[i]);
    for (unsigned what = PART_REQUEST; what < TRY_PARTS; what++)
        take_off(&least[what], &least[PART_CALL]);
    solve(least, nulls);
    return 0;
}

int linked_begin(struct event_bench *bench, struct error *error)
{
    if (!bench->own && !(bench->own = calloc(1, sizeof(struct linked))))
        return error_set(error, ENOMEM, "no memory for what an event counts");
    struct linked *linked = bench->own;
    *linked = (struct linked){.count = 0};
    return find_nulls(bench, &linked->nulls, error);
}

/* ---- what comes of it ---- */

int linked_finish(
    struct event_bench *bench, const struct linked_part *part, uint64_t count, struct event_run *run)
{
    struct linked *linked = bench->own;
    if (linked) {
        add_up(&linked->sum, part);
        linked->count += count;
    }
    *run = (struct event_run){.count = count, .ticks = part->ticks};
    return 0;
}

static void tell(struct sample *sample, const char *name, const char *unit, double value, const char *reason)
{
    if (sample->metric_count == SAMPLE_METRICS_MAX)
        return;
    struct sample_metric *metric = &sample->metrics[sample->metric_count++];
    *metric = (struct sample_metric){.value = value};
    snprintf(metric->name, sizeof metric->name, "%s", name);
    snprintf(metric->unit, sizeof metric->unit, "%s", unit);
    if (isnan(value))
        snprintf(metric->reason, sizeof metric->reason, "%s", reason);
}

/* Of a guest in processes. */
static void tell_transport(struct event_bench *bench, struct sample *sample)
{
    static const char unmatched[] = "coming to the monitor for nothing was not as often as it was asked for";
    const struct linked *linked = bench->own;
    const struct clock *clock = bench->place->clock;
    const struct handovers handovers = handovers_of(&linked->sum);
    const double count = (double)linked->count, ticks = transport_of(&handovers, &linked->nulls);
    const double transport = ticks * clock_ns(clock, 1) / count;
    uint64_t mapping = 0, exits = 0, spun = 0;
    counters_get(&linked->sum.counters, "mapping_ns", &mapping);
    counters_get(&linked->sum.counters, "exits", &exits);
    counters_get(&linked->sum.counters, "exits_spun", &spun);
    tell(sample, "transport", "ns", transport, unmatched);
    tell(sample, "work", "ns", sample_value(sample) - transport, unmatched);
    tell(sample, "spinning", "share",
        bench->place->other_cpu < 0 || !exits ? NAN : (double)spun / (double)exits,
        exits ? "there is no other CPU that a guest could run on" : "nothing was handed over");
    tell(sample, "mapping", "ns", (double)mapping / count, "");
    if (bench->prepared.runner->config.facts->technique == TECHNIQUE_DIRECT)
        tell(sample, "null_hypercall", "ns", linked->nulls.request * clock_ns(clock, 1), unmatched);
    tell(sample, "null_trap", "ns", linked->nulls.trap * clock_ns(clock, 1), unmatched);
    tell(sample, "null_fault", "ns", linked->nulls.fault * clock_ns(clock, 1), unmatched);
}

/* Of one whose kernel runs where it is, or is emulated there. */
static void tell_emulation(struct event_bench *bench, struct sample *sample)
{
    const struct linked *linked = bench->own;
    const struct clock *clock = bench->place->clock;
    double each = clock_ns(clock, 1) * linked->nulls.instruction, count = (double)linked->count;
    uint64_t emulated = 0;
    bool counted = counters_get(&linked->sum.counters, "instructions_emulated", &emulated);
    const char *why = !counted ? "this KVM does not count the instructions that it emulates"
                               : "this KVM does not emulate its guest's kernel";
    tell(sample, "transport", "ns", NAN, "what KVM does at an exit is not told from the way there");
    tell(sample, "instructions_emulated", "count", counted ? (double)emulated / count : NAN, why);
    tell(sample, "emulation", "ns", (double)emulated * each / count, why);
    tell(sample, "instruction", "ns", each, why);
}

void linked_tell(struct event_bench *bench, struct sample *sample)
{
    static const struct {
        const char *name, *counter;
    } told[] = {
        {"hypercalls", "hypercalls"},
        {"update_requests", "update_requests"},
        {"traps", "traps"},
        {"faults_hidden", "page_faults_fixed"},
        {"faults_true", "page_faults_true"},
        {"pages_filled", "pages_filled"},
        {"pages_torn_down", "pages_torn_down"},
        {"table_stores", "table_stores"},
        {"table_changes", "changes"},
    };
    const struct linked *linked = bench->own;
    uint64_t count;
    if (!linked->count)
        return;
    if (bench->prepared.runner->config.ops->monitor->elsewhere)
        tell_transport(bench, sample);
    else
        tell_emulation(bench, sample);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        if (status_of(&linked->sum, told[i].counter, &count) ||
            counters_get(&linked->sum.counters, told[i].counter, &count))
            tell(sample, told[i].name, "count", (double)count / (double)linked->count, "");
}

void linked_close(struct event_bench *bench)
{
    free(bench->own);
    bench->own = NULL;
}
