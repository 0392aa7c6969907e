/* report/compare.h: changes are what was put in, intervals come from the samples of both files, and what
 * cannot be said is not. */
#include "cmocka_all.h"

#include "measure/statistics.h"
#include "result/compare.h"
#include "result/compare_figures.h"
#include "report/compare_names.h"
#include "result/json.h"
#include "test_report_synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The made-up result's figures are not those of its samples. */
static void figures_from_samples(struct saved *saved)
{
    struct figures figures;
    for (size_t i = 0; i < saved->cell_count; i++) {
        assert_int_equal(figures_of_cell(&saved->cells[i], &figures), 0);
        saved->cells[i].median = statistics_median(figures.values, figures.count);
        figures_free(&figures);
    }
    for (size_t i = 0; i < saved->comparison_count; i++) {
        assert_int_equal(figures_of_comparison(&saved->comparisons[i], &figures), 0);
        saved->comparisons[i].ratio = statistics_median(figures.values, figures.count);
        figures_free(&figures);
    }
}

/* A result with all samples multiplied: guests' by `guest`, native ones by `native`. */
static struct saved saved_of(double native, double guest, unsigned placements)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    struct saved saved;
    json_t *json;
    recipe.last_bytes = 65536;
    recipe.placements = placements;
    synthetic_result(&recipe, &result);
    for (size_t i = 0; i < result.cell_count; i++)
        for (size_t k = 0; k < result.cells[i].sample_count; k++)
            result.cells[i].samples[k].ns *= result.cells[i].cell.guest_page_bytes ? guest : native;
    assert_int_equal(json_from_result(&result, &json, NULL), 0);
    char *text = json_dumps(json, 0);
    assert_int_equal(saved_parse("a.json", text, strlen(text), &saved, NULL), 0);
    figures_from_samples(&saved);
    free(text);
    json_decref(json);
    result_free(&result);
    return saved;
}

static struct compare compare_two(const struct saved files[2], const char *only)
{
    struct compare compare;
    struct error error;
    if (compare_make(files, 2, only, &compare, &error))
        fail_msg("%s", error.text);
    return compare;
}

static void free_two(struct compare *compare, struct saved files[2])
{
    compare_free(compare);
    saved_free(&files[0]);
    saved_free(&files[1]);
}

static void a_result_against_itself_has_the_ratio_1_everywhere(void **state)
{
    struct saved files[] = {saved_of(1, 1, 4), saved_of(1, 1, 4)};
    struct compare compare = compare_two(files, NULL);
    (void)state;
    for (enum metric metric = 0; metric < METRICS; metric++) {
        const struct compared_rows *rows = &compare.metrics[metric];
        assert_true(rows->count >= 5);
        for (size_t i = 0; i < rows->count; i++) {
            const struct compared *other = &rows->rows[i].files[1];
            assert_true(other->change == 1 && other->low < 1 && other->high > 1);
            assert_int_equal(other->placements[0], 4);
            assert_null(other->reason);
        }
        assert_int_equal(compare_count(&compare, metric, 1).of[VERDICT_UNTOLD], rows->count);
    }
    assert_int_equal(compare.difference_count + compare.absence_count, 0);
    free_two(&compare, files);
}

static void a_slower_machine_changes_times_and_no_slowdown(void **state)
{
    struct saved files[] = {saved_of(1, 1, 4), saved_of(1.2, 1.2, 4)};
    struct compare compare = compare_two(files, NULL);
    struct compared_tally times = compare_count(&compare, METRIC_TIME, 1);
    const struct compared_row *row;
    (void)state;
    assert_int_equal(times.of[VERDICT_SLOWER], compare.metrics[METRIC_TIME].count);
    assert_float_equal(times.largest->files[1].change, 1.2, 1e-9);
    assert_int_equal(compare_count(&compare, METRIC_SLOWDOWN, 1).of[VERDICT_UNTOLD],
        compare.metrics[METRIC_SLOWDOWN].count);
    const struct compared *worst = compare_worst(&compare, METRIC_TIME, &row);
    assert_true(worst->low > 1.15 && worst->low < 1.2 && worst->high > 1.2);
    assert_int_equal(compare_above(&compare, METRIC_TIME, 15), compare.metrics[METRIC_TIME].count);
    assert_int_equal(compare_above(&compare, METRIC_TIME, 20), 0); /* the low end is below */
    free_two(&compare, files);
}

