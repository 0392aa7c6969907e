#include "experiment/schedule_internal.h"

#include "base/random.h"
#include "experiment/internal.h"
#include "experiment/metrics.h"
#include "measure/clock.h"
#include "runner/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPEATS_MAX = 2 }; /* tries more for a disturbed sample */

/* Of the time budget, for taking disturbed samples again. */
static const double repeat_share = 0.15;

/* ---- one cell ---- */

static const struct runner_config *config_of(const struct run *run, size_t cell)
{
    return &run->scheduled->runners[run->scheduled->cells[cell].runner];
}

static struct runner *runner_of(const struct run *run, size_t cell)
{
    const struct scheduled_cell *scheduled = &run->scheduled->cells[cell];
    return scheduled->own ? scheduled->own : run->placed[scheduled->runner].runner;
}

/* What failed is told in its cell, and not tried again; the others go on. Only the user and the end of the
 * time end everything. */
static int bear(struct run *run, size_t cell, int rc, struct error *error)
{
    struct result_cell *into = &run->cells[cell];
    const struct remote *remote = config_of(run, cell)->remote;
    if (rc == 0 || schedule_is_stopped(run, rc, error))
        return rc == 0 ? 0 : -EINTR;
    run->scheduled->cells[cell].done = true;
    if (!run->result->first_failure)
        run->result->first_failure = error->code;
    snprintf(into->reason, sizeof into->reason, "%.158s", error->text);
    if (!run->scheduled->failures_are_figures || (remote && remote_is_gone(remote))) {
        run->broken = run->broken.code ? run->broken : *error;
    } else { /* what there was before could be of something else */
        into->sample_count = 0;
        into->repeated = 0;
        into->operations = 0;
        into->counters = (struct result_counters){.known = true};
    }
    return 0;
}

/* What the cells of a row before this one have planned on the same placement; NULL: nothing. */
static const struct effort *shared_effort(const struct run *run, const struct scheduled_row *row, size_t cell)
{
    const struct scheduled_cell *cells = run->scheduled->cells;
    for (size_t i = row->first; cells[cell].workload.kind->shared_effort && i < cell; i++)
        if (!cells[i].done && config_of(run, i)->placement == config_of(run, cell)->placement)
            return &cells[i].effort;
    return NULL;
}

static int prepare_cell(
    struct run *run, const struct scheduled_row *row, size_t number, uint64_t seed, struct error *error)
{
    struct scheduled_cell *cell = &run->scheduled->cells[number];
    const struct error *failure = &run->placed[cell->runner].failure;
    int rc = 0;
    if (failure->code) {
        *error = *failure;
        return -error->code;
    }
    if (!run->placed[cell->runner].runner)
        rc = runner_open(config_of(run, number), &cell->own, error);
    if (rc == 0)
        rc = runner_prepare(runner_of(run, number), &cell->workload, seed, error);
    if (rc < 0)
        return rc;
    snprintf(run->cells[number].note, sizeof run->cells[number].note, "%s", runner_of(run, number)->note);
    const struct account *account = runner_of(run, number)->account;
    if (account)
        run->cells[number].modelled.account = *account;
    const struct effort *shared = shared_effort(run, row, number);
    if (!shared)
        return cell->workload.kind->plan(runner_of(run, number), run->sample_seconds, &cell->effort, error);
    cell->effort = *shared;
    return 0;
}

static void add_counters(
    const struct runner_config *config, const struct sample *sample, struct result_cell *into)
{
    uint64_t exits = 0, faults = 0;
    bool known = counters_get(&sample->counters, "page_faults", &faults);
    if (!counters_get(&sample->counters, "exits", &exits) && config->ops->monitor)
        known = false;
    into->counters.known = into->counters.known && known;
    into->counters.exits += exits;
    into->counters.page_faults += faults;
    if (into->cell.workload.kind->operation)
        into->operations += sample->operations;
}

static int sample_once(
    const struct run *run, size_t cell, struct sample *sample, struct result_sample *out, struct error *error)
{
    int rc = runner_sample(runner_of(run, cell), &run->scheduled->cells[cell].effort, sample, error);
    if (rc < 0)
        return rc;
    out->ns = sample_value(sample);
    out->disturbed = sample->disturbed;
    add_counters(config_of(run, cell), sample, &run->cells[cell]);
    return 0;
}

