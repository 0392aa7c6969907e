/* report/chart_terminal.h: pictures that stay inside the width in any codeset and show what the chart says.
 */
#include "cmocka_all.h"

#include "base/clean.h"
#include "report/document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct report_style usual = {.utf8 = true, .columns = 80}, ascii = {.columns = 80};

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *drawn(
    const struct document *document, const struct report_style *style)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(document_write(document, format_named("terminal"), stream, style, NULL), 0);
    fclose(stream);
    return text;
}

static void assert_inside(const char *text, unsigned columns, bool only_ascii)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *one = strndup(line, length);
        if (text_columns(one) > columns)
            fail_msg("%u columns, but: %s", columns, one);
        for (size_t i = 0; only_ascii && i < length; i++)
            assert_true(one[i] >= ' ' && one[i] < 127);
        if (length && one[length - 1] == ' ')
            fail_msg("blanks at the end: '%s'", one);
        free(one);
        line += length + (line[length] != 0);
    }
}

/* The line that has `part`; the caller's. */
static char *line_of(const char *text, const char *part)
{
    const char *found = strstr(text, part);
    assert_non_null(found);
    while (found > text && found[-1] != '\n')
        found--;
    return strndup(found, strcspn(found, "\n"));
}

/* In which row of the picture (0 on top) a character stands; -1: in none. Rows start with the axis. */
static int row_with(const char *text, const char *symbol)
{
    int row = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        if (strlen(line) < 9 || (line[8] != '|' && line[8] != '+'))
            continue;
        char *one = strndup(line + 9, strcspn(line + 9, "\n"));
        bool found = strstr(one, symbol) != NULL;
        free(one);
        if (found)
            return row;
        row++;
    }
    return -1;
}

/* Slowdowns from 4 KiB on, a point each doubling. */
static struct chart *add_slowdowns(struct document *document, size_t series, size_t points)
{
    struct chart *chart = document_chart(document, CHART_LINES, "slowdown", "slowdown over native");
    chart->x = (struct chart_axis){.label = "working set", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "slowdown over native", .unit = UNIT_CHANGE, .least = 0.02};
    chart->rule = 1;
    for (size_t i = 0; i < series; i++) {
        struct chart_series *each =
            chart_series(document, chart, document_text(document, "kvm %zu (shadow, PVM)", i), points);
        for (size_t k = 0; k < points; k++)
            each->points[k] = (struct chart_point){.x = ldexp(4096, (int)k),
                .y = 1 + 0.01 * (double)(k * (i + 1)),
                .low = 1 + 0.009 * (double)k,
                .high = 1.1 + 0.01 * (double)(k * (i + 1))};
    }
    return chart;
}

static struct chart *add_latencies(struct document *document)
{
    struct chart *chart = document_chart(document, CHART_LINES, "latency", "latency");
    chart->x = (struct chart_axis){.label = "working set", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "ns per access", .unit = UNIT_NS, .scale = SCALE_LOG};
    struct chart_series *series = chart_series(document, chart, "native", 19);
    for (size_t k = 0; k < 19; k++)
        series->points[k] = (struct chart_point){.x = ldexp(4096, (int)k), .y = pow(1.4, (double)k)};
    return chart;
}

static void add_bars(struct document *document, enum chart_scale scale)
{
    static const double costs[2][3] = {{1120, NAN, 0.31}, {19500, 63200, 0.28}};
    static const char *names[] = {
        "page-fault", "halt-wake", "code-packed-2m/64K, a name that is much too long"};
    struct chart *chart = document_chart(document, CHART_BARS, "costs", "what an event costs");
    chart->y = (struct chart_axis){.unit = UNIT_NS, .scale = scale};
    chart->categories = names;
    chart->category_count = 3;
    for (size_t i = 0; i < 2; i++) {
        struct chart_series *series = chart_series(document, chart, i ? "kvm" : "native", 3);
        for (size_t k = 0; k < 3; k++)
            series->points[k] = (struct chart_point){.x = (double)k, .y = costs[i][k]};
    }
    chart->series[1].points[1].mark = "~";
}

static void pictures_stay_inside_the_width_in_any_codeset(void **state)
{
    (void)state;
    for (size_t series = 1; series < 12; series += 3) {
        struct document document = {0};
        add_slowdowns(&document, series, 1);
        add_slowdowns(&document, series, 4)->stamp = "incomplete: stopped by the user after a while";
        add_slowdowns(&document, series, 40);
        add_latencies(&document);
        add_bars(&document, SCALE_LINEAR);
        add_bars(&document, SCALE_LOG);
        for (unsigned columns = 40; columns <= 200; columns += 20)
            for (int utf8 = 0; utf8 < 2; utf8++) {
                char *text = drawn(&document, &(struct report_style){.utf8 = utf8, .columns = columns});
                assert_inside(text, columns, !utf8);
                free(text);
            }
        char *text = drawn(&document, &(struct report_style){.utf8 = true});
        assert_inside(text, 80, false); /* where there is no limit */
        free(text);
        document_free(&document);
    }
}

