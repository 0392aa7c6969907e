#include "experiment/schedule.h"

#include "base/random.h"
#include "experiment/internal.h"
#include "measure/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REPEATS_MAX = 2, /* tries more for a disturbed sample */
    PACE_ROWS = 4,   /* that are measured before anything is made of their pace: they are not alike */
};

/* Of the time budget, for taking disturbed samples again. */
static const double repeat_share = 0.15;

/* What rows have taken until now. */
struct pace {
    unsigned rows;
    double seconds;  /* in all … */
    double sampling; /* … and of these for samples, where … */
    double
        asked; /* … each cell's would have taken as long as this, had they lasted what they were meant to */
};

struct run {
    const struct schedule *schedule;
    const struct scheduled *scheduled;
    struct result *result;
    struct result_cell *cells; /* of the result, those that are measured */
    size_t *order;             /* rows in the order of the present placement */
    unsigned *rounds;          /* of each row in one placement */
    bool *done;                /* of each cell: no more samples are taken */
    struct error failure;      /* the first cell's; code 0: none failed */
    double started;            /* now() */
    unsigned placement, planned;
    size_t rows_done;         /* of the present placement */
    double planned_seconds;   /* of all placements */
    double repeat_seconds;    /* spent on taking disturbed samples again */
    double sample_seconds;    /* what one sample lasts, about: as long as was asked for, or shortened */
    double placement_started; /* elapsed() */
    struct pace pace;
};

/* ---- time ---- */

static double now(const struct run *run)
{
    const struct scheduled *scheduled = run->scheduled;
    return scheduled->ops->now ? scheduled->ops->now(scheduled->context) : clock_seconds();
}

static double elapsed(const struct run *run)
{
    return now(run) - run->started;
}

static int check_time(const struct run *run, struct error *error)
{
    if (stop_asked(&run->schedule->stop))
        return error_set(error, EINTR, "stopped by the user");
    if (run->schedule->strict && elapsed(run) > run->schedule->seconds)
        return error_set(error, EINTR, "the time budget of %g s ended", run->schedule->seconds);
    return 0;
}

static void tell(const struct run *run, const char *what)
{
    const struct progress *progress = &run->schedule->progress;
    double placements = run->placement + (double)run->rows_done / (double)run->scheduled->row_count;
    double left = run->planned_seconds - elapsed(run);
    char text[96];
    snprintf(text, sizeof text, "placement %u of %u%s%s", run->placement + 1, run->planned, what ? ": " : "",
        what ? what : "");
    if (progress->tell)
        progress->tell(progress->context, placements / run->planned, left > 0 ? left : NAN, text);
}

/* After each placement: how many fit the budget. Decided by time alone: stopping when an interval is narrow
 * enough would make it too narrow. */
static void plan_placements(struct run *run)
{
    double one = elapsed(run) / (run->placement + 1);
    run->planned = (unsigned)fmax(PLACEMENTS_MIN, fmin(PLACEMENTS_MAX, floor(run->schedule->seconds / one)));
    run->planned_seconds = one * run->planned;
}

/* After the first placement: how many rounds each row takes from now on, as many as the least number of
 * placements leaves time for. */
static void plan_rounds(struct run *run)
{
    size_t rows = run->scheduled->row_count;
    double one = elapsed(run) / (double)(rows * run->schedule->rounds); /* a round of one row, roughly */
    for (size_t row = 0; row < rows; row++) {
        const struct schedule_row *cells = &run->scheduled->rows[row];
        run->rounds[row] = rounds_after_pilot(&run->cells[cells->first], cells->count);
    }
    rounds_limit(run->rounds, rows, (run->schedule->seconds - elapsed(run)) / (PLACEMENTS_MIN - 1) / one);
}

static unsigned rounds_left(const struct run *run)
{
    unsigned rounds = 0;
    for (size_t i = run->rows_done; i < run->scheduled->row_count; i++)
        rounds += run->rounds[run->order[i]];
    return rounds;
}

