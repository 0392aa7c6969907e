#include "event/event_kind.h"

#include "record/record.h"
#include "runner/cell.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static_assert(sizeof(struct event_parameters) <= WORKLOAD_BYTES, "an event's parameters fit a workload");

struct workload event_named(const char *name, uint64_t size_bytes, const char *operation)
{
    const struct event_parameters parameters = {name, size_bytes, operation};
    struct workload workload = {.kind = &workload_event};
    memcpy(workload.parameters, &parameters, sizeof parameters);
    return workload;
}

struct workload event_workload(const struct event *event, uint64_t size_bytes)
{
    return event_named(event->name, size_bytes, event->unit);
}

static const char *label(const struct workload *workload)
{
    return event_of(workload)->name;
}

static uint64_t size(const struct workload *workload)
{
    return event_of(workload)->size_bytes;
}

static const char *operation(const struct workload *workload)
{
    return event_of(workload)->operation;
}

static bool has_size(const struct event *event, uint64_t bytes)
{
    const uint64_t *size = event->sizes;
    while (size && *size && *size != bytes)
        size++;
    return size ? *size != 0 : bytes == 0;
}

static int check(const struct workload *workload, struct error *error)
{
    const struct event_parameters *parameters = event_of(workload);
    const struct event *event = event_find(parameters->name);
    if (!event)
        return error_set(error, EINVAL, "there is no event '%.60s'", parameters->name);
    if (!has_size(event, parameters->size_bytes))
        return error_set(error, EINVAL, "the event %s has no size of %" PRIu64 " bytes", event->name,
            parameters->size_bytes);
    return 0;
}

/* ---- ids ---- */

static void write_id(const struct cell *cell, char *rest, size_t size)
{
    const struct event_parameters *event = event_of(&cell->workload);
    char bytes[24] = "";
    if (event->size_bytes)
        snprintf(bytes, sizeof bytes, "/%" PRIu64, event->size_bytes);
    snprintf(rest, size, "%s%s", event->name, bytes);
}

static bool read_id(char *text, struct pool *pool, struct cell *cell)
{
    uint64_t bytes = 0;
    const char *name = cell_cut_part(text);
    if (cell_take_number(name, &bytes))
        name = cell_cut_part(text);
    cell->workload = event_named(pool_text(pool, name), bytes, NULL);
    return name && name[0];
}

/* ---- as JSON ---- */

static bool takes(const json_t *object)
{
    (void)object;
    return true;
}

static struct workload named(const char *name)
{
    return event_named(name, 0, NULL);
}

static void set_kind(struct reader *reader, void *base)
{
    (void)reader;
    ((struct workload *)base)->kind = &workload_event;
}

#define AT(member) FIELD_AT(struct event_parameters, member)
static const struct field parameter_fields[] = {
    {"size_bytes", FIELD_COUNT, AT(size_bytes), .missing = "this event has no size", .check = "'minimum': 1"},
    {"operation", FIELD_STRING, AT(operation), .about = "What one event is: an exit, a page, a call.",
        .check = "'minLength': 1"},
};
static const struct record parameters_record = {"event", sizeof(struct event_parameters),
    RECORD_FIELDS(parameter_fields), .about = "Parameters of an event of the price list."};

static const struct field fields[] = {
    {"workload", FIELD_STRING, FIELD_NEEDED | FIELD_WHOLE,
        .offset = offsetof(struct workload, parameters) + offsetof(struct event_parameters, name),
        .size = sizeof(const char *), .most = 60},
    {"parameters", FIELD_RECORD, FIELD_AT(struct workload, parameters), .of = &parameters_record},
};
static const struct record event_record = {
    "event", sizeof(struct workload), RECORD_FIELDS(fields), .check = set_kind};

/* ---- how much makes a sample ---- */

enum {
    RUNS_MAX = 16, /* that make one sample, where one run can hold only so many events */
    UNTIMED_FACTOR = 4,
};

