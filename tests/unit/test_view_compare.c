/* report/view_compare.h, views.h: what is said of a comparison is what its intervals say, cells and
 * files are called as people call them, and several results become one page. */
#include "read_document.h"
#include "report/view_compare.h"
#include "report/views.h"
#include "result/figures.h"
#include "test_report_synthetic.h"

#include <math.h>

/* A made-up result of chases over 4 to 64 KiB, natively and in a guest, whose samples vary by `noise` from
 * placement to placement and are multiplied, guests' by `guest`, native ones by `native`. */
static struct result result_of(double native, double guest, double noise)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    recipe.last_bytes = 65536;
    recipe.cost = 0;
    recipe.noise = 0;
    synthetic_result(&recipe, &result);
    for (size_t i = 0; i < result.cell_count; i++) {
        struct result_cell *cell = &result.cells[i];
        for (size_t k = 0; k < cell->sample_count; k++) {
            double sway = 1 + noise * ((double)cell->samples[k].placement - 1.5);
            cell->samples[k].ns *= (cell->cell.guest_page_bytes ? guest : native) * sway;
        }
        assert_int_equal(figures_set_cell(cell), 0);
    }
    for (size_t i = 0; i < result.comparison_count; i++) {
        struct result_comparison *each = &result.comparisons[i];
        assert_int_equal(
            figures_set_comparison(&result.cells[each->cell], &result.cells[each->baseline], each), 0);
    }
    return result;
}

/* Compares b.json with before/a.json. */
static void view_two(
    const struct result *a, const struct result *b, enum metric metric, struct document *document)
{
    const struct compare_input inputs[] = {{"before/a.json", a}, {"after/b.json", b}};
    struct compare compare;
    struct error error;
    if (compare_make(inputs, 2, NULL, &compare, &error))
        fail_msg("%s", error.text);
    compare.metric = metric;
    view_compare(&compare, document);
    compare_free(&compare); /* the document needs it no longer */
}

/* ---- a comparison ---- */

static void the_conclusion_says_what_the_intervals_say(void **state)
{
    static const struct {
        double native, guest, noise;
        const char *conclusion;
    } cases[] = {
        {1, 1, 0.001, "b.json (B) does not differ significantly from a.json (A)."},
        {1.1, 1.1, 0.001, "b.json (B) is slower than a.json (A) in 10 of 10 cells, by at most 10.0 % ("},
        {0.9, 0.9, 0.001, "b.json (B) is faster than a.json (A) in 10 of 10 cells, by at most 10.0 % ("},
        {0.9, 1.1, 0.001, "is slower than a.json (A) in 5 of 10 cells, by at most 10.0 % ("},
        {0.9, 1.1, 0.001, ", and faster in 5, by at most 10.0 % ("},
        {1.005, 1.005, 0.001, "is next to the same as a.json (A): no significant change reaches 1 %."},
        {1, 1, 0.5,
            "b.json (B) cannot be judged relative to a.json (A): too much differs from placement to "
            "placement."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result a = result_of(1, 1, cases[i].noise);
        struct result b = result_of(cases[i].native, cases[i].guest, cases[i].noise);
        struct document document = {0};
        view_two(&a, &b, METRIC_TIME, &document);
        assert_int_equal(document.blocks[0].kind, BLOCK_CONCLUSION);
        assert_says(&document, BLOCK_CONCLUSION, cases[i].conclusion);
        document_free(&document);
        result_free(&a);
        result_free(&b);
    }
}

static void costs_of_virtualization_are_told_apart_from_times(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1.2, 0.001);
    struct document document = {0};
    (void)state;
    view_two(&a, &b, METRIC_SLOWDOWN, &document);
    assert_says(&document, BLOCK_CONCLUSION,
        "The cost of virtualization in b.json (B) is higher than in a.json (A) in 5 of 5 slowdowns, by at "
        "most "
        "20.0 % (");
    assert_says(&document, BLOCK_FACT, "b.json (B) is slower than a.json (A) in 5 of 10 cells");
    assert_says(&document, BLOCK_FACT, "The files were measured at different times");
    assert_string_equal(table_named(&document, "slowdowns")->columns[1].key, "slowdown");
    document_free(&document);
    view_two(&a, &a, METRIC_TIME, &document);
    assert_says_not(&document, BLOCK_FACT, "measured at different times"); /* nothing changed */
    document_free(&document);
    result_free(&a);
    result_free(&b);
}

