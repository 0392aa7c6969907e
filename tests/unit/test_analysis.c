/* experiment/: the points of a curve, and how samples become figures. */
#include "cmocka_all.h"

#include "experiment/chase.h"
#include "event/event_kind.h"
#include "experiment/internal.h"
#include "runner/program_kind.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- working sets ---- */

static size_t sets_of(const char *text, unsigned per_octave, uint64_t element, uint64_t **sets)
{
    struct size_range range;
    struct error error;
    size_t count;
    assert_int_equal(size_range_parse(text, &range, &error), 0);
    assert_int_equal(chase_working_sets(range, per_octave, element, sets, &count, &error), 0);
    return count;
}

static void the_default_curve_has_both_ends_and_rising_sets(void **state)
{
    uint64_t *sets;
    (void)state;
    size_t count = sets_of("4K..1G", 2, 64, &sets);
    assert_true(count >= 33);
    assert_int_equal(sets[0], 4 * KIB);
    assert_int_equal(sets[count - 1], GIB);
    for (size_t i = 1; i < count; i++) {
        assert_true(sets[i] > sets[i - 1]);
        assert_int_equal(sets[i] % 64, 0);
    }
    free(sets);
}

static void powers_of_two_are_exact(void **state)
{
    uint64_t *sets;
    (void)state;
    size_t count = sets_of("4K..1G", 1, 64, &sets);
    assert_int_equal(count, 19);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sets[i], 4096u << i);
    free(sets);
}

static void one_size_is_one_set(void **state)
{
    uint64_t *sets;
    (void)state;
    assert_int_equal(sets_of("100000", 2, 64, &sets), 1);
    assert_int_equal(sets[0], 100000);
    free(sets);
    assert_int_equal(sets_of("4K..5K", 1, 64, &sets), 2);
    assert_int_equal(sets[1], 5 * KIB);
    free(sets);
}

static void coarse_elements_give_each_set_once(void **state)
{
    uint64_t *sets;
    (void)state;
    size_t count = sets_of("4K..64K", 8, 4096, &sets);
    for (size_t i = 1; i < count; i++)
        assert_true(sets[i] > sets[i - 1]);
    assert_true(count <= 16);
    free(sets);
}

/* ---- figures ---- */

/* Native and a guest. */
static struct result make(void)
{
    struct result result = {.experiment = "chase", .cells = calloc(2, sizeof *result.cells), .cell_count = 2};
    for (size_t i = 0; i < 2; i++)
        result.cells[i] = (struct result_cell){.pages.as_asked = true,
            .median = NAN,
            .low = NAN,
            .high = NAN,
            .min = NAN,
            .quality = QUALITY_MISSING};
    return result;
}

static void add(struct result *result, size_t cell, unsigned placement, unsigned round, double ns,
    enum disturbance disturbed)
{
    struct result_sample sample = {ns, round, placement, disturbed};
    assert_int_equal(figures_add_sample(&result->cells[cell], &sample), 0);
}

static void analyse(struct result *result, unsigned planned, const char *cut)
{
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(analyse_cell(&result->cells[i], planned, cut, NULL), 0);
    assert_int_equal(analyse_comparison(result, 1, 0, true, NULL), 0);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* Native drifts by a factor of 2 between placements and by 1.5 between rounds; the guest is 10 % slower
 * throughout. */
static void paired_ratios_do_not_see_drift(void **state)
{
    struct result result = make();
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++) {
        for (unsigned round = 0; round < 2; round++) {
            double native = 10 * (1 + placement) * (round ? 1.5 : 1);
            add(&result, 0, placement, round, native, DISTURBED_NOT);
            add(&result, 1, placement, round, native * 1.1, DISTURBED_NOT);
        }
    }
    analyse(&result, 3, "");
    assert_int_equal(result.comparison_count, 1);
    assert_true(near(result.comparisons[0].ratio, 1.1));
    assert_true(near(result.comparisons[0].low, 1.1) && near(result.comparisons[0].high, 1.1));
    assert_int_equal(result.comparisons[0].placements, 3);
    assert_true(near(result.cells[0].median, 25)); /* of the placements' 12.5, 25, 37.5 */
    assert_true(near(result.cells[0].min, 10));
    assert_int_equal(result.cells[0].quality, QUALITY_NOISY); /* placements differ */
    result_free(&result);
}

