/* result/ratios: what many ratios say together, and what they do not. */
#include "cmocka_all.h"

#include "result/ratios.h"

#include <math.h>

/* `count` ratios that differ from nothing, whose intervals reach `half` to each side. */
static void add_equal(struct ratios *ratios, size_t count, double half)
{
    for (size_t i = 0; i < count; i++)
        ratios_add(ratios, 1, 1 - half, 1 + half);
}

static void each_ratio_is_counted_once(void **state)
{
    struct ratios ratios = {0};
    (void)state;
    ratios_add(&ratios, 1.1, 1.05, 1.15);
    ratios_add(&ratios, 0.9, 0.85, 0.95);
    ratios_add(&ratios, 1.0, 0.99, 1.01);
    ratios_add(&ratios, 1.0, 0.8, 1.05);
    ratios_add(&ratios, 1.0, NAN, NAN);
    ratios_add(&ratios, NAN, NAN, NAN);
    assert_int_equal(ratios.all, 4);
    assert_int_equal(ratios.slower, 1);
    assert_int_equal(ratios.faster, 1);
    assert_int_equal(ratios.unclear, 1);
}

static void unclear_is_wide_and_not_significant(void **state)
{
    (void)state;
    assert_true(ratio_is_unclear(0.85, 1.02));
    assert_true(ratio_is_unclear(0.98, 1.3));
    assert_false(ratio_is_unclear(0.95, 1.05));
    assert_false(ratio_is_unclear(1.01, 3)); /* significant, however wide */
    assert_false(ratio_is_unclear(NAN, NAN));
}

static void as_many_as_chance_explains_are_no_cost(void **state)
{
    struct ratios ratios = {0};
    (void)state;
    add_equal(&ratios, 36, 0.03);
    ratios_add(&ratios, 1.02, 1.001, 1.04);
    assert_false(ratios_slower(&ratios));
    ratios_add(&ratios, 1.02, 1.001, 1.04);
    assert_false(ratios_slower(&ratios));
    ratios_add(&ratios, 1.02, 1.001, 1.04);
    ratios_add(&ratios, 1.02, 1.001, 1.04);
    assert_true(ratios_slower(&ratios)); /* 4 of 40: seldom more than 2.6 % of the time */
    assert_false(ratios_faster(&ratios));
}

static void a_single_comparison_is_believed(void **state)
{
    struct ratios slower = {0}, faster = {0}, none = {0};
    (void)state;
    ratios_add(&slower, 1.02, 1.001, 1.04);
    ratios_add(&faster, 0.98, 0.96, 0.999);
    ratios_add(&none, 1.02, 0.999, 1.04);
    assert_true(ratios_slower(&slower) && !ratios_faster(&slower));
    assert_true(ratios_faster(&faster) && !ratios_slower(&faster));
    assert_false(ratios_slower(&none) || ratios_faster(&none));
    assert_false(ratios_slower(&(struct ratios){0}));
}

static void one_among_many_is_believed_if_it_is_beyond_doubt(void **state)
{
    struct ratios ratios = {0};
    (void)state;
    add_equal(&ratios, 100, 0.01);
    ratios_add(&ratios, 0.6, 0.58, 0.62);
    assert_true(ratios_faster(&ratios));
    assert_false(ratios_slower(&ratios));
    ratios_add(&ratios, 1.4, 1.38, 1.42);
    assert_true(ratios_slower(&ratios));
    ratios = (struct ratios){0};
    add_equal(&ratios, 2, 0.05);
    ratios_add(&ratios, 11.5, 8.5, 19.2); /* an interval of its logarithm, as they all are */
    assert_true(ratios_slower(&ratios));
}

static void what_has_no_ratio_for_being_disturbed_is_unclear(void **state)
{
    struct ratios ratios = {0};
    (void)state;
    ratios_add(&ratios, 1.4, 1.38, 1.42);
    assert_true(ratios_slower(&ratios));
    ratios_add_none(&ratios);
    assert_true(ratios_disturbed(&ratios) && !ratios_slower(&ratios));
    assert_int_equal(ratios.all, 2);
}

static void half_of_them_unclear_is_too_disturbed(void **state)
{
    struct ratios ratios = {0};
    (void)state;
    assert_false(ratios_disturbed(&ratios));
    add_equal(&ratios, 5, 0.05);
    add_equal(&ratios, 4, 0.5);
    assert_false(ratios_disturbed(&ratios));
    add_equal(&ratios, 1, 0.5);
    assert_true(ratios_disturbed(&ratios));
}

static void of_what_is_disturbed_nothing_is_concluded(void **state)
{
    struct ratios ratios = {0};
    (void)state;
    ratios_add(&ratios, 1.712, 1.559, 1.929);
    ratios_add(&ratios, 0.5, 0.49, 0.51);
    assert_true(ratios_slower(&ratios) && ratios_faster(&ratios));
    add_equal(&ratios, 2, 0.5);
    assert_true(ratios_disturbed(&ratios));
    assert_false(ratios_slower(&ratios) || ratios_faster(&ratios));
    assert_int_equal(ratios.slower, 1); /* as a fact it can be told */
}

static void they_agree_within_the_first_level_that_holds_half(void **state)
{
    struct ratios ratios = {0};
    size_t count;
    (void)state;
    add_equal(&ratios, 3, 0.005);
    add_equal(&ratios, 3, 0.025);
    add_equal(&ratios, 2, 0.5);
    assert_true(ratios_agree(&ratios, &count) == 0.03);
    assert_int_equal(count, 6);
    add_equal(&ratios, 9, 0.5);
    assert_true(ratios_agree(&ratios, &count) == 0.10);
    assert_int_equal(count, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ratio_is_counted_once),
        cmocka_unit_test(unclear_is_wide_and_not_significant),
        cmocka_unit_test(as_many_as_chance_explains_are_no_cost),
        cmocka_unit_test(a_single_comparison_is_believed),
        cmocka_unit_test(one_among_many_is_believed_if_it_is_beyond_doubt),
        cmocka_unit_test(half_of_them_unclear_is_too_disturbed),
        cmocka_unit_test(what_has_no_ratio_for_being_disturbed_is_unclear),
        cmocka_unit_test(of_what_is_disturbed_nothing_is_concluded),
        cmocka_unit_test(they_agree_within_the_first_level_that_holds_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
