/* experiment/chase on made-up runners: who shares a plan; and where a
 * machine is slow, a budget that allows it is kept by shorter samples, not by fewer placements. */
#include "cmocka_all.h"

#include "experiment/chase.h"
#include "read_result.h"
#include "result/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SHAPES = 8, STEP_NS = 10, CALLS_MAX = 4096, SLOWNESS = 4 };

/* What was asked of made-up runners, sample by sample. */
static uint64_t steps_asked[CALLS_MAX];
static size_t asked_count, planned;
static unsigned slowness; /* how much longer than its steps a sample takes; 0: no time */

static int made_up_open(const struct runner_config *config, struct runner **runner, struct error *error)
{
    struct runner *made = calloc(1, sizeof *made);
    assert_non_null(made);
    (void)error;
    made->config = *config;
    *runner = made;
    return 0;
}

static int made_up_prepare(
    struct runner *runner, const struct workload *workload, uint64_t seed, struct error *error)
{
    (void)seed, (void)error;
    runner->workload = *workload;
    return 0;
}

static int made_up_sample(
    struct runner *runner, const struct effort *effort, struct sample *sample, struct error *error)
{
    uint64_t steps = effort->steps * effort->batches;
    const struct timespec time = {.tv_nsec = (long)(steps * STEP_NS * slowness)};
    (void)runner, (void)error;
    if (effort->batches == 1) /* the short walk that tells how long a step takes */
        planned++;
    else if (asked_count < CALLS_MAX)
        steps_asked[asked_count++] = steps;
    nanosleep(&time, NULL);
    *sample = (struct sample){.metric_count = 0};
    sample_set_time(sample, STEP_NS, steps);
    return 0;
}

static int made_up_proof(struct runner *runner, struct page_proof *proof, struct error *error)
{
    (void)runner, (void)error;
    *proof = (struct page_proof){.as_asked = true};
    return 0;
}

static void made_up_close(struct runner *runner)
{
    free(runner);
}

static const struct runner_ops made_up = {.name = "made-up",
    .open = made_up_open,
    .prepare = made_up_prepare,
    .sample = made_up_sample,
    .proof = made_up_proof,
    .close = made_up_close};

static struct placement small = {.config = {.memory = {.page_bytes = 4096}, .elsewhere = true}},
                        large = {.config = {.memory = {.page_bytes = 2 << 20}, .elsewhere = true}};

static struct runner_config on(const char *name, struct placement *placement)
{
    struct runner_config config = {.ops = &made_up, .placement = placement};
    snprintf(config.name, sizeof config.name, "%s", name);
    return config;
}

static void measure(double seconds, double shortest, struct result *result)
{
    const struct runner_config runner = on("made-up", &small);
    struct chase_shape shapes[SHAPES];
    struct error error = {0};
    for (size_t i = 0; i < SHAPES; i++)
        shapes[i] = (struct chase_shape){4096 * (i + 1), 64, CHASE_RANDOM, false, 1};
    const struct chase_experiment experiment = {
        .shapes = shapes,
        .shape_count = SHAPES,
        .runners = &runner,
        .runner_count = 1,
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

/* All runners of a placement walk as far, which is found out once. */
static void one_plan_serves_all_runners_of_a_placement(void **state)
{
    const struct runner_config runners[] = {on("a", &small), on("b", &small), on("a", &large)};
    const struct chase_shape shape = {4096, 64, CHASE_RANDOM, false, 1};
    const struct chase_experiment experiment = {
        .shapes = &shape,
        .shape_count = 1,
        .runners = runners,
        .runner_count = 3,
        .schedule = {.sample_seconds = 0.001, .rounds = 2, .seconds = 0.001},
    };
    struct result result = {0};
    struct error error;
    (void)state;
    slowness = planned = 0;
    assert_int_equal(experiment_chase(&experiment, &result, &error), 0);
    assert_int_equal(result.cell_count, 3);
    assert_string_equal(result.cells[1].id, "chase/b/random/4096/64/-/4096");
    assert_string_equal(result.cells[2].id, "chase/a/random/4096/64/-/2097152");
    assert_int_equal(planned % 2, 0);
    assert_int_equal(planned, 2 * result.cells[0].placements);
    assert_int_equal(result.cells[0].operations, 0); /* told of events only */
    result_free(&result);
}

static void without_runners_nothing_is_measured(void **state)
{
    const struct chase_shape shape = {4096, 64, CHASE_RANDOM, false, 1};
    const struct chase_experiment experiment = {.shapes = &shape, .shape_count = 1};
    struct result result = {0};
    struct error error;
    (void)state;
    assert_int_equal(experiment_chase(&experiment, &result, &error), -EINVAL);
}

/* As a model is: what it says once it always says. */
static void what_is_deterministic_is_told_so_in_the_file(void **state)
{
    static const struct runner_ops exact = {.name = "exact",
        .deterministic = true,
        .open = made_up_open,
        .prepare = made_up_prepare,
        .sample = made_up_sample,
        .proof = made_up_proof,
        .close = made_up_close};
    const struct chase_shape shape = {4096, 64, CHASE_RANDOM, false, 1};
    struct runner_config runners[] = {on("made-up", &small), on("exact", &small)};
    struct error error = {0};
    struct result result = {.experiment = "chase"}, again;
    (void)state;
    runners[1].ops = &exact;
    const struct chase_experiment experiment = {.shapes = &shape,
        .shape_count = 1,
        .runners = runners,
        .runner_count = 2,
        .schedule = {.sample_seconds = 0.0001, .rounds = 2, .seconds = 0.1}};
    slowness = 0;
    assert_int_equal(experiment_chase(&experiment, &result, &error), 0);
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);
    assert_int_equal(json_write(&result, stream, &error), 0);
    fclose(stream);
    if (result_parse("a.json", text, bytes, &again, &error) < 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < 2; i++) {
        const struct result_cell *cell = &again.cells[i];
        assert_int_equal(cell->deterministic, i == 1);
        assert_int_equal(cell->quality, QUALITY_GOOD);
        assert_int_equal(isfinite(cell->low) != 0, i == 0);
    }
    assert_int_equal(again.cells[1].sample_count, 1);
    assert_int_equal(again.cells[1].repeated, 0);
    assert_non_null(strstr(cell_reason(&again.cells[1]), "the same each time"));
    free(text);
    result_free(&again);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_plan_serves_all_runners_of_a_placement),
        cmocka_unit_test(without_runners_nothing_is_measured),
        cmocka_unit_test(a_slow_machine_gets_shorter_samples_and_all_its_placements),
        cmocka_unit_test(samples_stay_as_long_as_they_are_where_nothing_shorter_is_allowed),
        cmocka_unit_test(a_machine_that_is_fast_enough_keeps_its_samples),
        cmocka_unit_test(what_is_deterministic_is_told_so_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