static void cells_are_called_by_what_tells_them_apart(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1, 0.001);
    struct document document = {0};
    (void)state;
    view_two(&a, &b, METRIC_TIME, &document);
    const struct table *times = table_named(&document, "medians"),
                       *slowdowns = table_named(&document, "slowdowns");
    assert_int_equal(times->rows, 10);
    assert_string_equal(times->values[0].text, "native, 4 KiB");
    assert_string_equal(times->values[times->column_count].text, "kvm, 4 KiB");
    assert_string_equal(times->columns[1].head, "ns");
    assert_non_null(strstr(times->title, "random, 64 B elements"));
    assert_string_equal(slowdowns->values[0].text, "4 KiB");
    document_free(&document);
    for (size_t i = 0; i < a.cell_count; i++) { /* one order more, in both */
        struct chase_shape shape = *cell_chase(&a.cells[i]);
        shape.order = i < 4 ? CHASE_RANDOM : CHASE_PACKED;
        a.cells[i].cell.workload = b.cells[i].cell.workload = chase_workload(&shape);
        a.cells[i].cell.host_page_bytes = b.cells[i].cell.host_page_bytes = i < 4 ? 4096 : 2 << 20;
    }
    view_two(&a, &b, METRIC_TIME, &document);
    times = table_named(&document, "medians");
    assert_string_equal(times->values[4 * times->column_count].text, "native, packed, 16 KiB, host pages 2M");
    document_free(&document);
    result_free(&a);
    result_free(&b);
}

static void files_of_the_same_name_are_called_by_their_paths(void **state)
{
    struct result a = result_of(1, 1, 0.001);
    const struct compare_input inputs[] = {{"x/r.json", &a}, {"y/r.json", &a}};
    struct document document = {0};
    struct compare compare;
    struct error error;
    (void)state;
    assert_int_equal(compare_make(inputs, 2, NULL, &compare, &error), 0);
    view_compare(&compare, &document);
    assert_says(&document, BLOCK_CONCLUSION, "y/r.json (B) does not differ significantly from x/r.json (A).");
    compare_free(&compare);
    document_free(&document);
    result_free(&a);
}

static void what_differs_besides_is_a_warning(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1, 0.001);
    struct document document = {0};
    (void)state;
    view_two(&a, &b, METRIC_TIME, &document);
    assert_says(&document, BLOCK_SENTENCE, "settings are the same");
    assert_says_not(&document, BLOCK_WARNING, "differ");
    document_free(&document);
    b.host.kernel = fact_known("6.19");
    b.host.governor = fact_known("performance");
    b.complete = false;
    strcpy(b.incomplete_reason, "stopped by the user");
    view_two(&a, &b, METRIC_TIME, &document);
    assert_says(&document, BLOCK_WARNING, "WARNING: not only the results differ, but also:");
    assert_says(&document, BLOCK_WARNING, "WARNING: B is incomplete: stopped by the user.");
    assert_says(&document, BLOCK_FACT, "kernel: A \"6.18.5\", B \"6.19\"");
    assert_says(&document, BLOCK_FACT, "frequency governor: A not reported, B \"performance\"");
    document_free(&document);
    result_free(&a);
    result_free(&b);
}

/* Of facts that there are many of only some are told. */
static void many_of_one_kind_are_counted(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1, 0.001);
    struct document document = {0};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        snprintf(b.host.mitigations[i].name, sizeof b.host.mitigations[i].name, "other_%zu", i);
        strcpy(b.host.mitigations[i].text, "Vulnerable");
    }
    b.host.mitigation_count = 6;
    view_two(&a, &b, METRIC_TIME, &document);
    assert_says(&document, BLOCK_FACT, "mitigation: 3 more differ, see --json");
    document_free(&document);
    result_free(&a);
    result_free(&b);
}

static void what_only_some_have_is_named(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1, 0.001);
    struct document document = {0};
    (void)state;
    b.cell_count -= 2;
    b.comparison_count--;
    view_two(&a, &b, METRIC_TIME, &document);
    assert_says(&document, BLOCK_NOTE, "Only in A: native, 64 KiB; kvm, 64 KiB.");
    document_free(&document);
    b.cell_count += 2;
    result_free(&a);
    result_free(&b);
}

static void changes_that_tell_nothing_are_marked(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1, 0.001);
    struct document document = {0};
    (void)state;
    for (size_t k = 0; k < b.cells[0].sample_count; k++)
        b.cells[0].samples[k].ns *= 1 + 0.5 * b.cells[0].samples[k].placement;
    assert_int_equal(figures_set_cell(&b.cells[0]), 0);
    view_two(&a, &b, METRIC_TIME, &document);
    const struct table *table = table_named(&document, "medians");
    assert_string_equal(table->values[3].mark, "~");
    assert_null(table->values[2].mark);
    assert_null(table->values[table->column_count + 3].mark);
    assert_says(&document, BLOCK_NOTE, "~ tells nothing: its interval reaches more than 10 % to a side");
    document_free(&document);
    result_free(&a);
    result_free(&b);
}

