/* result/figures.h: how many samples and placements there are, and in which order, makes no difference to
 * what figures they give. What the figures are is checked by test_analysis.c and test_coverage.c. */
#include "cmocka_all.h"

#include "experiment/internal.h"
#include "result/figures.h"
#include "read_result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void add(struct result_cell *cell, unsigned placement, unsigned round, double ns)
{
    const struct result_sample sample = {.ns = ns, .round = round, .placement = placement};
    assert_int_equal(figures_add_sample(cell, &sample), 0);
}

/* The first 250 samples of a placement are a minority of its 600. */
enum { FIRST = 250, ALL = 600 };

static void every_sample_of_a_placement_counts(void **state)
{
    struct result_cell cell = {0}, baseline = {0};
    struct result_comparison comparison = {0};
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++)
        for (unsigned round = 0; round < ALL; round++) {
            add(&cell, placement, round, round < FIRST ? 10 : 30);
            add(&baseline, placement, round, round < FIRST ? 10 : 20);
        }
    assert_int_equal(figures_set_cell(&cell), 0);
    assert_true(cell.median == 30 && cell.min == 10);
    assert_true(fabs(cell.low - 30) < 1e-9 && fabs(cell.high - 30) < 1e-9);
    assert_int_equal(figures_set_comparison(&cell, &baseline, &comparison), 0);
    assert_true(fabs(comparison.ratio - 1.5) < 1e-9 && comparison.more_ns == 10);
    assert_int_equal(comparison.placements, 3);
    free(cell.samples);
    free(baseline.samples);
}

static void every_sample_counts_for_the_shape(void **state)
{
    struct result_cell cell = {0};
    (void)state;
    for (unsigned placement = 0; placement < 3; placement++)
        for (unsigned round = 0; round < ALL; round++)
            add(&cell, placement, round, (round < FIRST ? 10 : 30) * (1 + 0.0001 * (round % 7)));
    assert_int_equal(analyse_shape(&cell), 0);
    assert_true(cell.modes.two && !cell.modes.of_placements);
    assert_float_equal(cell.modes.share_high, (double)(ALL - FIRST) / ALL, 1e-3);
    free(cell.samples);
}

static void every_placement_counts(void **state)
{
    struct result_cell cell = {.pages.as_asked = true}, other = cell;
    struct pool pool = {0};
    struct estimate difference;
    (void)state;
    for (unsigned placement = 0; placement < 1000; placement++) {
        add(&cell, placement, 0, placement < 400 ? 10 : 30);
        add(&other, placement, 1, placement < 400 ? 10 : 25); /* of other rounds: not measured in turns */
    }
    struct figures figures = figures_by_placement(&cell, NULL, &pool);
    assert_int_equal(figures.count, 1000);
    assert_true(figures.values[399] == 10 && figures.values[400] == 30); /* in the order of placements */
    assert_int_equal(figures_difference(&cell, &other, &difference), 0);
    assert_true(difference.median == 5);
    assert_int_equal(figures_by_placement(&cell, &other, &pool).count, 0);
    pool_free(&pool);
    free(cell.samples);
    free(other.samples);
}

static void the_order_of_samples_makes_no_difference(void **state)
{
    struct result_cell cell = {0}, mixed = {0}, baseline = {0};
    struct result_comparison one = {0}, two = {0};
    enum { PLACEMENTS = 5, ROUNDS = 7, SAMPLES = PLACEMENTS * ROUNDS };
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++) {
        unsigned k = i * 11 % SAMPLES; /* each once */
        unsigned placement = i / ROUNDS, there = k / ROUNDS;
        add(&cell, placement, i % ROUNDS, 10 + i % 6 + 2.0 * placement);
        add(&mixed, there, k % ROUNDS, 10 + k % 6 + 2.0 * there);
        add(&baseline, placement, i % ROUNDS, 9 + i % 4);
    }
    assert_int_equal(figures_set_cell(&cell), 0);
    assert_int_equal(figures_set_cell(&mixed), 0);
    assert_true(cell.median == mixed.median && cell.low == mixed.low && cell.min == mixed.min);
    assert_int_equal(figures_set_comparison(&cell, &baseline, &one), 0);
    assert_int_equal(figures_set_comparison(&mixed, &baseline, &two), 0);
    assert_memory_equal(&one, &two, sizeof one);
    free(cell.samples);
    free(mixed.samples);
    free(baseline.samples);
}

