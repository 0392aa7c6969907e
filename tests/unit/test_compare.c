/* result/compare.h: changes are what was put in, intervals come from the samples of both files, and what
 * cannot be said is not. */
#include "cmocka_all.h"

#include "event/event_kind.h"
#include "result/compare.h"
#include "result/figures.h"
#include "test_report_synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A made-up result with all samples multiplied, guests' by `guest`, native ones by `native`, and with the
 * figures of these samples. */
static struct result result_of(double native, double guest, unsigned placements)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    recipe.last_bytes = 65536;
    recipe.placements = placements;
    synthetic_result(&recipe, &result);
    for (size_t i = 0; i < result.cell_count; i++) {
        struct result_cell *cell = &result.cells[i];
        for (size_t k = 0; k < cell->sample_count; k++)
            cell->samples[k].ns *= cell->cell.guest_page_bytes ? guest : native;
        assert_int_equal(figures_set_cell(cell), 0);
    }
    for (size_t i = 0; i < result.comparison_count; i++) {
        struct result_comparison *each = &result.comparisons[i];
        assert_int_equal(
            figures_set_comparison(&result.cells[each->cell], &result.cells[each->baseline], each), 0);
    }
    return result;
}

static int make(const struct result files[2], const char *only, struct compare *compare, struct error *error)
{
    const struct compare_input inputs[] = {{"a.json", &files[0]}, {"b.json", &files[1]}};
    return compare_make(inputs, 2, only, compare, error);
}

static struct compare compare_two(const struct result files[2], const char *only)
{
    struct compare compare;
    struct error error;
    if (make(files, only, &compare, &error))
        fail_msg("%s", error.text);
    return compare;
}

/* How many changes may be none. */
static size_t untold(const struct compare *compare, enum metric metric)
{
    struct ratios ratios = compare_count(compare, metric, 1).ratios;
    return ratios.all - ratios.slower - ratios.faster;
}

static void free_two(struct compare *compare, struct result files[2])
{
    compare_free(compare);
    result_free(&files[0]);
    result_free(&files[1]);
}

static void a_result_against_itself_has_the_ratio_1_everywhere(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1, 1, 4)};
    struct compare compare = compare_two(files, NULL);
    (void)state;
    for (enum metric metric = 0; metric < METRICS; metric++) {
        const struct compared_rows *rows = &compare.metrics[metric];
        assert_true(rows->count >= 5);
        for (size_t i = 0; i < rows->count; i++) {
            const struct compared_change *other = &rows->rows[i].changes[1];
            assert_true(other->ratio == 1 && other->low < 1 && other->high > 1);
            assert_int_equal(other->placements[0], 4);
            assert_null(other->reason);
        }
        assert_int_equal(untold(&compare, metric), rows->count);
    }
    assert_int_equal(compare.difference_count + compare.absence_count, 0);
    free_two(&compare, files);
}

static void a_slower_machine_changes_times_and_no_slowdown(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1.2, 1.2, 4)};
    struct compare compare = compare_two(files, NULL);
    struct compared_tally times = compare_count(&compare, METRIC_TIME, 1);
    size_t file;
    (void)state;
    assert_int_equal(times.ratios.slower, compare.metrics[METRIC_TIME].count);
    assert_float_equal(times.most->changes[1].ratio, 1.2, 1e-9);
    assert_int_equal(untold(&compare, METRIC_SLOWDOWN), compare.metrics[METRIC_SLOWDOWN].count);
    const struct compared_change *worst = &compare_worst(&compare, METRIC_TIME, &file)->changes[1];
    assert_int_equal(file, 1);
    assert_true(worst->low > 1.15 && worst->low < 1.2 && worst->high > 1.2);
    assert_int_equal(compare_above(&compare, METRIC_TIME, 15), compare.metrics[METRIC_TIME].count);
    assert_int_equal(compare_above(&compare, METRIC_TIME, 20), 0); /* the low end is below */
    free_two(&compare, files);
}

static void slower_guests_change_slowdowns_and_no_native_time(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1, 1.5, 4)};
    struct compare compare = compare_two(files, NULL);
    struct compared_tally times = compare_count(&compare, METRIC_TIME, 1);
    (void)state;
    assert_int_equal(times.ratios.slower, untold(&compare, METRIC_TIME));
    assert_int_equal(
        compare_count(&compare, METRIC_SLOWDOWN, 1).ratios.slower, compare.metrics[METRIC_SLOWDOWN].count);
    free_two(&compare, files);
}

