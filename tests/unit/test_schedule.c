/* experiment/schedule with made-up cells and a made-up clock: what is called, in which order and how often.
 */
#include "cmocka_all.h"

#include "experiment/schedule.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 8, IN_ROW = 3, CELLS_MAX = ROWS_MAX * IN_ROW, CALLS_MAX = 20000 };

/* One call of an operation: 'p'lace, p'r'epare, 's'ample, 'f'inish, 'c'lear. */
struct call {
    char what;
    size_t number; /* of the cell, the row, the placement */
    uint64_t seed;
    double seconds;
};

/* What the cells do. */
static struct world {
    double clock;
    double sample_takes; /* seconds; 0: as long as was asked for */
    double prepare_takes, place_takes;
    unsigned disturbed_of; /* of so many samples each one is disturbed; 0: none */
    double spread;         /* of a cell's samples, from round to round */
    size_t fails_cell;     /* CELLS_MAX: none … */
    size_t fails_from;     /* … from this of its samples on */
    bool fails_to_prepare;
    unsigned place_fails; /* this placement; UINT_MAX: none */
    int code;             /* of a failure */
    size_t stop_after;    /* samples; 0: never */
    struct call calls[CALLS_MAX];
    size_t call_count, samples, samples_of[CELLS_MAX];
    double asked[CELLS_MAX];
    double told_fraction, told_left;
    char told[96];
} world;

static void note(char what, size_t number, uint64_t seed, double seconds)
{
    assert_true(world.call_count < CALLS_MAX);
    world.calls[world.call_count++] = (struct call){what, number, seed, seconds};
}

static int place(void *context, unsigned placement, struct error *error)
{
    (void)context;
    note('p', placement, 0, 0);
    world.clock += world.place_takes;
    return placement == world.place_fails ? error_set(error, world.code, "no memory of that kind") : 0;
}

static int prepare(void *context, size_t cell, uint64_t seed, double seconds, struct error *error)
{
    (void)context;
    note('r', cell, seed, seconds);
    world.clock += world.prepare_takes;
    world.asked[cell] = seconds;
    return cell == world.fails_cell && world.fails_to_prepare
               ? error_set(error, world.code, "cell %zu cannot be", cell)
               : 0;
}

static int sample(void *context, size_t cell, struct sample *out, struct error *error)
{
    size_t nth = world.samples_of[cell]++;
    (void)context;
    note('s', cell, 0, 0);
    world.samples++;
    world.clock += world.sample_takes > 0 ? world.sample_takes : world.asked[cell];
    if (cell == world.fails_cell && nth >= world.fails_from)
        return error_set(error, world.code, "cell %zu broke", cell);
    *out = (struct sample){
        .ns = 10 * (1 + world.spread * (nth % 2)),
        .disturbed = world.disturbed_of && world.samples % world.disturbed_of == 0 ? DISTURBED_STEAL : 0,
        .counters = {true, 2, 1},
        .operations = 5,
    };
    return 0;
}

static void finish(void *context, size_t row)
{
    (void)context;
    note('f', row, 0, 0);
}

static void clear(void *context)
{
    (void)context;
    note('c', 0, 0, 0);
}

static double made_up_now(void *context)
{
    (void)context;
    return world.clock;
}

static bool stop_now(void *context)
{
    (void)context;
    return world.stop_after && world.samples >= world.stop_after;
}

static void listen(void *context, double fraction, double seconds_left, const char *what)
{
    (void)context;
    assert_true(fraction >= 0 && fraction <= 1);
    world.told_fraction = fraction;
    world.told_left = seconds_left;
    snprintf(world.told, sizeof world.told, "%s", what);
}

static const struct schedule_ops ops = {.place = place,
    .prepare = prepare,
    .sample = sample,
    .finish = finish,
    .clear = clear,
    .now = made_up_now};

static const struct schedule usual = {
    .seed = 7, .sample_seconds = 0.01, .rounds = 4, .seconds = 10, .stop = {stop_now, NULL}};

/* A world without trouble. */
static int setup(void **state)
{
    (void)state;
    world = (struct world){.fails_cell = CELLS_MAX, .place_fails = UINT_MAX, .code = EIO};
    return 0;
}

