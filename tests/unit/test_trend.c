/* Trends: found where they are, told in the right size, and hardly ever seen where there are none, however
 * much the samples of a placement depend on each other. */
#include "cmocka_all.h"

#include "base/random.h"
#include "measure/trend.h"

#include <math.h>

enum { TRIES = 4000, ROUNDS_MAX = 8, PLACEMENTS_MAX = 12 };

static double uniform(uint64_t *random)
{
    return ((double)(random_next(random) >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t *random)
{
    return sqrt(-2 * log(uniform(random))) * cos(2 * M_PI * uniform(random));
}

/* ---- within placements ---- */

struct series {
    double rise, noise, correlation; /* of logarithms: a round; of each sample; AR(1) */
};

static double within(const struct series *series, size_t placements, size_t rounds, uint64_t *random)
{
    double changes[PLACEMENTS_MAX], own = sqrt(1 - series->correlation * series->correlation);
    for (size_t p = 0; p < placements; p++) {
        double values[ROUNDS_MAX], level = 0.2 * normal(random), off = series->noise * normal(random);
        for (size_t i = 0; i < rounds; i++) {
            values[i] = exp(level + off + series->rise * (double)i);
            off = series->correlation * off + own * series->noise * normal(random);
        }
        changes[p] = trend_change(values, rounds);
    }
    return trend_within(changes, placements);
}

static unsigned told(const struct series *series, size_t placements, size_t rounds)
{
    uint64_t random = 17;
    unsigned count = 0;
    for (unsigned i = 0; i < TRIES; i++)
        count += within(series, placements, rounds, &random) != 0;
    print_message("# rise %g, noise %g, correlation %g: a trend in %zu placements of %zu samples: %u of %d\n",
        series->rise, series->noise, series->correlation, placements, rounds, count, TRIES);
    return count;
}

static void samples_that_depend_on_each_other_are_hardly_ever_a_trend(void **state)
{
    static const struct series series[] = {{0, 0.02, 0}, {0, 0.1, 0}, {0, 0.05, 0.9}, {0, 0.2, 0.9}};
    static const size_t placements[] = {3, 4, 6, 12}, rounds[] = {2, 3, 8};
    (void)state;
    for (size_t s = 0; s < sizeof series / sizeof series[0]; s++)
        for (size_t p = 0; p < sizeof placements / sizeof placements[0]; p++)
            for (size_t r = 0; r < sizeof rounds / sizeof rounds[0]; r++)
                assert_in_range(told(&series[s], placements[p], rounds[r]), 0, TRIES / 100);
}

static void a_rise_that_placements_share_is_found(void **state)
{
    (void)state;
    assert_true(told(&(struct series){0.01, 0.01, 0}, 6, 8) > TRIES * 99 / 100);
    assert_true(told(&(struct series){-0.01, 0.01, 0}, 12, 8) > TRIES * 99 / 100);
    assert_true(told(&(struct series){0.02, 0.002, 0}, 3, 4) > TRIES * 99 / 100);
}

/* Whatever the number of values, a straight line is told from its first to its last. */
static void a_straight_line_has_its_own_size(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (size_t rounds = 2; rounds <= ROUNDS_MAX; rounds++) {
        double percent = 100 * expm1(0.05 * (double)(rounds - 1));
        assert_float_equal(within(&(struct series){0.05, 0, 0}, 3, rounds, &random), percent, 1e-6);
    }
}

static void small_changes_and_few_placements_are_no_trend(void **state)
{
    const double small[] = {0.02, 0.02, 0.02}, large[] = {0.2, 0.2}, none[] = {0, 0, 0};
    (void)state;
    assert_true(trend_within(small, 3) == 0);
    assert_true(trend_within(large, 2) == 0);
    assert_true(trend_within(none, 3) == 0);
    assert_true(isnan(trend_change(small, 1)));
}

/* ---- from placement to placement ---- */

static unsigned drifts(double rise, double noise, size_t placements)
{
    uint64_t random = 29;
    unsigned count = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        double values[PLACEMENTS_MAX];
        for (size_t p = 0; p < placements; p++)
            values[p] = exp(rise * (double)p + noise * normal(&random));
        count += trend_between(values, placements) != 0;
    }
    print_message("# rise %g, noise %g: a drift over %zu placements: %u of %d\n", rise, noise, placements,
        count, TRIES);
    return count;
}

static void placements_that_only_differ_do_not_drift(void **state)
{
    (void)state;
    for (size_t placements = 2; placements <= PLACEMENTS_MAX; placements++)
        assert_in_range(drifts(0, 0.1, placements), 0, TRIES / 100);
}

static void a_machine_that_drifts_is_found(void **state)
{
    (void)state;
    assert_true(drifts(0.02, 0.01, 6) > TRIES / 2);
    assert_true(drifts(0.02, 0.01, 12) > TRIES * 99 / 100);
    assert_true(drifts(-0.02, 0.02, 12) > TRIES * 99 / 100);
}

static void a_drift_has_its_own_size(void **state)
{
    double up[8], down[8];
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        up[i] = exp(0.02 * (double)i);
        down[i] = 1 / up[i];
    }
    assert_float_equal(trend_between(up, 8), 100 * expm1(0.14), 1e-9);
    assert_float_equal(trend_between(down, 8), 100 * expm1(-0.14), 1e-9);
}

/* Of all orders of n values one rises throughout and one falls. Kendall's own table for ten values: S of 21
 * or more has 0.036 at one side. */
static void the_chance_of_an_order_is_exact(void **state)
{
    const double rising[] = {1, 2, 3, 4, 5, 6}, even[] = {2, 4, 1, 3},
                 ten[] = {1, 2, 3, 4, 5, 10, 9, 8, 7, 6};
    const double clearer[] = {2, 1, 4, 3, 6, 5, 10, 9, 8, 7}; /* 9 of 45 pairs fall, above 10 */
    (void)state;
    assert_float_equal(trend_chance(rising, 6), 2.0 / 720, 1e-12);
    assert_float_equal(trend_chance(rising, 2), 1, 1e-12);
    assert_float_equal(trend_chance(even, 4), 1, 1e-12);
    assert_float_equal(trend_chance(ten, 10), 2 * 0.014, 1e-3);
    assert_float_equal(trend_chance(clearer, 10), 2 * 0.0083, 1e-4);
    assert_true(trend_chance(rising, 1) == 1 && trend_chance(rising, TREND_VALUES_MAX + 1) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_that_depend_on_each_other_are_hardly_ever_a_trend),
        cmocka_unit_test(a_rise_that_placements_share_is_found),
        cmocka_unit_test(a_straight_line_has_its_own_size),
        cmocka_unit_test(small_changes_and_few_placements_are_no_trend),
        cmocka_unit_test(placements_that_only_differ_do_not_drift),
        cmocka_unit_test(a_machine_that_drifts_is_found),
        cmocka_unit_test(a_drift_has_its_own_size),
        cmocka_unit_test(the_chance_of_an_order_is_exact),
    };
    return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
