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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_of_odd_even_and_no_values),
        cmocka_unit_test(one_value_has_no_interval),
        cmocka_unit_test(quantiles_agree_with_the_tables),
        cmocka_unit_test(interval_holds_its_median),
        cmocka_unit_test(intervals_cover_the_truth),
    };
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