static void disturbed_samples_do_not_count(void **state)
{
    struct result result = make();
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++) {
        for (unsigned round = 0; round < 3; round++) {
            add(&result, 0, placement, round, 10, DISTURBED_NOT);
            add(&result, 1, placement, round, round ? 12 : 99, round ? DISTURBED_NOT : DISTURBED_STEAL);
        }
    }
    add(&result, 1, 0, 3, 1, DISTURBED_OFF_CPU);
    analyse(&result, 3, "");
    assert_true(near(result.cells[1].median, 12) && near(result.cells[1].min, 12));
    assert_true(near(result.comparisons[0].ratio, 1.2));
    assert_int_equal(result.cells[1].quality, QUALITY_GOOD);
    result_free(&result);
}

static void all_disturbed_is_told_and_not_hidden(void **state)
{
    struct result result = make();
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++)
        for (size_t cell = 0; cell < 2; cell++)
            add(&result, cell, placement, 0, 10, DISTURBED_PREEMPTED);
    analyse(&result, 3, "");
    assert_true(near(result.cells[0].median, 10));
    assert_int_equal(result.cells[0].quality, QUALITY_NOISY);
    assert_non_null(strstr(result.cells[0].reason, "3 of 3 samples were disturbed"));
    result_free(&result);
}

static void cut_short_is_interrupted_and_never_measured_is_missing(void **state)
{
    struct result result = make();
    (void)state;
    add(&result, 0, 0, 0, 10, DISTURBED_NOT);
    analyse(&result, 3, "stopped by the user");
    assert_int_equal(result.cells[0].quality, QUALITY_INTERRUPTED);
    assert_non_null(strstr(result.cells[0].reason, "1 of 3 placements"));
    assert_true(isnan(result.cells[0].low)); /* one placement has no interval */
    assert_int_equal(result.cells[1].quality, QUALITY_MISSING);
    assert_true(isnan(result.cells[1].median) && isnan(result.cells[1].min));
    assert_string_equal(result.cells[1].reason, "stopped by the user");
    assert_int_equal(result.comparison_count, 0);
    result_free(&result);
}

static void other_pages_than_asked_for_are_told(void **state)
{
    struct result result = make();
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++)
        for (size_t cell = 0; cell < 2; cell++)
            add(&result, cell, placement, 0, 10, DISTURBED_NOT);
    result.cells[1].pages = (struct page_proof){.as_asked = false, .proof = "half of it"};
    analyse(&result, 3, "");
    assert_int_equal(result.cells[0].quality, QUALITY_GOOD);
    assert_int_equal(result.cells[1].quality, QUALITY_NOISY);
    assert_non_null(strstr(result.cells[1].reason, "half of it"));
    result_free(&result);
}

static void a_cell_that_failed_keeps_its_reason(void **state)
{
    struct result result = make();
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++)
        for (size_t cell = 0; cell < 2; cell++)
            add(&result, cell, placement, 0, 10, DISTURBED_NOT);
    snprintf(result.cells[1].reason, sizeof result.cells[1].reason, "it went away");
    analyse(&result, 3, "");
    assert_int_equal(result.cells[0].quality, QUALITY_GOOD);
    assert_int_equal(result.cells[1].quality, QUALITY_INTERRUPTED);
    assert_string_equal(result.cells[1].reason, "3 of 3 placements: it went away");
    result_free(&result);
}

/* What is always the same is sampled once. */
static void what_does_not_vary_adds_nothing_to_the_interval(void **state)
{
    static const double levels[] = {9, 10, 12};
    struct result result = make();
    (void)state;
    add(&result, 0, 0, 0, 5, DISTURBED_NOT);
    for (unsigned placement = 0; placement < 3; placement++)
        add(&result, 1, placement, 0, levels[placement], DISTURBED_NOT);
    assert_int_equal(analyse_cell(&result.cells[0], 1, "", NULL), 0);
    assert_int_equal(analyse_cell(&result.cells[1], 3, "", NULL), 0);
    assert_int_equal(analyse_comparison(&result, 1, 0, false, NULL), 0);
    assert_int_equal(analyse_comparison(&result, 0, 1, false, NULL), 0);
    assert_int_equal(result.comparison_count, 2);
    const struct result_comparison *to = &result.comparisons[0], *from = &result.comparisons[1];
    assert_true(near(to->ratio, 2) && near(to->low, result.cells[1].low / 5));
    assert_true(near(to->more_ns, 5) && near(to->more_high_ns, result.cells[1].high - 5));
    assert_true(near(from->ratio, 0.5) && near(from->low, 5 / result.cells[1].high));
    assert_int_equal(to->placements, 3);
    assert_int_equal(from->placements, 3);
    result_free(&result);
}

