/* experiment/inspect_reaches.c: the findings about reaches have names that label metrics, and so must stay.
 */
#include "cmocka_all.h"

#include "base/size.h"
#include "experiment/inspect_internal.h"
#include "runner/chase_kind.h"

#include <string.h>

enum { CELLS = 3, REACHES_MAX = 8 };

/* One cell of each chase that tells of reaches: the index of its reaches' cells. */
enum { SMALL_PAGES, LARGE_PAGES, RANDOM };

static struct result_cell cells[CELLS];
static struct result_reach reaches[REACHES_MAX];
static struct result result;
static struct error error;

static int setup(void **state)
{
    static const enum chase_order orders[CELLS] = {
        CHASE_LINE_PER_PAGE, CHASE_LINE_PER_LARGE_PAGE, CHASE_RANDOM};
    (void)state;
    for (size_t i = 0; i < CELLS; i++)
        cells[i] = (struct result_cell){
            .cell = {.monitor = "native",
                .workload = chase_workload(&(struct chase_shape){4 * MIB, 64, orders[i], false, 1}),
                .host_page_bytes = i == SMALL_PAGES ? 4 * KIB : 2 * MIB}};
    result = (struct result){.cells = cells, .cell_count = CELLS, .reaches = reaches};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    findings_free(&result.findings);
    return 0;
}

static void add_tlb(size_t cell, uint64_t from_entries, const char *told)
{
    struct result_reach *reach = &reaches[result.reach_count++];
    *reach = (struct result_reach){.last = cell,
        .first = cell,
        .kind = REACH_TLB,
        .from_entries = from_entries,
        .to_entries = from_entries * 5 / 4,
        .below_ns = 1,
        .above_ns = 2};
    strcpy(reach->name, told);
}

static void add_cache(uint64_t from_bytes, uint64_t to_bytes, const char *told, uint64_t told_bytes)
{
    struct result_reach *reach = &reaches[result.reach_count++];
    *reach = (struct result_reach){.last = RANDOM,
        .first = RANDOM,
        .kind = REACH_CACHE,
        .from_bytes = from_bytes,
        .to_bytes = to_bytes,
        .told_bytes = told_bytes,
        .below_ns = 1,
        .above_ns = 2};
    strcpy(reach->name, told);
}

static const struct finding *finding(const char *name, const char *key)
{
    const struct finding *found = findings_find(&result.findings, name, key);
    if (!found)
        fail_msg("there is no %s of %s", name, key);
    return found;
}

static void tlbs_that_cpuid_does_not_tell_are_named_by_size(void **state)
{
    (void)state;
    add_tlb(SMALL_PAGES, 1290, ""); /* the first level was not seen in this run */
    add_tlb(LARGE_PAGES, 32, "");
    assert_int_equal(inspect_find_reaches(&result, &error), 0);
    assert_int_equal(result.findings.count, 2);
    assert_true(finding("tlb-reach", "L2 TLB 4K")->low == 1290);
    assert_true(finding("tlb-reach", "L1 TLB 2M")->high == 40);
    assert_non_null(strstr(finding("tlb-reach", "L2 TLB 4K")->sure, "CPUID tells no TLB"));
}

static void a_name_that_cpuid_tells_stays_with_its_level(void **state)
{
    (void)state;
    add_tlb(SMALL_PAGES, 48, "");
    add_tlb(SMALL_PAGES, 96, "L1 TLB");
    add_tlb(SMALL_PAGES, 200, "");
    assert_int_equal(inspect_find_reaches(&result, &error), 0);
    assert_true(finding("tlb-reach", "L1 TLB 4K")->low == 96);
    assert_true(finding("tlb-reach", "untold 4K 2")->low == 48);
    assert_true(finding("tlb-reach", "untold 4K 3")->low == 200);
}

static void half_of_a_first_cache_is_the_mark_of_a_busy_thread_beside(void **state)
{
    (void)state;
    add_cache(22 * KIB, 32 * KIB, "L1d", 48 * KIB);
    add_cache(900 * KIB, 1100 * KIB, "L2", 2 * MIB);
    assert_int_equal(inspect_find_reaches(&result, &error), 0);
    assert_non_null(strstr(finding("cache-reach", "L1d")->sure, "about half of the 48 KiB"));
    assert_string_equal(finding("cache-reach", "L2")->sure, "");
}

static void a_whole_first_cache_is_no_half(void **state)
{
    (void)state;
    add_cache(45 * KIB, 64 * KIB, "L1d", 48 * KIB);
    assert_int_equal(inspect_find_reaches(&result, &error), 0);
    assert_string_equal(finding("cache-reach", "L1d")->sure, "");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tlbs_that_cpuid_does_not_tell_are_named_by_size),
        TEST(a_name_that_cpuid_tells_stays_with_its_level),
        TEST(half_of_a_first_cache_is_the_mark_of_a_busy_thread_beside),
        TEST(a_whole_first_cache_is_no_half),
    };
    return cmocka_run_group_tests_name("inspect_reaches", tests, NULL, NULL);
}