/* Before a row: samples become as short as the pace until now demands, if the least number of placements is
 * to fit the budget. What else a row takes (its preparation) stays. The first placement, which may be slow
 * for being the first, has half of the time. */
static void keep_pace(struct run *run)
{
    const struct schedule *schedule = run->schedule;
    const struct pace *pace = &run->pace;
    run->sample_seconds = schedule->sample_seconds;
    if (!(schedule->shortest_sample_seconds > 0) || pace->rows < PACE_ROWS ||
        run->placement >= PLACEMENTS_MIN)
        return;
    unsigned parts = run->placement ? PLACEMENTS_MIN - run->placement : 2;
    double end = run->placement_started + (schedule->seconds - run->placement_started) / parts;
    double other =
        (pace->seconds - pace->sampling) / pace->rows * (double)(run->scheduled->row_count - run->rows_done);
    double fit = (end - elapsed(run) - other) / rounds_left(run) * pace->asked / pace->sampling;
    run->sample_seconds = fmin(schedule->sample_seconds, fmax(fit, schedule->shortest_sample_seconds));
}

/* ---- one cell ---- */

/* What failed is told in its cell, and not tried again; the others go on. Only the user and the end of the
 * time end everything. */
static int bear(struct run *run, size_t cell, int rc, struct error *error)
{
    struct result_cell *into = &run->cells[cell];
    if (rc == 0 ||
        (rc == -EINTR && check_time(run, error) < 0)) /* and not just a call that was interrupted */
        return rc;
    run->done[cell] = true;
    if (!run->failure.code)
        run->failure = *error;
    snprintf(into->reason, sizeof into->reason, "%.158s", error->text);
    if (run->scheduled->failures_are_figures) { /* what there was before could be of something else */
        into->sample_count = 0;
        into->repeated = 0;
        into->operations = 0;
        into->counters = (struct result_counters){.known = true};
    }
    return 0;
}

static int sample_once(const struct run *run, size_t cell, struct result_sample *out, struct error *error)
{
    struct result_counters *counters = &run->cells[cell].counters;
    struct sample sample;
    int rc = run->scheduled->ops->sample(run->scheduled->context, cell, &sample, error);
    if (rc < 0)
        return rc;
    out->ns = sample.ns;
    out->disturbed = sample.disturbed;
    counters->known = counters->known && sample.counters.known;
    counters->exits += sample.counters.exits;
    counters->page_faults += sample.counters.page_faults;
    run->cells[cell].operations += sample.operations;
    return 0;
}

/* A sample, taken again while it is disturbed, a few times; the last one counts, marked if it is disturbed
 * still. Where nearly all are disturbed repeating does not help: it may take a part of the time budget, no
 * more. */
static int take_sample(struct run *run, size_t cell, unsigned round, struct error *error)
{
    struct result_cell *into = &run->cells[cell];
    struct result_sample sample = {.round = round, .placement = run->placement};
    bool once = run->scheduled->cells[cell].deterministic;
    int rc = check_time(run, error);
    if (rc < 0)
        return rc;
    rc = sample_once(run, cell, &sample, error);
    for (int tries = 0; rc == 0 && !once && tries < REPEATS_MAX && sample.disturbed != DISTURBED_NOT &&
                        run->repeat_seconds < repeat_share * run->schedule->seconds;
         tries++) {
        double before = now(run);
        rc = sample_once(run, cell, &sample, error);
        run->repeat_seconds += now(run) - before;
        into->repeated++;
    }
    if (rc < 0)
        return bear(run, cell, rc, error);
    run->done[cell] = once;
    return figures_add_sample(into, &sample) ? error_set(error, ENOMEM, "no memory for another sample") : 0;
}

/* ---- one row ---- */

static int prepare_row(struct run *run, const struct schedule_row *row, uint64_t seed, struct error *error)
{
    const struct scheduled *scheduled = run->scheduled;
    int rc = 0;
    for (size_t cell = row->first; rc == 0 && cell < row->first + row->count; cell++)
        if (!run->done[cell] && (rc = check_time(run, error)) == 0 && scheduled->ops->prepare) {
            rc = scheduled->ops->prepare(scheduled->context, cell, seed, run->sample_seconds, error);
            rc = bear(run, cell, rc, error);
        }
    return rc;
}