/* `in_row` cells in each of `rows`; the others of a row are relative to its first. */
static void make(size_t rows, size_t in_row, struct scheduled *scheduled, struct result *result)
{
    *scheduled = (struct scheduled){.ops = &ops};
    *result = (struct result){.experiment = "chase"};
    for (size_t i = 0; i < rows * in_row; i++) {
        const struct schedule_cell how = {.baselines = {i / in_row * in_row, i}};
        struct result_cell cell = {.cell = {.monitor = "x", .event = {"e", i}}, .pages = {.as_asked = true}};
        assert_int_equal(scheduled_add(scheduled, result, i % in_row == 0, &how, &cell, NULL), 0);
    }
}

static void run(const struct schedule *schedule, struct scheduled *scheduled, struct result *result)
{
    struct error error;
    if (schedule_run(schedule, scheduled, result, &error) < 0)
        fail_msg("%s", error.text);
    scheduled_free(scheduled);
}

/* The cells that were sampled between the calls `first` and the next "finish". */
static size_t sampled_in_row(size_t *call, size_t cells[CALLS_MAX])
{
    size_t count = 0;
    while (*call < world.call_count && world.calls[*call].what != 'f')
        if (world.calls[(*call)++].what == 's')
            cells[count++] = world.calls[*call - 1].number;
    (*call)++;
    return count;
}

/* ---- order ---- */

static void cells_of_a_row_are_sampled_there_and_back(void **state)
{
    static size_t cells[CALLS_MAX];
    struct scheduled scheduled;
    struct result result;
    size_t call = 0;
    (void)state;
    make(1, 3, &scheduled, &result);
    run(&usual, &scheduled, &result);
    for (unsigned placement = 0; placement < PLACEMENTS_MAX; placement++) {
        assert_int_equal(sampled_in_row(&call, cells), 3 * usual.rounds);
        for (size_t i = 0; i < 3 * usual.rounds; i++)
            assert_int_equal(cells[i], (i / 3 + placement) % 2 ? 2 - i % 3 : i % 3);
    }
    for (size_t i = 0; i < result.cells[1].sample_count; i++) {
        assert_int_equal(result.cells[1].samples[i].placement, i / usual.rounds);
        assert_int_equal(result.cells[1].samples[i].round, i % usual.rounds);
    }
    result_free(&result);
}

static void a_placement_is_placed_each_row_prepared_finished_and_all_of_it_cleared(void **state)
{
    struct scheduled scheduled;
    struct result result;
    char text[64] = "";
    (void)state;
    make(2, 2, &scheduled, &result);
    struct schedule schedule = usual;
    schedule.rounds = 1;
    run(&schedule, &scheduled, &result);
    for (size_t i = 0; i < 12; i++)
        text[i] = world.calls[i].what;
    assert_string_equal(text, "prrssfrrssfc");
    assert_true(world.calls[1].seed == world.calls[2].seed && world.calls[1].seed != world.calls[6].seed);
    assert_true(world.calls[1].seconds == usual.sample_seconds);
    result_free(&result);
}

/* The rows of all placements, in the order in which they were finished. */
static size_t rows_finished(const struct schedule *schedule, size_t rows[CALLS_MAX])
{
    struct scheduled scheduled;
    struct result result;
    size_t count = 0;
    setup(NULL);
    make(ROWS_MAX, 1, &scheduled, &result);
    run(schedule, &scheduled, &result);
    for (size_t i = 0; i < world.call_count; i++)
        if (world.calls[i].what == 'f')
            rows[count++] = world.calls[i].number;
    result_free(&result);
    return count;
}

static void rows_come_in_random_order_and_the_same_for_the_same_seed(void **state)
{
    static size_t rows[CALLS_MAX], again[CALLS_MAX], other[CALLS_MAX];
    struct schedule schedule = usual;
    (void)state;
    size_t count = rows_finished(&schedule, rows);
    assert_int_equal(rows_finished(&schedule, again), count);
    assert_memory_equal(rows, again, count * sizeof *rows);
    schedule.seed++;
    rows_finished(&schedule, other);
    assert_memory_not_equal(rows, other, count * sizeof *rows);
    assert_memory_not_equal(rows, rows + ROWS_MAX, ROWS_MAX * sizeof *rows); /* the next placement */
    for (size_t placement = 0; placement < count / ROWS_MAX; placement++) {
        unsigned seen = 0;
        for (size_t i = 0; i < ROWS_MAX; i++)
            seen |= 1u << rows[placement * ROWS_MAX + i];
        assert_int_equal(seen, (1u << ROWS_MAX) - 1);
    }
}

