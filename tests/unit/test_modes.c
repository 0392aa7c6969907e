/* Two modes: found where they are, and hardly ever where they are not. */
#include "cmocka_all.h"

#include "base/random.h"
#include "measure/modes.h"

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

static const struct {
    unimodal *shape;
    const char *name;
} shapes[] = {
    {gaussian, "normal"},
    {heavy_tailed, "heavy tails"},
    {skewed, "skewed"},
    {flat, "flat"},
    {with_outliers, "2 % outliers"},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0], UNIMODAL = SHAPES - 1 };

static unsigned count_alarms(
    struct modes (*find)(double *, size_t), size_t shape, size_t count, uint64_t *random)
{
    unsigned alarms = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        double values[VALUES_MAX];
        for (size_t k = 0; k < count; k++)
            values[k] = exp(shapes[shape].shape(random));
        alarms += find(values, count).two;
    }
    print_message(
        "# two groups of %zu values that are %s: %u of %d\n", count, shapes[shape].name, alarms, TRIES);
    return alarms;
}

static void one_mode_is_hardly_ever_taken_for_two(void **state)
{
    uint64_t random = 7;
    (void)state;
    for (size_t s = 0; s < SHAPES; s++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            assert_in_range(count_alarms(modes_find, s, counts[c], &random), 0, TRIES / 100);
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
    (void)state;
    for (unsigned percent = 10; percent <= 20; percent += 5) {
        unsigned found = 0;
        double apart = percent / 100.0;
        for (unsigned i = 0; i < 1000; i++) {
            struct modes modes = modes_of(48, 0.4, apart, &random);
            found += modes.two;
            if (modes.two) {
                assert_float_equal(modes.low, 10, 0.2);
                assert_float_equal(modes.high, 10 * (1 + apart), 0.2);
                assert_float_equal(modes.share_high, 19.0 / 48, 1e-9);
            }
        }
        print_message("# two modes %u %% apart with 1 %% of noise: found in %u of 1000\n", percent, found);
        assert_true(found > 900);
    }
}

static void few_values_or_a_small_distance_tell_nothing(void **state)
{
    uint64_t random = 13;
    (void)state;
    assert_false(modes_of(MODES_VALUES_MIN - 1, 0.5, 1, &random).two);
    assert_false(modes_of(48, 0.5, 0.02, &random).two);
}

static void placements_in_two_groups_are_found_and_told(void **state)
{
    uint64_t random = 19;
    unsigned found = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        double values[8];
        for (size_t k = 0; k < 8; k++)
            values[k] = 11.2 * exp(0.01 * normal(&random)) * (k % 4 ? 1 : 1.7);
        struct modes modes = modes_find_placements(values, 8);
        found += modes.two;
        assert_true(modes.two == modes.of_placements);
        if (modes.two) {
            assert_float_equal(modes.high / modes.low, 1.7, 0.1);
            assert_float_equal(modes.share_high, 0.25, 1e-9);
        }
    }
    print_message("# 2 of 8 placements 70 %% apart, each group spread by 1 %%: found in %u of 1000\n", found);
    assert_true(found > 900);
}

/* Without the outliers: two placements that are slower by two thirds, in the same way, are two groups. */
static void placements_in_one_group_are_hardly_ever_taken_for_two(void **state)
{
    uint64_t random = 23;
    (void)state;
    for (size_t s = 0; s < UNIMODAL; s++)
        for (size_t count = MODES_PLACEMENTS_MIN; count <= 12; count++)
            assert_in_range(count_alarms(modes_find_placements, s, count, &random), 0, TRIES / 100);
}

static void few_placements_tell_nothing(void **state)
{
    double values[] = {10, 10.001, 10.002, 20, 20.001};
    (void)state;
    assert_false(modes_find_placements(values, MODES_PLACEMENTS_MIN - 1).two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_mode_is_hardly_ever_taken_for_two),
        cmocka_unit_test(two_modes_are_found_and_told),
        cmocka_unit_test(few_values_or_a_small_distance_tell_nothing),
        cmocka_unit_test(placements_in_two_groups_are_found_and_told),
        cmocka_unit_test(placements_in_one_group_are_hardly_ever_taken_for_two),
        cmocka_unit_test(few_placements_tell_nothing),
    };
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
