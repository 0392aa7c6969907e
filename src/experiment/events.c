#include "experiment/events_internal.h"

#include "base/random.h"
#include "experiment/internal.h"
#include "measure/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    RUNS_MAX = 16, /* runs that make one sample, where one run can hold only so many events */
    UNTIMED_FACTOR = 4,
    REPEATS_MAX = 2, /* tries more for a disturbed sample */
};

/* Of the time budget, for taking disturbed samples again. */
static const double repeat_share = 0.15;

struct events_work {
    const struct events_experiment *experiment;
    struct result *result;
    struct event_units units;
    size_t *order; /* units in the order of the present placement */
    struct watch watch;
    double started; /* clock_seconds() */
    unsigned placement, planned;
    size_t units_done; /* of the present placement */
    double planned_seconds, repeat_seconds;
};

/* ---- time ---- */

static double elapsed(const struct events_work *work)
{
    return clock_seconds() - work->started;
}

static int check_time(const struct events_work *work, struct error *error)
{
    if (stop_asked(&work->experiment->stop))
        return error_set(error, EINTR, "stopped by the user");
    if (work->experiment->strict && elapsed(work) > work->experiment->seconds)
        return error_set(error, EINTR, "the time budget of %g s ended", work->experiment->seconds);
    return 0;
}

static void tell(const struct events_work *work, const struct event_unit *unit)
{
    const struct chase_progress *progress = &work->experiment->progress;
    double done = work->placement + (double)work->units_done / (double)work->units.count;
    double spent = elapsed(work), total = work->planned_seconds;
    char what[96];
    if (!progress->tell)
        return;
    if (total <= 0 && done > 0) /* nothing is planned yet: by the pace so far */
        total = spent / done * work->planned;
    snprintf(what, sizeof what, "placement %u of %u: %s", work->placement + 1, work->planned,
        unit->cells[unit->count - 1].event->name);
    progress->tell(progress->context, done / work->planned, total > spent ? total - spent : NAN, what);
}

/* As many placements as fit, decided by time alone. */
static void plan_placements(struct events_work *work)
{
    double one = elapsed(work) / (work->placement + 1), fit = floor(work->experiment->seconds / one);
    unsigned most = CHASE_PLACEMENTS_MAX, least = CHASE_PLACEMENTS_MIN;
    work->planned = fit > most ? most : fit < least ? least : (unsigned)fit;
    work->planned_seconds = one * work->planned;
}

/* ---- one sample ---- */

/* Whether events have been made for as long as a sample should last; or for several times as long if what is
 * not timed (preparation, ways in and out of the guest) takes most of it. */
static bool is_enough(
    const struct events_work *work, const struct unit_cell *cell, uint64_t timed_ticks, uint64_t all_ticks)
{
    double goal = work->experiment->sample_seconds * 1e9 * cell->place->clock->ticks_per_ns;
    return (double)timed_ticks >= goal / 2 || (double)all_ticks >= UNTIMED_FACTOR * goal;
}

static int gather(
    const struct events_work *work, const struct unit_cell *cell, struct event_run *sum, struct error *error)
{
    uint64_t start = clock_ticks();
    int rc = 0;
    *sum = (struct event_run){0};
    for (int i = 0; rc == 0 && i < RUNS_MAX && !is_enough(work, cell, sum->ticks, clock_ticks() - start);
         i++) {
        struct event_run run;
        if ((rc = event_run(cell->bench, cell->count, &run, error)) == 0) {
            sum->count += run.count;
            sum->ticks += run.ticks;
        }
    }
    return rc;
}

static void count_counters(struct result_cell *cell, const struct runner_counters *before,
    const struct runner_counters *after, uint64_t operations)
{
    cell->counters.known = cell->counters.known && before->known && after->known;
    cell->counters.exits += after->exits - before->exits;
    cell->counters.page_faults += after->page_faults - before->page_faults;
    cell->operations += operations;
}