/* Rounds in ABBA order: every second round runs backwards, so that drift cancels. */
static int sample_row(struct run *run, const struct schedule_row *row, unsigned rounds, struct error *error)
{
    int rc = 0;
    for (unsigned round = 0; rc == 0 && round < rounds; round++)
        for (size_t i = 0; rc == 0 && i < row->count; i++) {
            bool backwards = (round + run->placement) % 2;
            size_t cell = row->first + (backwards ? row->count - 1 - i : i);
            if (!run->done[cell])
                rc = take_sample(run, cell, round, error);
        }
    return rc;
}

static int measure_row(struct run *run, size_t row, uint64_t seed, struct error *error)
{
    const struct scheduled *scheduled = run->scheduled;
    double began = elapsed(run);
    int rc = prepare_row(run, &scheduled->rows[row], seed, error);
    double prepared = elapsed(run);
    if (rc == 0)
        rc = sample_row(run, &scheduled->rows[row], run->rounds[row], error);
    run->pace.rows++;
    run->pace.seconds += elapsed(run) - began;
    run->pace.sampling += elapsed(run) - prepared;
    run->pace.asked += run->sample_seconds * run->rounds[row];
    if (scheduled->ops->finish)
        scheduled->ops->finish(scheduled->context, row);
    return rc;
}

/* ---- one placement ---- */

static int place(const struct run *run, struct error *error)
{
    const struct scheduled *scheduled = run->scheduled;
    if (!scheduled->ops->place)
        return 0;
    tell(run, "mapping memory");
    return scheduled->ops->place(scheduled->context, run->placement, error);
}

static int measure_rows(struct run *run, struct error *error)
{
    const struct scheduled *scheduled = run->scheduled;
    uint64_t random = random_mix(run->schedule->seed) + run->placement;
    int rc = 0;
    random_order(&random, run->order, scheduled->row_count);
    for (; rc == 0 && run->rows_done < scheduled->row_count; run->rows_done++) {
        size_t row = run->order[run->rows_done];
        tell(run, scheduled->ops->name ? scheduled->ops->name(scheduled->context, row) : NULL);
        keep_pace(run);
        rc = measure_row(run, row, random_next(&random), error);
    }
    return rc;
}

static int measure_placement(struct run *run, struct error *error)
{
    const struct scheduled *scheduled = run->scheduled;
    run->placement_started = elapsed(run);
    run->rows_done = 0;
    int rc = check_time(run, error);
    if (rc == 0)
        rc = place(run, error);
    if (rc == 0)
        rc = measure_rows(run, error);
    if (scheduled->ops->clear)
        scheduled->ops->clear(scheduled->context);
    if (rc == 0 && run->placement == 0 && run->schedule->rounds_by_spread)
        plan_rounds(run);
    if (rc == 0)
        plan_placements(run);
    return rc;
}

/* ---- all of it ---- */

static bool all_done(const struct run *run)
{
    size_t cell = 0;
    while (cell < run->scheduled->cell_count && run->done[cell])
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
        (void)check_time(run, error);
    return rc;
}

static bool has_samples(const struct run *run)
{
    for (size_t i = 0; i < run->scheduled->cell_count; i++)
        if (run->cells[i].sample_count)
            return true;
    return false;
}

static int analyse(const struct run *run, struct error *error)
{
    const struct scheduled *scheduled = run->scheduled;
    size_t first = run->result->cell_count - scheduled->cell_count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < scheduled->cell_count; i++) {
        unsigned planned = scheduled->cells[i].deterministic ? 1 : run->planned;
        rc = analyse_cell(&run->cells[i], planned, run->result->incomplete_reason, error);
    }
    for (size_t i = 0; rc == 0 && i < scheduled->cell_count; i++)
        for (size_t k = 0; rc == 0 && k < 2; k++) {
            const struct schedule_cell *cell = &scheduled->cells[i];
            size_t baseline = cell->baselines[k];
            bool paired = !cell->deterministic && !scheduled->cells[baseline].deterministic;
            if (baseline != i)
                rc = analyse_comparison(run->result, first + i, first + baseline, paired, error);
        }
    return rc;
}

