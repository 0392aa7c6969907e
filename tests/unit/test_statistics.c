/* measure/statistics: medians, Student's quantiles, and intervals that cover the truth as often as they say.
 */
#include "cmocka_all.h"

#include "base/random.h"
#include "measure/statistics.h"

#include <math.h>

static void medians_of_odd_even_and_no_values(void **state)
{
    (void)state;
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};
    assert_true(statistics_median(odd, 3) == 2);
    assert_true(statistics_median(even, 4) == 2.5);
    assert_true(statistics_median(one, 1) == 7);
    assert_true(isnan(statistics_median(NULL, 0)));
}

static void one_value_has_no_interval(void **state)
{
    (void)state;
    double one[] = {7};
    struct estimate estimate = statistics_estimate(one, 1);
    assert_true(estimate.median == 7 && isnan(estimate.low) && isnan(estimate.high));
}

/* Quantiles from the tables beyond what the code holds: 40, 60, 120 degrees of freedom. */
static void quantiles_agree_with_the_tables(void **state)
{
    (void)state;
    assert_true(fabs(statistics_t975(2) - 12.706) < 1e-9);
    assert_true(fabs(statistics_t975(31) - 2.042) < 1e-9);
    assert_true(fabs(statistics_t975(41) - 2.021) < 1e-3);
    assert_true(fabs(statistics_t975(61) - 2.000) < 1e-3);
    assert_true(fabs(statistics_t975(121) - 1.980) < 1e-3);
}

/* Even and odd degrees of freedom: the table's quantiles leave 5 % outside. One degree is Cauchy's
 * distribution, of which half lies within 1. */
static void chances_agree_with_the_quantiles(void **state)
{
    (void)state;
    for (size_t n = 2; n <= 31; n++)
        assert_true(fabs(statistics_t_chance(statistics_t975(n), n) - 0.05) < 1e-4);
    assert_true(fabs(statistics_t_chance(-1, 2) - 0.5) < 1e-12);
    assert_true(statistics_t_chance(0, 5) == 1 && fabs(statistics_t_chance(INFINITY, 5)) < 1e-12);
}

/* Two groups with nothing between them, the larger one 10: Student's interval is about the mean, which lies
 * between them, and with so many figures leaves both out. */
static void the_interval_reaches_both_sides_of_the_median_by_ranks(void **state)
{
    double two_groups[30], six[] = {1, 2, 3, 4, 5, 6}, seven[] = {1, 2, 3, 4, 5, 6, 7};
    (void)state;
    for (size_t i = 0; i < 30; i++)
        two_groups[i] = (i < 17 ? 10 : 20) * (1 + 1e-6 * (double)i);
    struct estimate estimate = statistics_difference(two_groups, 30);
    assert_true(estimate.low < 10.1 && estimate.high > 14);
    estimate = statistics_difference(six, 6);
    assert_true(estimate.low <= 1 && estimate.high >= 6);
    estimate =
        statistics_difference(seven, 7); /* ranks 1 and 7 hold the median in 98.4 %: more than needed */
    assert_true(estimate.low > 1 && estimate.high < 7);
}

static void interval_holds_its_median(void **state)
{
    (void)state;
    double skewed[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 50};
    struct estimate estimate = statistics_estimate(skewed, 10);
    assert_true(estimate.low <= estimate.median && estimate.median <= estimate.high);
}