static void what_has_no_value_counts_nowhere(void **state)
{
    struct result_cell cell = {.median = NAN}, baseline = {0};
    struct result_comparison comparison = {0};
    (void)state;
    add(&cell, 0, 0, NAN);
    assert_int_equal(figures_set_cell(&cell), 0);
    assert_true(isnan(cell.median) && cell.placements == 0);
    for (unsigned round = 0; round < 3; round++) {
        add(&cell, 1, round, 10 + round);
        add(&baseline, 1, round, round);
    }
    assert_int_equal(figures_set_cell(&cell), 0);
    assert_true(cell.median == 11 && cell.placements == 1 && isnan(cell.low));
    assert_int_equal(figures_set_comparison(&cell, &baseline, &comparison), 0);
    assert_true(comparison.more_ns == 10);                       /* of all three */
    assert_true(fabs(comparison.ratio - sqrt(11.0 * 6)) < 1e-9); /* of 11 / 1 and 12 / 2: 10 / 0 is none */
    free(cell.samples);
    free(baseline.samples);
}

/* ---- pairs of which one was disturbed ---- */

static void add_pair(
    struct result_cell cells[2], unsigned placement, unsigned round, double ratio, enum disturbance disturbed)
{
    add(&cells[0], placement, round, 2);
    add(&cells[1], placement, round, 2 * ratio);
    cells[ratio < 1 ? 0 : 1].samples[cells[0].sample_count - 1].disturbed = disturbed;
}

/* Of two pairs, each slowed five times at the other side, the mean of the ratios is 2.6 and that of their
 * logarithms nothing. */
static void what_hits_either_side_alike_is_no_slowdown(void **state)
{
    struct result_cell cells[2] = {{.sample_count = 0}};
    struct result_comparison comparison = {0};
    struct pool pool = {0};
    (void)state;
    for (unsigned placement = 0; placement < 4; placement++)
        for (unsigned round = 0; round < 2; round++)
            add_pair(cells, placement, round, round ? 5 : 0.2, DISTURBED_NOT);
    assert_int_equal(figures_set_comparison(&cells[1], &cells[0], &comparison), 0);
    assert_true(fabs(comparison.ratio - 1) < 1e-9 && comparison.more_ns == (8 - 1.6) / 2);
    assert_true(fabs(comparison.low - 1) < 1e-9 && fabs(comparison.high - 1) < 1e-9);
    const struct figures figures = figures_by_placement(&cells[1], &cells[0], &pool);
    assert_int_equal(figures.count, 4);
    assert_true(fabs(figures.values[0] - 1) < 1e-9);
    pool_free(&pool);
    free(cells[0].samples);
    free(cells[1].samples);
}

static void a_placement_without_an_undisturbed_pair_gives_no_ratio(void **state)
{
    struct result_cell cells[2] = {{.sample_count = 0}};
    struct result_comparison comparison = {0};
    struct estimate difference;
    (void)state;
    for (unsigned placement = 0; placement < 4; placement++)
        for (unsigned round = 0; round < 2; round++)
            add_pair(cells, placement, round,
                placement < 2 ? 1.1
                : round       ? 4.93
                              : 0.2,
                placement < 2 ? DISTURBED_NOT : DISTURBED_PREEMPTED);
    assert_int_equal(figures_set_cell(&cells[1]), 0);
    assert_int_equal(cells[1].placements, 4); /* a time it has all the same */
    assert_int_equal(figures_set_comparison(&cells[1], &cells[0], &comparison), 0);
    assert_int_equal(comparison.placements, 2);
    assert_true(fabs(comparison.ratio - 1.1) < 1e-9 && fabs(comparison.high - 1.1) < 1e-9);
    assert_true(fabs(comparison.more_ns - 0.2) < 1e-9);
    for (size_t i = 0; i < cells[1].sample_count; i++)
        cells[1].samples[i].disturbed = DISTURBED_STEAL;
    assert_int_equal(figures_set_comparison(&cells[1], &cells[0], &comparison), 0);
    assert_true(comparison.placements == 0 && isnan(comparison.ratio) && isnan(comparison.low));
    assert_int_equal(figures_difference(&cells[1], &cells[0], &difference), 0);
    assert_true(isnan(difference.median));
    free(cells[0].samples);
    free(cells[1].samples);
}

