/* report/terminal.h with its parts (table, notes, plots, summary): right for any set of runners, inside the
 * width, and no sentence that the numbers do not support. */
#include "cmocka_all.h"

#include "report/curves.h"
#include "report/plot.h"
#include "report/summary.h"
#include "report/table.h"
#include "report/terminal.h"
#include "report/text.h"
#include "test_report_synthetic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef int (*writer)(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error);

static const struct report_style usual_style = {.utf8 = true, .columns = 80}, ascii_style = {.columns = 80};

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *text_of(
    writer write, const struct result *result, const struct report_style *style)
{
    char *text = NULL;
    size_t size = 0;
    struct curves curves;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(curves_from_result(result, &curves, NULL), 0);
    assert_int_equal(write(result, &curves, stream, style, NULL), 0);
    curves_free(&curves);
    fclose(stream);
    return text;
}

__attribute__((noinline)) static char *whole_text(
    const struct result *result, const struct report_style *style)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(terminal_write(result, stream, style, NULL), 0);
    fclose(stream);
    return text;
}

/* Recipes that between them have every shape of result. */
static struct synthetic recipe_of(size_t number)
{
    struct synthetic recipe = synthetic_usual();
    recipe.step = 2;
    if (number == 1)
        recipe.monitors[1] = NULL;
    if (number == 2)
        recipe = (struct synthetic){.monitors = {"kvm"},
            .order_count = 1,
            .first_bytes = 4096,
            .last_bytes = 4096,
            .step = 1,
            .noise = 0.2,
            .placements = 3,
            .page_pairs = 1};
    if (number == 3) {
        recipe.monitors[2] = "paravirt";
        recipe.monitors[3] = "shadow";
        recipe.order_count = 5;
        recipe.page_pairs = 2;
    }
    if (number == 4)
        recipe.blemishes = true;
    if (number == 5)
        recipe.placements = 1;
    if (number == 6)
        recipe.noise = 0.5;
    if (number == 7) {
        recipe.step = 1;
        recipe.reaches = true;
    }
    return recipe;
}
enum { RECIPES = 8 };

static void assert_inside(const char *text, unsigned columns, bool ascii)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *one = strndup(line, length);
        if (text_columns(one) > columns)
            fail_msg("%u columns, but: %s", columns, one);
        for (size_t i = 0; ascii && i < length; i++)
            assert_true(one[i] >= ' ' && one[i] < 127);
        assert_true(!length || one[length - 1] != ' ');
        free(one);
        line += length + (line[length] != 0);
    }
}

/* Titles of more than one column may be wider than 40; plots never. */
static void plots_stay_inside_the_width_in_any_codeset(void **state)
{
    static const writer plots[] = {plot_slowdown, plot_latency};
    (void)state;
    for (size_t i = 0; i < RECIPES; i++) {
        struct synthetic recipe = recipe_of(i);
        struct result result;
        synthetic_result(&recipe, &result);
        for (unsigned columns = 40; columns <= 200; columns += 20)
            for (int ascii = 0; ascii < 2; ascii++)
                for (size_t p = 0; p < 2; p++) {
                    char *text = text_of(
                        plots[p], &result, &(struct report_style){.utf8 = !ascii, .columns = columns});
                    assert_inside(text, columns, ascii);
                    free(text);
                }
        result_free(&result);
    }
}

static void the_whole_report_fits_eighty_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPES; i++) {
        struct synthetic recipe = recipe_of(i);
        struct result result;
        synthetic_result(&recipe, &result);
        char *text = whole_text(&result, &usual_style);
        assert_inside(text, 80, false);
        free(text);
        text = whole_text(&result, &ascii_style);
        assert_inside(text, 80, true);
        free(text);
        result_free(&result);
    }
}

static void an_empty_result_is_reported_without_a_number(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.order_count = 0;
    synthetic_result(&recipe, &result);
    char *text = whole_text(&result, &usual_style);
    assert_null(strstr(text, "slowdown"));
    assert_null(strstr(text, "nan"));
    free(text);
    result_free(&result);
}

/* Where the last character of the given column's cells stands, in every line that has one. */
static void assert_aligned(const char *table, const char *mark)
{
    size_t where = 0;
    for (const char *line = table; *line;) {
        size_t length = strcspn(line, "\n");
        char *one = strndup(line, length), *found = strstr(one, mark);
        if (found && strstr(one, "iB ")) {
            *found = 0;
            size_t column = text_columns(one);
            assert_true(!where || where == column);
            where = column;
        }
        free(one);
        line += length + (line[length] != 0);
    }
    assert_true(where > 0);
}