/* ---- rounds ---- */

static unsigned rounds_for(double first, double second, enum disturbance disturbed)
{
    struct result result = make();
    for (size_t cell = 0; cell < 2; cell++) {
        add(&result, cell, 0, 0, 10, DISTURBED_NOT);
        add(&result, cell, 0, 1, cell ? first : 10, DISTURBED_NOT);
        add(&result, cell, 0, 2, cell ? second : 10, disturbed);
        add(&result, cell, 1, 0, 1000, DISTURBED_NOT); /* not of the pilot */
    }
    unsigned rounds = rounds_after_pilot(result.cells, result.cell_count);
    result_free(&result);
    return rounds;
}

static void a_wilder_pilot_gives_more_rounds(void **state)
{
    (void)state;
    assert_int_equal(rounds_for(10, 10.1, DISTURBED_NOT), ROUNDS_LEAST);
    assert_int_equal(rounds_for(10, 10.5, DISTURBED_NOT), 4);
    assert_int_equal(rounds_for(10, 15, DISTURBED_NOT), ROUNDS_MOST);
    assert_int_equal(rounds_for(10, 15, DISTURBED_STEAL), ROUNDS_LEAST);
}

static void rounds_are_limited_from_the_top(void **state)
{
    unsigned rounds[] = {2, 4, 8, 8}, few[] = {8, 8};
    (void)state;
    rounds_limit(rounds, 4, 100);
    assert_int_equal(rounds[3], 8);
    rounds_limit(rounds, 4, 16);
    assert_int_equal(rounds[0] + rounds[1] + rounds[2] + rounds[3], 2 + 4 + 5 + 5);
    rounds_limit(few, 2, -1);
    assert_int_equal(few[0] + few[1], 2 * ROUNDS_LEAST);
}

static void cells_have_stable_ids(void **state)
{
    struct cell cell = {
        "kvm", chase_workload(&(struct chase_shape){65536, 64, CHASE_RANDOM, false, 1}), 4096, 4096};
    char id[CELL_ID_BYTES];
    (void)state;
    cell_id(&cell, id);
    assert_string_equal(id, "chase/kvm/random/65536/64/4096/4096");
    cell = (struct cell){
        "native", chase_workload(&(struct chase_shape){8192, 512, CHASE_SEQUENTIAL, true, 4}), 0, 4096};
    cell_id(&cell, id);
    assert_string_equal(id, "chase/native/sequential-write-x4/8192/512/-/4096");
    cell = (struct cell){.monitor = "kvm", .workload = event_named("cpuid", 0, NULL)};
    cell_id(&cell, id);
    assert_string_equal(id, "events/kvm/cpuid");
    cell.workload = event_named("cpuid", 65536, NULL);
    cell_id(&cell, id);
    assert_string_equal(id, "events/kvm/cpuid/65536");
}

static void check_id_again(const struct cell *cell)
{
    struct pool pool = {0};
    struct cell again;
    char id[CELL_ID_BYTES], same[CELL_ID_BYTES];
    cell_id(cell, id);
    assert_true(cell_from_id(id, &pool, &again));
    cell_id(&again, same);
    assert_string_equal(id, same);
    assert_string_equal(again.monitor, cell->monitor);
    assert_ptr_equal(again.workload.kind, cell->workload.kind);
    assert_string_equal(workload_label(&again.workload), workload_label(&cell->workload));
    assert_int_equal(workload_size(&again.workload), workload_size(&cell->workload));
    assert_int_equal(again.guest_page_bytes, cell->guest_page_bytes);
    assert_int_equal(again.host_page_bytes, cell->host_page_bytes);
    if (chase_of(&cell->workload))
        assert_int_equal(chase_of(&again.workload)->element_bytes, chase_of(&cell->workload)->element_bytes);
    pool_free(&pool);
}