/* Being stopped ends the measuring, not the report; nor does a failure after something was measured. */
static int conclude(struct run *run, int rc, struct error *error)
{
    struct result *result = run->result;
    if (rc < 0 && rc != -EINTR)
        run->failure = *error;
    else if (run->scheduled->failures_are_figures)
        run->failure.code = 0;
    result->broken = run->failure.code != 0;
    if (result->broken && !has_samples(run)) {
        *error = run->failure;
        return -error->code;
    }
    result->complete = rc == 0 && !result->broken;
    if (!result->complete)
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.300s",
            result->broken ? run->failure.text : error->text);
    result->seconds = elapsed(run);
    return analyse(run, error);
}

int schedule_run(const struct schedule *schedule, const struct scheduled *scheduled, struct result *result,
    struct error *error)
{
    struct run run = {
        .schedule = schedule,
        .scheduled = scheduled,
        .result = result,
        .cells = result->cells + (result->cell_count - scheduled->cell_count),
        .order = calloc(scheduled->row_count + 1, sizeof *run.order),
        .rounds = calloc(scheduled->row_count + 1, sizeof *run.rounds),
        .done = calloc(scheduled->cell_count + 1, sizeof *run.done),
        .planned = PLACEMENTS_MIN,
        .planned_seconds = schedule->seconds,
        .sample_seconds = schedule->sample_seconds,
    };
    struct error here;
    error = error ? error : &here;
    run.started = now(&run);
    int rc = run.order && run.rounds && run.done
                 ? conclude(&run, measure_all(&run, error), error)
                 : error_set(error, ENOMEM, "no memory for the order of measuring");
    free(run.order);
    free(run.rounds);
    free(run.done);
    return rc;
}

/* ---- what is measured ---- */

struct schedule schedule_within(const struct budget *budget, const struct schedule *usual,
    const struct schedule *quick, const struct stop *stop, const struct progress *progress)
{
    struct schedule schedule = budget->quick ? *quick : *usual;
    schedule.seed = budget->seed;
    schedule.stop = *stop;
    schedule.progress = *progress;
    schedule.strict = budget->seconds > 0;
    if (schedule.strict)
        schedule.seconds = budget->seconds;
    return schedule;
}

int scheduled_add(struct scheduled *scheduled, struct result *result, bool begins_row,
    const struct schedule_cell *how, const struct result_cell *cell, struct error *error)
{
    struct schedule_row *rows =
        reallocarray(scheduled->rows, scheduled->row_count + begins_row, sizeof *rows);
    scheduled->rows = rows ? rows : scheduled->rows;
    struct schedule_cell *cells = reallocarray(scheduled->cells, scheduled->cell_count + 1, sizeof *cells);
    scheduled->cells = cells ? cells : scheduled->cells;
    struct result_cell *into = reallocarray(result->cells, result->cell_count + 1, sizeof *into);
    result->cells = into ? into : result->cells;
    if (!rows || !cells || !into)
        return error_set(error, ENOMEM, "no memory for another cell");
    if (begins_row)
        rows[scheduled->row_count++] = (struct schedule_row){.first = scheduled->cell_count};
    rows[scheduled->row_count - 1].count++;
    cells[scheduled->cell_count++] = *how;
    into = &into[result->cell_count++];
    *into = *cell;
    into->median = into->low = into->high = into->min = into->pages.host_share_2m = NAN;
    into->quality = QUALITY_MISSING;
    into->counters.known = true;
    cell_id(&into->cell, into->id);
    return 0;
}

void scheduled_free(struct scheduled *scheduled)
{
    free(scheduled->rows);
    free(scheduled->cells);
    scheduled->rows = NULL;
    scheduled->cells = NULL;
}
