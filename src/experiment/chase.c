#include "experiment/chase.h"

#include "base/random.h"
#include "experiment/internal.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "workload/image.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    REPEATS_MAX = 2, /* tries more for a disturbed sample */
    BATCHES = 16,    /* timed batches in a sample */
    WARM_BATCHES_MAX = 4,
    PILOT_STEPS = 4096, /* of the walk that tells how long a step takes */
    WARM_STEPS_MIN = 8192,
    LAYOUT_PIECE = 1 << 20, /* elements written between two looks for Ctrl-C */
};

/* A lap of up to this many samples' length is walked whole; of longer ones a sample walks a part, three times
 * as long as an ordinary one, and the next goes on from there. */
static const double whole_lap_samples = 8, part_samples = 3;

/* What the measuring functions share. */
struct run {
    const struct chase_experiment *experiment;
    struct result *result;
    struct clock clock;
    struct image image;
    struct watch watch;
    struct pin pin;
    struct memory data; /* of the present placement */
    struct runner *runners[CHASE_RUNNERS_MAX];
    size_t *order;  /* shapes in the order of the present placement */
    double started; /* clock_seconds() */
    unsigned placement, planned;
    size_t shapes_done; /* of the present placement */
    double planned_seconds;
};

/* ---- time ---- */

static double elapsed(const struct run *run)
{
    return clock_seconds() - run->started;
}

static int check_time(const struct run *run, struct error *error)
{
    if (stop_asked(&run->experiment->stop))
        return error_set(error, EINTR, "stopped by the user");
    if (run->experiment->strict && elapsed(run) > run->experiment->seconds)
        return error_set(error, EINTR, "the time budget of %g s ended", run->experiment->seconds);
    return 0;
}

static void tell(const struct run *run, const char *what)
{
    const struct chase_progress *progress = &run->experiment->progress;
    double placements = run->placement + (double)run->shapes_done / (double)run->experiment->shape_count;
    double left = run->planned_seconds - elapsed(run);
    if (progress->tell)
        progress->tell(progress->context, placements / run->planned, left > 0 ? left : 0, what);
}

/* After each placement: how many fit the budget. Decided by time alone: stopping when an interval is narrow
 * enough would make it too narrow. */
static void plan_placements(struct run *run)
{
    double one = elapsed(run) / (run->placement + 1), fit = floor(run->experiment->seconds / one);
    unsigned most = CHASE_PLACEMENTS_MAX, least = CHASE_PLACEMENTS_MIN;
    run->planned = fit > most ? most : fit < least ? least : (unsigned)fit;
    run->planned_seconds = one * run->planned;
}

/* ---- one shape ---- */

static int lay_out(const struct run *run, const struct chase_layout *layout, char *base, struct error *error)
{
    for (uint64_t first = 0; first < layout->elements; first += LAYOUT_PIECE) {
        uint64_t left = layout->elements - first;
        int rc = check_time(run, error);
        if (rc < 0)
            return rc;
        chase_layout_write(layout, base, first, left < LAYOUT_PIECE ? left : LAYOUT_PIECE);
    }
    return 0;
}

static void start_cursors(const struct chase_layout *layout, const char *base, uint64_t *cursor)
{
    for (unsigned chain = 0; chain < layout->shape.chains; chain++)
        cursor[chain] = (uintptr_t)base + chase_layout_offset(layout, chase_layout_start(layout, chain));
}

/* How long a step (a hop of every chain) takes on this list: the second of two short walks, the first being
 * the warm-up. */
static int pilot(
    struct run *run, struct chase_request *request, uint64_t *cursor, double *step_ns, struct error *error)
{
    struct sample sample;
    request->steps = request->warm_steps = PILOT_STEPS;
    request->batches = request->warm_limit = 1;
    int rc = runner_sample_chase(run->runners[0], request, cursor, &run->watch, &sample, error);
    if (rc == 0)
        *step_ns = clock_ns(&run->clock, sample.ticks) / PILOT_STEPS;
    return rc;
}

/* How many steps a sample takes: whole laps where a lap is not too long, so that every element counts alike.
 */
static void plan_sample(
    const struct run *run, const struct chase_layout *layout, double step_ns, struct chase_request *request)
{
    double sample_ns = run->experiment->sample_seconds * 1e9;
    double lap = ceil((double)layout->elements / request->chains), steps = part_samples * sample_ns / step_ns;
    if (lap * step_ns <= whole_lap_samples * sample_ns)
        steps = fmax(1, round(sample_ns / step_ns / lap)) * lap;
    request->batches = BATCHES;
    request->steps = (uint64_t)ceil(steps / BATCHES);
    request->warm_limit = WARM_BATCHES_MAX;
    request->warm_steps = (uint64_t)fmax(WARM_STEPS_MIN, fmin(lap, sample_ns / 2 / step_ns));
}

