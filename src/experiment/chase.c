#include "experiment/chase.h"

#include "base/random.h"
#include "experiment/internal.h"
#include "measure/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REPEATS_MAX = 2, /* tries more for a disturbed sample */
    BATCHES = 16,    /* timed batches in a sample */
    WARM_BATCHES_MAX = 4,
    PILOT_STEPS = 4096, /* of the walk that tells how long a step takes */
    WARM_STEPS_MIN = 8192,
    PACE_SHAPES = 4, /* that are measured before anything is made of their pace: they are not alike */
};

/* A lap of up to this many samples' length is walked whole; of longer ones a sample walks a part, three times
 * as long as an ordinary one, and the next goes on from there. */
static const double whole_lap_samples = 8, part_samples = 3;

/* Of the time budget, for taking disturbed samples again. */
static const double repeat_share = 0.15;

/* What shapes have taken until now. */
struct pace {
    unsigned shapes;
    double seconds;  /* in all … */
    double sampling; /* … and of these for samples, where … */
    double
        asked; /* … each lane's would have taken as long as this, had they lasted what they were meant to */
};

/* What the measuring functions share. */
struct run {
    const struct chase_experiment *experiment;
    struct result *result;
    struct row row;
    size_t *order;    /* shapes in the order of the present placement */
    unsigned *rounds; /* of each shape in one placement */
    double started;   /* clock_seconds() */
    unsigned placement, planned;
    size_t shapes_done; /* of the present placement */
    double planned_seconds;
    double repeat_seconds;    /* spent on taking disturbed samples again */
    double sample_seconds;    /* what one sample lasts, about: as long as was asked for, or shortened */
    double placement_started; /* elapsed() */
    struct pace pace;
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

/* After the first placement: how many rounds each shape takes from now on, as many as the least number of
 * placements leaves time for. */
static void plan_rounds(struct run *run)
{
    size_t shapes = run->experiment->shape_count, lanes = run->row.count;
    double one =
        elapsed(run) / (double)(shapes * run->experiment->pilot_rounds); /* a round of one shape, roughly */
    for (size_t shape = 0; shape < shapes; shape++)
        run->rounds[shape] = rounds_after_pilot(&run->result->cells[shape * lanes], lanes);
    rounds_limit(
        run->rounds, shapes, (run->experiment->seconds - elapsed(run)) / (CHASE_PLACEMENTS_MIN - 1) / one);
}

static unsigned rounds_left(const struct run *run)
{
    unsigned rounds = 0;
    for (size_t i = run->shapes_done; i < run->experiment->shape_count; i++)
        rounds += run->rounds[run->order[i]];
    return rounds;
}

/* Before a shape: samples become as short as the pace until now demands, if the least number of placements is
 * to fit the budget. What else a shape takes (its list, finding out how long a step takes) stays. The first
 * placement, which may be slow for being the first, has half of the time. */
static void keep_pace(struct run *run)
{
    const struct chase_experiment *experiment = run->experiment;
    const struct pace *pace = &run->pace;
    run->sample_seconds = experiment->sample_seconds;
    if (!(experiment->shortest_sample_seconds > 0) || pace->shapes < PACE_SHAPES ||
        run->placement >= CHASE_PLACEMENTS_MIN)
        return;
    unsigned parts = run->placement ? CHASE_PLACEMENTS_MIN - run->placement : 2;
    double end = run->placement_started + (experiment->seconds - run->placement_started) / parts;
    double other = (pace->seconds - pace->sampling) / pace->shapes *
                   (double)(experiment->shape_count - run->shapes_done);
    double fit = (end - elapsed(run) - other) / rounds_left(run) * pace->asked / pace->sampling;
    run->sample_seconds = fmin(experiment->sample_seconds, fmax(fit, experiment->shortest_sample_seconds));
}

/* ---- one shape ---- */

/* How many steps (a hop of every chain each) a sample takes on a site: whole laps where a lap is not too
 * long, so that every element counts alike. A short walk first tells how long a step takes, after another to
 * warm up. */
static int plan_sample(
    const struct run *run, struct site *site, size_t shape, struct sample_plan *plan, struct error *error)
{
    const struct chase_shape *chase = &run->experiment->shapes[shape];
    struct sample pilot;
    *plan =
        (struct sample_plan){.steps = PILOT_STEPS, .batches = 1, .warm_steps = PILOT_STEPS, .warm_limit = 1};
    int rc = site_sample(site, 0, plan, &pilot, error);
    if (rc < 0)
        return rc;
    double sample_ns = run->sample_seconds * 1e9, step_ns = pilot.ns * chase->chains;
    double lap = ceil((double)chase_layout_make(chase, 0).elements / chase->chains);
    double steps = part_samples * sample_ns / step_ns;
    if (lap * step_ns <= whole_lap_samples * sample_ns)
        steps = fmax(1, round(sample_ns / step_ns / lap)) * lap;
    plan->batches = BATCHES;
    plan->steps = (uint64_t)ceil(steps / BATCHES);
    plan->warm_limit = WARM_BATCHES_MAX;
    plan->warm_steps = (uint64_t)fmax(WARM_STEPS_MIN, fmin(lap, sample_ns / 2 / step_ns));
    return 0;
}

static int sample_once(const struct run *run, struct result_cell *cell, size_t lane,
    const struct sample_plan *plan, struct result_sample *out, struct error *error)
{
    const struct row_lane *where = &run->row.lanes[lane];
    struct sample sample;
    int rc = site_sample(where->site, where->index, plan, &sample, error);
    if (rc < 0)
        return rc;
    out->ns = sample.ns;
    out->disturbed = sample.disturbed;
    cell->counters.known = cell->counters.known && sample.counters.known;
    cell->counters.exits += sample.counters.exits;
    cell->counters.page_faults += sample.counters.page_faults;
    return 0;
}

/* A sample, taken again while it is disturbed, a few times; the last one counts, marked if it is disturbed
 * still. Where nearly all are disturbed repeating does not help: it may take a part of the time budget, no
 * more. */
static int take_sample(struct run *run, struct result_cell *cell, size_t lane, unsigned round,
    const struct sample_plan *plan, struct error *error)
{
    struct result_sample sample = {.round = round, .placement = run->placement};
    int rc = check_time(run, error);
    if (rc == 0)
        rc = sample_once(run, cell, lane, plan, &sample, error);
    for (int tries = 0; rc == 0 && tries < REPEATS_MAX && sample.disturbed != DISTURBED_NOT &&
                        run->repeat_seconds < repeat_share * run->experiment->seconds;
         tries++) {
        double before = clock_seconds();
        rc = sample_once(run, cell, lane, plan, &sample, error);
        run->repeat_seconds += clock_seconds() - before;
        cell->repeated++;
    }
    if (rc == 0 && figures_add_sample(cell, &sample))
        rc = error_set(error, ENOMEM, "no memory for another sample");
    return rc;
}

/* Rounds in ABBA order: every second round runs backwards, so that drift cancels. */
static int sample_rounds(struct run *run, size_t shape, const struct sample_plan *plans, struct error *error)
{
    size_t count = run->row.count;
    for (unsigned round = 0; round < run->rounds[shape]; round++) {
        for (size_t i = 0; i < count; i++) {
            size_t lane = (round + run->placement) % 2 ? count - 1 - i : i;
            struct result_cell *cell = &run->result->cells[shape * count + lane];
            int rc = take_sample(run, cell, lane, round, &plans[lane], error);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* Lays the list out on every site and plans its lanes' samples. */
static int prepare_shape(
    const struct run *run, size_t shape, uint64_t seed, struct sample_plan *plans, struct error *error)
{
    for (size_t lane = 0; lane < run->row.count; lane++) {
        struct site *site = run->row.lanes[lane].site;
        if (run->row.lanes[lane].index > 0) {
            plans[lane] = plans[lane - 1]; /* one plan for all lanes of a site */
            continue;
        }
        int rc = check_time(run, error);
        if (rc < 0 || (rc = site_lay_out(site, &run->experiment->shapes[shape], seed, error)) < 0 ||
            (rc = plan_sample(run, site, shape, &plans[lane], error)) < 0)
            return rc;
    }
    return 0;
}

static int measure_shape(struct run *run, size_t shape, uint64_t seed, struct error *error)
{
    struct sample_plan plans[CHASE_LANES_MAX];
    double began = elapsed(run);
    int rc = prepare_shape(run, shape, seed, plans, error);
    double prepared = elapsed(run);
    if (rc == 0)
        rc = sample_rounds(run, shape, plans, error);
    run->pace.shapes++;
    run->pace.seconds += elapsed(run) - began;
    run->pace.sampling += elapsed(run) - prepared;
    run->pace.asked += run->sample_seconds * run->rounds[shape];
    return rc;
}

/* ---- one placement ---- */

static uint64_t largest_layout(const struct chase_experiment *experiment)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < experiment->shape_count; i++) {
        struct chase_layout layout = chase_layout_make(&experiment->shapes[i], 0);
        largest = layout.bytes > largest ? layout.bytes : largest;
    }
    return largest;
}

/* The proof of a lane's pages is that of all its cells in this placement. Each placement is proved; the last
 * one is told, or the first one whose pages were not those that were asked for. */
static int prove_lane(const struct run *run, size_t lane, struct error *error)
{
    struct page_proof proof;
    int rc = site_proof(run->row.lanes[lane].site, run->row.lanes[lane].index, &proof, error);
    for (size_t shape = 0; rc == 0 && shape < run->experiment->shape_count; shape++) {
        struct page_proof *told = &run->result->cells[shape * run->row.count + lane].pages;
        if (!told->proof[0] || told->as_asked)
            *told = proof;
    }
    return rc;
}

static int place(const struct run *run, struct error *error)
{
    uint64_t bytes = largest_layout(run->experiment);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < run->experiment->site_count; i++)
        rc = site_place(run->experiment->sites[i], bytes, error);
    for (size_t lane = 0; rc == 0 && lane < run->row.count; lane++)
        rc = prove_lane(run, lane, error);
    return rc;
}

static int measure_shapes(struct run *run, struct error *error)
{
    uint64_t random = random_mix(run->experiment->seed) + run->placement;
    char what[64];
    int rc = 0;
    order_shuffle(run->order, run->experiment->shape_count, &random);
    for (run->shapes_done = 0; rc == 0 && run->shapes_done < run->experiment->shape_count;
         run->shapes_done++) {
        snprintf(what, sizeof what, "placement %u of %u", run->placement + 1, run->planned);
        tell(run, what);
        keep_pace(run);
        rc = measure_shape(run, run->order[run->shapes_done], random_next(&random), error);
    }
    return rc;
}

static int measure_placement(struct run *run, struct error *error)
{
    run->placement_started = elapsed(run);
    tell(run, "mapping memory");
    int rc = place(run, error);
    if (rc == 0)
        rc = measure_shapes(run, error);
    for (size_t i = 0; i < run->experiment->site_count; i++)
        site_clear(run->experiment->sites[i]);
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
        if (rc == 0 && run->placement == 0)
            plan_rounds(run);
        if (rc == 0)
            plan_placements(run);
    }
    return rc;
}

