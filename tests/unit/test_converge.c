/* When a domain that is copied while it runs is stopped. */
#include "cmocka_all.h"

#include "domain/moved/converge.h"

#include <math.h>

/* A link of 250,000 pages a second. */
static enum converge_step step(struct converge *converge, uint64_t sent, uint64_t left, double *expected)
{
    const struct converge_pass pass = {.sent = sent, .left = left, .seconds = (double)sent / 250000};
    return converge_step(converge, &pass, expected);
}

static void it_goes_on_while_passes_shorten_although_it_would_fit(void **state)
{
    struct converge converge = {.max_downtime = 0.03, .fixed = 0.001, .before = 262144};
    double expected;
    (void)state;
    assert_int_equal(step(&converge, 262144, 25000, &expected), CONVERGE_GO_ON);
    assert_true(fabs(expected - 0.101) < 1e-9);
    assert_int_equal(step(&converge, 25000, 2500, &expected), CONVERGE_GO_ON);
    assert_true(fabs(expected - 0.011) < 1e-9);
    assert_int_equal(step(&converge, 2500, 250, &expected), CONVERGE_GO_ON);
    assert_int_equal(
        step(&converge, 250, 20, &expected), CONVERGE_STOP); /* less than a tenth of the fixed part */
}

static void it_stops_where_a_pass_gains_nothing(void **state)
{
    struct converge converge = {.max_downtime = 0.03, .fixed = 0.001, .before = 4000};
    double expected;
    (void)state;
    assert_int_equal(step(&converge, 4000, 3000, &expected), CONVERGE_STOP);
}

static void the_fixed_part_is_taken_off_the_downtime(void **state)
{
    struct converge converge = {.max_downtime = 0.010, .fixed = 0.009, .before = 1000};
    double expected;
    (void)state;
    assert_int_equal(step(&converge, 1000, 900, &expected), CONVERGE_STUCK); /* 3.6 ms, and 9 */
    converge.fixed = 0.002;
    assert_int_equal(step(&converge, 900, 900, &expected), CONVERGE_STOP);
}

static void one_that_writes_as_fast_as_the_link_is_stuck(void **state)
{
    struct converge converge = {.max_downtime = 0.03, .fixed = 0.001, .before = 262144};
    double expected;
    (void)state;
    assert_int_equal(step(&converge, 262144, 262144, &expected), CONVERGE_STUCK);
    assert_int_equal(step(&converge, 262144, 200000, &expected), CONVERGE_STUCK);
    assert_int_equal(step(&converge, 200000, 100000, &expected), CONVERGE_GO_ON);
}

static void a_pass_without_pages_leaves_the_fixed_part(void **state)
{
    struct converge converge = {.max_downtime = 0.03, .fixed = 0.001, .before = 0};
    double expected;
    (void)state;
    assert_int_equal(step(&converge, 0, 0, &expected), CONVERGE_STOP);
    assert_true(expected == converge.fixed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_while_passes_shorten_although_it_would_fit),
        cmocka_unit_test(it_stops_where_a_pass_gains_nothing),
        cmocka_unit_test(the_fixed_part_is_taken_off_the_downtime),
        cmocka_unit_test(one_that_writes_as_fast_as_the_link_is_stuck),
        cmocka_unit_test(a_pass_without_pages_leaves_the_fixed_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