static int sample_once(struct run *run, struct result_cell *cell, size_t runner,
    const struct chase_request *request, uint64_t *cursor, struct result_sample *out, struct error *error)
{
    struct sample sample;
    int rc = runner_sample_chase(run->runners[runner], request, cursor, &run->watch, &sample, error);
    if (rc < 0)
        return rc;
    out->ns = clock_ns(&run->clock, sample.ticks) / (double)sample.hops;
    out->disturbed = evidence_judge(&sample.evidence);
    cell->counters.known = cell->counters.known && sample.counters.known;
    cell->counters.exits += sample.counters.exits;
    cell->counters.page_faults += sample.counters.page_faults;
    return 0;
}

/* A sample, taken again while it is disturbed, a few times; the last one counts, marked if it is disturbed
 * still. */
static int take_sample(struct run *run, struct result_cell *cell, size_t runner, unsigned round,
    const struct chase_request *request, uint64_t *cursor, struct error *error)
{
    struct result_sample sample = {.round = round, .placement = run->placement};
    int rc = check_time(run, error);
    for (int tries = 0; rc == 0 && tries <= REPEATS_MAX; tries++) {
        rc = sample_once(run, cell, runner, request, cursor, &sample, error);
        if (sample.disturbed == DISTURBED_NOT)
            break;
        cell->repeated += tries < REPEATS_MAX;
    }
    return rc < 0 ? rc : add_sample(cell, &sample, error);
}

/* Rounds in ABBA order: every second round runs backwards, so that drift cancels. */
static int sample_rounds(
    struct run *run, size_t shape, const struct chase_request *request, uint64_t *cursor, struct error *error)
{
    size_t count = run->experiment->runner_count;
    for (unsigned round = 0; round < run->experiment->rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            size_t runner = (round + run->placement) % 2 ? count - 1 - i : i;
            struct result_cell *cell = &run->result->cells[shape * count + runner];
            int rc = take_sample(run, cell, runner, round, request, cursor, error);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* The list lies at a random page of the placement's memory, where it leaves room. */
static char *choose_base(const struct run *run, const struct chase_layout *layout, uint64_t *random)
{
    uint64_t room = (run->data.bytes - layout->bytes) / (4 * KIB);
    return (char *)run->data.base + random_below(random, room + 1) * (4 * KIB);
}

static int measure_shape(struct run *run, size_t shape, uint64_t *random, struct error *error)
{
    struct chase_layout layout = chase_layout_make(&run->experiment->shapes[shape], random_next(random));
    char *base = choose_base(run, &layout, random), name[WORKLOAD_NAME_BYTES];
    struct chase_request request = {.chains = layout.shape.chains};
    uint64_t cursor[CHASE_CHAINS_MAX];
    double step_ns = 0;
    int rc;
    chase_entry_name(&layout.shape, name);
    start_cursors(&layout, base, cursor);
    if ((rc = image_find(&run->image, name, &request.entry, error)) < 0 ||
        (rc = lay_out(run, &layout, base, error)) < 0 ||
        (rc = pilot(run, &request, cursor, &step_ns, error)) < 0)
        return rc;
    plan_sample(run, &layout, step_ns, &request);
    return sample_rounds(run, shape, &request, cursor, error);
}

/* ---- one placement ---- */

static void close_runners(struct run *run)
{
    for (size_t i = 0; i < CHASE_RUNNERS_MAX; i++) {
        runner_close(run->runners[i]);
        run->runners[i] = NULL;
    }
}

static int open_runner(struct run *run, size_t index, struct error *error)
{
    const struct chase_experiment *experiment = run->experiment;
    struct runner_config config = {
        .image = &run->image,
        .data = &run->data,
        .guest_page_bytes = 4 * KIB,
        .facts = &experiment->kvm,
        .stop = &experiment->stop,
    };
    struct page_proof proof;
    int rc;
    if ((rc = runner_open(experiment->runners[index], &config, &run->runners[index], error)) < 0 ||
        (rc = runner_touch(run->runners[index], error)) < 0 ||
        (rc = experiment->runners[index]->proof(run->runners[index], &proof, error)) < 0)
        return rc;
    for (size_t shape = 0; shape < experiment->shape_count; shape++)
        run->result->cells[shape * experiment->runner_count + index].pages = proof;
    return 0;
}

static uint64_t largest_layout(const struct chase_experiment *experiment)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < experiment->shape_count; i++) {
        struct chase_layout layout = chase_layout_make(&experiment->shapes[i], 0);
        largest = layout.bytes > largest ? layout.bytes : largest;
    }
    return largest;
}