/* A sample, taken again while it is disturbed, a few times; the last one counts, marked if it is disturbed
 * still. Where nearly all are disturbed repeating does not help: it may take a part of the time budget, no
 * more. */
static int take_sample(struct run *run, size_t cell, unsigned round, struct error *error)
{
    struct result_cell *into = &run->cells[cell];
    struct result_sample sample = {.round = round, .placement = run->placement};
    struct sample whole;
    int rc = schedule_check_time(run, error);
    if (rc < 0)
        return rc;
    rc = sample_once(run, cell, &whole, &sample, error);
    for (int tries = 0;
         rc == 0 && !into->deterministic && tries < REPEATS_MAX && sample.disturbed != DISTURBED_NOT &&
         run->repeat_seconds < repeat_share * run->schedule->seconds;
         tries++) {
        double before = run->now();
        rc = sample_once(run, cell, &whole, &sample, error);
        run->repeat_seconds += run->now() - before;
        into->repeated++;
    }
    if (rc < 0)
        return bear(run, cell, rc, error);
    run->scheduled->cells[cell].done = into->deterministic;
    if (figures_add_sample(into, &sample) || metrics_note(&run->scheduled->cells[cell], &whole, &sample))
        return error_set(error, ENOMEM, "no memory for another sample");
    return 0;
}

/* ---- one row ---- */

static int prepare_row(struct run *run, const struct scheduled_row *row, uint64_t seed, struct error *error)
{
    int rc = 0;
    for (size_t cell = row->first; rc == 0 && cell < row->first + row->count; cell++) {
        double before = run->now();
        if (!run->scheduled->cells[cell].done && (rc = schedule_check_time(run, error)) == 0)
            rc = bear(run, cell, prepare_cell(run, row, cell, seed, error), error);
        if (run->cells[cell].deterministic)
            run->once_seconds += run->now() - before;
    }
    return rc;
}

/* Rounds in ABBA order: every second round runs backwards, so that drift cancels. */
static int sample_row(struct run *run, const struct scheduled_row *row, unsigned rounds, struct error *error)
{
    int rc = 0;
    for (unsigned round = 0; rc == 0 && round < rounds; round++)
        for (size_t i = 0; rc == 0 && i < row->count; i++) {
            bool backwards = (round + run->placement) % 2;
            size_t cell = row->first + (backwards ? row->count - 1 - i : i);
            if (!run->scheduled->cells[cell].done)
                rc = take_sample(run, cell, round, error);
        }
    return rc;
}

static int measure_row(struct run *run, size_t number, uint64_t seed, struct error *error)
{
    const struct scheduled_row *row = &run->scheduled->rows[number];
    double began = schedule_elapsed_again(run);
    int rc = prepare_row(run, row, seed, error);
    double prepared = schedule_elapsed_again(run);
    if (rc == 0)
        rc = sample_row(run, row, run->rounds[number], error);
    run->pace.rows++;
    run->pace.seconds += schedule_elapsed_again(run) - began;
    run->pace.sampling += schedule_elapsed_again(run) - prepared;
    run->pace.asked += run->sample_seconds * run->rounds[number];
    for (size_t cell = row->first; cell < row->first + row->count; cell++) {
        runner_close(run->scheduled->cells[cell].own);
        run->scheduled->cells[cell].own = NULL;
    }
    return rc;
}

/* ---- one placement ---- */

/* Maps what the largest workload needs of a runner's placement, unless one before has. Where none needs
 * memory each cell opens a runner of its own. */
static int open_runner(struct run *run, size_t runner, struct error *error)
{
    const struct runner_config *config = &run->scheduled->runners[runner];
    uint64_t bytes = 0, alignment = 0;
    int rc = 0;
    for (size_t i = 0; i < run->scheduled->cell_count; i++) {
        const struct workload *workload = &run->scheduled->cells[i].workload;
        const struct runner_config *other = config_of(run, i);
        uint64_t needed = workload->kind->bytes ? workload->kind->bytes(workload) : 0;
        if (other->placement != config->placement)
            continue;
        bytes = needed > bytes ? needed : bytes;
        alignment = other->guest_page_bytes > alignment ? other->guest_page_bytes : alignment;
    }
    if (!bytes)
        return 0;
    if (!config->placement->bytes) {
        schedule_tell(run, "mapping memory");
        rc = placement_map(config->placement, bytes, alignment, error);
    }
    return rc < 0 ? rc : runner_open(config, &run->placed[runner].runner, error);
}