static void ids_tell_their_cells(void **state)
{
    static const char *const monitors[] = {"native", "kvm", "command:ssh a /usr/bin/vcost agent"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (enum chase_order order = 0; order < CHASE_ORDERS; order++)
            for (unsigned chains = 1; chains <= 4; chains += 3) {
                check_id_again(&(struct cell){monitors[i],
                    chase_workload(&(struct chase_shape){65536, 64, order, true, chains}), i ? 4096 : 0,
                    2 << 20});
                check_id_again(&(struct cell){monitors[i],
                    chase_workload(&(struct chase_shape){8192, 512, order, false, chains}), i ? 4096 : 0,
                    4096});
            }
        check_id_again(&(struct cell){.monitor = monitors[i], .workload = event_named("cpuid", 0, NULL)});
        check_id_again(
            &(struct cell){.monitor = monitors[i], .workload = event_named("retouch-lines", 65536, NULL)});
        for (int name = 0; name < 2; name++) { /* a program may have a number's name */
            struct workload run = program_workload(&workload_run, name ? "4096" : "sort");
            check_id_again(&(struct cell){.monitor = monitors[i], .workload = run});
            check_id_again(&(struct cell){monitors[i], run, 4096, 2 << 20});
            check_id_again(&(struct cell){monitors[i], run, 0, 4096});
        }
    }
}

static void other_ids_tell_nothing(void **state)
{
    static const char *const ids[] = {"", "/", "chase", "chase/", "chase/kvm", "events/kvm", "events/kvm/",
        "events//65536", "other/kvm/cpuid", "chase/kvm/unknown/65536/64/4096/4096",
        "chase/kvm/random/65536/64/4096", "chase/kvm/random/065536/64/4096/4096",
        "chase/kvm/random/65536/4294967360/4096/4096", "chase/kvm/random/65536/64/x/4096",
        "chase/kvm/random/65536/64/4096/-1", "chase/kvm/random-x1/65536/64/4096/4096",
        "chase/kvm/random-x/65536/64/4096/4096", "chase/kvm/random/99999999999999999999/64/4096/4096",
        "chase/kvm/random/////"};
    struct pool pool = {0};
    struct cell cell = {.monitor = "untouched"};
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_false(cell_from_id(ids[i], &pool, &cell));
        assert_string_equal(cell.monitor, "untouched");
    }
    pool_free(&pool);
}

/* ---- pages ---- */

static void wrong_pages_are_told_also_in_a_cell_that_was_interrupted(void **state)
{
    struct result_sample samples[] = {{.ns = 10}, {.ns = 11, .round = 1}};
    struct result_cell cell = {.samples = samples, .sample_count = 2};
    (void)state;
    snprintf(
        cell.pages.proof, sizeof cell.pages.proof, "smaps: 4096 KiB resident, 0 KiB of it in 2 MiB mappings");
    assert_int_equal(analyse_cell(&cell, 3, "stopped by the user", NULL), 0);
    assert_int_equal(cell.quality, QUALITY_INTERRUPTED);
    assert_non_null(strstr(cell.reason, "not the pages"));
}

/* ---- two modes, trends ---- */

static double level_of(unsigned placement)
{
    return 10 + placement;
}

static void samples_of(struct result_cell *cell, struct result_sample *samples, size_t count)
{
    *cell = (struct result_cell){.samples = samples, .sample_count = count, .median = 10};
}

static void two_modes_and_trends_are_seen_within_placements(void **state)
{
    struct result_sample samples[48];
    struct result_cell cell;
    (void)state;
    for (unsigned i = 0; i < 48; i++) /* four placements that differ, each with one mode */
        samples[i] = (struct result_sample){
            .ns = level_of(i / 12) * (1 + 0.001 * (i % 5)), .round = i % 12, .placement = i / 12};
    samples_of(&cell, samples, 48);
    assert_int_equal(analyse_shape(&cell), 0);
    assert_false(cell.modes.two);
    assert_true(cell.trend_percent == 0);
    for (unsigned i = 0; i < 48; i++) /* every third sample is slower by half */
        samples[i].ns *= i % 3 ? 1 : 1.5;
    assert_int_equal(analyse_shape(&cell), 0);
    assert_true(cell.modes.two);
    assert_float_equal(cell.modes.high / cell.modes.low, 1.5, 0.01);
    assert_float_equal(cell.modes.share_high, 1.0 / 3, 0.001);
    for (unsigned i = 0; i < 48; i++) /* 1 % a round */
        samples[i].ns = 10 * pow(1.01, i % 12);
    assert_int_equal(analyse_shape(&cell), 0);
    assert_true(cell.trend_percent > 8 && cell.trend_percent < 14);
}