/* The heads and all rows end in the same column. */
static void assert_right_edge(const char *table)
{
    size_t edge = 0;
    for (const char *line = strstr(table, "working set"); *line != '\n';) {
        size_t length = strcspn(line, "\n");
        char *one = strndup(line, length);
        assert_true(!edge || edge == text_columns(one));
        edge = text_columns(one);
        free(one);
        line += length + 1;
    }
}

static void numbers_of_a_column_are_aligned_in_any_codeset(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    char *text = text_of(table_write, &result, &usual_style);
    assert_aligned(text, "…");
    assert_aligned(text, "%");
    assert_right_edge(text);
    free(text);
    text = text_of(table_write, &result, &ascii_style);
    assert_aligned(text, "..");
    free(text);
    result_free(&result);
}

static void a_table_that_is_too_wide_goes_on_below(void **state)
{
    struct synthetic recipe = recipe_of(3);
    struct result result;
    (void)state;
    recipe.order_count = 1;
    recipe.page_pairs = 1;
    synthetic_result(&recipe, &result);
    char *narrow = text_of(table_write, &result, &(struct report_style){.utf8 = true, .columns = 60});
    char *wide = text_of(table_write, &result, &(struct report_style){.utf8 = true, .columns = 0});
    assert_non_null(strstr(strstr(narrow, "working set") + 1, "working set"));
    assert_null(strstr(strstr(wide, "working set") + 1, "working set"));
    free(narrow);
    free(wide);
    result_free(&result);
}

static void marks_are_explained_only_if_they_are_used(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    char *text = text_of(table_write, &result, &usual_style);
    assert_null(strstr(text, "noisy"));
    assert_null(strstr(text, "~"));
    free(text);
    result_free(&result);
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    text = text_of(table_write, &result, &usual_style);
    assert_non_null(strstr(text, "~ noisy"));
    assert_non_null(strstr(text, "- kvm (shadow, PVM) at 1 GiB: stopped before its first sample"));
    free(text);
    result_free(&result);
}

static void colour_is_written_only_if_told(void **state)
{
    struct synthetic recipe = recipe_of(4);
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    char *plain = whole_text(&result, &usual_style);
    char *colored = whole_text(&result, &(struct report_style){.utf8 = true, .columns = 80, .color = true});
    assert_null(strchr(plain, '\033'));
    assert_non_null(strchr(colored, '\033'));
    free(plain);
    free(colored);
    result_free(&result);
}

/* The host's own words must not reach the terminal as control sequences. */
static void a_hostile_brand_string_is_harmless(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    result.host.cpu.brand = fact_known("evil\033]0;title\007 CPU");
    result.host.guest_of = fact_known("\033[2J");
    char *text = whole_text(&result, &usual_style);
    assert_null(strpbrk(text, "\033\007"));
    free(text);
    result_free(&result);
}

/* One comparison with the given interval; the summary that comes of it. */
static char *summary_for(double ratio, double low, double high)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    recipe.first_bytes = recipe.last_bytes = 64 << 20;
    synthetic_result(&recipe, &result);
    result.comparisons[0] = (struct result_comparison){
        .cell = 1, .baseline = 0, .ratio = ratio, .low = low, .high = high, .placements = 4};
    char *text = text_of(summary_write, &result, &(struct report_style){.utf8 = true});
    result_free(&result);
    return text;
}

static void the_summary_says_what_the_interval_says(void **state)
{
    static const struct {
        double ratio, low, high;
        const char *has, *has_not;
    } cases[] = {
        {1.012, 1.004, 1.02,
            "a random walk over 64 MiB costs +1.2 % over native (95 % interval +0.4 … +2.0 %).",
            "no difference"},
        {1.012, 0.999, 1.02, "no difference from native can be told", "costs"},
        {1.012, 1.0, 1.02, "no difference from native can be told", "costs"},
        {0.95, 0.94, 0.96, "is faster than native: -5.0 % (95 % interval -6.0 … -4.0 %).", "costs"},
        {1.2, NAN, NAN, "that has no interval and may be chance", "costs"},
        {1.012, 0.999, 1.02, "Native here is itself a KVM guest", "+1.2 %"},
        {NAN, NAN, NAN, "nothing was compared", "nan"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = summary_for(cases[i].ratio, cases[i].low, cases[i].high);
        if (!strstr(text, cases[i].has) || strstr(text, cases[i].has_not))
            fail_msg("case %zu: %s", i, text);
        free(text);
    }
}

/* The summary where the slowdowns of 16, 32 and 64 MiB, all of 10 %, have intervals of these halves. */
static char *summary_of_halves(const double halves[3])
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    recipe.first_bytes = 16 << 20;
    recipe.last_bytes = 64 << 20;
    recipe.step = 1;
    synthetic_result(&recipe, &result);
    assert_int_equal(result.comparison_count, 3);
    for (size_t i = 0; i < result.comparison_count; i++) {
        struct result_comparison *found = &result.comparisons[i];
        uint64_t bytes = result.cells[found->cell].cell.chase.working_set_bytes;
        double half = halves[bytes == 16 << 20 ? 0 : bytes == 32 << 20 ? 1 : 2];
        found->ratio = 1.1;
        found->low = 1.1 * (1 - half);
        found->high = 1.1 * (1 + half);
    }
    char *text = text_of(summary_write, &result, &(struct report_style){.utf8 = true});
    result_free(&result);
    return text;
}