static void one_placement_gives_a_change_and_no_interval(void **state)
{
    struct result files[] = {result_of(1, 1, 1), result_of(2, 2, 4)};
    struct compare compare = compare_two(files, NULL);
    const struct compared_change *other = &compare.metrics[METRIC_TIME].rows[0].changes[1];
    size_t file;
    (void)state;
    assert_true(fabs(other->ratio - 2) < 0.1 && isnan(other->low) && isnan(other->high));
    assert_non_null(strstr(other->reason, "two placements"));
    assert_null(compare_worst(&compare, METRIC_TIME, &file));
    assert_int_equal(compare_above(&compare, METRIC_TIME, 0), 0);
    free_two(&compare, files);
}

/* Samples that have nothing to do with the figure must not lend it an interval. */
static void a_figure_that_is_not_of_its_samples_has_no_interval(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1, 1, 4)};
    (void)state;
    files[1].cells[0].median *= 3;
    struct compare compare = compare_two(files, NULL);
    const struct compared_change *other = &compare.metrics[METRIC_TIME].rows[0].changes[1];
    assert_true(fabs(other->ratio - 3) < 1e-9 && isnan(other->low));
    assert_non_null(strstr(other->reason, "samples"));
    free_two(&compare, files);
}

static void disturbed_samples_do_not_count_where_there_are_others(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1, 1, 4)};
    struct result_cell *cell = &files[1].cells[0];
    (void)state;
    for (size_t i = 0; i < cell->sample_count; i++)
        if (i % 6 > 2) {
            cell->samples[i].ns *= 50;
            cell->samples[i].disturbed = DISTURBED_STEAL;
        }
    struct compare compare = compare_two(files, NULL);
    const struct compared_change *other = &compare.metrics[METRIC_TIME].rows[0].changes[1];
    assert_true(other->low > 0.9 && other->high < 1.1);
    free_two(&compare, files);
}

/* As a process on the measured CPU leaves it. */
static void disturb(struct result *result, size_t first_comparison)
{
    for (size_t i = first_comparison; i < result->comparison_count; i++) {
        struct result_comparison *each = &result->comparisons[i];
        struct result_cell *cell = &result->cells[each->cell];
        for (size_t k = 0; k < cell->sample_count; k++)
            cell->samples[k].disturbed = DISTURBED_PREEMPTED;
        assert_int_equal(figures_set_comparison(cell, &result->cells[each->baseline], each), 0);
    }
}

static void of_disturbed_slowdowns_nothing_is_concluded(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1, 1.5, 4)};
    (void)state;
    disturb(&files[1], 1);
    struct compare compare = compare_two(files, NULL);
    const struct compared_rows *rows = &compare.metrics[METRIC_SLOWDOWN];
    assert_true(rows->rows[0].changes[1].low > 1.4 && !rows->rows[0].changes[1].disturbed);
    for (size_t i = 1; i < rows->count; i++) {
        const struct compared_change *change = &rows->rows[i].changes[1];
        assert_true(change->disturbed && isnan(change->ratio) && isnan(rows->rows[i].values[1].value));
        assert_non_null(strstr(change->reason, "disturbed"));
    }
    struct ratios ratios = compare_count(&compare, METRIC_SLOWDOWN, 1).ratios;
    assert_int_equal(ratios.all, rows->count);
    assert_true(ratios_disturbed(&ratios) && !ratios_slower(&ratios));
    free_two(&compare, files);
}

/* Version 0.1.0 made ratios of disturbed pairs too. */
static void a_slowdown_that_contradicts_its_times_is_not_compared(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1, 1, 4)};
    struct result_comparison *each = &files[1].comparisons[0];
    (void)state;
    each->ratio *= 2.4;
    each->low *= 2;
    each->high *= 3;
    struct compare compare = compare_two(files, NULL);
    const struct compared_change *change = &compare.metrics[METRIC_SLOWDOWN].rows[0].changes[1];
    assert_true(change->disturbed && isnan(change->ratio));
    assert_non_null(strstr(change->reason, "contradict"));
    free_two(&compare, files);
}

static void figures_that_are_not_above_0_have_no_ratio(void **state)
{
    struct result files[] = {result_of(1, 1, 4), result_of(1, 1, 4)};
    (void)state;
    files[0].cells[0].median = 0;
    files[1].cells[1].median = NAN;
    struct compare compare = compare_two(files, NULL);
    const struct compared_row *rows = compare.metrics[METRIC_TIME].rows;
    assert_true(isnan(rows[0].changes[1].ratio) && strstr(rows[0].changes[1].reason, "not above 0"));
    assert_true(isnan(rows[1].changes[1].ratio) && strstr(rows[1].changes[1].reason, "no figure"));
    assert_int_equal(compare_count(&compare, METRIC_TIME, 1).unjudged, 2);
    free_two(&compare, files);
}