static int place(struct run *run, struct error *error)
{
    const struct stop *stop = &run->experiment->stop;
    int rc = memory_map(&run->data, largest_layout(run->experiment), 4 * KIB, error);
    if (rc < 0 || (rc = memory_populate(&run->data, true, stop->asked, stop->context, error)) < 0)
        return rc;
    if (run->experiment->lock && (rc = memory_lock(&run->data, error)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < run->experiment->runner_count; i++)
        rc = open_runner(run, i, error);
    return rc;
}

static void shuffle(size_t *order, size_t count, uint64_t *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(random, i), kept = order[j];
        order[j] = order[i - 1];
        order[i - 1] = kept;
    }
}

static int measure_shapes(struct run *run, struct error *error)
{
    uint64_t random = run->experiment->seed + run->placement;
    char what[64];
    int rc = 0;
    shuffle(run->order, run->experiment->shape_count, &random);
    for (run->shapes_done = 0; rc == 0 && run->shapes_done < run->experiment->shape_count;
         run->shapes_done++) {
        snprintf(what, sizeof what, "placement %u of %u", run->placement + 1, run->planned);
        tell(run, what);
        rc = measure_shape(run, run->order[run->shapes_done], &random, error);
    }
    return rc;
}

static int measure_placement(struct run *run, struct error *error)
{
    tell(run, "mapping memory");
    int rc = place(run, error);
    if (rc == 0)
        rc = measure_shapes(run, error);
    close_runners(run);
    memory_unmap(&run->data);
    return rc;
}

/* ---- all of it ---- */

static int measure_all(struct run *run, struct error *error)
{
    int rc = 0;
    run->planned = CHASE_PLACEMENTS_MIN;
    run->planned_seconds = run->experiment->seconds;
    for (run->placement = 0; rc == 0 && run->placement < run->planned; run->placement++) {
        run->shapes_done = 0;
        if ((rc = check_time(run, error)) == 0)
            rc = measure_placement(run, error);
        if (rc == 0)
            plan_placements(run);
    }
    return rc;
}

static void stamp_start(struct result *result)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(result->started, sizeof result->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static int prepare(struct run *run, struct error *error)
{
    const struct chase_experiment *experiment = run->experiment;
    int rc = clock_calibrate(&run->clock, error);
    if (rc < 0 || (rc = make_cells(experiment, run->result, error)) < 0 ||
        (rc = image_load(&run->image, error)) < 0 || (rc = pin_thread(&run->pin, experiment->cpu, error)) < 0)
        return rc;
    run->order = calloc(experiment->shape_count, sizeof *run->order);
    if (!run->order)
        return error_set(error, ENOMEM, "no memory for the order of measuring");
    for (size_t i = 0; i < experiment->shape_count; i++)
        run->order[i] = i;
    watch_open(&run->watch, run->pin.cpu);
    return 0;
}

static void clean_up(struct run *run)
{
    watch_close(&run->watch);
    pin_release(&run->pin);
    free(run->order);
    image_unload(&run->image);
}

/* Being stopped ends the measuring, not the report. */
static int conclude(struct run *run, int rc, struct error *error)
{
    struct result *result = run->result;
    result->complete = rc == 0;
    if (rc < 0 && rc != -EINTR)
        return rc;
    if (rc < 0) /* whatever it was that noticed says where; the reader wants to know who */
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.150s",
            stop_asked(&run->experiment->stop) ? "stopped by the user" : error->text);
    result->seconds = elapsed(run);
    analyse_cells(result, run->planned, result->incomplete_reason);
    return analyse_comparisons(result, run->experiment->runner_count, error);
}

int experiment_chase(const struct chase_experiment *experiment, struct result *result, struct error *error)
{
    struct run run = {
        .experiment = experiment, .result = result, .watch.stat = -1, .started = clock_seconds()};
    *result = (struct result){.experiment = "chase", .seed = experiment->seed, .kvm = experiment->kvm};
    stamp_start(result);
    int rc = prepare(&run, error);
    if (rc == 0) {
        result->cpu = run.pin.cpu;
        result->tsc_ghz = run.clock.ticks_per_ns;
        rc = conclude(&run, measure_all(&run, error), error);
    }
    clean_up(&run);
    return rc;
}
