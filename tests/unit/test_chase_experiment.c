/* experiment/chase on made-up sites: who is compared with whom, who goes on when one fails; and where a
 * machine is slow, a budget that allows it is kept by shorter samples, not by fewer placements. */
#include "cmocka_all.h"

#include "experiment/chase.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { SHAPES = 8, STEP_NS = 10, CALLS_MAX = 4096, SLOWNESS = 4 };

/* What was asked of a made-up site, sample by sample. */
static uint64_t steps_asked[CALLS_MAX];
static size_t asked_count;
static unsigned slowness; /* how much longer than its steps a sample takes; 0: no time */

/* The site that cannot be placed from its second placement on, and the one whose last lane breaks. */
static const struct site *unplaceable, *breaking;
static unsigned placed;
static size_t laid_out;

static int place(struct site *site, uint64_t bytes, struct error *error)
{
    (void)bytes;
    return site == unplaceable && placed++ > 0 ? error_set(error, ENOMEM, "no memory any more") : 0;
}

static int lay_out(struct site *site, const struct chase_shape *shape, uint64_t seed, struct error *error)
{
    (void)site, (void)shape, (void)seed, (void)error;
    laid_out++;
    return 0;
}

static int sample(struct site *site, size_t lane, const struct sample_plan *plan, struct sample *sample,
    struct error *error)
{
    uint64_t steps = plan->steps * plan->batches;
    const struct timespec time = {.tv_nsec = (long)(steps * STEP_NS * slowness)};
    if (site == breaking && lane == site->lane_count - 1)
        return error_set(error, EPROTO, "the guest shut down");
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
        .schedule = {.sample_seconds = 0.002,
            .shortest_sample_seconds = shortest,
            .rounds = 2,
            .rounds_by_spread = true,
            .seconds = seconds},
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
    has_placements(&result, PLACEMENTS_MIN);
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
    has_placements(&result, PLACEMENTS_MIN);
    assert_true(shortest_asked() > steps_asked[0] / 2);
    result_free(&result);
}

static void a_machine_that_is_fast_enough_keeps_its_samples(void **state)
{
    struct result result = {0};
    (void)state;
    slowness = 0;
    measure(300, 0.0002, &result);
    has_placements(&result, PLACEMENTS_MAX);
    assert_true(shortest_asked() > steps_asked[0] / 2);
    result_free(&result);
}

/* ---- side by side ---- */

static struct site pair = {
    .ops = &ops,
    .host_page_bytes = 4096,
    .lanes = {{.type = &runner_native, .name = "native", .label = "native"},
        {.type = &runner_kvm, .name = "kvm", .label = "kvm", .guest_page_bytes = 4096}},
    .lane_count = 2,
};
static const struct chase_shape shape = {4096, 64, CHASE_RANDOM, false, 1};

static int measure_on(struct site *const *sites, size_t count, struct result *result, struct error *error)
{
    const struct chase_experiment experiment = {
        .shapes = &shape,
        .shape_count = 1,
        .sites = sites,
        .site_count = count,
        .schedule = {.sample_seconds = 0.001, .rounds = 2, .seconds = 0.001},
    };
    *result = (struct result){0};
    slowness = asked_count = laid_out = placed = 0;
    return experiment_chase(&experiment, result, error);
}

static void lanes_are_compared_with_native_on_their_own_memory(void **state)
{
    struct site small = pair, large = pair,
                remote = {.ops = &ops, .lanes = {{.name = "command:x"}}, .lane_count = 1};
    struct site *const three[] = {&small, &large, &remote};
    static const size_t pairs[][2] = {
        {1, 0}, {3, 2}, {4, 0}}; /* native, kvm; native, kvm; the other machine */
    struct result result;
    struct error error;
    (void)state;
    assert_int_equal(measure_on(three, 3, &result, &error), 0);
    assert_int_equal(result.cell_count, 5);
    assert_string_equal(result.cells[1].id, "chase/kvm/random/4096/64/4096/4096");
    assert_int_equal(result.comparison_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(result.comparisons[i].cell, pairs[i][0]);
        assert_int_equal(result.comparisons[i].baseline, pairs[i][1]);
    }
    assert_int_equal(laid_out, 3 * PLACEMENTS_MIN); /* once for all lanes of a site */
    result_free(&result);
}

static void without_native_nothing_is_compared(void **state)
{
    struct site alone = {.ops = &ops, .lanes = {{.type = &runner_kvm, .name = "kvm"}}, .lane_count = 1};
    struct site *const one[] = {&alone};
    struct result result;
    struct error error;
    (void)state;
    assert_int_equal(measure_on(one, 1, &result, &error), 0);
    assert_true(result.complete);
    assert_int_equal(result.comparison_count, 0);
    result_free(&result);
    assert_int_equal(measure_on(one, 0, &result, &error), -EINVAL);
    result_free(&result);
}

static void a_runner_or_a_site_that_fails_leaves_the_others_measured(void **state)
{
    struct site first = pair, second = pair;
    struct site *const two[] = {&first, &second};
    static const unsigned expected[] = {PLACEMENTS_MIN, 0, 1, 1};
    struct result result;
    struct error error;
    (void)state;
    breaking = &first;
    unplaceable = &second;
    assert_int_equal(measure_on(two, 2, &result, &error), 0);
    assert_true(result.broken && !result.complete);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(result.cells[i].placements, expected[i]);
    assert_string_equal(result.cells[1].reason, "the guest shut down");
    assert_non_null(strstr(result.cells[2].reason, "no memory any more"));
    result_free(&result);
    breaking = unplaceable = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_are_compared_with_native_on_their_own_memory),
        cmocka_unit_test(without_native_nothing_is_compared),
        cmocka_unit_test(a_runner_or_a_site_that_fails_leaves_the_others_measured),
        cmocka_unit_test(a_slow_machine_gets_shorter_samples_and_all_its_placements),
        cmocka_unit_test(samples_stay_as_long_as_they_are_where_nothing_shorter_is_allowed),
        cmocka_unit_test(a_machine_that_is_fast_enough_keeps_its_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
