/* measure/evidence: a sample is disturbed by the time that it lost, whatever took it. */
#include "cmocka_all.h"

#include "measure/evidence.h"

#include <stdlib.h>

enum { MS = 1000000, US = 1000 };

/* A sample of 20 ms that was off its CPU for `off` ns. */
static struct evidence sample_of(uint64_t off, uint64_t switches)
{
    return (struct evidence){
        .steal_known = true, .involuntary_switches = switches, .wall_ns = 20 * MS, .cpu_ns = 20 * MS - off};
}

static void one_switch_that_cost_nothing_disturbs_nothing(void **state)
{
    const struct evidence short_switch = sample_of(20 * US, 1), several = sample_of(150 * US, 40),
                          ahead = {.involuntary_switches = 1, .wall_ns = 20 * MS, .cpu_ns = 20 * MS + US};
    (void)state;
    assert_int_equal(evidence_judge(&short_switch), DISTURBED_NOT);
    assert_int_equal(evidence_judge(&several), DISTURBED_NOT);
    assert_int_equal(evidence_judge(&ahead), DISTURBED_NOT);
}

static void what_lost_more_than_a_hundredth_is_disturbed(void **state)
{
    const struct evidence slice = sample_of(3 * MS, 1), alone = sample_of(250 * US, 0);
    (void)state;
    assert_int_equal(evidence_judge(&slice), DISTURBED_PREEMPTED);
    assert_int_equal(evidence_judge(&alone), DISTURBED_OFF_CPU);
}

/* It is told in steps of a tick. */
static void steal_counts_by_its_time_too(void **state)
{
    struct evidence stolen = sample_of(0, 0);
    (void)state;
    stolen.steal_ns = 10 * MS;
    assert_int_equal(evidence_judge(&stolen), DISTURBED_STEAL);
    stolen.wall_ns = stolen.cpu_ns = UINT64_C(2000) * MS; /* half a per cent of two seconds */
    assert_int_equal(evidence_judge(&stolen), DISTURBED_NOT);
    stolen.steal_ns = 30 * MS;
    assert_int_equal(evidence_judge(&stolen), DISTURBED_STEAL);
    stolen.steal_known = false;
    assert_int_equal(evidence_judge(&stolen), DISTURBED_NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_switch_that_cost_nothing_disturbs_nothing),
        cmocka_unit_test(what_lost_more_than_a_hundredth_is_disturbed),
        cmocka_unit_test(steal_counts_by_its_time_too),
    };
    return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
