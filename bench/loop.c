/* Native medians against a plain hand-written loop over the very same list: what vcost calls native must be
 * what any program would see. One row for each working set (bench/README.md).
 *
 * For each placement memory is mapped anew and a list laid out; then both walk it in turns (A B, B A, …) on
 * one CPU, each going on where the other stopped. The ratio of their medians is taken for each placement, and
 * the interval over the placements. */
#include "base/size.h"
#include "measure/clock.h"
#include "measure/pin.h"
#include "measure/statistics.h"
#include "plain_loop.h"
#include "runner/chase_kind.h"
#include "runner/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum {
    PLACEMENTS = 7,
    PAIRS = 8,
    TRIES = 3, /* of a sample that was disturbed */
    BATCHES = 16,
    WARM_BATCHES = 2,
    PILOT_STEPS = 16384,
    WARM_STEPS_MIN = 8192,
    SETS = 6
};
static const uint64_t working_sets[SETS] = {16 * KIB, 256 * KIB, 2 * MIB, 16 * MIB, 64 * MIB, 256 * MIB};
static const double sample_ns = 20e6, target = 0.03;

enum walker { PLAIN, NATIVE, WALKERS };

struct bench {
    struct clock clock;
    struct pin pin;
    struct image image;
    struct placement placement;
    struct runner *runner;
    struct effort effort;
    double ratios[SETS][PLACEMENTS];
    unsigned disturbed[SETS]; /* samples that were used nevertheless */
};

/* ---- one sample ---- */

static void walk_plainly(uint64_t *cursor, uint64_t steps)
{
    *cursor = (uintptr_t)plain_loop((void *)*cursor, steps);
}

static int sample_plain(struct bench *bench, struct sample *sample, struct error *error)
{
    uint64_t steps = bench->effort.steps * BATCHES, *cursor = bench->placement.cursor;
    (void)error;
    watch_start(&bench->placement.watch);
    walk_plainly(cursor, bench->effort.warm_steps * WARM_BATCHES);
    uint64_t start = clock_ticks();
    walk_plainly(cursor, steps);
    uint64_t ticks = clock_ticks() - start;
    struct evidence evidence = watch_end(&bench->placement.watch);
    sample_set_time(sample, clock_ns(&bench->clock, ticks) / (double)steps, steps);
    sample->disturbed = evidence_judge(&evidence);
    return 0;
}

static int sample_ns_per_hop(
    struct bench *bench, enum walker walker, double *ns, unsigned *disturbed, struct error *error)
{
    struct sample sample;
    int rc = 0, tries = 0;
    do {
        rc = walker == PLAIN ? sample_plain(bench, &sample, error)
                             : runner_sample(bench->runner, &bench->effort, &sample, error);
        if (rc < 0)
            return rc;
    } while (++tries < TRIES && sample.disturbed != DISTURBED_NOT);
    *disturbed += sample.disturbed != DISTURBED_NOT;
    *ns = sample_value(&sample);
    return 0;
}

/* ---- one placement ---- */

/* Whole laps where they fit a sample, as in an experiment. */
static void plan_samples(struct bench *bench)
{
    double lap = (double)bench->placement.layout.elements;
    walk_plainly(bench->placement.cursor, PILOT_STEPS);
    uint64_t start = clock_ticks();
    walk_plainly(bench->placement.cursor, PILOT_STEPS);
    double step_ns = clock_ns(&bench->clock, clock_ticks() - start) / PILOT_STEPS;
    double steps = sample_ns / step_ns;
    if (steps > lap)
        steps = round(steps / lap) * lap;
    bench->effort = (struct effort){
        .steps = (uint64_t)ceil(steps / BATCHES),
        .batches = BATCHES,
        .warm_steps = (uint64_t)fmax(WARM_STEPS_MIN, fmin(lap, steps / 2)),
        .warm_limit = WARM_BATCHES,
    };
}

static int measure_pairs(struct bench *bench, size_t set, unsigned placement, struct error *error)
{
    double ns[WALKERS][PAIRS];
    for (unsigned pair = 0; pair < PAIRS; pair++) {
        for (unsigned i = 0; i < WALKERS; i++) {
            enum walker walker = (pair + placement) % 2 ? WALKERS - 1 - i : i;
            int rc = sample_ns_per_hop(bench, walker, &ns[walker][pair], &bench->disturbed[set], error);
            if (rc < 0)
                return rc;
        }
    }
    bench->ratios[set][placement] =
        statistics_median(ns[NATIVE], PAIRS) / statistics_median(ns[PLAIN], PAIRS);
    return 0;
}

static int measure_placement(struct bench *bench, size_t set, unsigned placement, struct error *error)
{
    const struct chase_shape shape = {
        .working_set_bytes = working_sets[set], .element_bytes = 64, .order = CHASE_RANDOM, .chains = 1};
    const struct workload chase = chase_workload(&shape);
    const struct runner_config config = runner_here(&runner_native, &bench->placement, NULL, 0);
    int rc = placement_map(&bench->placement, working_sets[set], 0, error);
    if (rc == 0)
        rc = runner_open(&config, &bench->runner, error);
    if (rc == 0)
        rc = runner_prepare(bench->runner, &chase, placement * SETS + set, error);
    if (rc == 0) {
        plan_samples(bench);
        rc = measure_pairs(bench, set, placement, error);
    }
    runner_close(bench->runner);
    bench->runner = NULL;
    placement_clear(&bench->placement);
    return rc;
}

/* ---- all of it ---- */

static const char *verdict(const struct estimate *ratio)
{
    if (ratio->low >= 1 - target && ratio->high <= 1 + target)
        return "met";
    return ratio->low > 1 + target || ratio->high < 1 - target ? "missed" : "cannot tell";
}

static void print_row(struct bench *bench, size_t set)
{
    struct estimate ratio = statistics_estimate(bench->ratios[set], PLACEMENTS);
    printf("native, %" PRIu64 " KiB, over a plain loop\twithin %.0f %%\t%+.1f %% (%+.1f ... %+.1f)\t"
           "%d placements x %d pairs, %u disturbed\t%s\n",
        working_sets[set] / KIB, target * 100, (ratio.median - 1) * 100, (ratio.low - 1) * 100,
        (ratio.high - 1) * 100, PLACEMENTS, PAIRS, bench->disturbed[set], verdict(&ratio));
}

static int measure_all(struct bench *bench, struct error *error)
{
    int rc = 0;
    for (unsigned placement = 0; placement < PLACEMENTS; placement++)
        for (size_t set = 0; rc == 0 && set < SETS; set++)
            rc = measure_placement(bench, set, placement, error);
    return rc;
}

int main(void)
{
    static struct bench bench;
    struct error error;
    int rc = clock_calibrate(&bench.clock, &error);
    if (rc == 0 && (rc = pin_thread(&bench.pin, -1, &error)) == 0 &&
        (rc = image_load(&bench.image, &error)) == 0) {
        const struct placement_config config = {.memory = {.page_bytes = 4 * KIB},
            .cpu = bench.pin.cpu,
            .image = &bench.image,
            .clock = &bench.clock};
        placement_open(&bench.placement, &config);
        rc = measure_all(&bench, &error);
    }
    if (rc < 0) {
        fprintf(stderr, "bench/loop: %s\n", error.text);
        return 1;
    }
    for (size_t set = 0; set < SETS; set++)
        print_row(&bench, set);
    return 0;
}
