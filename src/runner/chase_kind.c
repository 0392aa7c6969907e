#include "runner/chase_kind.h"

#include "record/record.h"
#include "runner/cell.h"
#include "runner/local.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct chase_shape) <= WORKLOAD_BYTES, "a chase's parameters fit a workload");

struct workload chase_workload(const struct chase_shape *shape)
{
    struct workload workload = {.kind = &workload_chase};
    memcpy(workload.parameters, shape, sizeof *shape);
    return workload;
}

static const char *label(const struct workload *workload)
{
    (void)workload;
    return "chase";
}

static uint64_t size(const struct workload *workload)
{
    return chase_of(workload)->working_set_bytes;
}

static int check(const struct workload *workload, struct error *error)
{
    return chase_check(chase_of(workload), error);
}

static uint64_t bytes(const struct workload *workload)
{
    return chase_layout_make(chase_of(workload), 0).bytes;
}

/* ---- ids ---- */

static void write_id(const struct cell *cell, char *rest, size_t size)
{
    const struct chase_shape *chase = chase_of(&cell->workload);
    char chains[16] = "", guest[24] = "-";
    if (chase->chains > 1)
        snprintf(chains, sizeof chains, "-x%u", chase->chains);
    if (cell->guest_page_bytes)
        snprintf(guest, sizeof guest, "%" PRIu64, cell->guest_page_bytes);
    snprintf(rest, size, "%s%s%s/%" PRIu64 "/%" PRIu32 "/%s/%" PRIu64, chase_orders[chase->order].name,
        chase->write ? "-write" : "", chains, chase->working_set_bytes, chase->element_bytes, guest,
        cell->host_page_bytes);
}

static bool take_order(char *text, struct chase_shape *chase)
{
    uint64_t chains = 1;
    char *end = strrchr(text, '-');
    if (end && end[1] == 'x' && cell_take_number(end + 2, &chains)) {
        *end = 0;
        end = strrchr(text, '-');
    }
    chase->write = end && !strcmp(end, "-write");
    if (chase->write)
        *end = 0;
    chase->chains = (unsigned)chains;
    int order = chase_order_find(text);
    chase->order = order < 0 ? 0 : (enum chase_order)order;
    return order >= 0;
}

static bool read_id(char *text, struct pool *pool, struct cell *cell)
{
    struct chase_shape chase = {0};
    uint64_t element;
    (void)pool;
    bool good = cell_take_number(cell_cut_part(text), &cell->host_page_bytes);
    const char *guest = cell_cut_part(text);
    good &= guest && (!strcmp(guest, "-") || cell_take_number(guest, &cell->guest_page_bytes));
    good &= cell_take_number(cell_cut_part(text), &element);
    good &= cell_take_number(cell_cut_part(text), &chase.working_set_bytes);
    chase.element_bytes = (uint32_t)element;
    char *order = cell_cut_part(text);
    good = good && order && take_order(order, &chase);
    cell->workload = chase_workload(&chase);
    return good;
}

/* ---- as JSON ---- */

/* An order that this vcost does not know is a newer one's. */
static bool takes(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "workload"));
    const json_t *parameters = json_object_get(object, "parameters");
    const json_t *order = json_object_get(parameters, "order");
    if (!name || strcmp(name, "chase") != 0 || !parameters || (json_is_object(parameters) && !order))
        return false;
    return !json_is_string(order) || chase_order_find(json_string_value(order)) >= 0;
}

static void set_kind(struct reader *reader, void *base)
{
    (void)reader;
    ((struct workload *)base)->kind = &workload_chase;
}

static const struct field fields[] = {
    {"workload", FIELD_CONSTANT, .text = "chase"},
    {"parameters", FIELD_RECORD, FIELD_AT(struct workload, parameters), .of = &chase_shape_record},
};
static const struct record chase_record = {
    "chase", sizeof(struct workload), RECORD_FIELDS(fields), .check = set_kind};

/* ---- how much makes a sample ---- */

enum {
    BATCHES = 16, /* timed batches in a sample */
    WARM_BATCHES_MAX = 4,
    PILOT_STEPS = 4096, /* of the walk that tells how long a step takes */
    WARM_STEPS_MIN = 8192,
};

/* A lap of up to this many samples' length is walked whole; of longer ones a sample walks a part, three times
 * as long as an ordinary one, and the next goes on from there. */
static const double whole_lap_samples = 8, part_samples = 3;