static void what_is_more_stands_higher(void **state)
{
    struct document document = {0};
    (void)state;
    struct chart *chart = add_slowdowns(&document, 2, 3);
    for (size_t i = 0; i < 3; i++) {
        chart->series[0].points[i] = (struct chart_point){ldexp(4096, (int)i), 1.2, NAN, NAN, NULL};
        chart->series[1].points[i] = (struct chart_point){ldexp(4096, (int)i), 0.9, NAN, NAN, NULL};
    }
    char *text = drawn(&document, &ascii);
    int above = row_with(text, "o"), rule = row_with(text, "----"), below = row_with(text, "x");
    assert_in_range(above, 0, rule - 1);
    assert_in_range(below, rule + 1, 12);
    char *zero = line_of(text, " 0 %+"), *ten = line_of(text, "+10 %+");
    assert_non_null(strstr(zero, "----")); /* the rule is at no difference */
    assert_null(strstr(text, "95 %"));     /* no intervals, none in the legend */
    free(ten);
    free(zero);
    free(text);
    document_free(&document);
}

static void intervals_are_drawn_where_there_is_room(void **state)
{
    struct document document = {0};
    (void)state;
    struct chart *chart = add_slowdowns(&document, 1, 8);
    char *text = drawn(&document, &usual);
    assert_non_null(strstr(text, "\n  │ 95 % interval\n"));
    assert_null(strstr(text, "↑"));
    free(text);
    chart->series[0].points[3].high = 50; /* far beyond what is usual */
    text = drawn(&document, &usual);
    assert_non_null(strstr(text, "↑"));
    free(text);
    document_free(&document);
    add_slowdowns(&document, 3, 8);
    text = drawn(&document, &usual);
    assert_null(strstr(text, "95 % interval"));
    free(text);
    document_free(&document);
}

static void only_eight_series_are_drawn_and_the_others_counted(void **state)
{
    struct document document = {0};
    (void)state;
    add_slowdowns(&document, 11, 8);
    char *text = drawn(&document, &usual);
    assert_non_null(strstr(text, "  ◇ kvm 7 (shadow, PVM)\n  3 more in the table\n"));
    free(text);
    document_free(&document);
}

static ptrdiff_t column_in(const char *line, const char *word)
{
    const char *found = strstr(line, word);
    assert_non_null(found);
    return found - line;
}

static void measured_marks_stand_apart_from_reported_ones(void **state)
{
    struct document document = {0};
    (void)state;
    struct chart *chart = add_latencies(&document);
    char *text = drawn(&document, &ascii);
    assert_null(strstr(text, "measured"));
    assert_null(strstr(text, "CPUID"));
    free(text);
    chart_mark(&document, chart, MARK_REPORTED, 32 << 20, 32 << 20, "L3");
    chart_mark(&document, chart, MARK_REPORTED, 32 << 10, 32 << 10, "L1d");
    chart_mark(&document, chart, MARK_REPORTED, 33 << 10, 33 << 10, "no room");
    chart_mark(&document, chart, MARK_REPORTED, 1024, 1024, "outside");
    chart_mark(&document, chart, MARK_MEASURED, 32 << 10, 48 << 10, "L1d");
    chart_mark(&document, chart, MARK_MEASURED, 4 << 20, 6 << 20, "L3");
    chart_mark(&document, chart, MARK_MEASURED, 256 << 20, 300 << 20, "?");
    text = drawn(&document, &ascii);
    char *measured = line_of(text, "measured "), *told = line_of(text, "CPUID ");
    assert_int_equal(column_in(measured, "^L1d"), column_in(told, "'L1d")); /* both 32 KiB */
    assert_true(column_in(measured, "^L3") < column_in(told, "'L3"));       /* 4 MiB of 32 */
    assert_true(column_in(measured, "^?") > column_in(told, "'L3"));
    assert_null(strstr(told, "no room"));
    assert_null(strstr(told, "outside"));
    free(measured);
    free(told);
    free(text);
    document_free(&document);
}

static void axes_are_named_with_their_units(void **state)
{
    struct document document = {0};
    (void)state;
    add_latencies(&document);
    char *text = drawn(&document, &usual);
    assert_int_equal(strncmp(text, "latency, ns per access\n  ● native\n", 35), 0);
    assert_non_null(strstr(text, "\n     100┤"));
    assert_non_null(strstr(text, " working set (bytes)\n"));
    assert_non_null(strstr(text, " 4K "));
    free(text);
    document_free(&document);
}

