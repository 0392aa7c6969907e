#include "experiment/schedule_internal.h"

#include "experiment/internal.h"
#include "experiment/metrics.h"

#include <errno.h>
#include <stdio.h>

static bool has_samples(const struct run *run)
{
    for (size_t i = 0; i < run->scheduled->cell_count; i++)
        if (run->cells[i].sample_count)
            return true;
    return false;
}

static int analyse(const struct run *run, struct error *error)
{
    size_t count = run->scheduled->cell_count, first = run->result->cell_count - count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        unsigned another = run->placement > run->another ? run->another : 0; /* else nothing else is there */
        unsigned planned = run->cells[i].deterministic ? 1 : run->planned - another;
        rc = analyse_cell(&run->cells[i], planned, run->result->incomplete_reason, error);
        if (rc == 0 && metrics_conclude(&run->scheduled->cells[i], &run->cells[i], &run->result->pool))
            rc = error_set(error, ENOMEM, "no memory for the figures of the samples");
    }
    for (size_t i = 0; rc == 0 && i < 2 * count; i++) {
        size_t cell = i / 2, baseline = run->scheduled->cells[cell].baselines[i % 2];
        bool paired = !run->cells[cell].deterministic && !run->cells[baseline].deterministic;
        if (baseline != cell)
            rc = analyse_comparison(run->result, first + cell, first + baseline, paired, error);
    }
    return rc;
}

int schedule_conclude(struct run *run, int rc, struct error *error)
{
    struct result *result = run->result;
    if (rc < 0 && rc != -EINTR)
        run->broken = *error;
    result->broken = run->broken.code != 0;
    if (result->broken && !has_samples(run)) {
        *error = run->broken;
        return -error->code;
    }
    result->complete = rc == 0 && !result->broken;
    if (rc == -EINTR && !has_samples(run) && !stop_asked(&run->schedule->stop))
        error_set(error, EINTR,
            "the time budget of %g s ended before anything was measured: more of it is needed, or less "
            "memory to be made ready",
            run->schedule->limit);
    if (!result->complete)
        snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.300s",
            result->broken ? run->broken.text : error->text);
    result->seconds = schedule_elapsed(run);
    return analyse(run, error);
}
