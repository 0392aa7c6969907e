/* experiment/reaches: steps of measured curves get the name of what CPUID tells, or none; the two are never
 * mixed up. */
#include "cmocka_all.h"

#include "experiment/reaches.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a made-up curve costs: `ns` up to each size, in ascending order; the last beyond all. */
struct shelf {
    double up_to_bytes, ns;
};

enum { CELLS_MAX = 200 };

static void start(struct result *result)
{
    *result = (struct result){.cells = calloc(CELLS_MAX, sizeof *result->cells)};
    assert_non_null(result->cells);
    result->host = (struct host){
        .caches = {{1, "instruction", 65536, 64, 8, 1}, {1, "data", 49152, 64, 12, 1},
            {2, "unified", 1 << 20, 64, 8, 1}, {3, "unified", 32 << 20, 64, 16, 4}},
        .cache_count = 4,
        .tlbs = {{1, "data", 4096, 64, 0}, {1, "instruction", 4096, 256, 0}, {2, "unified", 4096, 2048, 8},
            {1, "data", 2 << 20, 32, 0}},
        .tlb_count = 4,
    };
}

/* Two points an octave from 4 KiB to 256 MiB, 1 % of interval to a side. */
static void add_curve(
    struct result *result, const char *monitor, enum chase_order order, const struct shelf *shelves)
{
    for (unsigned i = 0; i <= 32; i++) {
        double bytes = round(exp2(12 + i / 2.0) / 4096) * 4096;
        const struct shelf *shelf = shelves;
        while (shelf->up_to_bytes < bytes)
            shelf++;
        struct result_cell *cell = &result->cells[result->cell_count++];
        *cell = (struct result_cell){
            .cell = {.monitor = monitor,
                .workload = chase_workload(&(struct chase_shape){
                    .working_set_bytes = (uint64_t)bytes, .element_bytes = 64, .order = order}),
                .host_page_bytes = 4096},
            .pages.as_asked = true,
            .median = shelf->ns,
            .low = shelf->ns * 0.99,
            .high = shelf->ns * 1.01,
        };
        snprintf(cell->label, sizeof cell->label, "%s", monitor);
    }
}

static void find(struct result *result)
{
    struct error error = {0};
    assert_int_equal(experiment_find_reaches(result, &error), 0);
}

static void assert_reach(const struct result *result, size_t index, enum reach_kind kind, const char *name,
    double true_bytes, uint64_t told)
{
    assert_true(index < result->reach_count);
    const struct result_reach *reach = &result->reaches[index];
    if (reach->kind != kind || strcmp(reach->name, name) != 0)
        fail_msg("reach %zu is a %d \"%s\"", index, reach->kind, reach->name);
    assert_true((double)reach->from_bytes <= true_bytes && true_bytes < (double)reach->to_bytes);
    assert_int_equal(kind == REACH_TLB ? reach->told_entries : reach->told_bytes, told);
    assert_true(reach->below_ns < reach->above_ns && reach->sureness > 5);
}

static const double KIBI = 1024, MEBI = 1048576;

static const struct shelf usual[] = {{48 * 1024, 1.2}, {1 << 20, 4}, {32 << 20, 15}, {INFINITY, 100}};

static void caches_get_the_names_that_cpuid_tells(void **state)
{
    struct result result;
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_RANDOM, usual);
    find(&result);
    assert_int_equal(result.reach_count, 3);
    assert_reach(&result, 0, REACH_CACHE, "L1d", 48 * KIBI, 49152);
    assert_reach(&result, 1, REACH_CACHE, "L2", MEBI, 1 << 20);
    assert_reach(&result, 2, REACH_CACHE, "L3", 32 * MEBI, 32 << 20);
    result_free(&result);
}

/* The grid has 32, 48 and 64 KiB: in one of three placements the L1d ends a point earlier, in one a point
 * later. */
static void what_placements_show_moves_the_ends_apart(void **state)
{
    struct result result;
    struct result_sample samples[33][4] = {{{0}}};
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_RANDOM, usual);
    for (size_t i = 0; i < result.cell_count; i++) {
        struct result_cell *cell = &result.cells[i];
        double bytes = (double)workload_size(&cell->cell.workload);
        cell->samples = samples[i];
        cell->sample_count = 4;
        cell->placements = 3;
        for (unsigned p = 0; p < 4; p++)
            samples[i][p] = (struct result_sample){.ns = cell->median, .placement = p % 3};
        samples[i][0].ns = bytes > 30 * KIBI && bytes < 60 * KIBI ? 4 : cell->median;
        samples[i][1].ns = bytes > 30 * KIBI && bytes < 70 * KIBI ? 1.2 : cell->median;
        samples[i][3] = (struct result_sample){.ns = 90, .placement = 2, .disturbed = DISTURBED_STEAL};
    }
    find(&result);
    assert_reach(&result, 0, REACH_CACHE, "L1d", 48 * KIBI, 49152);
    assert_true(result.reaches[0].from_bytes < 32 * KIBI && result.reaches[0].to_bytes > 64 * KIBI);
    assert_reach(&result, 1, REACH_CACHE, "L2", MEBI, 1 << 20);
    for (size_t i = 0; i < result.cell_count; i++) {
        result.cells[i].samples = NULL;
        result.cells[i].sample_count = 0;
    }
    result_free(&result);
}

