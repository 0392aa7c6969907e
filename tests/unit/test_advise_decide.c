/* Which remedies help: on pairs that are made up, so that what is true is known. How often chance alone makes
 * a help of nothing is judged by the exact binomial distribution. */
#include "cmocka_all.h"

#include "base/random.h"
#include "experiment/advise_decide.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 8, REMEDIES = 4, PROGRAMS = 2000 };

static double work[DECIDE_ROUNDS_MAX];

/* Normal, from the sum of twelve. */
static double noise(uint64_t *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)random_below(random, 1u << 20) / (1u << 20);
    return sum;
}

/* The runs without are shared by two remedies each, as they are by the schedule. */
static void make_rounds(uint64_t *random, const double *gain, double spread, double logs[REMEDIES][ROUNDS])
{
    for (size_t round = 0; round < ROUNDS; round++) {
        double shared = 0;
        for (size_t i = 0; i < REMEDIES; i++) {
            shared = i % 2 ? shared : spread * noise(random);
            logs[i][round] = gain[i] + spread * noise(random) - shared;
        }
    }
}

static void judge(double logs[REMEDIES][ROUNDS], struct contender *contenders)
{
    for (size_t i = 0; i < REMEDIES; i++)
        contenders[i] = (struct contender){.logs = logs[i], .count = ROUNDS};
    decide_judge(contenders, REMEDIES, work);
}

static void one_that_helps_is_found(void **state)
{
    const double gain[REMEDIES] = {0, log(0.8), log(1.1), 0};
    double logs[REMEDIES][ROUNDS];
    struct contender contenders[REMEDIES];
    uint64_t random = 1;
    unsigned found = 0;
    (void)state;
    for (int i = 0; i < PROGRAMS; i++) {
        make_rounds(&random, gain, 0.03, logs);
        judge(logs, contenders);
        found += contenders[1].helps;
        assert_false(contenders[2].helps);
    }
    assert_true(found > PROGRAMS * 99 / 100);
}

/* Intervals of so many rounds are about as wide as was asked for. */
static void rounds_are_as_many_as_an_interval_takes(void **state)
{
    static const double half = 0.02, spread = 0.03;
    uint64_t random = 1;
    double logs[DECIDE_ROUNDS_MAX] = {0}, sum = 0;
    (void)state;
    assert_true(isnan(decide_rounds(logs, 1, half)));
    for (size_t i = 0; i < DECIDE_ROUNDS_MAX; i++)
        logs[i] = spread * noise(&random);
    size_t count = (size_t)decide_rounds(logs, DECIDE_ROUNDS_MAX, half);
    assert_in_range(count, 8, 24); /* (2.5 * 0.03 / 0.02)^2 is 14 */
    assert_in_range((size_t)decide_rounds(logs, DECIDE_ROUNDS_MAX, half / 2), 4 * count - 4, 4 * count);
    const size_t parts = DECIDE_ROUNDS_MAX / count;
    for (size_t i = 0; i < DECIDE_ROUNDS_MAX; i += count)
        if (i + count <= DECIDE_ROUNDS_MAX) {
            const struct estimate ratio = decide_ratio(logs + i, count, work);
            sum += log(ratio.high / ratio.low) / 2 / (double)parts;
        }
    assert_true(sum > half / 2 && sum < 2 * half);
}

/* 2000 programs, at most 5 % of which may get a wrong winner: 130 or more would happen once in 1000. */
static void nothing_is_no_help(void **state)
{
    const double gain[REMEDIES] = {0, 0, 0, 0};
    double logs[REMEDIES][ROUNDS];
    struct contender contenders[REMEDIES];
    (void)state;
    for (int spread = 1; spread <= 3; spread++) {
        uint64_t random = (uint64_t)spread;
        unsigned wrong = 0;
        for (int i = 0; i < PROGRAMS; i++) {
            make_rounds(&random, gain, 0.05 * spread * spread, logs);
            judge(logs, contenders);
            bool any = false;
            for (size_t k = 0; k < REMEDIES; k++)
                any |= contenders[k].helps;
            wrong += any;
        }
        assert_true(wrong < 130);
    }
}

/* What is chosen and then confirmed by the same rounds looks better than it is: that is why they are not. */
static void chance_is_that_of_all_together(void **state)
{
    const double same[] = {-0.1, -0.11, -0.09, -0.1, -0.12, -0.1},
                 none[] = {0.1, -0.1, 0.05, -0.04, 0.1, -0.1};
    struct contender one[] = {{.logs = same, .count = 6}};
    struct contender four[] = {{.logs = none, .count = 6}, {.logs = same, .count = 6},
        {.logs = none, .count = 6}, {.logs = none, .count = 6}};
    (void)state;
    decide_judge(one, 1, work);
    decide_judge(four, 4, work);
    assert_true(one[0].helps && four[1].helps);
    assert_true(fabs(four[1].adjusted - 4 * one[0].adjusted) < 1e-12);
    assert_false(four[0].helps);
}

static void few_rounds_decide_nothing(void **state)
{
    const double logs[] = {-0.3, -0.3};
    struct contender contender = {.logs = logs, .count = 2};
    (void)state;
    decide_judge(&contender, 1, work);
    assert_false(contender.helps);
    assert_true(contender.chance == 1);
    assert_false(decide_hopeless(logs, 2, work));
}

/* A gain of less than 1 % is none to change a command line for, however sure. */
static void a_gain_too_small_is_none(void **state)
{
    const double logs[] = {-0.005, -0.0051, -0.0049, -0.005, -0.0052, -0.005};
    struct contender contender = {.logs = logs, .count = 6};
    (void)state;
    decide_judge(&contender, 1, work);
    assert_true(contender.adjusted < decide_level);
    assert_false(contender.helps);
}

static void the_best_are_chosen(void **state)
{
    const double good[] = {-0.2, -0.21, -0.19}, better[] = {-0.3, -0.31, -0.3}, bad[] = {0.2, 0.21, 0.2},
                 fair[] = {-0.05, -0.06, -0.05};
    const struct contender contenders[] = {{.logs = good, .count = 3}, {.logs = bad, .count = 3},
        {.logs = better, .count = 3}, {.logs = fair, .count = 3}, {.logs = good, .count = 0}};
    size_t chosen[5];
    (void)state;
    assert_int_equal(decide_choose(contenders, 5, chosen, 5, work), 3);
    assert_int_equal(chosen[0], 2);
    assert_int_equal(chosen[1], 0);
    assert_int_equal(chosen[2], 3);
    assert_int_equal(decide_choose(contenders, 5, chosen, 2, work), 2);
    assert_int_equal(chosen[0], 2);
    assert_int_equal(chosen[1], 0);
    assert_true(decide_hopeless(bad, 3, work));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_that_helps_is_found),
        cmocka_unit_test(rounds_are_as_many_as_an_interval_takes), cmocka_unit_test(nothing_is_no_help),
        cmocka_unit_test(chance_is_that_of_all_together), cmocka_unit_test(few_rounds_decide_nothing),
        cmocka_unit_test(a_gain_too_small_is_none), cmocka_unit_test(the_best_are_chosen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
