/* Two modes and trends: found where they are, and hardly ever where they are not. */
#include "cmocka_all.h"

#include "base/random.h"
#include "measure/modes.h"
#include "measure/trend.h"

#include <math.h>
#include <stdio.h>

enum { TRIES = 4000, VALUES_MAX = 96 };
static const size_t counts[] = {12, 24, 48, VALUES_MAX};

static double uniform(uint64_t *random)
{
    return ((double)(random_next(random) >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t *random)
{
    return sqrt(-2 * log(uniform(random))) * cos(2 * M_PI * uniform(random));
}

/* Logarithms of values with one mode each. */
typedef double unimodal(uint64_t *random);

static double gaussian(uint64_t *random)
{
    return 0.05 * normal(random);
}
static double heavy_tailed(uint64_t *random)
{
    return 0.02 * normal(random) /
           sqrt(fmax(uniform(random), 0.05)); /* nearly Student's t with few degrees */
}
static double skewed(uint64_t *random)
{
    return -0.1 * log(uniform(random));
}
static double flat(uint64_t *random)
{
    return 0.3 * uniform(random);
}
static double with_outliers(uint64_t *random)
{
    return 0.01 * normal(random) + (uniform(random) < 0.02 ? 0.5 : 0);
}

static unsigned count_alarms(unimodal *shape, size_t count, uint64_t *random)
{
    unsigned alarms = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        double values[VALUES_MAX];
        for (size_t k = 0; k < count; k++)
            values[k] = exp(shape(random));
        alarms += modes_find(values, count).two;
    }
    return alarms;
}

static void one_mode_is_hardly_ever_taken_for_two(void **state)
{
    static unimodal *const shapes[] = {gaussian, heavy_tailed, skewed, flat, with_outliers};
    static const char *const names[] = {"normal", "heavy tails", "skewed", "flat", "2 % outliers"};
    uint64_t random = 7;
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            unsigned alarms = count_alarms(shapes[s], counts[c], &random);
            print_message(
                "# two modes in %zu samples that are %s: %u of %d\n", counts[c], names[s], alarms, TRIES);
            assert_in_range(alarms, 0, TRIES / 100);
        }
}

static struct modes modes_of(size_t count, double share, double apart, uint64_t *random)
{
    double values[VALUES_MAX];
    size_t upper = (size_t)((double)count * share);
    for (size_t i = 0; i < count; i++)
        values[i] = 10 * exp(0.01 * normal(random) + (i < upper ? log1p(apart) : 0));
    return modes_find(values, count);
}

static void two_modes_are_found_and_told(void **state)
{
    uint64_t random = 11;
    unsigned found = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        struct modes modes = modes_of(48, 0.4, 0.15, &random);
        found += modes.two;
        if (modes.two) {
            assert_float_equal(modes.low, 10, 0.2);
            assert_float_equal(modes.high, 11.5, 0.2);
            assert_float_equal(modes.share_high, 19.0 / 48, 1e-9);
        }
    }
    print_message("# two modes 15 %% apart with 1 %% of noise: found in %u of 1000\n", found);
    assert_true(found > 900);
}

static void few_values_or_a_small_distance_tell_nothing(void **state)
{
    uint64_t random = 13;
    (void)state;
    assert_false(modes_of(MODES_VALUES_MIN - 1, 0.5, 1, &random).two);
    assert_false(modes_of(48, 0.5, 0.02, &random).two);
}

/* ---- trends ---- */

static double sigmas_of(double slope, double between, uint64_t *random)
{
    struct trend trend = {0};
    for (unsigned season = 0; season < 6; season++) {
        double values[6], shift = between * normal(random);
        for (unsigned i = 0; i < 6; i++)
            values[i] = shift + slope * i + 0.01 * normal(random);
        trend_add(&trend, values, 6);
    }
    return trend_sigmas(&trend);
}

static void a_trend_is_found_whatever_the_seasons_are(void **state)
{
    uint64_t random = 17;
    unsigned found = 0, wrong = 0;
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        found += sigmas_of(0.01, 0.2, &random) > 3.3;
        wrong += fabs(sigmas_of(0, 0.2, &random)) > 3.3;
        assert_true(sigmas_of(-0.02, 0, &random) < 0);
    }
    print_message(
        "# trend of one standard deviation a sample: found in %u of 2000, taken for one: %u\n", found, wrong);
    assert_true(found > 1900);
    assert_in_range(wrong, 0, 20);
}

static void no_values_have_no_trend(void **state)
{
    const double one[] = {1};
    struct trend trend = {0};
    (void)state;
    assert_true(trend_sigmas(&trend) == 0);
    trend_add(&trend, one, 1);
    assert_true(trend_sigmas(&trend) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_mode_is_hardly_ever_taken_for_two),
        cmocka_unit_test(two_modes_are_found_and_told),
        cmocka_unit_test(few_values_or_a_small_distance_tell_nothing),
        cmocka_unit_test(a_trend_is_found_whatever_the_seasons_are),
        cmocka_unit_test(no_values_have_no_trend),
    };
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