static void slower_guests_change_slowdowns_and_no_native_time(void **state)
{
    struct saved files[] = {saved_of(1, 1, 4), saved_of(1, 1.5, 4)};
    struct compare compare = compare_two(files, NULL);
    struct compared_tally times = compare_count(&compare, METRIC_TIME, 1);
    (void)state;
    assert_int_equal(times.of[VERDICT_SLOWER], times.of[VERDICT_UNTOLD]);
    assert_int_equal(compare_count(&compare, METRIC_SLOWDOWN, 1).of[VERDICT_SLOWER],
        compare.metrics[METRIC_SLOWDOWN].count);
    free_two(&compare, files);
}

static void one_placement_gives_a_change_and_no_interval(void **state)
{
    struct saved files[] = {saved_of(1, 1, 1), saved_of(2, 2, 4)};
    struct compare compare = compare_two(files, NULL);
    const struct compared *other = &compare.metrics[METRIC_TIME].rows[0].files[1];
    const struct compared_row *row;
    (void)state;
    assert_true(fabs(other->change - 2) < 0.1 && isnan(other->low) && isnan(other->high));
    assert_non_null(strstr(other->reason, "two placements"));
    assert_null(compare_worst(&compare, METRIC_TIME, &row));
    assert_int_equal(compare_above(&compare, METRIC_TIME, 0), 0);
    free_two(&compare, files);
}

/* Samples that have nothing to do with the figure must not lend it an interval. */
static void a_figure_that_is_not_of_its_samples_has_no_interval(void **state)
{
    struct saved files[] = {saved_of(1, 1, 4), saved_of(1, 1, 4)};
    (void)state;
    files[1].cells[0].median *= 3;
    struct compare compare = compare_two(files, NULL);
    const struct compared *other = &compare.metrics[METRIC_TIME].rows[0].files[1];
    assert_true(fabs(other->change - 3) < 1e-9 && isnan(other->low));
    assert_non_null(strstr(other->reason, "samples"));
    free_two(&compare, files);
}

static void disturbed_samples_do_not_count_where_there_are_others(void **state)
{
    struct saved files[] = {saved_of(1, 1, 4), saved_of(1, 1, 4)};
    struct saved_cell *cell = &files[1].cells[0];
    (void)state;
    for (size_t i = 0; i < cell->sample_count; i++)
        if (i % 6 > 2) {
            cell->samples[i].value *= 50;
            cell->samples[i].disturbed = true;
        }
    struct compare compare = compare_two(files, NULL);
    const struct compared *other = &compare.metrics[METRIC_TIME].rows[0].files[1];
    assert_true(other->low > 0.9 && other->high < 1.1);
    free_two(&compare, files);
}

static void figures_that_are_not_above_0_have_no_ratio(void **state)
{
    struct saved files[] = {saved_of(1, 1, 4), saved_of(1, 1, 4)};
    (void)state;
    files[0].cells[0].median = 0;
    files[1].cells[1].median = NAN;
    struct compare compare = compare_two(files, NULL);
    const struct compared_row *rows = compare.metrics[METRIC_TIME].rows;
    assert_true(isnan(rows[0].files[1].change) && strstr(rows[0].files[1].reason, "not above 0"));
    assert_true(isnan(rows[1].files[1].change) && strstr(rows[1].files[1].reason, "no figure"));
    assert_int_equal(compare_count(&compare, METRIC_TIME, 1).of[VERDICT_NONE], 2);
    free_two(&compare, files);
}