static int sample_once(
    struct events_work *work, const struct unit_cell *cell, struct result_sample *sample, struct error *error)
{
    struct runner_counters before, after;
    struct event_run run;
    event_counters(cell->bench, &before);
    watch_start(&work->watch);
    int rc = gather(work, cell, &run, error);
    struct evidence evidence = watch_end(&work->watch);
    event_counters(cell->bench, &after);
    if (rc < 0)
        return rc;
    sample->ns = clock_ns(cell->place->clock, run.ticks) / (double)run.count;
    sample->disturbed = evidence_judge(&evidence);
    if (cell->bench->way->waits && sample->disturbed == DISTURBED_OFF_CPU)
        sample->disturbed = DISTURBED_NOT;
    count_counters(&work->result->cells[cell->cell], &before, &after, run.count);
    return 0;
}

static int take_sample(
    struct events_work *work, const struct unit_cell *cell, unsigned round, struct error *error)
{
    struct result_cell *into = &work->result->cells[cell->cell];
    struct result_sample sample = {.round = round, .placement = work->placement};
    int rc = check_time(work, error);
    if (rc == 0)
        rc = sample_once(work, cell, &sample, error);
    for (int tries = 0; rc == 0 && tries < REPEATS_MAX && sample.disturbed != DISTURBED_NOT &&
                        work->repeat_seconds < repeat_share * work->experiment->seconds;
         tries++) {
        double before = clock_seconds();
        rc = sample_once(work, cell, &sample, error);
        work->repeat_seconds += clock_seconds() - before;
        into->repeated++;
    }
    if (rc == 0 && figures_add_sample(into, &sample))
        rc = error_set(error, ENOMEM, "no memory for another sample");
    return rc;
}

/* ---- one unit ---- */

static void drop_samples(struct result_cell *cell)
{
    cell->sample_count = 0;
    cell->repeated = 0;
    cell->operations = 0;
    cell->counters = (struct result_counters){.known = true};
}

/* An event that cannot be, or fails at any time, is told in its cell, which has no figure then: what there
 * was before could be of something else. The others go on. Only the user and the end of the time stop
 * everything. */
static int forgive(struct events_work *work, struct unit_cell *cell, int rc, struct error *error)
{
    struct result_cell *into = &work->result->cells[cell->cell];
    if (rc >= 0)
        return rc;
    if (rc == -EINTR && check_time(work, error) < 0) /* and not just a call that was interrupted */
        return rc;
    cell->failed = true;
    drop_samples(into);
    snprintf(into->reason, sizeof into->reason, "%.158s", error->text);
    return 0;
}

/* Doubles the number of events until two runs in a row last as long as a sample should, or hold as many as
 * they can: a single one may have been interrupted. The runs warm up as well. */
static int find_count(const struct events_work *work, struct unit_cell *cell, struct error *error)
{
    uint64_t most = cell->bench->way->most;
    unsigned enough = 0;
    for (uint64_t count = 1;; count *= enough ? 1 : 2) {
        struct event_run run;
        uint64_t start = clock_ticks();
        int rc = check_time(work, error);
        if (rc < 0 || (rc = event_run(cell->bench, count, &run, error)) < 0)
            return rc;
        cell->count = count;
        if ((most && count >= most) || count >= UINT64_C(1) << 40)
            return 0;
        enough = is_enough(work, cell, run.ticks, clock_ticks() - start) ? enough + 1 : 0;
        if (enough == 2)
            return 0;
    }
}

static int open_cell(
    struct events_work *work, const struct event_unit *unit, struct unit_cell *cell, struct error *error)
{
    struct event_run warm;
    struct result_cell *into = &work->result->cells[cell->cell];
    int rc = event_open(cell->event, unit->bytes, cell->place, &cell->bench, error);
    if (rc == 0)
        snprintf(into->note, sizeof into->note, "%s", cell->bench->note);
    if (rc == 0 && cell->count == 0)
        rc = find_count(work, cell, error);
    return rc < 0 ? rc : event_run(cell->bench, (cell->count + 3) / 4, &warm, error);
}

static int open_unit(struct events_work *work, struct event_unit *unit, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < unit->count; i++)
        if (!unit->cells[i].failed) {
            rc = open_cell(work, unit, &unit->cells[i], error);
            rc = forgive(work, &unit->cells[i], rc, error);
        }
    return rc;
}

static void close_unit(struct event_unit *unit)
{
    for (size_t i = 0; i < unit->count; i++) {
        event_close(unit->cells[i].bench);
        unit->cells[i].bench = NULL;
    }
}