/* ---- how much ---- */

static void as_many_placements_are_measured_as_fit_the_time(void **state)
{
    static const struct {
        double seconds;
        unsigned placements;
    } cases[] = {{0.001, PLACEMENTS_MIN}, {0.41, 5}, {1000, PLACEMENTS_MAX}}; /* one takes 0.08 s */
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scheduled scheduled;
        struct result result;
        struct schedule schedule = usual;
        schedule.seconds = cases[i].seconds;
        setup(NULL);
        make(1, 2, &scheduled, &result);
        run(&schedule, &scheduled, &result);
        assert_true(result.complete && !result.broken);
        assert_int_equal(result.cells[0].placements, cases[i].placements);
        assert_int_equal(result.cells[0].sample_count, cases[i].placements * usual.rounds);
        assert_int_equal(result.cells[0].counters.exits, 2 * result.cells[0].sample_count);
        assert_int_equal(result.cells[0].operations, 5 * result.cells[0].sample_count);
        assert_float_equal(result.seconds, 0.08 * cases[i].placements, 1e-9);
        assert_int_equal(result.comparison_count, 1);
        assert_int_equal(result.comparisons[0].placements, cases[i].placements);
        result_free(&result);
    }
}

static void a_wild_first_placement_gives_the_next_ones_more_rounds_and_a_calm_one_fewer(void **state)
{
    static const struct {
        double spread;
        unsigned rounds;
    } cases[] = {{0, 2}, {0.05, 4}, {0.5, 8}};
    struct schedule schedule = usual;
    (void)state;
    schedule.rounds_by_spread = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scheduled scheduled;
        struct result result;
        setup(NULL);
        world.spread = cases[i].spread;
        make(1, 1, &scheduled, &result);
        run(&schedule, &scheduled, &result);
        assert_int_equal(result.cells[0].sample_count, usual.rounds + (PLACEMENTS_MAX - 1) * cases[i].rounds);
        result_free(&result);
    }
}

/* ---- time ---- */