static void one_id_for_different_things_is_refused(void **state)
{
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    struct compare compare;
    struct error error;
    (void)state;
    files[1].cells[2].unit = "cycles";
    assert_int_equal(make(files, NULL, &compare, &error), -EINVAL);
    assert_non_null(strstr(error.text, "is measured in ns in one and in cycles in the other"));
    files[1].cells[2].unit = NULL;
    files[1].cells[2].cell.workload = event_named("copy", 0, NULL);
    assert_int_equal(make(files, NULL, &compare, &error), -EINVAL);
    assert_non_null(strstr(error.text, "is the workload \"chase\" in one and \"copy\" in the other"));
    result_free(&files[0]);
    result_free(&files[1]);
}

static void only_several_and_not_too_many_can_be_compared(void **state)
{
    struct result result = result_of(1, 1, 2);
    struct compare_input inputs[COMPARE_FILES_MAX + 1];
    struct compare compare;
    struct error error;
    (void)state;
    for (size_t i = 0; i <= COMPARE_FILES_MAX; i++)
        inputs[i] = (struct compare_input){"a.json", &result};
    assert_int_equal(compare_make(inputs, 1, NULL, &compare, &error), -EINVAL);
    assert_int_equal(compare_make(inputs, COMPARE_FILES_MAX + 1, NULL, &compare, &error), -EINVAL);
    assert_int_equal(compare_make(inputs, COMPARE_FILES_MAX, NULL, &compare, &error), 0);
    assert_int_equal(compare.metrics[METRIC_TIME].count, result.cell_count);
    compare_free(&compare);
    result_free(&result);
}

static void a_pattern_chooses_cells(void **state)
{
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    struct compare compare = compare_two(files, "chase/kvm/*/8192/*");
    struct error error;
    (void)state;
    assert_int_equal(compare.metrics[METRIC_TIME].count, 1);
    assert_int_equal(compare.metrics[METRIC_SLOWDOWN].count, 1);
    compare_free(&compare);
    assert_int_equal(make(files, "nothing*", &compare, &error), -EINVAL);
    assert_non_null(strstr(error.text, "\"nothing*\""));
    result_free(&files[0]);
    result_free(&files[1]);
}

static void cells_that_only_one_has_are_found(void **state)
{
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    (void)state;
    const char *id = files[0].cells[--files[1].cell_count].id;
    free(files[1].cells[files[1].cell_count].samples);
    files[1].comparison_count--;
    struct compare compare = compare_two(files, NULL);
    assert_int_equal(compare.absence_count, 1);
    assert_string_equal(compare.absences[0].id, id);
    assert_true(compare.absences[0].has[0] && !compare.absences[0].has[1]);
    assert_int_equal(compare.metrics[METRIC_TIME].count, files[1].cell_count);
    free_two(&compare, files);
}

/* ---- what else differs ---- */

static const struct difference *difference(const struct compare *compare, const char *name, const char *key)
{
    for (size_t i = 0; i < compare->difference_count; i++) {
        const struct difference *each = &compare->differences[i];
        if (!strcmp(each->name, name) && !strcmp(each->key ? each->key : "", key))
            return each;
    }
    return NULL;
}

/* What both files tell, as people read it: "A|B", with "-" for what is not told; NULL: no difference. */
static const char *told(const struct compare *compare, const char *name, const char *key)
{
    static char text[512];
    const struct difference *found = difference(compare, name, key);
    if (!found)
        return NULL;
    snprintf(text, sizeof text, "%s|%s", found->told[0] ? found->told[0] : "-",
        found->told[1] ? found->told[1] : "-");
    return text;
}