static int sample_unit(struct events_work *work, struct event_unit *unit, struct error *error)
{
    int rc = 0;
    for (unsigned round = 0; rc == 0 && round < work->experiment->rounds; round++) {
        for (size_t i = 0; rc == 0 && i < unit->count; i++) {
            size_t at = (round + work->placement) % 2 ? unit->count - 1 - i : i;
            struct unit_cell *cell = &unit->cells[at];
            if (!cell->failed) {
                rc = take_sample(work, cell, round, error);
                rc = forgive(work, cell, rc, error);
            }
        }
    }
    return rc;
}

static int measure_unit(struct events_work *work, struct event_unit *unit, struct error *error)
{
    int rc = open_unit(work, unit, error);
    if (rc == 0)
        rc = sample_unit(work, unit, error);
    close_unit(unit);
    return rc;
}

/* ---- all of it ---- */

static int measure_placement(struct events_work *work, struct error *error)
{
    uint64_t random = random_mix(work->experiment->seed) + work->placement;
    int rc = 0;
    order_shuffle(work->order, work->units.count, &random);
    for (work->units_done = 0; rc == 0 && work->units_done < work->units.count; work->units_done++) {
        struct event_unit *unit = &work->units.units[work->order[work->units_done]];
        tell(work, unit);
        rc = measure_unit(work, unit, error);
    }
    return rc;
}

static int measure_placements(struct events_work *work, struct error *error)
{
    int rc = 0;
    for (work->placement = 0; rc == 0 && work->placement < work->planned; work->placement++) {
        if ((rc = measure_placement(work, error)) == 0)
            plan_placements(work);
    }
    return rc;
}

/* Each cell relative to the same event on native, and to the event at the same place that its own is relative
 * to. */
static int compare_unit(struct result *result, const struct event_unit *unit, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < unit->count; i++) {
        const struct unit_cell *cell = &unit->cells[i];
        if (cell->native != i)
            rc = analyse_comparison(result, cell->cell, unit->cells[cell->native].cell, error);
        if (rc == 0 && cell->root != i)
            rc = analyse_comparison(result, cell->cell, unit->cells[cell->root].cell, error);
    }
    return rc;
}

static int analyse(struct events_work *work, const char *cut, struct error *error)
{
    struct result *result = work->result;
    result->comparisons = calloc(2 * result->cell_count + 1, sizeof *result->comparisons);
    if (!result->comparisons)
        return error_set(error, ENOMEM, "no memory for the comparisons");
    int rc = analyse_cells(result, work->planned, cut, error);
    for (size_t i = 0; rc == 0 && i < work->units.count; i++)
        rc = compare_unit(result, &work->units.units[i], error);
    return rc;
}

static int prepare(struct events_work *work, struct error *error)
{
    int rc = units_make(work->experiment, work->result, &work->units, error);
    if (rc < 0)
        return rc;
    work->order = calloc(work->units.count ? work->units.count : 1, sizeof *work->order);
    if (!work->order)
        return error_set(error, ENOMEM, "no memory for the order of %zu units", work->units.count);
    for (size_t i = 0; i < work->units.count; i++)
        work->order[i] = i;
    return 0;
}

static int measure(struct events_work *work, struct error *error)
{
    struct result *result = work->result;
    int rc = prepare(work, error);
    if (rc < 0)
        return rc;
    rc = measure_placements(work, error);
    result->complete = rc != -EINTR;
    if (rc == -EINTR)
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.150s", error->text);
    return rc < 0 && rc != -EINTR ? rc : analyse(work, result->incomplete_reason, error);
}

int experiment_events(const struct events_experiment *experiment, struct result *result, struct error *error)
{
    struct events_work work = {
        .experiment = experiment,
        .result = result,
        .started = clock_seconds(),
        .planned = CHASE_PLACEMENTS_MIN,
    };
    *result = (struct result){.experiment = "events", .seed = experiment->seed};
    stamp_start(result);
    watch_open(&work.watch, experiment->places[0].cpu);
    int rc = measure(&work, error);
    watch_close(&work.watch);
    units_free(&work.units);
    free(work.order);
    result->seconds = elapsed(&work);
    return rc;
}
