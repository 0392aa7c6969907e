/* The chases of `vcost inspect`: natively, on memory of small and of large pages side by side. */
#include "experiment/inspect_internal.h"

#include "base/size.h"
#include "experiment/chase.h"
#include "host/host.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Many short samples: one of them may find the machine quiet. */
enum { PILOT_ROUNDS = 4 };

/* The caches are looked for up to so many times what the last level is told to have: a curve must be seen to
 * go on behind it. */
static const double beyond_last_level = 3;
static const uint64_t caches_least = 64 * MIB, caches_most = 192 * MIB;

/* One large page a line: a gigabyte holds the reach of most first levels and of some second ones. */
static const uint64_t large_tlb_most = 1024 * MIB;

/* No more than this part of the memory that is free. */
static const uint64_t memory_part = 8;

static const double shortest_share = 0.3; /* of a sample's length, where the budget is short */

/* One chase experiment: orders times working sets, on one or both runners. */
struct series {
    enum chase_order orders[3];
    size_t order_count;
    size_t first_runner, runner_count;
    struct size_range bytes;
    unsigned per_octave;
    double seconds;
};

static uint64_t unit_of(enum chase_order order)
{
    return order == CHASE_RANDOM                ? CHASE_LINE_BYTES
           : order == CHASE_LINE_PER_LARGE_PAGE ? 2 * MIB
                                                : (uint64_t)CHASE_PAGE_BYTES;
}

/* All orders of a series have the same working sets. */
static int make_shapes(
    const struct series *series, struct chase_shape **shapes, size_t *count, struct error *error)
{
    uint64_t *sets;
    size_t set_count;
    int rc = chase_working_sets(
        series->bytes, series->per_octave, unit_of(series->orders[0]), &sets, &set_count, error);
    if (rc < 0)
        return rc;
    *shapes = calloc(set_count * series->order_count, sizeof **shapes);
    *count = 0;
    for (size_t i = 0; *shapes && i < set_count * series->order_count; i++)
        (*shapes)[(*count)++] = (struct chase_shape){.working_set_bytes = sets[i / series->order_count],
            .element_bytes = CHASE_LINE_BYTES,
            .order = series->orders[i % series->order_count],
            .chains = 1};
    free(sets);
    return *shapes ? 0 : error_set(error, ENOMEM, "no memory for the list of shapes");
}

/* Measures a series and appends its cells. */
static int measure(struct inspection *inspection, const struct series *series,
    const struct progress *progress, char reason[static 256], struct error *error)
{
    struct setting *setting = inspection->experiment->setting;
    struct chase_shape *shapes = NULL;
    double sample = inspection->plan->sample_seconds;
    struct chase_experiment chase = {
        .runners = &setting->runners[series->first_runner],
        .runner_count = series->runner_count,
        .schedule = {.seed = inspection->experiment->seed,
            .sample_seconds = sample,
            .shortest_sample_seconds = shortest_share * sample,
            .rounds = PILOT_ROUNDS,
            .rounds_by_spread = true,
            .seconds = series->seconds * inspection->scale,
            .stop = setting->stop,
            .lookout = &setting->lookout,
            .progress = *progress},
    };
    int rc = make_shapes(series, &shapes, &chase.shape_count, error);
    if (rc < 0)
        return rc;
    chase.shapes = shapes;
    inspect_limit(inspection, &chase.schedule);
    rc = experiment_chase(&chase, inspection->result, error);
    free(shapes);
    return inspect_end_part(inspection, rc, reason, error);
}

int inspect_curves(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    const struct series series = {
        .orders = {CHASE_LINE_PER_PAGE, CHASE_PACKED, CHASE_SCATTERED},
        .order_count = 3,
        .first_runner = INSPECT_SMALL,
        .runner_count = 2,
        .bytes = inspection->plan->lines,
        .per_octave = inspection->plan->per_octave,
        .seconds = inspection->plan->curve_seconds,
    };
    return measure(inspection, &series, progress, inspection->no_curves, error);
}

static uint64_t at_most_of_free(const struct inspection *inspection, uint64_t bytes)
{
    uint64_t part = inspection->result->host.memory_available_bytes / memory_part / (2 * MIB) * (2 * MIB);
    return part && part < bytes ? part : bytes;
}

int inspect_caches(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    double wanted = beyond_last_level * (double)host_last_level_cache_bytes(&inspection->result->host);
    uint64_t last = (uint64_t)fmin(fmax(wanted, (double)caches_least), (double)caches_most);
    const struct series series = {
        .orders = {CHASE_RANDOM},
        .order_count = 1,
        .first_runner = INSPECT_LARGE,
        .runner_count = 1,
        .bytes = {4 * KIB, at_most_of_free(inspection, last / (2 * MIB) * (2 * MIB))},
        .per_octave = 2,
        .seconds = inspection->plan->cache_seconds,
    };
    return measure(inspection, &series, progress, inspection->no_caches, error);
}

int inspect_large_tlb(struct inspection *inspection, const struct progress *progress, struct error *error)
{
    const struct series series = {
        .orders = {CHASE_LINE_PER_LARGE_PAGE},
        .order_count = 1,
        .first_runner = INSPECT_LARGE,
        .runner_count = 1,
        .bytes = {8 * 2 * MIB, at_most_of_free(inspection, large_tlb_most)},
        .per_octave = 3,
        .seconds = inspection->plan->large_seconds,
    };
    if (series.bytes.last <= series.bytes.first) {
        snprintf(inspection->no_large_tlb, sizeof inspection->no_large_tlb,
            "too little free memory for one line in each of many large pages");
        return 0;
    }
    return measure(inspection, &series, progress, inspection->no_large_tlb, error);
}

const struct result_cell *inspect_chase_cell(
    const struct result *result, enum chase_order order, uint64_t working_set_bytes, uint64_t page_bytes)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (cell_is_order(cell, order) && workload_size(&cell->cell.workload) == working_set_bytes &&
            cell->cell.host_page_bytes == page_bytes)
            return cell;
    }
    return NULL;
}
