#include "aa.h"

#include "result/compare.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* First-level cache, second level, third level, memory on most machines. */
const uint64_t aa_working_sets[AA_SETS] = {16 * KIB, 256 * KIB, 4 * MIB, 64 * MIB};

/* As short as an experiment can be that has a handful of placements: an A/A needs many of them. */
static const double experiment_seconds = 1.5, sample_seconds = 0.005;
enum { PILOT_ROUNDS = 2 };

/* ---- the runners ---- */

static int add_native(struct aa *aa, size_t count, struct error *error)
{
    const struct memory_request memory = {.page_bytes = 4 * KIB};
    struct placement *placement;
    int rc = setting_add_placement(&aa->setting, &memory, false, &placement, error);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct runner_config native = runner_here(&runner_native, placement, NULL, 0);
        rc = setting_add_runner(&aa->setting, &native, error);
    }
    return rc;
}

int aa_open(struct aa *aa, const struct stop *stop, struct error *error)
{
    memset(aa, 0, sizeof *aa);
    for (size_t i = 0; i < AA_SETS; i++)
        aa->shapes[i] = (struct chase_shape){
            .working_set_bytes = aa_working_sets[i], .element_bytes = 64, .order = CHASE_RANDOM, .chains = 1};
    int rc = setting_open(&aa->setting, -1, stop, error);
    if (rc == 0)
        rc = host_look(&aa->host, error);
    if (rc == 0)
        rc = add_native(aa, 2, error);
    return rc < 0 ? rc : add_native(aa, 1, error);
}

void aa_close(struct aa *aa)
{
    setting_close(&aa->setting);
    host_free(&aa->host);
}

/* ---- one experiment ---- */

/* *result is to be released, whatever is returned. An experiment that was cut short is of no use here. */
static int measure(
    const struct aa *aa, enum aa_runner first, uint64_t seed, struct result *result, struct error *error)
{
    const struct chase_experiment experiment = {
        .shapes = aa->shapes,
        .shape_count = AA_SETS,
        .runners = &aa->setting.runners[first],
        .runner_count = first == AA_TWINS ? 2 : 1,
        .schedule = {.seed = seed,
            .sample_seconds = sample_seconds,
            .rounds = PILOT_ROUNDS,
            .rounds_by_spread = true,
            .seconds = experiment_seconds,
            .stop = aa->setting.stop},
    };
    *result = (struct result){.experiment = "chase"}; /* which comparing asks for */
    int rc = experiment_chase(&experiment, result, error);
    if (rc == 0 && !result->complete)
        rc = error_set(error, EINTR, "%s", result->incomplete_reason);
    return rc;
}

static void count_taken(const struct result *result, size_t runners, struct aa_run *run)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        struct aa_figure *figure = &run->sets[i / runners];
        figure->samples += (unsigned)result->cells[i].sample_count;
        figure->placements = result->cells[i].placements;
        for (size_t k = 0; k < result->cells[i].sample_count; k++)
            figure->disturbed += result->cells[i].samples[k].disturbed != DISTURBED_NOT;
    }
}

/* ---- the same frames ---- */

int aa_same_frames(struct aa *aa, uint64_t seed, struct aa_run *run, struct error *error)
{
    struct result result = {0};
    int rc = measure(aa, AA_TWINS, seed, &result, error);
    *run = (struct aa_run){0};
    if (rc == 0 && result.comparison_count != AA_SETS)
        rc = error_set(error, EINVAL, "%zu comparisons, not one a working set", result.comparison_count);
    for (size_t i = 0; rc == 0 && i < AA_SETS; i++) {
        const struct result_comparison *found = &result.comparisons[i];
        run->sets[i] = (struct aa_figure){.ratio = found->ratio, .low = found->low, .high = found->high};
    }
    if (rc == 0)
        count_taken(&result, 2, run);
    result_free(&result);
    return rc;
}

/* ---- new placements ---- */

/* As `vcost compare` does, without the detour over files. */
static int compare_results(const struct result results[2], struct aa_run *run, struct error *error)
{
    const struct compare_input inputs[] = {{"A", &results[0]}, {"B", &results[1]}};
    struct compare compare;
    int rc = compare_make(inputs, 2, NULL, &compare, error);
    if (rc < 0)
        return rc;
    const struct compared_rows *rows = &compare.metrics[METRIC_TIME];
    if (rows->count != AA_SETS)
        rc = error_set(error, EINVAL, "%zu rows, not one a working set", rows->count);
    for (size_t i = 0; rc == 0 && i < AA_SETS; i++) {
        const struct compared_change *found = &rows->rows[i].changes[1];
        run->sets[i].ratio = found->ratio;
        run->sets[i].low = found->low;
        run->sets[i].high = found->high;
    }
    compare_free(&compare);
    return rc;
}

int aa_new_placements(struct aa *aa, uint64_t seed, struct aa_run *run, struct error *error)
{
    struct result results[2] = {0};
    *run = (struct aa_run){0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        rc = measure(aa, AA_SINGLE, 2 * seed + i, &results[i], error);
        if (rc == 0)
            count_taken(&results[i], 1, run);
    }
    if (rc == 0)
        rc = compare_results(results, run, error);
    result_free(&results[0]);
    result_free(&results[1]);
    return rc;
}