/* The share that a machine gets of a cache that others use too. A smaller step between it and what CPUID says
 * is not taken for it. */
static void the_last_cache_may_be_less_than_told(void **state)
{
    static const struct shelf shelves[] = {
        {48 * 1024, 1.2}, {1 << 20, 4}, {5 << 20, 15}, {40 << 20, 100}, {INFINITY, 140}};
    struct result result;
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_RANDOM, shelves);
    find(&result);
    assert_int_equal(result.reach_count, 4);
    assert_reach(&result, 2, REACH_CACHE, "L3", 5 * MEBI, 32 << 20);
    assert_reach(&result, 3, REACH_UNKNOWN, "", 40 * MEBI, 0);
    result_free(&result);
}

/* No cache holds more than it has room for: what looks like an L2 of twice its size is two steps in one, and
 * the last cache's is the larger. */
static void no_level_reaches_further_than_told(void **state)
{
    static const struct shelf shelves[] = {{48 * 1024, 1.2}, {2 << 20, 4}, {INFINITY, 100}};
    struct result result;
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_RANDOM, shelves);
    find(&result);
    assert_int_equal(result.reach_count, 2);
    assert_reach(&result, 1, REACH_CACHE, "L3", 2 * MEBI, 32 << 20);
    result_free(&result);
}

/* Other levels may not. */
static void a_step_far_from_all_levels_has_no_name(void **state)
{
    static const struct shelf shelves[] = {
        {8 * 1024, 1.2}, {48 * 1024, 2}, {256 * 1024, 4}, {1 << 20, 9}, {INFINITY, 15}};
    struct result result;
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_RANDOM, shelves);
    find(&result);
    assert_int_equal(result.reach_count, 4);
    assert_reach(&result, 0, REACH_UNKNOWN, "", 8 * KIBI, 0);
    assert_reach(&result, 1, REACH_CACHE, "L1d", 48 * KIBI, 49152);
    assert_reach(&result, 2, REACH_UNKNOWN, "", 256 * KIBI, 0);
    assert_reach(&result, 3, REACH_CACHE, "L2", MEBI, 1 << 20);
    result_free(&result);
}

/* 48 KiB of lines are 3 MiB of pages. The step at 64 pages and the one at 2048 are not in the packed chase;
 * that at 3 MiB is. */
static const struct shelf translated[] = {{64 * 4096, 1.2}, {3 << 20, 3}, {2048 * 4096, 6}, {INFINITY, 20}};
static const struct shelf packed[] = {{3 << 20, 1.2}, {64 << 20, 4}, {INFINITY, 15}};

static void steps_that_the_packed_chase_lacks_are_the_tlbs(void **state)
{
    struct result result;
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_LINE_PER_PAGE, translated);
    add_curve(&result, "native", CHASE_PACKED, packed);
    find(&result);
    assert_int_equal(result.reach_count, 5);
    assert_reach(&result, 0, REACH_TLB, "L1 TLB", 64 * 4096, 64);
    assert_int_equal(result.reaches[0].from_entries, 64);
    assert_reach(&result, 1, REACH_CACHE, "L1d", 48 * KIBI, 49152);
    assert_reach(&result, 2, REACH_TLB, "L2 TLB", 8 * MEBI, 2048);
    assert_reach(&result, 3, REACH_CACHE, "L1d", 48 * KIBI, 49152);
    assert_reach(&result, 4, REACH_CACHE, "L2", MEBI, 1 << 20);
    result_free(&result);
}

/* Of translation, but no TLB's that CPUID tells: kind without name. Without the packed chase not even that.
 */
static void a_step_far_from_all_tlbs_is_told_without_name(void **state)
{
    static const struct shelf shelves[] = {{256 * 4096, 1.2}, {INFINITY, 8}};
    static const struct shelf flat[] = {{INFINITY, 1.2}};
    struct result result;
    (void)state;
    for (unsigned with_packed = 0; with_packed < 2; with_packed++) {
        start(&result);
        result.host.tlb_count = 2;
        add_curve(&result, "native", CHASE_LINE_PER_PAGE, shelves);
        if (with_packed)
            add_curve(&result, "native", CHASE_PACKED, flat);
        find(&result);
        assert_int_equal(result.reach_count, 1);
        assert_reach(&result, 0, with_packed ? REACH_TLB : REACH_UNKNOWN, "", MEBI, 0);
        result_free(&result);
    }
}