static void the_headline_is_about_the_largest_working_set_that_is_known_well(void **state)
{
    static const struct {
        double halves[3];
        const char *headline, *choice; /* NULL: no word about it */
    } cases[] = {
        {{0.01, 0.01, 0.01}, "walk over 64 MiB costs", NULL},
        {{0.01, 0.01, 0.08}, "walk over 32 MiB costs",
            "at 64 MiB it came out at +10.0 % (95 % interval +1.2"},
        {{0.01, 0.30, NAN}, "walk over 16 MiB costs",
            "at 64 MiB it came out at +10.0 % (without an interval)"},
        {{0.30, 0.30, 0.08}, "walk over 64 MiB costs", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = summary_of_halves(cases[i].halves);
        for (char *c = text; *c; c++)
            *c = *c == '\n' ? ' ' : *c;
        const char *choice = cases[i].choice ? cases[i].choice : cases[i].headline;
        if (!strstr(text, cases[i].headline) || !strstr(text, choice) ||
            !strstr(text, "is the largest working set whose") != !cases[i].choice)
            fail_msg("case %zu: %s", i, text);
        free(text);
    }
}

static void the_largest_slowdown_is_named_unless_it_was_already(void **state)
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    char *text = text_of(summary_write, &result, &(struct report_style){.utf8 = true});
    assert_null(strstr(text, "The largest slowdown")); /* it is at 1 GiB, which has the headline */
    free(text);
    result.comparisons[3].ratio = 1.5;
    result.comparisons[3].low = 1.4;
    result.comparisons[3].high = 1.6;
    result.comparisons[5].ratio = 9; /* larger, but not told from zero */
    result.comparisons[5].low = 0.5;
    result.comparisons[5].high = 20;
    text = text_of(summary_write, &result, &(struct report_style){.utf8 = true});
    assert_non_null(strstr(text, "The largest slowdown that is told from zero is +50.0 % at 256 KiB"));
    free(text);
    result_free(&result);
}

static void the_summary_owns_up_to_what_is_missing(void **state)
{
    struct synthetic recipe = recipe_of(4);
    struct result result;
    const struct report_style wide = {.utf8 = true};
    (void)state;
    synthetic_result(&recipe, &result);
    char *text = text_of(summary_write, &result, &wide);
    assert_non_null(strstr(text, "incomplete: stopped by the user."));
    assert_non_null(strstr(text, "1 noisy, 1 interrupted, 1 without any sample of 20 cells."));
    assert_non_null(strstr(text, "more were disturbed and taken again"));
    free(text);
    result_free(&result);
}