/* The proof of a runner's pages is that of all its cells in this placement. Each placement is proved; the
 * last one is told, or the first one whose pages were not those that were asked for. */
static int prove_runner(struct run *run, size_t runner, struct error *error)
{
    struct runner *open = run->placed[runner].runner;
    struct page_proof proof;
    int rc = open ? runner_proof(open, &proof, error) : 0;
    for (size_t i = 0; rc == 0 && open && i < run->scheduled->cell_count; i++) {
        struct page_proof *told = &run->cells[i].pages;
        if (run->scheduled->cells[i].runner == runner && (!told->proof[0] || told->as_asked))
            *told = proof;
    }
    return rc;
}

/* In the first placement what the user has asked for and cannot have is the end: nobody waits for nothing. A
 * monitor that fails in spite of its probe leaves the others, and so does whatever fails later. */
static bool fails_alone(const struct run *run, size_t runner, int rc)
{
    return run->placement > 0 || (run->scheduled->runners[runner].ops->monitor && rc != -ENOTSUP);
}

static bool all_failed(const struct run *run)
{
    size_t runner = 0;
    while (runner < run->scheduled->runner_count && run->placed[runner].failure.code)
        runner++;
    return runner == run->scheduled->runner_count;
}

static int place(struct run *run, struct error *error)
{
    static int (*const steps[])(struct run *, size_t, struct error *) = {open_runner, prove_runner};
    size_t count = run->scheduled->runner_count;
    for (size_t i = 0; i < 2 * count; i++) {
        struct error *failure = &run->placed[i % count].failure;
        if (i < count)
            failure->code = 0;
        int rc = failure->code ? 0 : steps[i / count](run, i % count, error);
        if (schedule_is_stopped(run, rc, error))
            return -EINTR;
        if (rc == -EINTR) /* nobody has stopped it: a call was interrupted again and again */
            error->code = EAGAIN;
        if (rc < 0 && !fails_alone(run, i % count, rc))
            return -error->code;
        if (rc < 0)
            *failure = *error;
    }
    if (run->placement > 0 || !all_failed(run))
        return 0;
    *error = run->placed[0].failure;
    return -error->code;
}

static void clear(struct run *run)
{
    for (size_t i = 0; i < run->scheduled->runner_count; i++) {
        runner_close(run->placed[i].runner);
        run->placed[i].runner = NULL;
    }
    for (size_t i = 0; i < run->scheduled->runner_count; i++)
        placement_clear(run->scheduled->runners[i].placement);
}

static int measure_rows(struct run *run, struct error *error)
{
    const struct scheduled *scheduled = run->scheduled;
    uint64_t random = random_mix(run->schedule->seed) + run->placement;
    int rc = 0;
    random_order(&random, run->order, scheduled->row_count);
    for (; rc == 0 && run->rows_done < scheduled->row_count; run->rows_done++) {
        size_t row = run->order[run->rows_done];
        size_t last = scheduled->rows[row].first + scheduled->rows[row].count - 1;
        const struct workload *workload = &scheduled->cells[last].workload;
        schedule_tell(run, workload->kind->label(workload));
        schedule_keep_pace(run);
        rc = measure_row(run, row, random_next(&random), error);
    }
    return rc;
}

/* Whatever was measured until now, by this experiment or one before whose cells are in the result too. */
static void mark_all(struct run *run)
{
    struct result *result = run->result;
    for (size_t i = 0; i < result->cell_count; i++) {
        struct result_cell *cell = &result->cells[i];
        for (size_t k = 0; k < cell->sample_count; k++)
            cell->samples[k].disturbed = DISTURBED_CHANGED;
        if (cell >= run->cells || !cell->sample_count)
            continue;
        cell->quality = QUALITY_NOISY;
        snprintf(cell->reason, sizeof cell->reason, "it was measured before the machine became another one");
    }
}