/* 64 lines of 64 pages are 4 KiB: no cache's. Beyond 512 MiB a step may be a cache's again, of 48 KiB lines.
 */
static void steps_of_large_pages_are_their_tlbs(void **state)
{
    static const struct shelf shelves[] = {{UINT64_C(32) << 21, 1.2}, {INFINITY, 5}};
    struct result result;
    (void)state;
    start(&result);
    for (unsigned i = 0; i <= 16; i++) {
        double bytes = round(exp2(i / 2.0)) * (2 << 20);
        struct result_cell *cell = &result.cells[result.cell_count++];
        double ns = bytes <= shelves[0].up_to_bytes ? shelves[0].ns : shelves[1].ns;
        *cell =
            (struct result_cell){.pages.as_asked = true, .median = ns, .low = ns * 0.99, .high = ns * 1.01};
        cell->cell.monitor = "native";
        cell->cell.host_page_bytes = 2 << 20;
        cell->cell.workload = chase_workload(
            &(struct chase_shape){(uint64_t)bytes, CHASE_LINE_BYTES, CHASE_LINE_PER_LARGE_PAGE, false, 1});
        snprintf(cell->label, sizeof cell->label, "native");
    }
    find(&result);
    assert_int_equal(result.reach_count, 1);
    assert_reach(&result, 0, REACH_TLB, "L1 TLB", 64 * MEBI, 32);
    assert_int_equal(result.reaches[0].from_entries, 32);
    result_free(&result);
}

/* Of a scattered chase none is a TLB's. */
static void steps_of_scattered_lines_are_the_caches(void **state)
{
    struct result result;
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_SCATTERED, packed);
    find(&result);
    assert_int_equal(result.reach_count, 2);
    assert_reach(&result, 0, REACH_CACHE, "L1d", 48 * KIBI, 49152);
    assert_reach(&result, 1, REACH_CACHE, "L2", MEBI, 1 << 20);
    result_free(&result);
}

static void other_machines_are_not_held_against_this_ones_cpuid(void **state)
{
    struct result result;
    (void)state;
    start(&result);
    add_curve(&result, "native", CHASE_RANDOM, usual);
    add_curve(&result, "command:ssh guest vcost agent", CHASE_RANDOM, usual);
    find(&result);
    assert_int_equal(result.reach_count, 6);
    for (size_t i = 3; i < 6; i++)
        assert_true(result.reaches[i].kind == REACH_UNKNOWN && !result.reaches[i].name[0]);
    result_free(&result);
}

static void a_machine_that_tells_nothing_has_reaches_without_names(void **state)
{
    struct result result;
    (void)state;
    start(&result);
    result.host.cache_count = result.host.tlb_count = 0;
    add_curve(&result, "native", CHASE_RANDOM, usual);
    find(&result);
    assert_int_equal(result.reach_count, 3);
    assert_reach(&result, 1, REACH_UNKNOWN, "", MEBI, 0);
    result_free(&result);
}

static void nothing_measured_has_no_reach(void **state)
{
    static const struct shelf nothing[] = {{INFINITY, NAN}};
    struct result result;
    (void)state;
    start(&result);
    find(&result);
    assert_int_equal(result.reach_count, 0);
    add_curve(&result, "native", CHASE_RANDOM, nothing);
    find(&result);
    assert_int_equal(result.reach_count, 0);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caches_get_the_names_that_cpuid_tells),
        cmocka_unit_test(what_placements_show_moves_the_ends_apart),
        cmocka_unit_test(the_last_cache_may_be_less_than_told),
        cmocka_unit_test(no_level_reaches_further_than_told),
        cmocka_unit_test(a_step_far_from_all_levels_has_no_name),
        cmocka_unit_test(steps_that_the_packed_chase_lacks_are_the_tlbs),
        cmocka_unit_test(a_step_far_from_all_tlbs_is_told_without_name),
        cmocka_unit_test(steps_of_large_pages_are_their_tlbs),
        cmocka_unit_test(steps_of_scattered_lines_are_the_caches),
        cmocka_unit_test(other_machines_are_not_held_against_this_ones_cpuid),
        cmocka_unit_test(a_machine_that_tells_nothing_has_reaches_without_names),
        cmocka_unit_test(nothing_measured_has_no_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