static void the_table_for_files_has_every_figure(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1.2, 0.001);
    struct document document = {0};
    (void)state;
    view_two(&a, &b, METRIC_SLOWDOWN, &document);
    const struct table *table = table_named(&document, "comparison");
    assert_int_equal(table->readers, TABLE_FOR_FILES);
    assert_int_equal(table->rows, 2 * (10 + 5));
    assert_int_equal(table->column_count, 12);
    const struct value *second = &table->values[3 * table->column_count]; /* the guest's first cell, of b */
    assert_string_equal(second[0].text, "time");
    assert_string_equal(second[1].text, a.cells[1].id);
    assert_string_equal(second[4].text, "after/b.json");
    assert_float_equal(second[6].number, 1.2, 1e-6);
    assert_string_equal(second[9].text, "slower");
    document_free(&document);
    result_free(&a);
    result_free(&b);
}

/* ---- several results on one page ---- */

static void chases_share_their_charts(void **state)
{
    struct result a = result_of(1, 1, 0.001), b = result_of(1, 1.1, 0.001), c = result_of(1, 1.2, 0.001);
    const struct compare_input inputs[] = {{"a", &a}, {"b", &b}, {"c", &c}};
    struct document document = {0};
    (void)state;
    view_results(inputs, 3, "b", &document);
    assert_says(&document, BLOCK_CONCLUSION, "c (C) is slower than b (A) in 5 of 10 cells, by at most 9.");
    const struct chart *slowdown = chart_named(&document, "slowdown"),
                       *latency = chart_named(&document, "latency");
    assert_int_equal(slowdown->series_count, 3);
    assert_string_equal(slowdown->series[0].name, "b: kvm (shadow, PVM)"); /* the baseline first */
    assert_int_equal(latency->series_count, 6);
    assert_string_equal(latency->series[5].name, "c: kvm (shadow, PVM)");
    assert_null(slowdown->stamp);
    document_free(&document);
    b.complete = false;
    strcpy(b.incomplete_reason, "stopped by the user");
    view_results(inputs, 3, NULL, &document);
    assert_string_equal(chart_named(&document, "slowdown")->stamp, "b is incomplete: stopped by the user");
    document_free(&document);
    result_free(&a);
    result_free(&b);
    result_free(&c);
}

static void several_experiments_stand_under_headings(void **state)
{
    struct result a = result_of(1, 1.1, 0.001), b;
    const struct compare_input inputs[] = {{"a", &a}, {"b", &b}};
    struct document document = {0};
    (void)state;
    synthetic_inspect(&b);
    a.complete = false;
    view_results(inputs, 2, NULL, &document);
    assert_says(&document, BLOCK_HEADING, "vcost chase\n");
    assert_says(&document, BLOCK_HEADING, "vcost inspect\n");
    assert_says(&document, BLOCK_CONCLUSION, "Memory access in a guest costs up to 10.0 %");
    assert_non_null(chart_named(&document, "slowdown")->stamp);
    assert_null(document.stamp); /* it is not the other's */
    document_free(&document);
    result_free(&a);
    result_free(&b);
}

static void one_result_is_what_its_command_says(void **state)
{
    struct result a = result_of(1, 1.1, 0.001);
    const struct compare_input input = {"a", &a};
    struct document document = {0};
    (void)state;
    view_results(&input, 1, NULL, &document);
    assert_says(&document, BLOCK_CONCLUSION, "Memory access in a guest costs up to 10.0 %");
    assert_string_equal(document.title, "vcost chase on AMD EPYC 7B13");
    assert_string_equal(chart_named(&document, "slowdown")->series[0].name, "kvm (shadow, PVM)");
    document_free(&document);
    a.experiment = "future";
    view_results(&input, 1, NULL, &document);
    assert_says(&document, BLOCK_CONCLUSION, "This vcost does not know the experiment \"future\".");
    assert_int_equal(table_named(&document, "cells")->rows, 10);
    document_free(&document);
    result_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_conclusion_says_what_the_intervals_say),
        cmocka_unit_test(costs_of_virtualization_are_told_apart_from_times),
        cmocka_unit_test(cells_are_called_by_what_tells_them_apart),
        cmocka_unit_test(files_of_the_same_name_are_called_by_their_paths),
        cmocka_unit_test(what_differs_besides_is_a_warning),
        cmocka_unit_test(many_of_one_kind_are_counted),
        cmocka_unit_test(what_only_some_have_is_named),
        cmocka_unit_test(changes_that_tell_nothing_are_marked),
        cmocka_unit_test(the_table_for_files_has_every_figure),
        cmocka_unit_test(chases_share_their_charts),
        cmocka_unit_test(several_experiments_stand_under_headings),
        cmocka_unit_test(one_result_is_what_its_command_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
