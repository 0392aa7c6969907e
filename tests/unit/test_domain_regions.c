/* Where a guest finds its memory: regions with holes, one piece here; what cannot be is refused by name. */
#include "cmocka_all.h"

#include "base/size.h"
#include "domain/portable/regions.h"

#include <errno.h>
#include <string.h>

static struct portable_plan plan_of(uint64_t bytes, uint64_t low)
{
    struct portable_plan plan = {
        .name = "d", .monitor = "kvm", .memory_bytes = bytes, .cpus = 1, .workload = PORTABLE_WRITER};
    portable_regions_place(&plan, low);
    plan.laid_out_bytes = 8 * MIB;
    return plan;
}

static void is(const struct portable_plan *plan, size_t number, uint64_t start, uint64_t bytes)
{
    assert_true(number < plan->region_count);
    assert_int_equal(plan->regions[number].start, start);
    assert_int_equal(plan->regions[number].bytes, bytes);
}

static void a_pc_has_a_hole_below_4_gib(void **state)
{
    struct portable_plan plan = plan_of(5 * GIB, PORTABLE_HOLE_START);
    uint64_t more;
    (void)state;
    assert_int_equal(plan.region_count, 2);
    is(&plan, 0, 0, 3 * GIB);
    is(&plan, 1, 4 * GIB, 2 * GIB);
    assert_int_equal(portable_offset(&plan, 4 * GIB + 5, 1), 3 * GIB + 5);
    assert_int_equal(portable_offset(&plan, 3 * GIB, 1), UINT64_MAX);
    assert_int_equal(portable_offset(&plan, 3 * GIB - 1, 1), 3 * GIB - 1);
    assert_int_equal(portable_offset(&plan, 3 * GIB - 1, 2), UINT64_MAX);
    assert_int_equal(portable_offset(&plan, 6 * GIB, 1), UINT64_MAX);
    assert_int_equal(portable_physical(&plan, 3 * GIB + 7, &more), 4 * GIB + 7);
    assert_int_equal(more, 2 * GIB - 7);
    assert_int_equal(portable_physical(&plan, 3 * GIB - 1, &more), 3 * GIB - 1);
    assert_int_equal(more, 1);
}

static void the_last_one_grows_and_shrinks_at_its_end(void **state)
{
    struct portable_plan plan = plan_of(2 * GIB, PORTABLE_HOLE_START);
    struct error error;
    (void)state;
    assert_int_equal(portable_regions_resize(&plan, 3 * GIB + 2 * MIB, &error), 0);
    is(&plan, 0, 0, 3 * GIB);
    is(&plan, 1, 4 * GIB, 2 * MIB);
    assert_int_equal(portable_regions_resize(&plan, 6 * GIB, &error), 0);
    is(&plan, 1, 4 * GIB, 3 * GIB);
    assert_int_equal(portable_regions_check(&plan, &error), 0);
    assert_int_equal(portable_regions_resize(&plan, GIB, &error), 0);
    assert_int_equal(plan.region_count, 1);
    is(&plan, 0, 0, GIB);
    assert_int_equal(portable_regions_check(&plan, &error), 0);
}

static void one_that_was_laid_through_the_hole_goes_on_there(void **state)
{
    struct portable_plan plan = {.memory_bytes = 5 * GIB};
    struct error error;
    (void)state;
    portable_regions_settle(&plan);
    assert_int_equal(plan.laid_out_bytes, 5 * GIB);
    assert_int_equal(portable_regions_resize(&plan, 6 * GIB, &error), 0);
    assert_int_equal(plan.region_count, 1);
    is(&plan, 0, 0, 6 * GIB);
}

/* Each is one that is right but for one thing. */
static void hostile_regions_are_refused(void **state)
{
    static const struct {
        const char *words;
        struct portable_region regions[3];
        size_t count;
        uint64_t laid_out;
    } cases[] = {
        {NULL, {{0, 8 * MIB}, {4 * GIB, 8 * MIB}}, 2, 16 * MIB},
        {NULL, {{0, 8 * MIB}, {8 * MIB, 8 * MIB}}, 2, 8 * MIB},
        {"the first from address 0", {{2 * MIB, 16 * MIB}}, 1, 16 * MIB},
        {"before the one before it has ended", {{0, 8 * MIB}, {6 * MIB, 8 * MIB}}, 2, 16 * MIB},
        {"before the one before it has ended", {{0, 4 * MIB}, {GIB, 4 * MIB}, {16 * MIB, 8 * MIB}}, 3,
            16 * MIB},
        {"whole 2 MiB", {{0, 8 * MIB}, {GIB + 4096, 8 * MIB}}, 2, 16 * MIB},
        {"whole 2 MiB", {{0, 8 * MIB + 4096}, {GIB, 8 * MIB - 4096}}, 2, 16 * MIB},
        {"whole 2 MiB", {{0, 16 * MIB}, {GIB, 0}}, 2, 16 * MIB},
        {"passes the end", {{0, 8 * MIB}, {PORTABLE_ADDRESSES - 2 * MIB, 8 * MIB}}, 2, 16 * MIB},
        {"passes the end", {{0, 8 * MIB}, {0 - UINT64_C(2) * MIB, 8 * MIB}}, 2, 16 * MIB},
        {"passes the end", {{0, 32 * MIB}, {GIB, 0 - UINT64_C(16) * MIB}}, 2, 16 * MIB},
        {"together", {{0, 8 * MIB}, {GIB, 4 * MIB}}, 2, 8 * MIB},
        {"workload's place", {{0, 16 * MIB}}, 1, 18 * MIB},
        {"workload's place", {{0, 16 * MIB}}, 1, 4 * MIB},
        {"workload's place", {{0, 16 * MIB}}, 1, 8 * MIB + 4096},
    };
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct portable_plan plan = plan_of(16 * MIB, GIB);
        memcpy(plan.regions, cases[i].regions, sizeof cases[i].regions);
        plan.region_count = cases[i].count;
        plan.laid_out_bytes = cases[i].laid_out;
        const int rc = portable_plan_check(&plan, false, &error);
        assert_int_equal(rc, cases[i].words ? -EINVAL : 0);
        if (cases[i].words && !strstr(error.text, cases[i].words))
            fail_msg("%zu: %s", i, error.text);
    }
    struct portable_plan plan = plan_of(16 * MIB, 8 * MIB);
    plan.results[plan.result_count++] = 12 * MIB; /* in the hole */
    assert_int_equal(portable_plan_check(&plan, true, &error), -EINVAL);
    plan.results[0] = 4 * GIB;
    assert_int_equal(portable_plan_check(&plan, true, &error), 0);
    plan.workload = PORTABLE_SELFTEST;
    plan.laid_out_bytes = 16 * MIB;
    assert_int_equal(portable_plan_check(&plan, true, &error), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pc_has_a_hole_below_4_gib),
        cmocka_unit_test(the_last_one_grows_and_shrinks_at_its_end),
        cmocka_unit_test(one_that_was_laid_through_the_hole_goes_on_there),
        cmocka_unit_test(hostile_regions_are_refused),
    };
    return cmocka_run_group_tests_name("domain_regions", tests, NULL, NULL);
}