static void facts_about_machines_are_compared(void **state)
{
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    struct host *host = &files[1].host;
    (void)state;
    host->cpu.brand = fact_known("AMD EPYC 7B99");
    host->cpu.stepping = 2;
    host->cpu.microcode = fact_known("0xa0011d5"); /* the first file does not tell */
    host->memory_bytes = UINT64_C(16) << 30;
    host->is_guest = false;
    host->guest_of = fact_unknown("CPUID tells of no hypervisor");
    strcpy(host->cpu.features, "fpu  sse2");
    strcpy(host->mitigations[0].text, "Vulnerable");
    strcpy(host->mitigations[1].name, "mds");
    strcpy(host->mitigations[1].text, "Not affected");
    host->mitigation_count = 2;
    struct compare compare = compare_two(files, NULL);
    assert_string_equal(told(&compare, "CPU", ""), "AMD EPYC 7B13|AMD EPYC 7B99");
    assert_string_equal(told(&compare, "CPU stepping", ""), "0|2");
    assert_string_equal(told(&compare, "microcode", ""), "-|0xa0011d5");
    assert_string_equal(told(&compare, "memory", ""), "8 GiB|16 GiB");
    assert_string_equal(told(&compare, "native is itself a guest", ""), "yes|no");
    assert_string_equal(told(&compare, "hypervisor below", ""), "kvm|-");
    assert_string_equal(told(&compare, "number of CPU features", ""), "3|2");
    assert_string_equal(told(&compare, "mitigation", "spectre_v2"), "Mitigation: Retpolines|Vulnerable");
    assert_string_equal(told(&compare, "mitigation", "mds"), "-|Not affected");
    assert_int_equal(compare.difference_count, 9);
    /* of one kind, what both tell comes first */
    assert_true(difference(&compare, "mitigation", "spectre_v2") < difference(&compare, "mitigation", "mds"));
    free_two(&compare, files);
}

static void what_three_digits_do_not_show_is_no_difference(void **state)
{
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    (void)state;
    files[0].host.memory_bytes = 8123456789;
    files[1].host.memory_bytes = 8123556789;
    struct compare compare = compare_two(files, NULL);
    assert_int_equal(compare.difference_count, 0);
    compare_free(&compare);
    files[1].host.memory_bytes = 8223456789;
    compare = compare_two(files, NULL);
    assert_string_equal(told(&compare, "memory", ""), "7.57 GiB|7.66 GiB");
    free_two(&compare, files);
}

static struct finding *finding_of(struct result *result, const char *name)
{
    for (size_t i = 0; i < result->findings.count; i++)
        if (!strcmp(result->findings.items[i].name, name))
            return &result->findings.items[i];
    return NULL;
}

/* Figures that were measured, or concluded from such, are compared by their cells, which have samples. */
static void findings_are_facts_unless_they_are_measured_figures(void **state)
{
    static const struct {
        const char *key, *told;
    } facts[] = {{"smt", "off|-"}, {"tlb-entries L2 4K", "2048|-"}, {"cache-bytes L1d", "32 KiB|-"},
        {"memory", "512 GiB|-"}, {"guest", "yes|-"}, {"splintered", "partly|-"}};
    static const char *const none[] = {"steal", "tlb-reach L2 4K", "slower",
        "clock-resolution" /* a detail */, "dedicated-cpus" /* not known there */};
    struct result files[2];
    (void)state;
    synthetic_inspect(&files[0]);
    synthetic_inspect(&files[1]);
    files[1].findings.items[0] = *finding_of(&files[1], "clock-source");
    files[1].findings.count = 1;
    struct compare compare = compare_two(files, NULL);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        assert_string_equal(told(&compare, "finding", facts[i].key), facts[i].told);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(difference(&compare, "finding", none[i]));
    free_two(&compare, files);
}

static void inspections_that_found_something_else_differ_in_it(void **state)
{
    struct result files[2];
    (void)state;
    synthetic_inspect(&files[0]);
    synthetic_inspect(&files[1]);
    finding_of(&files[1], "splintered")->number = 0;
    finding_of(&files[1], "splintered")->value = fact_known("%s", "");
    finding_of(&files[1], "tlb-entries")->number = 1536;
    finding_of(&files[1], "steal")->number = 0.5;
    finding_of(&files[1], "clock-source")->value = fact_unknown("hidden");
    struct compare compare = compare_two(files, NULL);
    assert_string_equal(told(&compare, "finding", "splintered"), "partly|no");
    assert_string_equal(told(&compare, "finding", "tlb-entries L2 4K"), "2048|1536");
    assert_string_equal(told(&compare, "finding", "clock-source"), "kvm-clock|-");
    assert_int_equal(compare.difference_count, 3);
    assert_int_equal(compare.metrics[METRIC_TIME].count, files[0].cell_count);
    free_two(&compare, files);
}

static void findings_are_compared_of_inspections_alone(void **state)
{
    struct result files[2];
    (void)state;
    synthetic_inspect(&files[0]);
    synthetic_inspect(&files[1]);
    findings_free(&files[1].findings);
    files[1].experiment = "events";
    struct compare compare = compare_two(files, NULL);
    assert_string_equal(told(&compare, "experiment", ""), "inspect|events");
    assert_int_equal(compare.difference_count, 1);
    free_two(&compare, files);
}