static double normal(uint64_t *random)
{
    double u = ((double)(random_next(random) >> 11) + 1) / 0x1p53,
           v = (double)(random_next(random) >> 11) / 0x1p53;
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static unsigned covered(size_t placements, double spread, unsigned experiments, uint64_t *random)
{
    unsigned count = 0;
    for (unsigned i = 0; i < experiments; i++) {
        double values[16];
        for (size_t j = 0; j < placements; j++)
            values[j] = 100 * exp(spread * normal(random));
        struct estimate estimate = statistics_estimate(values, placements);
        count += estimate.low <= 100 && 100 <= estimate.high;
    }
    return count;
}

/* Of 4000 simulated experiments 95 % are 3800, and chance alone leaves [3745, 3852] once in 10 000 (exact
 * binomial, two sides). Widening the interval to its median may only add, so the upper side is left open. */
static void intervals_cover_the_truth(void **state)
{
    (void)state;
    uint64_t random = 12345;
    assert_true(covered(3, 0.05, 4000, &random) >= 3745);
    assert_true(covered(6, 0.20, 4000, &random) >= 3745);
    assert_true(covered(12, 0.01, 4000, &random) >= 3745);
    assert_true(covered(3, 0.05, 4000, &random) <= 3852);
}

static void the_same_figures_twice_have_the_ratio_1(void **state)
{
    (void)state;
    double a[] = {3.1, 2.9, 3.3, 3.0}, b[] = {3.3, 3.1, 3.0, 2.9};
    struct estimate ratio = statistics_ratio(a, 4, b, 4);
    assert_true(ratio.median == 1 && ratio.low < 1 && ratio.high > 1);
}

static void a_ratio_of_single_placements_has_no_interval(void **state)
{
    (void)state;
    double one[] = {6}, two[] = {2, 4};
    struct estimate ratio = statistics_ratio(one, 1, two, 2);
    assert_true(ratio.median == 2 && isnan(ratio.low) && isnan(ratio.high));
    ratio = statistics_ratio(two, 2, one, 1);
    assert_true(ratio.median == 0.5 && isnan(ratio.low) && isnan(ratio.high));
}

static void figures_without_spread_have_an_interval_of_no_length(void **state)
{
    (void)state;
    double a[] = {6, 6}, b[] = {2, 2, 2};
    struct estimate ratio = statistics_ratio(a, 2, b, 3);
    assert_true(ratio.median == 3 && fabs(ratio.low - 3) < 1e-9 && fabs(ratio.high - 3) < 1e-9);
}

/* By hand: logarithms {0, 0.2} and {1, 1.2, 1.4}; variances of the means 0.01 and 0.04/3; degrees of freedom
 * (0.02333)^2 / (0.01^2/1 + 0.01333^2/2) = 2.8824, whose t lies between 4.303 and 3.182. */
static void welchs_interval_is_as_calculated_by_hand(void **state)
{
    (void)state;
    double a[] = {exp(1), exp(1.2), exp(1.4)}, b[] = {1, exp(0.2)};
    struct estimate ratio = statistics_ratio(a, 3, b, 2);
    double middle = (log(ratio.low) + log(ratio.high)) / 2, half = (log(ratio.high) - log(ratio.low)) / 2;
    double share = (0.5 - 1 / 2.882353) / (0.5 - 1 / 3.0), t = 4.303 + (3.182 - 4.303) * share;
    assert_true(fabs(middle - 1.1) < 1e-9);
    assert_true(fabs(half - t * sqrt(0.01 + 0.04 / 3)) < 1e-6);
}

static unsigned ratios_covered(
    const size_t placements[2], const double spreads[2], unsigned experiments, uint64_t *random)
{
    unsigned count = 0;
    for (unsigned i = 0; i < experiments; i++) {
        double values[2][16];
        for (size_t side = 0; side < 2; side++)
            for (size_t j = 0; j < placements[side]; j++)
                values[side][j] = (side ? 100 : 120) * exp(spreads[side] * normal(random));
        struct estimate ratio = statistics_ratio(values[0], placements[0], values[1], placements[1]);
        count += ratio.low <= 1.2 && 1.2 <= ratio.high;
    }
    return count;
}

/* As above; Welch's t is approximate and errs to the safe side with so few placements, so the upper side is
 * left open. */
static void intervals_of_ratios_cover_the_truth(void **state)
{
    static const struct {
        size_t placements[2];
        double spreads[2];
    } cases[] = {
        {{3, 3}, {0.05, 0.05}},
        {{3, 6}, {0.05, 0.05}},
        {{4, 4}, {0.20, 0.02}},
        {{6, 6}, {0.01, 0.03}},
        {{12, 5}, {0.05, 0.01}},
        {{2, 2}, {0.05, 0.05}},
    };
    uint64_t random = 54321;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned count = ratios_covered(cases[i].placements, cases[i].spreads, 4000, &random);
        print_message(
            "# %zu and %zu placements: %u of 4000\n", cases[i].placements[0], cases[i].placements[1], count);
        assert_true(count >= 3745);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_of_odd_even_and_no_values),
        cmocka_unit_test(one_value_has_no_interval),
        cmocka_unit_test(quantiles_agree_with_the_tables),
        cmocka_unit_test(chances_agree_with_the_quantiles),
        cmocka_unit_test(the_interval_reaches_both_sides_of_the_median_by_ranks),
        cmocka_unit_test(interval_holds_its_median),
        cmocka_unit_test(intervals_cover_the_truth),
        cmocka_unit_test(the_same_figures_twice_have_the_ratio_1),
        cmocka_unit_test(a_ratio_of_single_placements_has_no_interval),
        cmocka_unit_test(figures_without_spread_have_an_interval_of_no_length),
        cmocka_unit_test(welchs_interval_is_as_calculated_by_hand),
        cmocka_unit_test(intervals_of_ratios_cover_the_truth),
    };
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
