#include "experiment/schedule_internal.h"

#include "experiment/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum { PACE_ROWS = 4 }; /* that are measured before anything is made of their pace: they are not alike */

/* However often the machine becomes another one. */
static const unsigned most_placements = 2 * PLACEMENTS_MAX;

double schedule_elapsed(const struct run *run)
{
    return run->now() - run->started;
}

double schedule_elapsed_again(const struct run *run)
{
    return schedule_elapsed(run) - run->once_seconds;
}

int schedule_check_time(const struct run *run, struct error *error)
{
    if (stop_asked(&run->schedule->stop))
        return error_set(error, EINTR, "%s", stop_reason(&run->schedule->stop));
    if (run->schedule->limit > 0 && schedule_elapsed(run) + run->schedule->spent > run->schedule->limit)
        return error_set(error, EINTR, "the time budget of %g s ended", run->schedule->limit);
    return 0;
}

bool schedule_is_stopped(const struct run *run, int rc, struct error *error)
{
    return rc < 0 && (rc == -EINTR || stop_asked(&run->schedule->stop)) &&
           schedule_check_time(run, error) < 0;
}

static bool is_over(void *context)
{
    struct error why;
    return schedule_check_time(context, &why) < 0;
}

static const char *why_over(void *context)
{
    const struct stop *users = &((const struct run *)context)->schedule->stop;
    return stop_asked(users) ? stop_reason(users) : "the time budget ended";
}

void schedule_watch_placements(struct run *run)
{
    run->stop = (struct stop){is_over, run, why_over};
    for (size_t i = 0; i < run->scheduled->runner_count; i++) {
        const struct stop **stop = &run->scheduled->runners[i].placement->config.stop;
        run->placed[i].stop_before = *stop;
        *stop = &run->stop;
    }
}

/* Backwards, since runners share placements. */
void schedule_leave_placements(const struct run *run)
{
    for (size_t i = run->scheduled->runner_count; i-- > 0;)
        run->scheduled->runners[i].placement->config.stop = run->placed[i].stop_before;
}

void schedule_tell(const struct run *run, const char *what)
{
    const struct progress *progress = &run->schedule->progress;
    double placements = run->placement + (double)run->rows_done / (double)run->scheduled->row_count;
    double left = run->planned_seconds - schedule_elapsed_again(run);
    char text[96];
    if (run->planned > 1)
        snprintf(text, sizeof text, "placement %u of %u: %s", run->placement + 1, run->planned, what);
    else
        snprintf(text, sizeof text, "%s", what);
    if (progress->tell)
        progress->tell(progress->context, placements / run->planned, left > 0 ? left : NAN, text);
}

void schedule_plan_placements(struct run *run)
{
    double one = schedule_elapsed_again(run) / (run->placement + 1);
    double fit = fmax(run->least, fmin(PLACEMENTS_MAX, floor(run->schedule->seconds / one)));
    run->planned = (unsigned)fmin(fit, most_placements);
    run->planned_seconds = one * run->planned;
}

void schedule_plan_rounds(struct run *run)
{
    size_t rows = run->scheduled->row_count;
    double one = schedule_elapsed_again(run) /
                 (double)(rows * run->schedule->rounds); /* a round of one row, roughly */
    for (size_t row = 0; row < rows; row++) {
        const struct scheduled_row *cells = &run->scheduled->rows[row];
        run->rounds[row] = rounds_after_pilot(&run->cells[cells->first], cells->count);
    }
    rounds_limit(run->rounds, rows,
        (run->schedule->seconds - schedule_elapsed_again(run)) / (PLACEMENTS_MIN - 1) / one);
}

static unsigned rounds_left(const struct run *run)
{
    unsigned rounds = 0;
    for (size_t i = run->rows_done; i < run->scheduled->row_count; i++)
        rounds += run->rounds[run->order[i]];
    return rounds;
}

void schedule_keep_pace(struct run *run)
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
    double fit =
        (end - schedule_elapsed_again(run) - other) / rounds_left(run) * pace->asked / pace->sampling;
    run->sample_seconds = fmin(schedule->sample_seconds, fmax(fit, schedule->shortest_sample_seconds));
}