/* Samples take what they are asked for; with 0.01 s each the least number of placements would take 1.92 s. */
static void where_time_is_short_samples_become_shorter_but_not_too_short(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    schedule.seconds = 1;
    schedule.shortest_sample_seconds = 0.001;
    make(ROWS_MAX, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_int_equal(result.cells[0].placements, PLACEMENTS_MIN);
    assert_true(result.seconds < 1.05);
    for (size_t i = 0; i < world.call_count; i++)
        if (world.calls[i].what == 'r')
            assert_true(world.calls[i].seconds >= 0.001 && world.calls[i].seconds <= 0.01);
    result_free(&result);

    setup(NULL);
    schedule.shortest_sample_seconds = 0;
    make(ROWS_MAX, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_float_equal(result.seconds, 1.92, 1e-9);
    result_free(&result);
}

static void a_users_budget_is_kept_to_a_sample(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    schedule.seconds = 0.105;
    schedule.strict = true;
    make(2, 2, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_false(result.complete || result.broken);
    assert_string_equal(result.incomplete_reason, "the time budget of 0.105 s ended");
    assert_true(result.seconds < 0.105 + 0.0101);
    assert_int_equal(world.samples, 11);
    assert_int_equal(world.calls[world.call_count - 1].what, 'c'); /* and nothing is left open */
    assert_int_equal(world.calls[world.call_count - 2].what, 'f');
    result_free(&result);
}

static void disturbed_samples_are_repeated_twice_within_a_part_of_the_time(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.disturbed_of = 1;
    schedule.seconds = 1000;
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_int_equal(result.cells[0].repeated, 2 * result.cells[0].sample_count);
    assert_int_equal(result.cells[0].quality, QUALITY_NOISY);
    result_free(&result);

    setup(NULL);
    world.disturbed_of = 1;
    schedule.seconds = 1; /* 0.15 s of it, 15 samples and what the last one began */
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_in_range(result.cells[0].repeated, 15, 16);
    result_free(&result);

    setup(NULL);
    world.disturbed_of = 5; /* a repeated one is not: what is disturbed now is gone */
    schedule.seconds = 1000;
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    for (size_t i = 0; i < result.cells[0].sample_count; i++)
        assert_int_equal(result.cells[0].samples[i].disturbed, DISTURBED_NOT);
    assert_int_equal(result.cells[0].repeated, world.samples - result.cells[0].sample_count);
    assert_true(result.cells[0].repeated > 0);
    result_free(&result);
}

static void progress_says_which_placement_and_what_time_is_left(void **state)
{
    struct schedule schedule = usual;
    struct scheduled scheduled;
    struct result result;
    (void)state;
    schedule.progress = (struct progress){listen, NULL};
    make(1, 1, &scheduled, &result);
    run(&schedule, &scheduled, &result);
    assert_string_equal(world.told, "placement 12 of 12");
    assert_float_equal(world.told_fraction, 11.0 / 12, 1e-9);
    assert_float_equal(world.told_left, 0.04, 1e-9);
    result_free(&result);
}

/* ---- stopping ---- */

static void stopped_anywhere_it_reports_what_is_there(void **state)
{
    (void)state;
    for (size_t after = 1; after <= 24; after++) {
        struct scheduled scheduled;
        struct result result;
        size_t samples = 0;
        setup(NULL);
        world.stop_after = after;
        make(3, 2, &scheduled, &result);
        run(&usual, &scheduled, &result);
        assert_false(result.complete || result.broken);
        assert_string_equal(result.incomplete_reason, "stopped by the user");
        assert_int_equal(world.samples, after);
        for (size_t i = 0; i < result.cell_count; i++) {
            const struct result_cell *cell = &result.cells[i];
            samples += cell->sample_count;
            assert_int_equal(cell->quality, cell->sample_count ? QUALITY_INTERRUPTED : QUALITY_MISSING);
            assert_non_null(strstr(cell->reason, "stopped by the user"));
        }
        assert_int_equal(samples, after);
        assert_int_equal(world.calls[world.call_count - 1].what, 'c');
        result_free(&result);
    }
}

/* ---- failing ---- */

static void a_cell_that_fails_leaves_the_others_measured(void **state)
{
    (void)state;
    for (size_t from = 0; from < 20; from++) {
        struct scheduled scheduled;
        struct result result;
        struct error error;
        setup(NULL);
        world.fails_cell = 1;
        world.fails_from = from;
        world.code = from % 2 ? EINTR : EIO; /* also a call that was merely interrupted */
        make(2, 3, &scheduled, &result);
        assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), 0);
        assert_true(result.broken && !result.complete);
        assert_string_equal(result.incomplete_reason, "cell 1 broke");
        for (size_t i = 0; i < result.cell_count; i++)
            if (i != 1)
                assert_int_equal(result.cells[i].quality, QUALITY_GOOD);
        assert_int_equal(result.cells[1].sample_count, from);
        assert_int_equal(world.samples_of[1], from + 1); /* it is not tried again */
        assert_int_equal(result.cells[1].quality, from ? QUALITY_INTERRUPTED : QUALITY_MISSING);
        assert_non_null(strstr(result.cells[1].reason, "cell 1 broke"));
        assert_int_equal(result.comparison_count, from ? 4 : 3);
        scheduled_free(&scheduled);
        result_free(&result);
    }
}

static void where_failures_are_figures_a_cell_that_fails_has_none_and_says_why(void **state)
{
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.fails_cell = 2;
    world.fails_from = 6;
    make(2, 2, &scheduled, &result);
    scheduled.failures_are_figures = true;
    run(&usual, &scheduled, &result);
    assert_true(result.complete && !result.broken);
    assert_int_equal(result.cells[2].sample_count, 0);
    assert_int_equal(result.cells[2].operations, 0);
    assert_int_equal(result.cells[2].quality, QUALITY_MISSING);
    assert_string_equal(result.cells[2].reason, "cell 2 broke");
    assert_int_equal(result.comparison_count, 1);
    result_free(&result);
}

static void nothing_measured_is_the_failure_itself(void **state)
{
    struct scheduled scheduled;
    struct result result;
    struct error error;
    (void)state;
    world.fails_cell = 0;
    world.fails_to_prepare = true;
    world.code = ENOTSUP;
    make(1, 1, &scheduled, &result);
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), -ENOTSUP);
    assert_string_equal(error.text, "cell 0 cannot be");
    assert_int_equal(world.samples, 0);
    assert_int_equal(world.calls[world.call_count - 1].what, 'c'); /* there is no second placement */
    assert_int_equal(world.calls[0].number, 0);
    scheduled_free(&scheduled);
    result_free(&result);
}