static void one_id_for_different_things_is_refused(void **state)
{
    struct saved files[] = {saved_of(1, 1, 2), saved_of(1, 1, 2)};
    struct compare compare;
    struct error error;
    char *unit = files[1].cells[2].unit, *workload = files[1].cells[2].workload;
    (void)state;
    files[1].cells[2].unit = "cycles";
    assert_int_equal(compare_make(files, 2, NULL, &compare, &error), -EINVAL);
    assert_non_null(strstr(error.text, "is measured in ns in one and in cycles in the other"));
    files[1].cells[2].unit = unit;
    files[1].cells[2].workload = "copy";
    assert_int_equal(compare_make(files, 2, NULL, &compare, &error), -EINVAL);
    assert_non_null(strstr(error.text, "is the workload \"chase\" in one and \"copy\" in the other"));
    files[1].cells[2].workload = workload;
    saved_free(&files[0]);
    saved_free(&files[1]);
}

static void a_pattern_chooses_cells(void **state)
{
    struct saved files[] = {saved_of(1, 1, 2), saved_of(1, 1, 2)};
    struct compare compare = compare_two(files, "chase/kvm/*/8192/*");
    struct error error;
    (void)state;
    assert_int_equal(compare.metrics[METRIC_TIME].count, 1);
    assert_int_equal(compare.metrics[METRIC_SLOWDOWN].count, 1);
    compare_free(&compare);
    assert_int_equal(compare_make(files, 2, "nothing*", &compare, &error), -EINVAL);
    assert_non_null(strstr(error.text, "\"nothing*\""));
    saved_free(&files[0]);
    saved_free(&files[1]);
}

static void cells_and_facts_that_differ_are_found(void **state)
{
    struct saved files[] = {saved_of(1, 1, 2), saved_of(1, 1, 2)};
    (void)state;
    files[1].cell_count -= 1; /* the last one: its index goes with it */
    struct saved_id *at = files[1].by_id;
    while (at->cell != &files[1].cells[files[1].cell_count])
        at++;
    memmove(at, at + 1, (size_t)(files[1].by_id + files[1].cell_count - at) * sizeof *at);
    strcpy(files[1].facts[0].text, "AMD EPYC 7B99");
    struct compare compare = compare_two(files, NULL);
    assert_int_equal(compare.absence_count, 1);
    assert_true(compare.absences[0].has[0] && !compare.absences[0].has[1]);
    assert_int_equal(compare.difference_count, 1);
    assert_string_equal(compare.differences[0].texts[1], "AMD EPYC 7B99");
    compare_free(&compare);
    files[1].cell_count += 1; /* to be freed */
    saved_free(&files[0]);
    saved_free(&files[1]);
}

static void names_leave_out_what_all_ids_share(void **state)
{
    static struct compared_row some[] = {
        {.id = "a/kvm/x/4096"}, {.id = "a/kvm/x/81920"}, {.id = "a/native/x/4096"}};
    static struct compared_row other[] = {{.id = "a/kvm/x"}, {.id = "a/kvm"}};
    char name[NAME_BYTES];
    (void)state;
    struct compare_names names = compare_names_of(&(struct compared_rows){some, 3, NULL});
    compare_name(&names, some[1].id, name);
    assert_string_equal(name, "kvm/81920");
    compare_names_frame(&names, some[1].id, name);
    assert_string_equal(name, "a/*/x/*");
    names = compare_names_of(&(struct compared_rows){other, 2, NULL});
    compare_name(&names, other[1].id, name);
    assert_string_equal(name, "a/kvm");
    names = compare_names_of(&(struct compared_rows){some, 1, NULL});
    compare_name(&names, some[0].id, name);
    assert_string_equal(name, "a/kvm/x/4096");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_against_itself_has_the_ratio_1_everywhere),
        cmocka_unit_test(a_slower_machine_changes_times_and_no_slowdown),
        cmocka_unit_test(slower_guests_change_slowdowns_and_no_native_time),
        cmocka_unit_test(one_placement_gives_a_change_and_no_interval),
        cmocka_unit_test(a_figure_that_is_not_of_its_samples_has_no_interval),
        cmocka_unit_test(disturbed_samples_do_not_count_where_there_are_others),
        cmocka_unit_test(figures_that_are_not_above_0_have_no_ratio),
        cmocka_unit_test(one_id_for_different_things_is_refused),
        cmocka_unit_test(a_pattern_chooses_cells),
        cmocka_unit_test(cells_and_facts_that_differ_are_found),
        cmocka_unit_test(names_leave_out_what_all_ids_share),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