/* The summary in one line, of cells that were spoilt by hand. */
static char *summary_of_shapes(void (*spoil)(struct result *result))
{
    struct synthetic recipe = recipe_of(0);
    struct result result;
    synthetic_result(&recipe, &result);
    spoil(&result);
    char *text = text_of(summary_write, &result, &(struct report_style){.utf8 = true});
    for (char *c = text; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    result_free(&result);
    return text;
}

static void nothing(struct result *result)
{
    (void)result;
}

/* Rising with the cell: the last ones are named, the largest first. */
static void five_of_each(struct result *result)
{
    for (size_t i = 0; i < 5; i++) {
        result->cells[i].modes = (struct modes){true, i == 0, 10, 11 + (double)i, 0.25};
        result->cells[i].trend_percent = 10 + (double)i;
    }
    result->cells[4].drift_percent = -14;
}

static void modes_and_drift_are_told_in_words(void **state)
{
    (void)state;
    char *text = summary_of_shapes(nothing);
    assert_null(strstr(text, "two groups"));
    assert_null(strstr(text, "rise or fall"));
    free(text);
    text = summary_of_shapes(five_of_each);
    const char *samples = strstr(text, "cells samples fall into two groups");
    const char *placements = strstr(text, "cells placements fall into two groups");
    const char *trends = strstr(text, "from the first of a placement to its last");
    assert_non_null(strstr(text, "In 4 of "));
    assert_non_null(samples);
    assert_non_null(strstr(samples, "native at 64 KiB (10.0 ns, and 15.0 ns in 25 %); "));
    assert_non_null(strstr(samples, "; and 1 more. Something comes and goes"));
    assert_non_null(placements);
    assert_non_null(strstr(placements, "native at 4 KiB (10.0 ns, and 11.0 ns in 25 %). There it matters"));
    assert_non_null(trends);
    assert_true(strstr(trends, "(+14.0 %)") < strstr(trends, "(+13.0 %)"));
    assert_non_null(strstr(text, "to the last: native at 64 KiB (-14.0 %). Ratios"));
    free(text);
}

static void without_kvm_the_summary_says_why(void **state)
{
    struct synthetic recipe = recipe_of(1);
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    result.monitors[0] =
        (struct monitor_facts){.name = "kvm", .reason = "/dev/kvm is not there; load the kvm module"};
    char *text = text_of(summary_write, &result, &(struct report_style){.utf8 = true});
    assert_non_null(strstr(text, "KVM cannot be used here: /dev/kvm is not there; load the kvm module."));
    assert_null(strstr(text, "costs"));
    free(text);
    result_free(&result);
}

/* The line that starts with `title`; the caller's. */
static char *line_of(const char *text, const char *title)
{
    const char *line = text;
    while (strncmp(line, title, strlen(title)) != 0) {
        line = strchr(line, '\n');
        assert_non_null(line);
        line++;
    }
    return strndup(line, strcspn(line, "\n"));
}

static ptrdiff_t column_in(const char *line, const char *word)
{
    const char *found = strstr(line, word);
    assert_non_null(found);
    return found - line;
}

static void reaches_are_marked_apart_from_told_sizes(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.reaches = true;
    synthetic_result(&recipe, &result);
    char *text = whole_text(&result, &ascii_style);
    char *measured = line_of(text, "measured"), *told = line_of(text, "CPUID");
    assert_int_equal(column_in(measured, "^L1d"), column_in(told, "'L1d")); /* both 32 KiB */
    assert_true(column_in(measured, "^L3") < column_in(told, "'L3"));       /* 4 MiB of 32 */
    assert_true(column_in(measured, "^?") > column_in(told, "'L3"));
    free(measured);
    free(told);
    free(text);
    text = whole_text(&result, &(struct report_style){.utf8 = true});
    assert_non_null(strstr(text, "L1d up to 32 KiB (CPUID says 32 KiB); L3 up to 4 MiB of the 32 MiB that "
                                 "CPUID says; a step after 256 MiB, from"));
    free(text);
    result_free(&result);
}

static void without_reaches_none_is_claimed(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    char *text = whole_text(&result, &ascii_style);
    assert_null(strstr(text, "easured"));
    assert_non_null(strstr(text, "\nCPUID "));
    free(text);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plots_stay_inside_the_width_in_any_codeset),
        cmocka_unit_test(the_whole_report_fits_eighty_columns),
        cmocka_unit_test(an_empty_result_is_reported_without_a_number),
        cmocka_unit_test(numbers_of_a_column_are_aligned_in_any_codeset),
        cmocka_unit_test(a_table_that_is_too_wide_goes_on_below),
        cmocka_unit_test(marks_are_explained_only_if_they_are_used),
        cmocka_unit_test(colour_is_written_only_if_told),
        cmocka_unit_test(a_hostile_brand_string_is_harmless),
        cmocka_unit_test(the_summary_says_what_the_interval_says),
        cmocka_unit_test(the_headline_is_about_the_largest_working_set_that_is_known_well),
        cmocka_unit_test(the_largest_slowdown_is_named_unless_it_was_already),
        cmocka_unit_test(the_summary_owns_up_to_what_is_missing),
        cmocka_unit_test(modes_and_drift_are_told_in_words),
        cmocka_unit_test(without_kvm_the_summary_says_why),
        cmocka_unit_test(reaches_are_marked_apart_from_told_sizes),
        cmocka_unit_test(without_reaches_none_is_claimed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