static void memory_that_cannot_be_had_is_a_failure_and_kept_samples_are_reported(void **state)
{
    struct scheduled scheduled;
    struct result result;
    struct error error;
    (void)state;
    world.place_fails = 0;
    world.code = ENOMEM;
    make(1, 1, &scheduled, &result);
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), -ENOMEM);
    assert_int_equal(world.calls[1].what, 'c');
    world.place_fails = 2;
    assert_int_equal(schedule_run(&usual, &scheduled, &result, &error), 0);
    assert_true(result.broken && !result.complete);
    assert_string_equal(result.incomplete_reason, "no memory of that kind");
    assert_int_equal(result.cells[0].placements, 2);
    assert_int_equal(result.cells[0].quality, QUALITY_INTERRUPTED);
    scheduled_free(&scheduled);
    result_free(&result);
}

/* ---- what does not vary ---- */

static void what_is_deterministic_is_sampled_once(void **state)
{
    struct scheduled scheduled;
    struct result result;
    (void)state;
    world.disturbed_of = 1; /* and not repeated */
    make(2, 2, &scheduled, &result);
    for (size_t i = 1; i < 4; i += 2)
        scheduled.cells[i].deterministic = true;
    run(&usual, &scheduled, &result);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(result.cells[i].sample_count, i % 2 ? 1 : PLACEMENTS_MAX * usual.rounds);
    assert_int_equal(result.cells[1].repeated, 0);
    assert_int_equal(result.comparison_count, 2);
    assert_int_equal(result.comparisons[0].placements, PLACEMENTS_MAX);
    result_free(&result);

    setup(NULL);
    make(1, 1, &scheduled, &result);
    scheduled.cells[0].deterministic = true;
    run(&usual, &scheduled, &result);
    assert_true(result.complete);
    assert_int_equal(world.samples, 1);
    assert_int_equal(result.cells[0].quality, QUALITY_GOOD);
    result_free(&result);
}

static void an_experiment_is_appended_to_what_there_is(void **state)
{
    struct scheduled first, second;
    struct result result;
    (void)state;
    make(1, 2, &first, &result);
    run(&usual, &first, &result);
    second = (struct scheduled){.ops = &ops};
    for (size_t i = 0; i < 2; i++) {
        const struct schedule_cell how = {.baselines = {0, i}};
        struct result_cell cell = {.cell = {.monitor = "x", .event = {"f", i}}, .pages = {.as_asked = true}};
        assert_int_equal(scheduled_add(&second, &result, i == 0, &how, &cell, NULL), 0);
    }
    run(&usual, &second, &result);
    assert_int_equal(result.cell_count, 4);
    assert_int_equal(result.comparison_count, 2);
    assert_int_equal(result.comparisons[1].cell, 3);
    assert_int_equal(result.comparisons[1].baseline, 2);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(result.cells[i].placements, PLACEMENTS_MAX);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(cells_of_a_row_are_sampled_there_and_back, setup),
        cmocka_unit_test_setup(a_placement_is_placed_each_row_prepared_finished_and_all_of_it_cleared, setup),
        cmocka_unit_test_setup(rows_come_in_random_order_and_the_same_for_the_same_seed, setup),
        cmocka_unit_test_setup(as_many_placements_are_measured_as_fit_the_time, setup),
        cmocka_unit_test_setup(
            a_wild_first_placement_gives_the_next_ones_more_rounds_and_a_calm_one_fewer, setup),
        cmocka_unit_test_setup(where_time_is_short_samples_become_shorter_but_not_too_short, setup),
        cmocka_unit_test_setup(a_users_budget_is_kept_to_a_sample, setup),
        cmocka_unit_test_setup(disturbed_samples_are_repeated_twice_within_a_part_of_the_time, setup),
        cmocka_unit_test_setup(progress_says_which_placement_and_what_time_is_left, setup),
        cmocka_unit_test_setup(stopped_anywhere_it_reports_what_is_there, setup),
        cmocka_unit_test_setup(a_cell_that_fails_leaves_the_others_measured, setup),
        cmocka_unit_test_setup(where_failures_are_figures_a_cell_that_fails_has_none_and_says_why, setup),
        cmocka_unit_test_setup(nothing_measured_is_the_failure_itself, setup),
        cmocka_unit_test_setup(memory_that_cannot_be_had_is_a_failure_and_kept_samples_are_reported, setup),
        cmocka_unit_test_setup(what_is_deterministic_is_sampled_once, setup),
        cmocka_unit_test_setup(an_experiment_is_appended_to_what_there_is, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
