#include "experiment/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUNS_MAX = 16, /* runs that make one sample, where one run can hold only so many events */
    UNTIMED_FACTOR = 4,
};

/* One cell's event, place and what is known of it. */
struct event_cell {
    const struct event *event;
    const struct event_place *place;
    uint64_t bytes;
    uint64_t count;            /* events in one run, found at the first opening; 0: not yet */
    double goal;               /* ticks that a sample should last */
    struct event_bench *bench; /* while it is open */
};

struct events_work {
    const struct events_experiment *experiment;
    struct result *result;
    struct scheduled scheduled;
    struct event_cell *cells; /* owned; of the same number as the schedule's */
    size_t first;             /* number of the first in the result */
    struct watch watch;
};

/* ---- one sample ---- */

/* Whether events have been made for as long as a sample should last; or for several times as long if what is
 * not timed (preparation, ways in and out of the guest) takes most of it. */
static bool is_enough(const struct event_cell *cell, uint64_t timed_ticks, uint64_t all_ticks)
{
    return (double)timed_ticks >= cell->goal / 2 || (double)all_ticks >= UNTIMED_FACTOR * cell->goal;
}

static int gather(const struct event_cell *cell, struct event_run *sum, struct error *error)
{
    uint64_t start = clock_ticks();
    int rc = 0;
    *sum = (struct event_run){0};
    for (int i = 0; rc == 0 && i < RUNS_MAX && !is_enough(cell, sum->ticks, clock_ticks() - start); i++) {
        struct event_run run;
        if ((rc = event_run(cell->bench, cell->count, &run, error)) == 0) {
            sum->count += run.count;
            sum->ticks += run.ticks;
        }
    }
    return rc;
}

static int events_sample(void *context, size_t number, struct sample *sample, struct error *error)
{
    struct events_work *work = context;
    const struct event_cell *cell = &work->cells[number];
    struct runner_counters before, after;
    struct event_run run;
    event_counters(cell->bench, &before);
    watch_start(&work->watch);
    int rc = gather(cell, &run, error);
    struct evidence evidence = watch_end(&work->watch);
    event_counters(cell->bench, &after);
    if (rc < 0)
        return rc;
    *sample = (struct sample){
        .ns = clock_ns(cell->place->clock, run.ticks) / (double)run.count,
        .disturbed = evidence_judge(&evidence),
        .counters = {before.known && after.known, after.exits - before.exits,
            after.page_faults - before.page_faults},
        .operations = run.count,
    };
    if (cell->bench->way->waits && sample->disturbed == DISTURBED_OFF_CPU)
        sample->disturbed = DISTURBED_NOT;
    return 0;
}

/* ---- one row ---- */

/* Doubles the number of events until two runs in a row last as long as a sample should, or hold as many as
 * they can: a single one may have been interrupted. The runs warm up as well. */
static int find_count(struct event_cell *cell, struct error *error)
{
    uint64_t most = cell->bench->way->most;
    unsigned enough = 0;
    for (uint64_t count = 1; enough < 2; count *= enough ? 1 : 2) {
        struct event_run run;
        uint64_t start = clock_ticks();
        int rc = event_run(cell->bench, count, &run, error);
        if (rc < 0)
            return rc;
        cell->count = count;
        if ((most && count >= most) || count >= UINT64_C(1) << 40)
            return 0;
        enough = is_enough(cell, run.ticks, clock_ticks() - start) ? enough + 1 : 0;
    }
    return 0;
}

static int events_prepare(void *context, size_t number, uint64_t seed, double seconds, struct error *error)
{
    struct events_work *work = context;
    struct event_cell *cell = &work->cells[number];
    struct result_cell *into = &work->result->cells[work->first + number];
    struct event_run warm;
    (void)seed;
    cell->goal = seconds * 1e9 * cell->place->clock->ticks_per_ns;
    int rc = event_open(cell->event, cell->bytes, cell->place, &cell->bench, error);
    if (rc == 0)
        snprintf(into->note, sizeof into->note, "%s", cell->bench->note);
    if (rc == 0 && cell->count == 0)
        rc = find_count(cell, error);
    return rc < 0 ? rc : event_run(cell->bench, (cell->count + 3) / 4, &warm, error);
}

static void events_finish(void *context, size_t number)
{
    struct events_work *work = context;
    const struct schedule_row *row = &work->scheduled.rows[number];
    for (struct event_cell *cell = &work->cells[row->first]; cell < &work->cells[row->first + row->count];
         cell++) {
        event_close(cell->bench);
        cell->bench = NULL;
    }
}