static int look_again(struct run *run, struct error *error)
{
    bool another_machine = false;
    unsigned placements = run->placement + 1;
    int rc = run->schedule->lookout
                 ? lookout_look(run->schedule->lookout, placements, run->result, &another_machine, error)
                 : 0;
    if (another_machine) {
        mark_all(run);
        run->another = placements;
        run->least = placements + PLACEMENTS_MIN;
    }
    return rc;
}

static int measure_placement(struct run *run, struct error *error)
{
    run->placement_started = schedule_elapsed_again(run);
    run->rows_done = 0;
    int rc = schedule_check_time(run, error);
    if (rc == 0)
        rc = place(run, error);
    if (rc == 0)
        rc = measure_rows(run, error);
    clear(run);
    if (rc == 0)
        rc = look_again(run, error);
    if (rc == 0 && run->placement == 0 && run->schedule->rounds_by_spread)
        schedule_plan_rounds(run);
    if (rc == 0)
        schedule_plan_placements(run);
    return rc;
}

/* ---- all of it ---- */

static bool all_done(const struct run *run)
{
    size_t cell = 0;
    while (cell < run->scheduled->cell_count && run->scheduled->cells[cell].done)
        cell++;
    return cell == run->scheduled->cell_count;
}

static int measure_all(struct run *run, struct error *error)
{
    int rc = 0;
    for (size_t row = 0; row < run->scheduled->row_count; row++)
        run->rounds[row] = run->schedule->rounds;
    for (; rc == 0 && run->placement < run->planned && !all_done(run); run->placement++)
        rc = measure_placement(run, error);
    if (rc == -EINTR) /* whatever it was that noticed says where; the reader wants to know who */
        (void)schedule_check_time(run, error);
    return rc;
}

/* What gives the same figure each time needs no second placement. */
static unsigned least_placements(const struct scheduled *scheduled, const struct result_cell *cells)
{
    size_t cell = 0;
    while (cell < scheduled->cell_count && cells[cell].deterministic)
        cell++;
    return cell < scheduled->cell_count ? PLACEMENTS_MIN : 1;
}

int schedule_run(
    const struct schedule *schedule, struct scheduled *scheduled, struct result *result, struct error *error)
{
    const struct result_cell *cells = result->cells + (result->cell_count - scheduled->cell_count);
    unsigned least = least_placements(scheduled, cells);
    struct run run = {
        .schedule = schedule,
        .scheduled = scheduled,
        .result = result,
        .cells = result->cells + (result->cell_count - scheduled->cell_count),
        .order = calloc(scheduled->row_count + 1, sizeof *run.order),
        .rounds = calloc(scheduled->row_count + 1, sizeof *run.rounds),
        .placed = calloc(scheduled->runner_count + 1, sizeof *run.placed),
        .now = schedule->now ? schedule->now : clock_seconds,
        .planned = least,
        .least = least,
        .planned_seconds = schedule->seconds,
        .sample_seconds = schedule->sample_seconds,
    };
    run.started = run.now();
    if (run.placed)
        schedule_watch_placements(&run);
    int rc = run.order && run.rounds && run.placed
                 ? schedule_conclude(&run, measure_all(&run, error), error)
                 : error_set(error, ENOMEM, "no memory for the order of measuring");
    if (run.placed)
        schedule_leave_placements(&run);
    free(run.order);
    free(run.rounds);
    free(run.placed);
    return rc;
}

struct schedule schedule_within(const struct budget *budget, const struct schedule *usual,
    const struct schedule *quick, const struct stop *stop, const struct progress *progress,
    struct lookout *lookout)
{
    struct schedule schedule = budget->quick ? *quick : *usual;
    schedule.seed = budget->seed;
    schedule.stop = *stop;
    schedule.progress = *progress;
    schedule.lookout = lookout;
    schedule.limit = budget->seconds;
    schedule.spent = budget->spent;
    if (schedule.limit > 0)
        schedule.seconds = fmax(budget->seconds - budget->spent, 0);
    return schedule;
}
