#include "experiment/chase.h"

#include "runner/chase_kind.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Whole elements; whole pages where the working set has many of them. */
static uint64_t rounded(double bytes, uint64_t element_bytes)
{
    uint64_t unit = element_bytes;
    if (bytes >= 64 * KIB && (4 * KIB) % element_bytes == 0)
        unit = 4 * KIB;
    uint64_t units = (uint64_t)llround(bytes / (double)unit);
    return (units ? units : 1) * unit;
}

int chase_working_sets(struct size_range range, unsigned per_octave, uint64_t element_bytes, uint64_t **out,
    size_t *count, struct error *error)
{
    double octaves = log2((double)range.last / (double)range.first);
    size_t steps = (size_t)floor(octaves * per_octave + 1e-9), used = 0;
    uint64_t *sets = calloc(steps + 2, sizeof *sets);
    if (!sets)
        return error_set(error, ENOMEM, "no memory for a list of working sets");
    for (size_t i = 0; i <= steps + 1; i++) {
        double bytes = i <= steps ? (double)range.first * exp2((double)i / per_octave) : (double)range.last;
        uint64_t set = bytes == (double)range.first  ? range.first
                       : bytes == (double)range.last ? range.last
                                                     : rounded(bytes, element_bytes);
        if (set <= range.last && (used == 0 || set > sets[used - 1]))
            sets[used++] = set;
    }
    *out = sets;
    *count = used;
    return 0;
}

int experiment_chase(const struct chase_experiment *experiment, struct result *result, struct error *error)
{
    struct scheduled scheduled = {.runners = experiment->runners, .runner_count = experiment->runner_count};
    int rc = scheduled.runner_count ? 0 : error_set(error, EINVAL, "nothing to run on");
    for (size_t i = 0; rc == 0 && i < experiment->shape_count; i++) {
        const struct workload workload = chase_workload(&experiment->shapes[i]);
        rc = scheduled_add_row(&scheduled, result, &workload, 1, error);
    }
    if (rc == 0)
        rc = schedule_run(&experiment->schedule, &scheduled, result, error);
    scheduled_free(&scheduled);
    return rc;
}