static const char *events_name(void *context, size_t number)
{
    const struct events_work *work = context;
    const struct schedule_row *row = &work->scheduled.rows[number];
    return work->cells[row->first + row->count - 1].event->name;
}

/* ---- what makes a row ---- */

static bool is_chosen(const struct events_experiment *experiment, const struct event *event)
{
    for (size_t i = 0; i < experiment->event_count; i++)
        if (experiment->events[i] == event)
            return true;
    return false;
}

/* Whether an event belongs to the rows of `root`: it is relative to that one. */
static bool is_member(const struct event *event, const struct event *root)
{
    return event != root && event->against && !strcmp(event->against, root->name);
}

/* Whether rows are made of an event: of each that is chosen, or that a chosen one is relative to, unless it
 * is itself relative to another. */
static bool is_root(const struct events_experiment *experiment, const struct event *event)
{
    bool wanted = is_chosen(experiment, event);
    for (size_t i = 0; !wanted && i < experiment->event_count; i++)
        wanted = is_member(experiment->events[i], event);
    return wanted && !event->against;
}

/* Relative to the same event on native, and to the root at the same place. */
static int add_cell(struct events_work *work, const struct event_cell *made, bool begins_row, size_t root,
    struct error *error)
{
    struct scheduled *scheduled = &work->scheduled;
    const struct runner_type *type = made->place->type;
    size_t at = scheduled->cell_count;
    struct event_cell *cells = reallocarray(work->cells, at + 1, sizeof *cells);
    if (!cells)
        return error_set(error, ENOMEM, "no memory for the list of events");
    work->cells = cells;
    cells[at] = *made;
    struct schedule_cell how = {.baselines = {at, root}};
    for (size_t i = begins_row ? at : scheduled->rows[scheduled->row_count - 1].first; i < at; i++)
        if (cells[i].event == made->event && !cells[i].place->type->monitor)
            how.baselines[0] = i;
    struct result_cell cell = {
        .cell = {.monitor = type->name, .event = {made->event->name, made->bytes}},
        .technique = type->monitor ? made->place->facts->technique : TECHNIQUE_NONE,
        .operation = made->event->unit,
        .pages = {.as_asked = true},
    };
    if (type->monitor)
        monitor_label(made->place->facts, type->name, cell.label);
    else
        snprintf(cell.label, sizeof cell.label, "%s", type->name);
    return scheduled_add(scheduled, work->result, begins_row, &how, &cell, error);
}

/* The root and what is relative to it, at each place. */
static int add_row(struct events_work *work, const struct event *root, uint64_t bytes, struct error *error)
{
    const struct events_experiment *experiment = work->experiment;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < experiment->place_count; i++) {
        size_t at = work->scheduled.cell_count;
        struct event_cell cell = {.event = root, .place = &experiment->places[i], .bytes = bytes};
        rc = add_cell(work, &cell, i == 0, at, error);
        for (size_t k = 0; rc == 0 && k < experiment->event_count; k++) {
            cell.event = experiment->events[k];
            if (is_member(cell.event, root))
                rc = add_cell(work, &cell, false, at, error);
        }
    }
    return rc;
}

static int add_rows(struct events_work *work, struct error *error)
{
    static const uint64_t no_size[] = {0, 0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && event_at(i); i++) {
        const uint64_t *sizes = event_at(i)->sizes ? event_at(i)->sizes : no_size;
        if (is_root(work->experiment, event_at(i)))
            do
                rc = add_row(work, event_at(i), *sizes, error);
            while (rc == 0 && *++sizes);
    }
    return rc;
}

int experiment_events(const struct events_experiment *experiment, struct result *result, struct error *error)
{
    static const struct schedule_ops ops = {
        .prepare = events_prepare,
        .sample = events_sample,
        .finish = events_finish,
        .name = events_name,
    };
    struct events_work work = {
        .experiment = experiment,
        .result = result,
        .first = result->cell_count,
        .scheduled = {.ops = &ops, .context = &work, .failures_are_figures = true},
    };
    int rc = add_rows(&work, error);
    if (rc == 0) {
        watch_open(&work.watch, experiment->places[0].cpu);
        rc = schedule_run(&experiment->schedule, &work.scheduled, result, error);
        watch_close(&work.watch);
    }
    scheduled_free(&work.scheduled);
    free(work.cells);
    return rc;
}
