#include "experiment/chase.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum {
    BATCHES = 16, /* timed batches in a sample */
    WARM_BATCHES_MAX = 4,
    PILOT_STEPS = 4096, /* of the walk that tells how long a step takes */
    WARM_STEPS_MIN = 8192,
};

/* A lap of up to this many samples' length is walked whole; of longer ones a sample walks a part, three times
 * as long as an ordinary one, and the next goes on from there. */
static const double whole_lap_samples = 8, part_samples = 3;

/* A lane of all sites' in one row. Cells are numbered shape * count of lanes + lane. */
struct row_lane {
    struct site *site;
    size_t index;         /* in the site */
    struct error failure; /* why it is not placed; code 0: it is */
    struct sample_plan plan;
};

struct chase_work {
    const struct chase_experiment *experiment;
    struct row_lane lanes[CHASE_LANES_MAX];
    size_t lane_count;
    struct result_cell *cells;
    const struct row_lane *laid_out; /* the first lane of a site that the row's list is laid out on; the
                                        others of the site come next */
};

static const struct lane *lane_of(const struct row_lane *lane)
{
    return &lane->site->lanes[lane->index];
}

/* ---- a placement ---- */

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
static int prove_lane(const struct chase_work *work, size_t lane, struct error *error)
{
    struct page_proof proof;
    int rc = site_proof(work->lanes[lane].site, work->lanes[lane].index, &proof, error);
    for (size_t shape = 0; rc == 0 && shape < work->experiment->shape_count; shape++) {
        struct page_proof *told = &work->cells[shape * work->lane_count + lane].pages;
        if (!told->proof[0] || told->as_asked)
            *told = proof;
    }
    return rc;
}

/* What fails for one lane of a site fails for those after it. */
static int chase_place(void *context, unsigned placement, struct error *error)
{
    struct chase_work *work = context;
    uint64_t bytes = largest_layout(work->experiment);
    struct error trouble = {0};
    for (size_t i = 0; i < work->lane_count; i++) {
        struct row_lane *lane = &work->lanes[i];
        if (lane->index == 0) {
            trouble.code = 0;
            (void)site_place(lane->site, bytes, &trouble);
        }
        if (!trouble.code)
            (void)prove_lane(work, i, &trouble);
        if (trouble.code && (placement == 0 || trouble.code == EINTR)) {
            *error = trouble;
            return -trouble.code;
        }
        lane->failure = trouble;
    }
    return 0;
}

static void chase_clear(void *context)
{
    const struct chase_experiment *experiment = ((struct chase_work *)context)->experiment;
    for (size_t i = 0; i < experiment->site_count; i++)
        site_clear(experiment->sites[i]);
}

/* ---- a shape ---- */

/* How many steps (a hop of every chain each) a sample takes on a site: whole laps where a lap is not too
 * long, so that every element counts alike. A short walk first tells how long a step takes, after another to
 * warm up.
 */
static int plan_sample(
    const struct chase_shape *chase, double seconds, struct row_lane *lane, struct error *error)
{
    struct sample_plan *plan = &lane->plan;
    struct sample pilot;
    *plan =
        (struct sample_plan){.steps = PILOT_STEPS, .batches = 1, .warm_steps = PILOT_STEPS, .warm_limit = 1};
    int rc = site_sample(lane->site, lane->index, plan, &pilot, error);
    if (rc < 0)
        return rc;
    double sample_ns = seconds * 1e9, step_ns = pilot.ns * chase->chains;
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

/* Lays the list out once on each site, and makes one plan for all its lanes. */
static int chase_prepare(void *context, size_t cell, uint64_t seed, double seconds, struct error *error)
{
    struct chase_work *work = context;
    const struct chase_shape *shape = &work->experiment->shapes[cell / work->lane_count];
    struct row_lane *lane = &work->lanes[cell % work->lane_count];
    if (lane->failure.code) {
        *error = lane->failure;
        return -error->code;
    }
    if (work->laid_out && work->laid_out->site == lane->site) {
        lane->plan = work->laid_out->plan;
        return 0;
    }
    int rc = site_lay_out(lane->site, shape, seed, error);
    if (rc < 0 || (rc = plan_sample(shape, seconds, lane, error)) < 0)
        return rc;
    work->laid_out = lane;
    return 0;
}

static int chase_sample(void *context, size_t cell, struct sample *sample, struct error *error)
{
    struct chase_work *work = context;
    const struct row_lane *lane = &work->lanes[cell % work->lane_count];
    return site_sample(lane->site, lane->index, &lane->plan, sample, error);
}

static void chase_finish(void *context, size_t row)
{
    (void)row;
    ((struct chase_work *)context)->laid_out = NULL;
}

/* ---- all of it ---- */

/* What a lane is compared with: native on the same memory; where that does not take part (another machine),
 * native on the first site that has it. */
static size_t baseline_of(const struct chase_work *work, size_t lane)
{
    size_t first = lane;
    for (size_t i = work->lane_count; i-- > 0;) {
        if (lane_of(&work->lanes[i])->type != &runner_native)
            continue;
        if (work->lanes[i].site == work->lanes[lane].site)
            return i;
        first = i;
    }
    return first;
}

static int add_cell(struct chase_work *work, struct scheduled *scheduled, size_t shape, size_t index,
    struct result *result, struct error *error)
{
    const struct row_lane *at = &work->lanes[index];
    const struct lane *lane = lane_of(at);
    size_t first = shape * work->lane_count;
    const struct schedule_cell how = {.baselines = {first + baseline_of(work, index), first + index}};
    struct result_cell cell = {
        .cell = {.monitor = pool_text(&result->pool, lane->name),
            .chase = work->experiment->shapes[shape],
            .guest_page_bytes = lane->guest_page_bytes,
            .host_page_bytes = at->site->host_page_bytes},
        .technique = lane->technique,
    };
    snprintf(cell.label, sizeof cell.label, "%s", lane->label);
    return result->pool.failed ? error_set(error, ENOMEM, "no memory for the names of cells")
                               : scheduled_add(scheduled, result, index == 0, &how, &cell, error);
}

static int make_row(struct chase_work *work, struct error *error)
{
    const struct chase_experiment *experiment = work->experiment;
    for (size_t s = 0; s < experiment->site_count; s++)
        for (size_t lane = 0; lane < experiment->sites[s]->lane_count; lane++) {
            if (work->lane_count == CHASE_LANES_MAX)
                return error_set(error, EINVAL, "more than %d runners side by side", CHASE_LANES_MAX);
            work->lanes[work->lane_count++] = (struct row_lane){.site = experiment->sites[s], .index = lane};
        }
    return work->lane_count ? 0 : error_set(error, EINVAL, "nothing to run on");
}

int experiment_chase(const struct chase_experiment *experiment, struct result *result, struct error *error)
{
    static const struct schedule_ops ops = {
        .place = chase_place,
        .prepare = chase_prepare,
        .sample = chase_sample,
        .finish = chase_finish,
        .clear = chase_clear,
    };
    struct chase_work work = {.experiment = experiment};
    struct scheduled scheduled = {.ops = &ops, .context = &work};
    size_t first = result->cell_count;
    int rc = make_row(&work, error);
    for (size_t i = 0; rc == 0 && i < experiment->shape_count * work.lane_count; i++)
        rc = add_cell(&work, &scheduled, i / work.lane_count, i % work.lane_count, result, error);
    if (rc == 0) {
        work.cells = &result->cells[first];
        rc = schedule_run(&experiment->schedule, &scheduled, result, error);
    }
    scheduled_free(&scheduled);
    return rc;
}