/* A file that tells a thing twice differs from itself in nothing. */
static void what_is_told_twice_counts_once(void **state)
{
    struct result files[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        synthetic_inspect(&files[i]);
        struct finding again = *finding_of(&files[i], "tlb-entries");
        again.number = 7;
        assert_int_equal(findings_add(&files[i].findings, &again, NULL), 0);
    }
    struct compare compare = compare_two(files, NULL);
    assert_int_equal(compare.difference_count, 0);
    free_two(&compare, files);
}

/* ---- settings ---- */

static void commands_without_settings_are_compared_by_their_words(void **state)
{
    static const struct {
        const char *words[8], *told; /* NULL: no difference */
    } cases[] = {
        {{"/usr/bin/vcost", "chase", "--quick"}, NULL},
        {{"vcost", "chase", "--cpu", "1"}, "chase --quick|chase --cpu 1"},
        {{"vcost", "chase"}, "chase --quick|chase"},
    };
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int count = 0;
        while (count < 8 && cases[i].words[count])
            count++;
        assert_int_equal(result_set_command(&files[1], count, (char *const *)cases[i].words, NULL), 0);
        struct compare compare = compare_two(files, NULL);
        if (cases[i].told)
            assert_string_equal(told(&compare, "settings", ""), cases[i].told);
        assert_int_equal(compare.difference_count, cases[i].told != NULL);
        compare_free(&compare);
    }
    result_free(&files[0]);
    result_free(&files[1]);
}

static void settings_are_compared_one_by_one(void **state)
{
    static struct result_setting first[] = {
        {"working-set", "4K..1G", true}, {"lock", "no", true}, {"cpu", "", true}};
    static struct result_setting second[] = {{"working-set", "4K..256M", false}, {"lock", "no", true},
        {"cpu", "3", false}, {"turbo", "off", true}, {"heat", "hot", false}};
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    (void)state;
    files[0].settings = first;
    files[0].setting_count = 3;
    files[1].settings = second;
    files[1].setting_count = 5;
    files[1].command_count = 1; /* words do not count then */
    struct compare compare = compare_two(files, NULL);
    assert_string_equal(told(&compare, "setting", "working-set"), "4K..1G|4K..256M");
    assert_string_equal(told(&compare, "setting", "cpu"), "none|3");
    assert_string_equal(told(&compare, "setting", "heat"), "-|hot"); /* an option that the first has not */
    assert_int_equal(compare.difference_count, 3); /* "turbo", which the first has not, is at its default */
    compare_free(&compare);
    files[0].settings = files[1].settings = NULL;
    free_two(&compare, files);
}

/* One file with settings and one without: what did not change is no difference. */
static void a_file_without_settings_is_compared_by_words(void **state)
{
    static struct result_setting settings[] = {{"working-set", "4K..1G", true}};
    struct result files[] = {result_of(1, 1, 2), result_of(1, 1, 2)};
    (void)state;
    files[1].settings = settings;
    files[1].setting_count = 1;
    struct compare compare = compare_two(files, NULL);
    assert_int_equal(compare.difference_count, 0);
    files[1].settings = NULL;
    free_two(&compare, files);
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
        cmocka_unit_test(of_disturbed_slowdowns_nothing_is_concluded),
        cmocka_unit_test(a_slowdown_that_contradicts_its_times_is_not_compared),
        cmocka_unit_test(figures_that_are_not_above_0_have_no_ratio),
        cmocka_unit_test(one_id_for_different_things_is_refused),
        cmocka_unit_test(only_several_and_not_too_many_can_be_compared),
        cmocka_unit_test(a_pattern_chooses_cells),
        cmocka_unit_test(cells_that_only_one_has_are_found),
        cmocka_unit_test(facts_about_machines_are_compared),
        cmocka_unit_test(what_three_digits_do_not_show_is_no_difference),
        cmocka_unit_test(findings_are_facts_unless_they_are_measured_figures),
        cmocka_unit_test(inspections_that_found_something_else_differ_in_it),
        cmocka_unit_test(findings_are_compared_of_inspections_alone),
        cmocka_unit_test(what_is_told_twice_counts_once),
        cmocka_unit_test(commands_without_settings_are_compared_by_their_words),
        cmocka_unit_test(settings_are_compared_one_by_one),
        cmocka_unit_test(a_file_without_settings_is_compared_by_words),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
