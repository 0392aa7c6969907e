/* report/chart_svg.c: points stand where they belong, whatever the numbers are. What is written as text is
 * looked at by tests/integration/test_page.py. */
#include "cmocka_all.h"

#include "report/formats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A chart with one series of these points, over 1 to 16 and 0 to 10. */
static struct chart *small_chart(struct document *document, const struct chart_point *points, size_t count)
{
    struct chart *chart = document_chart(document, CHART_LINES, "small", "small");
    struct chart_series *series = chart_series(document, chart, "one", count);
    assert_non_null(series);
    memcpy(series->points, points, count * sizeof *points);
    chart->x = (struct chart_axis){.label = "x", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "y", .unit = UNIT_COUNT};
    return chart;
}

/* To be freed. */
static char *draw(const struct chart *chart, const char *stamp)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    double end = chart_svg(chart, 1, 100, stamp, stream);
    assert_true(end > 100 && end < 1000);
    fclose(stream);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_non_null(strstr(text, "</svg>"));
    return text;
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)); text++)
        count++;
    return count;
}

/* Number `index` of the points, from the top of the legend on, whose sample is number 0. */
static void place_of(const char *text, size_t index, double *x, double *y)
{
    for (size_t i = 0; i <= index; i++) {
        text = strstr(text, "<path d=\"M");
        assert_non_null(text);
        text += strlen("<path d=\"M");
    }
    char *rest;
    *x = strtod(text, &rest);
    *y = strtod(rest, NULL);
}

static void points_stand_in_proportion(void **state)
{
    static const struct chart_point points[] = {
        {1, 0, NAN, NAN, NULL}, {4, 5, NAN, NAN, NULL}, {16, 10, NAN, NAN, NULL}};
    struct document document = {0};
    double x[3], y[3];
    (void)state;
    char *text = draw(small_chart(&document, points, 3), NULL);
    for (size_t i = 0; i < 3; i++)
        place_of(text, i + 1, &x[i], &y[i]);
    assert_float_equal(x[1] - x[0], x[2] - x[1], 0.3); /* a logarithmic axis: both are two doublings */
    assert_float_equal(y[0] - y[1], y[1] - y[2], 0.3);
    assert_true(x[2] - x[0] > 500 && y[0] - y[2] > 200);
    free(text);
    document_free(&document);
}

static void an_unknown_value_breaks_the_line(void **state)
{
    static const struct chart_point points[] = {{1, 1, NAN, NAN, NULL}, {2, 2, NAN, NAN, NULL},
        {4, NAN, NAN, NAN, NULL}, {8, 3, NAN, NAN, NULL}, {16, 4, NAN, NAN, NULL}};
    struct document document = {0};
    (void)state;
    char *text = draw(small_chart(&document, points, 5), NULL), *line = strstr(text, "<g class=\"s0 p\">\n");
    line = strstr(strstr(line, "class=\"l\"") + 1, "class=\"l\""); /* the first is the legend's */
    assert_non_null(line);
    line = strstr(line, "d=\"") + 3;
    *strchr(line, '"') = 0;
    assert_int_equal(count_of(line, "M"), 2);
    assert_int_equal(count_of(line, "L"), 2);
    free(text);
    document_free(&document);
}

/* Intervals that follow each other are a band, one alone is a line; the ends stay inside the picture. */
static void intervals_are_drawn_and_cut_at_the_edge(void **state)
{
    static const struct chart_point points[] = {
        {1, 1, 0.9, 1.1, NULL}, {2, 1, -1e9, 1e9, NULL}, {4, 1, NAN, NAN, NULL}, {8, 1, 0.8, 1.2, NULL}};
    struct document document = {0};
    (void)state;
    struct chart *chart = small_chart(&document, points, 4);
    char *text = draw(chart, NULL);
    char *band = strstr(text, "class=\"b\" d=\"M");
    double height = strtod(strstr(text, "viewBox=\"0 0 800 ") + 17, NULL), number;
    for (const char *at = strpbrk(band + 10, "0123456789-"); at && *at != '"'; at++)
        if (strchr("ML ", at[-1])) {
            number = strtod(at, NULL);
            assert_true(number >= 0 && number <= fmax(height, CHART_SVG_WIDTH));
        }
    *strchr(band + 13, '"') = 0;
    assert_int_equal(count_of(band, "M"), 2);
    assert_int_equal(count_of(band, "L"), 3 + 1);
    free(text);
    document_free(&document);
}

static void any_numbers_can_be_drawn(void **state)
{
    static const double nasty[] = {0, -1, 1e308, -1e308, 1e-308, NAN, 5};
    enum { NASTY = sizeof nasty / sizeof *nasty };
    (void)state;
    for (int kind = CHART_LINES; kind <= CHART_BARS; kind++)
        for (int scale = SCALE_LINEAR; scale <= SCALE_LOG2; scale++)
            for (int unit = UNIT_TEXT; unit < UNITS; unit++)
                for (size_t i = 0; i < NASTY * NASTY; i++) {
                    double a = nasty[i / NASTY], b = nasty[i % NASTY];
                    const struct chart_point points[] = {
                        {a, b, b, a, NULL}, {b, a, a, b, "!"}, {2, INFINITY, b, b, NULL}};
                    struct document document = {0};
                    struct chart *chart = small_chart(&document, points, 3);
                    const char *names[] = {"one", "two", "three"};
                    chart->kind = (enum chart_kind)kind;
                    chart->categories = names;
                    chart->category_count = kind == CHART_BARS ? 3 : 0;
                    chart->x = chart->y = (struct chart_axis){
                        .label = "z", .unit = (enum unit)unit, .scale = (enum chart_scale)scale};
                    chart->rule = a;
                    chart_mark(&document, chart, MARK_MEASURED, a, b, "mark");
                    free(draw(chart, NULL));
                    document_free(&document);
                }
}