static int prepare(struct run *run, struct error *error)
{
    size_t count = run->experiment->shape_count;
    int rc = row_make(run->experiment, &run->row, error);
    if (rc < 0 || (rc = make_cells(run->experiment, &run->row, run->result, error)) < 0)
        return rc;
    run->order = calloc(count, sizeof *run->order);
    run->rounds = calloc(count, sizeof *run->rounds);
    if (!run->order || !run->rounds)
        return error_set(error, ENOMEM, "no memory for the order of measuring");
    for (size_t i = 0; i < count; i++) {
        run->order[i] = i;
        run->rounds[i] = run->experiment->pilot_rounds;
    }
    return 0;
}

static bool has_samples(const struct result *result)
{
    for (size_t i = 0; i < result->cell_count; i++)
        if (result->cells[i].sample_count)
            return true;
    return false;
}

/* Being stopped ends the measuring, not the report; nor does a runner that fails after others have measured.
 */
static int conclude(struct run *run, int rc, struct error *error)
{
    struct result *result = run->result;
    result->complete = rc == 0;
    result->broken = rc < 0 && rc != -EINTR;
    if (result->broken && !has_samples(result))
        return rc;
    if (rc < 0) /* whatever it was that noticed says where; the reader wants to know who */
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.300s",
            stop_asked(&run->experiment->stop) ? "stopped by the user" : error->text);
    result->seconds = elapsed(run);
    rc = analyse_cells(result, run->planned, result->incomplete_reason, error);
    return rc < 0 ? rc : analyse_comparisons(result, &run->row, error);
}

int experiment_chase(const struct chase_experiment *experiment, struct result *result, struct error *error)
{
    struct run run = {.experiment = experiment, .result = result, .started = clock_seconds()};
    *result = (struct result){.experiment = "chase", .seed = experiment->seed};
    stamp_start(result);
    int rc = prepare(&run, error);
    if (rc == 0)
        rc = conclude(&run, measure_all(&run, error), error);
    free(run.order);
    free(run.rounds);
    return rc;
}
