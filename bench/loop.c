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
#include "runner/runner.h"
#include "workload/chase.h"

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
    struct watch watch;
    struct image image;
    struct memory data; /* of the present placement */
    struct runner *runner;
    workload_function *entry;
    struct sample_plan plan;
    uint64_t cursor[CHASE_CHAINS_MAX];
    double ratios[SETS][PLACEMENTS];
    unsigned disturbed[SETS]; /* samples that were used nevertheless */
};

/* ---- one sample ---- */

static void walk_plainly(uint64_t *cursor, uint64_t steps)
{
    *cursor = (uintptr_t)plain_loop((void *)*cursor, steps);
}

static int sample_plain(struct bench *bench, struct walk *walk, struct error *error)
{
    uint64_t steps = bench->plan.steps * BATCHES;
    (void)error;
    watch_start(&bench->watch);
    walk_plainly(bench->cursor, bench->plan.warm_steps * WARM_BATCHES);
    uint64_t start = clock_ticks();
    walk_plainly(bench->cursor, steps);
    walk->ticks = clock_ticks() - start;
    walk->hops = steps;
    walk->evidence = watch_end(&bench->watch);
    return 0;
}

/* As an experiment takes it. */
static int sample_native(struct bench *bench, struct walk *walk, struct error *error)
{
    return runner_walk(
        bench->runner, bench->entry, &bench->plan, bench->cursor, 1, &bench->watch, walk, error);
}

static int sample_ns_per_hop(
    struct bench *bench, enum walker walker, double *ns, unsigned *disturbed, struct error *error)
{
    struct walk walk;
    int rc = 0, tries = 0;
    do {
        rc = walker == PLAIN ? sample_plain(bench, &walk, error) : sample_native(bench, &walk, error);
        if (rc < 0)
            return rc;
    } while (++tries < TRIES && evidence_judge(&walk.evidence) != DISTURBED_NOT);
    *disturbed += evidence_judge(&walk.evidence) != DISTURBED_NOT;
    *ns = clock_ns(&bench->clock, walk.ticks) / (double)walk.hops;
    return 0;
}

/* ---- one placement ---- */

/* Whole laps where they fit a sample, as in an experiment. */
static void plan_samples(struct bench *bench, const struct chase_layout *layout)
{
    double lap = (double)layout->elements;
    walk_plainly(bench->cursor, PILOT_STEPS);
    uint64_t start = clock_ticks();
    walk_plainly(bench->cursor, PILOT_STEPS);
    double step_ns = clock_ns(&bench->clock, clock_ticks() - start) / PILOT_STEPS;
    double steps = sample_ns / step_ns;
    if (steps > lap)
        steps = round(steps / lap) * lap;
    bench->plan.steps = (uint64_t)ceil(steps / BATCHES);
    bench->plan.batches = BATCHES;
    bench->plan.warm_steps = (uint64_t)fmax(WARM_STEPS_MIN, fmin(lap, steps / 2));
    bench->plan.warm_limit = WARM_BATCHES;
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

static int measure_list(struct bench *bench, size_t set, unsigned placement, struct error *error)
{
    struct chase_shape shape = {
        .working_set_bytes = working_sets[set], .element_bytes = 64, .order = CHASE_RANDOM, .chains = 1};
    struct chase_layout layout = chase_layout_make(&shape, placement * SETS + set);
    char name[WORKLOAD_NAME_BYTES];
    int rc = memory_populate(&bench->data, true, NULL, NULL, error);
    chase_entry_name(&shape, name);
    if (rc < 0 || (rc = image_find(&bench->image, name, &bench->entry, error)) < 0)
        return rc;
    chase_layout_write(&layout, bench->data.base, 0, layout.elements);
    bench->cursor[0] = (uintptr_t)bench->data.base + chase_layout_offset(&layout, 0);
    plan_samples(bench, &layout);
    return measure_pairs(bench, set, placement, error);
}

static int measure_placement(struct bench *bench, size_t set, unsigned placement, struct error *error)
{
    struct runner_config config = {.image = &bench->image, .data = &bench->data};
    int rc = memory_map(&bench->data, working_sets[set], 4 * KIB, error);
    if (rc == 0)
        rc = runner_open(&runner_native, &config, &bench->runner, error);
    if (rc == 0)
        rc = measure_list(bench, set, placement, error);
    runner_close(bench->runner);
    bench->runner = NULL;
    memory_unmap(&bench->data);
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
    static struct bench bench = {.watch.stat = -1};
    struct error error;
    int rc = clock_calibrate(&bench.clock, &error);
    if (rc == 0 && (rc = pin_thread(&bench.pin, -1, &error)) == 0 &&
        (rc = image_load(&bench.image, &error)) == 0) {
        watch_open(&bench.watch, bench.pin.cpu);
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