/* Whether events have been made for as long as a sample should last; or for several times as long if what is
 * not timed (preparation, ways in and out of the guest) takes most of it. */
static bool is_enough(double seconds, double timed_ns, double all_ns)
{
    double goal = seconds * 1e9;
    return timed_ns >= goal / 2 || all_ns >= UNTIMED_FACTOR * goal;
}

/* Doubles the number of events until two runs in a row last as long as a sample should, or hold as many as
 * they can: a single one may have been interrupted. */
static int find_count(struct runner *runner, double seconds, uint64_t *count, struct error *error)
{
    unsigned enough = 0;
    struct effort effort = {.steps = 1, .batches = 1};
    for (;; effort.steps *= enough ? 1 : 2) {
        struct sample sample;
        int rc = runner_sample(runner, &effort, &sample, error);
        if (rc < 0)
            return rc;
        double timed_ns = sample_value(&sample) * (double)sample.operations;
        enough = is_enough(seconds, timed_ns, (double)sample.evidence.wall_ns) ? enough + 1 : 0;
        *count = sample.operations;
        if (enough == 2 || sample.operations < effort.steps || effort.steps >= UINT64_C(1) << 40)
            return 0;
    }
}

/* How many are found once: what an event costs does not depend on where its memory is. */
static int plan(struct runner *runner, double seconds, struct effort *effort, struct error *error)
{
    uint64_t count = effort->steps;
    struct sample ignored;
    int rc = count ? 0 : find_count(runner, seconds, &count, error);
    const struct effort warm = {.steps = (count + 3) / 4, .batches = 1};
    if (rc == 0)
        rc = runner_sample(runner, &warm, &ignored, error);
    if (rc == 0)
        *effort = (struct effort){.steps = count, .batches = RUNS_MAX, .seconds = seconds};
    return rc;
}

/* ---- running ---- */

static int open(struct runner *runner, const struct workload *workload, uint64_t seed, struct prepared **out,
    struct error *error)
{
    struct event_bench *bench;
    const struct event_parameters *parameters = event_of(workload);
    int rc = check(workload, error);
    (void)seed;
    if (rc == 0 &&
        (rc = event_open(event_find(parameters->name), parameters->size_bytes, runner, &bench, error)) == 0)
        *out = &bench->prepared;
    return rc;
}

static int sample(
    struct prepared *prepared, const struct effort *effort, struct sample *sample, struct error *error)
{
    struct event_bench *bench = (struct event_bench *)prepared;
    const struct clock *clock = bench->place->clock;
    struct event_run sum = {0};
    /* How guests hand over is learnt while it is planned how much a sample holds, and stays as it is in it.
     */
    prepared->runner->config.placement->spare.held = effort->seconds > 0;
    int rc = bench->way->begin ? bench->way->begin(bench, error) : 0;
    uint64_t start = clock_ticks();
    for (uint64_t i = 0; rc == 0 && i < effort->batches; i++) {
        struct event_run run;
        if (i > 0 && effort->seconds > 0 &&
            is_enough(effort->seconds, clock_ns(clock, sum.ticks), clock_ns(clock, clock_ticks() - start)))
            break;
        if ((rc = event_run(bench, effort->steps, &run, error)) == 0) {
            sum.count += run.count;
            sum.ticks += run.ticks;
        }
    }
    if (rc == 0)
        sample_set_time(sample, clock_ns(clock, sum.ticks) / (double)sum.count, sum.count);
    if (rc == 0 && bench->way->tell)
        bench->way->tell(bench, sample);
    return rc;
}

static void close(struct prepared *prepared)
{
    event_close((struct event_bench *)prepared);
}

const struct workload_kind workload_event = {
    .name = "events",
    .pageless = "an event is told by its name alone; its pages are part of what it is",
    .record = &event_record,
    .takes = takes,
    .named = named,
    .write_id = write_id,
    .read_id = read_id,
    .label = label,
    .size = size,
    .operation = operation,
    .check = check,
    .plan = plan,
    .open = open,
    .sample = sample,
    .close = close,
};