/* Whole laps where a lap is not too long, so that every element counts alike. A short walk first tells how
 * long a step (a hop of every chain) takes, after another to warm up. */
static int plan(struct runner *runner, double seconds, struct effort *effort, struct error *error)
{
    const struct effort pilot = {
        .steps = PILOT_STEPS, .batches = 1, .warm_steps = PILOT_STEPS, .warm_limit = 1};
    const struct chase_shape *shape = chase_of(&runner->workload);
    struct sample sample;
    int rc = runner_sample(runner, &pilot, &sample, error);
    if (rc < 0)
        return rc;
    double sample_ns = seconds * 1e9, step_ns = sample_value(&sample) * shape->chains;
    double lap = ceil((double)chase_layout_make(shape, 0).elements / shape->chains);
    double steps = part_samples * sample_ns / step_ns;
    if (lap * step_ns <= whole_lap_samples * sample_ns)
        steps = fmax(1, round(sample_ns / step_ns / lap)) * lap;
    *effort = (struct effort){
        .steps = (uint64_t)ceil(steps / BATCHES),
        .batches = BATCHES,
        .warm_steps = (uint64_t)fmax(WARM_STEPS_MIN, fmin(lap, sample_ns / 2 / step_ns)),
        .warm_limit = WARM_BATCHES_MAX,
    };
    return 0;
}

/* ---- walking ---- */

struct walker {
    struct prepared prepared;
    workload_function *entry;
};

static int open(struct runner *runner, const struct workload *workload, uint64_t seed, struct prepared **out,
    struct error *error)
{
    const struct chase_shape *shape = chase_of(workload);
    struct placement *placement = runner->config.placement;
    struct walker *walker = calloc(1, sizeof *walker);
    char name[WORKLOAD_NAME_BYTES];
    if (!walker)
        return error_set(error, ENOMEM, "no memory for a chase");
    walker->prepared = (struct prepared){runner, .domain = ((struct local_runner *)runner)->domain};
    chase_entry_name(shape, name);
    int rc = image_find(placement->config.image, name, &walker->entry, error);
    if (rc == 0)
        rc = placement_lay_out(placement, shape, seed, error);
    if (rc < 0)
        free(walker);
    else
        *out = &walker->prepared;
    return rc;
}

/* The job comes from a guest: a cursor outside of the data would send the native walk anywhere. */
static int check_job(const struct workload_job *job, const struct runner *runner, struct error *error)
{
    const struct memory *data = &runner->config.placement->data;
    for (unsigned i = 0; i < chase_of(&runner->workload)->chains; i++)
        if (job->cursor[i] - (uintptr_t)data->base >= data->bytes || job->cursor[i] % sizeof(uint64_t))
            return error_set(error, EPROTO, "a chase (%s) left its list", runner->config.name);
    if (job->ticks == 0)
        return error_set(
            error, EPROTO, "a chase (%s) took no time by the time-stamp counter", runner->config.name);
    return 0;
}

static int sample(
    struct prepared *prepared, const struct effort *effort, struct sample *sample, struct error *error)
{
    const struct walker *walker = (const struct walker *)prepared;
    const struct runner *runner = prepared->runner;
    struct placement *placement = runner->config.placement;
    struct workload_job *job = placement->config.image->job;
    unsigned chains = chase_of(&runner->workload)->chains;
    job->steps = effort->steps;
    job->batches = effort->batches;
    job->warm_steps = effort->warm_steps;
    job->warm_limit = effort->warm_limit;
    memcpy(job->cursor, placement->cursor, chains * sizeof *job->cursor);
    int rc = local_call(prepared, false, walker->entry, error);
    if (rc < 0 || (rc = check_job(job, runner, error)) < 0)
        return rc;
    memcpy(placement->cursor, job->cursor, chains * sizeof *job->cursor);
    uint64_t hops = effort->steps * effort->batches * chains;
    sample_set_time(sample, clock_ns(placement->config.clock, job->ticks) / (double)hops, hops);
    return 0;
}

static void close(struct prepared *prepared)
{
    free(prepared);
}

const struct workload_kind workload_chase = {
    .name = "chase",
    .record = &chase_record,
    .takes = takes,
    .write_id = write_id,
    .read_id = read_id,
    .label = label,
    .size = size,
    .check = check,
    .bytes = bytes,
    .shared_effort = true,
    .plan = plan,
    .open = open,
    .sample = sample,
    .close = close,
};