static void a_stamp_stands_on_every_picture(void **state)
{
    struct document document = {0};
    (void)state;
    document.stamp = "incomplete: stopped by the user";
    add_latencies(&document);
    add_slowdowns(&document, 1, 8)->stamp = "too disturbed to tell";
    add_bars(&document, SCALE_LOG);
    char *text = drawn(&document, &ascii);
    assert_int_equal(row_with(text, " incomplete: stopped by the user"), 1);
    char *second = strstr(text, "slowdown over native");
    assert_int_equal(row_with(second, " too disturbed to tell"), 1);
    assert_non_null(strstr(strstr(second, "what an event costs"), "\n  incomplete: stopped by the user\n"));
    free(text);
    document_free(&document);
}

static void bars_stand_side_by_side_with_their_figures(void **state)
{
    struct document document = {0};
    (void)state;
    add_bars(&document, SCALE_LINEAR);
    char *text = drawn(&document, &(struct report_style){.utf8 = true, .columns = 60});
    assert_string_equal(text, "what an event costs\n"
                              "  █ native\n"
                              "  ▒ kvm\n"
                              "page-fault            1.12 µs\n"
                              "                      ▒▒▒▒▒▒▒▒▒ 19.5 µs\n"
                              "halt-wake             ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ 63.2 µs ~\n"
                              "code-packed-2m/64K,…  0.310 ns\n"
                              "                      0.280 ns\n");
    free(text);
    document_free(&document);
    add_bars(&document, SCALE_LOG);
    text = drawn(&document, &(struct report_style){.columns = 60});
    assert_string_equal(text, "what an event costs\n"
                              "  # native\n"
                              "  = kvm\n"
                              "  bars are logarithmic\n"
                              "page-fault            #################### 1.12 us\n"
                              "                      ========================== 19.5 us\n"
                              "halt-wake             ============================ 63.2 us ~\n"
                              "code-packed-2m/64K..  ## 0.310 ns\n"
                              "                      == 0.280 ns\n");
    free(text);
    document_free(&document);
}

static void colours_are_written_only_if_told(void **state)
{
    struct document document = {0};
    (void)state;
    add_slowdowns(&document, 2, 8)->stamp = "incomplete";
    add_bars(&document, SCALE_LOG);
    document.blocks[0].chart->series[0].baseline = true;
    char *plain = drawn(&document, &usual);
    char *coloured = drawn(&document, &(struct report_style){.utf8 = true, .columns = 80, .color = true});
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[2m●\033[0m kvm 0")); /* the baseline is neutral */
    assert_non_null(strstr(coloured, "\033[33mi\033[0m"));
    char *kept = coloured;
    for (char *at = coloured; *at; at++)
        if (*at == '\033')
            at = strchr(at, 'm');
        else
            *kept++ = *at;
    *kept = 0;
    assert_string_equal(coloured, plain);
    free(plain);
    free(coloured);
    document_free(&document);
}

/* What a logarithm or a picture has no place for must not be drawn anywhere, and not crash. */
static void impossible_figures_are_left_out(void **state)
{
    static const double bad[] = {0, -1, NAN, 1e-300, 1e300, INFINITY, -INFINITY};
    (void)state;
    for (enum chart_scale scale = SCALE_LINEAR; scale <= SCALE_LOG2; scale++)
        for (enum unit unit = UNIT_TEXT; unit < UNITS; unit++)
            for (enum chart_kind kind = CHART_LINES; kind <= CHART_BARS; kind++) {
                static const char *names[] = {"a", "b", "c", "d", "e", "f", "g"};
                struct document document = {0};
                struct chart *chart = document_chart(&document, kind, "bad", "bad");
                chart->x = chart->y = (struct chart_axis){.unit = unit, .scale = scale};
                chart->categories = names;
                chart->category_count = 7;
                struct chart_series *series = chart_series(&document, chart, "bad", 7);
                for (size_t i = 0; i < 7; i++)
                    series->points[i] = (struct chart_point){.x = kind == CHART_BARS ? (double)i : bad[6 - i],
                        .y = bad[i],
                        .low = bad[6 - i],
                        .high = bad[i]};
                char *text = drawn(&document, &usual);
                assert_inside(text, 80, false);
                assert_null(strstr(text, "nan"));
                free(text);
                document_free(&document);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_stay_inside_the_width_in_any_codeset),
        cmocka_unit_test(what_is_more_stands_higher),
        cmocka_unit_test(intervals_are_drawn_where_there_is_room),
        cmocka_unit_test(only_eight_series_are_drawn_and_the_others_counted),
        cmocka_unit_test(measured_marks_stand_apart_from_reported_ones),
        cmocka_unit_test(axes_are_named_with_their_units),
        cmocka_unit_test(a_stamp_stands_on_every_picture),
        cmocka_unit_test(bars_stand_side_by_side_with_their_figures),
        cmocka_unit_test(colours_are_written_only_if_told),
        cmocka_unit_test(impossible_figures_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