/* ---- files of earlier versions ---- */

/* Files have ten digits of a sample; an interval of three placements may move by some of the ninth. */
static bool as_stored(double made, double stored, double scale)
{
    return isnan(stored) ? isnan(made) : fabs(made - stored) <= 1e-8 * (fabs(stored) + scale);
}

static size_t check_cells(struct result *result)
{
    size_t checked = 0;
    for (size_t i = 0; i < result->cell_count; i++) {
        struct result_cell *cell = &result->cells[i], stored = *cell;
        cell->median = cell->low = cell->high = cell->min = NAN;
        assert_int_equal(figures_set_cell(cell), 0);
        assert_int_equal(cell->placements, stored.placements);
        assert_true(as_stored(cell->median, stored.median, 0) && as_stored(cell->min, stored.min, 0));
        assert_true(as_stored(cell->low, stored.low, 0) && as_stored(cell->high, stored.high, 0));
        checked += !isnan(stored.median);
    }
    return checked;
}

/* Whether version 0.1.0 made a ratio of disturbed samples, for want of others: then it says something else
 * now, or nothing. */
static bool had_other_rules(const struct result_comparison *made, const struct result_comparison *stored)
{
    assert_true(made->placements <= stored->placements);
    if (made->placements)
        assert_true(made->low <= made->ratio || made->placements == 1);
    else
        assert_true(isnan(made->ratio) && isnan(made->more_ns));
    return made->placements < stored->placements;
}

/* Differences are what they were. So were ratios where the medians are of odd numbers; between two in the
 * middle version 0.1.0 took the mean of the ratios, which is never below that of their logarithms. */
static size_t check_comparisons(const struct result *result, size_t *same, size_t *disturbed)
{
    for (size_t i = 0; i < result->comparison_count; i++) {
        const struct result_comparison *stored = &result->comparisons[i];
        const struct result_cell *cell = &result->cells[stored->cell],
                                 *baseline = &result->cells[stored->baseline];
        struct result_comparison made = {0};
        double scale = cell->median + baseline->median;
        assert_int_equal(figures_set_comparison(cell, baseline, &made), 0);
        if (had_other_rules(&made, stored)) {
            ++*disturbed;
            continue;
        }
        assert_true(made.ratio <= stored->ratio * (1 + 1e-8));
        *same += as_stored(made.ratio, stored->ratio, 0);
        assert_true(as_stored(made.more_ns, stored->more_ns, scale));
        assert_true(as_stored(made.more_low_ns, stored->more_low_ns, 10 * scale));
        assert_true(as_stored(made.more_high_ns, stored->more_high_ns, 10 * scale));
    }
    return result->comparison_count;
}

static void stored_samples_give_the_stored_figures(void **state)
{
    static const char *const files[] = {"amd/chase", "amd/matrix", "amd/orders", "amd/native", "amd/inspect",
        "amd/agent", "amd/events-quick", "intel/busy", "intel/events", "intel/interrupted"};
    const char *root = getenv("VCOST_SOURCE_ROOT");
    size_t cells = 0, comparisons = 0, same = 0, disturbed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct result result;
        struct error error;
        char path[512];
        snprintf(path, sizeof path, "%s/tests/fixtures/%s.json", root ? root : ".", files[i]);
        if (result_read(path, &result, &error))
            fail_msg("%s", error.text);
        cells += check_cells(&result);
        comparisons += check_comparisons(&result, &same, &disturbed);
        result_free(&result);
    }
    assert_true(cells > 800 && comparisons > 300);
    /* 11 of amd/agent, 4 of amd/events-quick, 50 of intel/events, both of intel/interrupted: placements in
     * which every pair had a disturbed sample. */
    assert_int_equal(disturbed, 11 + 4 + 50 + 2);
    assert_true(same >= 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_of_a_placement_counts),
        cmocka_unit_test(every_sample_counts_for_the_shape),
        cmocka_unit_test(every_placement_counts),
        cmocka_unit_test(the_order_of_samples_makes_no_difference),
        cmocka_unit_test(what_has_no_value_counts_nowhere),
        cmocka_unit_test(what_hits_either_side_alike_is_no_slowdown),
        cmocka_unit_test(a_placement_without_an_undisturbed_pair_gives_no_ratio),
        cmocka_unit_test(stored_samples_give_the_stored_figures),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
