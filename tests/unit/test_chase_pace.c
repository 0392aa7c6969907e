/* experiment/chase: where a machine is slow, a budget that allows it is kept by shorter samples, not by fewer
 * placements. */
#include "cmocka_all.h"

#include "experiment/chase.h"

#include <time.h>

enum { SHAPES = 8, STEP_NS = 10, CALLS_MAX = 4096, SLOWNESS = 4 };

/* What was asked of a made-up site, sample by sample. */
static uint64_t steps_asked[CALLS_MAX];
static size_t asked_count;
static unsigned slowness; /* how much longer than its steps a sample takes; 0: no time */

static int place(struct site *site, uint64_t bytes, struct error *error)
{
    (void)site, (void)bytes, (void)error;
    return 0;
}

static int lay_out(struct site *site, const struct chase_shape *shape, uint64_t seed, struct error *error)
{
    (void)site, (void)shape, (void)seed, (void)error;
    return 0;
}

static int sample(struct site *site, size_t lane, const struct sample_plan *plan, struct sample *sample,
    struct error *error)
{
    uint64_t steps = plan->steps * plan->batches;
    const struct timespec time = {.tv_nsec = (long)(steps * STEP_NS * slowness)};
    (void)site, (void)lane, (void)error;
    if (plan->batches > 1 &&
        asked_count < CALLS_MAX) /* not the short walk that tells how long a step takes */
        steps_asked[asked_count++] = steps;
    nanosleep(&time, NULL);
    *sample = (struct sample){.ns = STEP_NS};
    return 0;
}

static int proof(struct site *site, size_t lane, struct page_proof *proof, struct error *error)
{
    (void)site, (void)lane, (void)error;
    *proof = (struct page_proof){.as_asked = true};
    return 0;
}

static void clear(struct site *site)
{
    (void)site;
}

static const struct site_ops ops = {
    .place = place, .lay_out = lay_out, .sample = sample, .proof = proof, .clear = clear};

static void measure(double seconds, double shortest, struct result *result)
{
    struct site site = {.ops = &ops,
        .host_page_bytes = 4096,
        .lanes = {{.name = "made-up", .label = "made-up"}},
        .lane_count = 1};
    struct site *sites[] = {&site};
    struct chase_shape shapes[SHAPES];
    struct error error = {0};
    for (size_t i = 0; i < SHAPES; i++)
        shapes[i] = (struct chase_shape){4096 * (i + 1), 64, CHASE_RANDOM, false, 1};
    const struct chase_experiment experiment = {
        .shapes = shapes,
        .shape_count = SHAPES,
        .sites = sites,
        .site_count = 1,
        .sample_seconds = 0.002,
        .shortest_sample_seconds = shortest,
        .pilot_rounds = 2,
        .seconds = seconds,
    };
    asked_count = 0;
    if (experiment_chase(&experiment, result, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(result->complete);
    assert_true(asked_count > 0 && asked_count < CALLS_MAX);
}

static uint64_t shortest_asked(void)
{
    uint64_t least = steps_asked[0];
    for (size_t i = 0; i < asked_count; i++)
        least = steps_asked[i] < least ? steps_asked[i] : least;
    return least;
}

static void has_placements(const struct result *result, unsigned at_least)
{
    for (size_t i = 0; i < result->cell_count; i++)
        assert_true(result->cells[i].placements >= at_least);
}

/* The budget is not a tenth of what the samples would take. */
static void a_slow_machine_gets_shorter_samples_and_all_its_placements(void **state)
{
    struct result result = {0};
    (void)state;
    slowness = SLOWNESS;
    measure(0.03, 0.0002, &result);
    has_placements(&result, CHASE_PLACEMENTS_MIN);
    assert_true(shortest_asked() < steps_asked[0] / 2);
    assert_true(shortest_asked() * STEP_NS >= 0.0002 * 1e9 / 2); /* whole laps come close to it */
    result_free(&result);
}

static void samples_stay_as_long_as_they_are_where_nothing_shorter_is_allowed(void **state)
{
    struct result result = {0};
    (void)state;
    slowness = SLOWNESS;
    measure(0.03, 0, &result);
    has_placements(&result, CHASE_PLACEMENTS_MIN);
    assert_true(shortest_asked() > steps_asked[0] / 2);
    result_free(&result);
}

static void a_machine_that_is_fast_enough_keeps_its_samples(void **state)
{
    struct result result = {0};
    (void)state;
    slowness = 0;
    measure(300, 0.0002, &result);
    has_placements(&result, CHASE_PLACEMENTS_MAX);
    assert_true(shortest_asked() > steps_asked[0] / 2);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_machine_gets_shorter_samples_and_all_its_placements),
        cmocka_unit_test(samples_stay_as_long_as_they_are_where_nothing_shorter_is_allowed),
        cmocka_unit_test(a_machine_that_is_fast_enough_keeps_its_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