/* One placement's others all stand apart from its fast one, and from nothing else. */
static void a_single_fast_sample_makes_no_modes(void **state)
{
    struct result_sample samples[32];
    struct result_cell cell;
    (void)state;
    for (unsigned i = 0; i < 32; i++)
        samples[i] = (struct result_sample){
            .ns = 10 * (1 + 0.001 * (i % 5)) * (i == 11 ? 0.7 : 1), .round = i % 8, .placement = i / 8};
    samples_of(&cell, samples, 32);
    assert_int_equal(analyse_shape(&cell), 0);
    assert_false(cell.modes.two);
    samples[19].ns = 7;
    assert_int_equal(analyse_shape(&cell), 0);
    assert_true(cell.modes.two);
}

/* Eight placements of three samples each, at these levels. */
static void shape_of_placements(const double levels[8], struct result_cell *cell)
{
    static struct result_sample samples[24];
    for (unsigned i = 0; i < 24; i++)
        samples[i] = (struct result_sample){.ns = levels[i / 3] * (1 + 0.0001 * (i % 3) * (i % 2 ? 1 : -1)),
            .round = i % 3,
            .placement = i / 3};
    samples_of(cell, samples, 24);
    assert_int_equal(analyse_shape(cell), 0);
}

static void modes_and_drift_of_placements_are_seen(void **state)
{
    const double groups[] = {11.2, 11.25, 19, 11.15, 11.2, 19.1, 11.22, 11.18};
    const double drifting[] = {10, 10.2, 10.4, 10.6, 10.8, 11, 11.2, 11.4};
    struct result_cell cell;
    (void)state;
    shape_of_placements(groups, &cell);
    assert_true(cell.modes.two && cell.modes.of_placements);
    assert_float_equal(cell.modes.low, 11.2, 0.02);
    assert_float_equal(cell.modes.high, 19.05, 0.02);
    assert_float_equal(cell.modes.share_high, 0.25, 1e-9);
    assert_true(cell.drift_percent == 0 && cell.trend_percent == 0);
    shape_of_placements(drifting, &cell);
    assert_false(cell.modes.two);
    assert_float_equal(cell.drift_percent, 14, 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_curve_has_both_ends_and_rising_sets),
        cmocka_unit_test(powers_of_two_are_exact),
        cmocka_unit_test(one_size_is_one_set),
        cmocka_unit_test(coarse_elements_give_each_set_once),
        cmocka_unit_test(paired_ratios_do_not_see_drift),
        cmocka_unit_test(disturbed_samples_do_not_count),
        cmocka_unit_test(all_disturbed_is_told_and_not_hidden),
        cmocka_unit_test(cut_short_is_interrupted_and_never_measured_is_missing),
        cmocka_unit_test(other_pages_than_asked_for_are_told),
        cmocka_unit_test(a_cell_that_failed_keeps_its_reason),
        cmocka_unit_test(what_does_not_vary_adds_nothing_to_the_interval),
        cmocka_unit_test(a_wilder_pilot_gives_more_rounds),
        cmocka_unit_test(rounds_are_limited_from_the_top),
        cmocka_unit_test(cells_have_stable_ids),
        cmocka_unit_test(ids_tell_their_cells),
        cmocka_unit_test(other_ids_tell_nothing),
        cmocka_unit_test(wrong_pages_are_told_also_in_a_cell_that_was_interrupted),
        cmocka_unit_test(two_modes_and_trends_are_seen_within_placements),
        cmocka_unit_test(a_single_fast_sample_makes_no_modes),
        cmocka_unit_test(modes_and_drift_of_placements_are_seen),
    };
    return cmocka_run_group_tests_name("analysis", tests, NULL, NULL);
}