/* A file's size must not grow with points that nobody can tell apart. */
static void points_that_cover_each_other_are_drawn_once(void **state)
{
    enum { POINTS = 5000 };
    static struct chart_point points[POINTS];
    struct document document = {0};
    (void)state;
    for (size_t i = 0; i < POINTS; i++)
        points[i] = (struct chart_point){1 + (double)i, 5 + 5 * (i == 2500), NAN, NAN, NULL};
    char *text = draw(small_chart(&document, points, POINTS), NULL);
    assert_in_range(count_of(text, "<title>"), 200, 900);
    assert_non_null(strstr(text, ": 10</title>"));
    free(text);
    document_free(&document);
}

static void a_chart_without_values_says_so(void **state)
{
    struct document document = {0};
    (void)state;
    struct chart *chart = document_chart(&document, CHART_LINES, "empty", NULL);
    assert_non_null(chart);
    char *text = draw(chart, NULL);
    assert_non_null(strstr(text, "no value is known"));
    free(text);
    chart_series(&document, chart, "nothing", 3);
    text = draw(chart, NULL);
    assert_non_null(strstr(text, "no value is known"));
    free(text);
    document_free(&document);
}

/* The chart's own stamp comes before the document's. */
static void a_stamp_is_on_the_picture(void **state)
{
    static const struct chart_point points[] = {{1, 0, NAN, NAN, NULL}};
    struct document document = {0};
    (void)state;
    struct chart *chart = small_chart(&document, points, 1);
    char *text = draw(chart, NULL);
    assert_null(strstr(text, "stamp"));
    free(text);
    text = draw(chart, "incomplete: stopped by the user");
    assert_non_null(strstr(strstr(text, "class=\"stamp\""), ">incomplete: stopped by the user<"));
    free(text);
    chart->stamp = "too disturbed to tell";
    text = draw(chart, "incomplete");
    assert_non_null(strstr(strstr(text, "class=\"stamp\""), ">too disturbed to tell<"));
    assert_null(strstr(text, "incomplete"));
    free(text);
    document_free(&document);
}

static void marks_are_told_apart(void **state)
{
    static const struct chart_point points[] = {{4096, 1, NAN, NAN, NULL}, {1 << 20, 2, NAN, NAN, NULL}};
    struct document document = {0};
    (void)state;
    struct chart *chart = small_chart(&document, points, 2);
    chart_mark(&document, chart, MARK_MEASURED, 32 << 10, 45 << 10, "L1d");
    chart_mark(&document, chart, MARK_REPORTED, 64 << 10, 64 << 10, "L1d");
    chart_mark(&document, chart, MARK_REPORTED, 1 << 30, 1 << 30, "L3"); /* not in the picture */
    char *text = draw(chart, NULL);
    assert_non_null(strstr(text, "<title>L1d 32K (measured)</title>"));
    assert_non_null(strstr(text, "<title>L1d 64K (reported)</title>"));
    assert_non_null(strstr(text, ">measured</text>"));
    assert_non_null(strstr(text, ">reported</text>"));
    assert_null(strstr(text, ">L3"));
    free(text);
    document_free(&document);
}

static void points_and_bars_tell_their_values(void **state)
{
    static const struct chart_point points[] = {
        {65536, 1.05, 1.02, 1.09, "noisy"}, {131072, 1.01, NAN, NAN, NULL}};
    struct document document = {0};
    (void)state;
    struct chart *chart = small_chart(&document, points, 2);
    chart->y.unit = UNIT_CHANGE;
    char *text = draw(chart, NULL);
    assert_non_null(strstr(text, "<title>64 KiB · one: +5.0 % (95 % interval +2.0 … +9.0 %), noisy</title>"));
    assert_non_null(strstr(text, "<title>128 KiB · one: +1.0 %</title>"));
    assert_non_null(
        strstr(text, "one: 2 values; least, 128 KiB: +1.0 %; most, 64 KiB: +5.0 % (95 % interval "));
    free(text);
    document_free(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_stand_in_proportion),
        cmocka_unit_test(an_unknown_value_breaks_the_line),
        cmocka_unit_test(intervals_are_drawn_and_cut_at_the_edge),
        cmocka_unit_test(any_numbers_can_be_drawn),
        cmocka_unit_test(points_that_cover_each_other_are_drawn_once),
        cmocka_unit_test(a_chart_without_values_says_so),
        cmocka_unit_test(a_stamp_is_on_the_picture),
        cmocka_unit_test(marks_are_told_apart),
        cmocka_unit_test(points_and_bars_tell_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
