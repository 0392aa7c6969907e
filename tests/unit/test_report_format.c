/* report/format.h, and the axes of report/chart.h: how numbers are written. */
#include "cmocka_all.h"

#include "base/size.h"
#include "report/document.h"
#include "report/format.h"

#include <math.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static void writes_sizes_in_the_largest_unit_with_three_digits(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text, *brief;
    } sizes[] = {
        {0, "0 B", "0"},
        {512, "512 B", "512"},
        {1023, "1023 B", "1023"},
        {4096, "4 KiB", "4K"},
        {1536, "1.50 KiB", "1.50K"},
        {724 * MIB, "724 MiB", "724M"},
        {5931642, "5.66 MiB", "5.66M"},
        {MIB - 1, "1024 KiB", "1024K"},
        {GIB, "1 GiB", "1G"},
        {UINT64_MAX, "16.0 EiB", "16.0E"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_string_equal(format_size(sizes[i].bytes).text, sizes[i].text);
        assert_string_equal(format_size_short(sizes[i].bytes).text, sizes[i].brief);
    }
}

static void writes_times_with_three_digits(void **state)
{
    static const struct {
        double ns;
        const char *text;
    } times[] = {{0.9123, "0.912"}, {0.99996, "1.00"}, {3.976, "3.98"}, {9.996, "10.0"}, {22.44, "22.4"},
        {99.96, "100"}, {110.4, "110"}, {1234.5, "1234"}, {NAN, "-"}, {INFINITY, "-"}};
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++)
        assert_string_equal(format_ns(times[i].ns).text, times[i].text);
}

static void writes_what_is_half_way_as_it_is_read_back_from_a_file(void **state)
{
    (void)state;
    assert_string_equal(format_ns(516.50000000001).text, format_ns(516.5).text);
    assert_string_equal(format_ns(517.49999999999).text, format_ns(517.5).text);
    assert_string_equal(format_ns(517.499).text, "517");
}

static void writes_slowdowns_with_their_sign_and_never_a_negative_zero(void **state)
{
    static const struct {
        double ratio;
        const char *text;
    } ratios[] = {{1.013, "+1.3 %"}, {0.98, "-2.0 %"}, {1, "0.0 %"}, {0.99999, "0.0 %"}, {1.0004, "+0.04 %"},
        {0.9996, "-0.04 %"}, {2.5, "+150 %"}, {1.1, "+10.0 %"}, {NAN, "-"}};
    (void)state;
    for (size_t i = 0; i < COUNT(ratios); i++)
        assert_string_equal(format_figure(UNIT_CHANGE, ratios[i].ratio, 0).text, ratios[i].text);
}

static void writes_durations_as_people_say_them(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } times[] = {{0, "0.00 s"}, {0.351, "0.35 s"}, {1.25, "1.2 s"}, {41.2, "41 s"}, {59.4, "59 s"},
        {59.6, "1 min 00 s"}, {72, "1 min 12 s"}, {7500, "2 h 05 min"}, {-1, "-"}, {NAN, "-"}};
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++)
        assert_string_equal(format_seconds(times[i].seconds).text, times[i].text);
}

static void writes_counts_in_groups_of_three(void **state)
{
    (void)state;
    assert_string_equal(format_count(0).text, "0");
    assert_string_equal(format_count(999).text, "999");
    assert_string_equal(format_count(12345).text, "12,345");
    assert_string_equal(format_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

static void writes_figures_by_their_unit(void **state)
{
    static const struct {
        enum unit unit;
        double number;
        unsigned flags;
        const char *text;
    } figures[] = {
        {UNIT_YES_NO, 1, 0, "yes"},
        {UNIT_YES_NO, 0, 0, "no"},
        {UNIT_NS, 0, 0, "0 ns"},
        {UNIT_NS, 0.539, 0, "0.539 ns"},
        {UNIT_NS, 999.4, 0, "999 ns"},
        {UNIT_NS, 999.6, 0, "1.00 µs"},
        {UNIT_NS, 4.32e6, 0, "4.32 ms"},
        {UNIT_NS, 1.2e9, FORMAT_SIGN, "+1.20 s"},
        {UNIT_NS, -3.6, FORMAT_SIGN, "-3.60 ns"},
        {UNIT_NS, 1234.5, FORMAT_BARE, "1234"},
        {UNIT_BYTES, 5931642, 0, "5.66 MiB"},
        {UNIT_BYTES, 0, 0, "0 B"},
        {UNIT_COUNT, 12345, 0, "12,345"},
        {UNIT_COUNT, -12345, 0, "-12,345"},
        {UNIT_COUNT, 4.1, 0, "4.1"},
        {UNIT_COUNT, 0.5996, 0, "0.6"},
        {UNIT_COUNT, 1234.5, 0, "1,235"},
        {UNIT_COUNT, 1e300, 0, "1e+300"},
        {UNIT_SHARE, 0.00296, 0, "0.296 %"},
        {UNIT_SHARE, 1.206, 0, "121 %"},
        {UNIT_SHARE, 0.07, FORMAT_BARE, "7"},
        {UNIT_RATIO, 2.5, 0, "2.5 times"},
        {UNIT_CHANGE, 1.013, 0, "+1.3 %"},
        {UNIT_CHANGE, 1.00001, 0, "0.0 %"},
        {UNIT_CHANGE, 0.98, FORMAT_BARE, "-2.0"},
        {UNIT_NS, NAN, FORMAT_SIGN, "-"},
        {UNIT_COUNT, INFINITY, 0, "-"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        assert_string_equal(
            format_figure(figures[i].unit, figures[i].number, figures[i].flags).text, figures[i].text);
}

static void writes_no_more_digits_than_an_interval_bears(void **state)
{
    static const struct {
        enum unit unit;
        double number, low, high;
        const char *text, *interval;
    } cells[] = {
        {UNIT_NS, 1.174, 1.124, 1.224, "1.17 ns", "1.12 ns … 1.22 ns"},
        {UNIT_NS, 394, 354, 434, "390 ns", "354 ns … 434 ns"},
        {UNIT_NS, 18100, 16800, 19400, "18 µs", "16.8 µs … 19.4 µs"},
        {UNIT_NS, 88.7, 20, 160, "90 ns", "20 ns … 160 ns"},
        {UNIT_NS, 2, 0.4, 60, "2 ns", "0.4 ns … 60 ns"},                   /* a time is never zero */
        {UNIT_NS, 1.0907, 1.0900, 1.0910, "1.09 ns", "1.09 ns … 1.09 ns"}, /* as many as usual at most */
        {UNIT_CHANGE, 1.0003, 0.97, 1.043, "0 %", "-3.0 … +4.3 %"},
        {UNIT_CHANGE, 1.145, 0.91, 1.353, "+10 %", "-9 … +35 %"},
        {UNIT_CHANGE, 1.001, 1.0003, 1.0021, "+0.1 %", "+0.03 … +0.2 %"},
        {UNIT_CHANGE, 1.013, 1.004, 1.022, "+1.3 %", "+0.4 … +2.2 %"},
        {UNIT_CHANGE, 1.021, 1.001, 1.4, "+2 %", "+0.1 … +40 %"}, /* told from zero: not written as zero */
        {UNIT_COUNT, 2580, 2580, 3251, "2,600", "2,580 … 3,250"},
        {UNIT_SHARE, 0.998, 0.799, 1.206, "100 %", "80 % … 121 %"},
        {UNIT_NS, 996, 950, 1030, "1.00 µs", "950 ns … 1.03 µs"},
        {UNIT_NS, 1.174, NAN, NAN, "1.17 ns", "-"},
        {UNIT_NS, NAN, 1, 2, "-", "-"},
    };
    const struct column column = {.rounded = true, .interval = true};
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct pool pool = {0};
        const struct value value = {
            .unit = cells[i].unit, .number = cells[i].number, .low = cells[i].low, .high = cells[i].high};
        assert_string_equal(format_value(&pool, &value, &column), cells[i].text);
        assert_string_equal(format_interval(&pool, &value, &column), cells[i].interval);
        pool_free(&pool);
    }
}

static void a_cell_says_its_number_and_what_else_there_is(void **state)
{
    struct pool pool = {0};
    const struct column change = {.unit = UNIT_NS, .sign = true}, bare = {.unit = UNIT_NS, .bare = true};
    const struct value time = {.unit = UNIT_NS, .number = 58200, .low = 57.5, .high = 61000};
    struct formatted low, high;
    (void)state;
    assert_string_equal(format_value(&pool, &time, &change), "+58.2 µs");
    assert_string_equal(format_value(&pool, &time, &bare), "58200");
    assert_string_equal(format_interval(&pool, &time, &change), "+57.5 ns … +61.0 µs");
    const struct column rounded = {.unit = UNIT_NS, .sign = true, .rounded = true};
    struct value nothing = {.unit = UNIT_NS, .number = -434, .low = -7420, .high = 7140};
    assert_string_equal(format_value(&pool, &nothing, &rounded), "0 ns");
    nothing.number = -534; /* its first digit is always written, unless it is next to nothing */
    assert_string_equal(format_value(&pool, &nothing, &rounded), "-500 ns");
    const struct value both = {.unit = UNIT_YES_NO, .number = 1, .text = "virtio0"};
    assert_string_equal(format_value(&pool, &both, &change), "yes (virtio0)");
    assert_false(format_ends(&both, &change, &low, &high));
    const struct value words = {.unit = UNIT_NS, .number = NAN, .text = "cannot tell: no reason"}, none = {0};
    assert_string_equal(format_value(&pool, &words, &change), "cannot tell: no reason");
    assert_string_equal(format_value(&pool, &none, &change), "-");
    pool_free(&pool);
}

static void a_change_between_a_half_and_twice_is_too_disturbed_to_tell(void **state)
{
    static const struct column column = {.unit = UNIT_CHANGE, .interval = true, .rounded = true};
    struct value value = {.unit = UNIT_CHANGE, .number = 2.57, .low = 0.02, .high = 162.74};
    struct pool pool = {0};
    (void)state;
    assert_string_equal(format_interval(&pool, &value, &column), "?");
    assert_string_equal(format_value(&pool, &value, &column), "-");
    value.low = 2.02; /* surely more than twice */
    assert_non_null(strstr(format_interval(&pool, &value, &column), "…"));
    assert_int_equal(format_value(&pool, &value, &column)[0], '+');
    value.unit = UNIT_NS; /* of times nothing is said: they are no comparison */
    value.low = 0.02;
    assert_non_null(strstr(format_interval(&pool, &value, &column), "…"));
    pool_free(&pool);
}

static void axes_of_charts_are_numbered_by_their_unit(void **state)
{
    static const struct {
        struct chart_axis axis;
        struct span values;
        const char *first, *last;
    } cases[] = {
        {{.unit = UNIT_BYTES, .scale = SCALE_LOG2}, {4096, 1 << 20}, "4K", "1M"},
        {{.unit = UNIT_COUNT, .scale = SCALE_LOG2}, {16, 65536}, "16", "65536"},
        {{.unit = UNIT_CHANGE, .least = 0.02}, {0.9, 1.1}, "-10 %", "+10 %"},
        {{.unit = UNIT_CHANGE, .least = 0.02}, {1, 1}, "-1 %", "+1 %"},
        {{.unit = UNIT_NS, .scale = SCALE_LOG}, {1000, 1e6}, "1 µs", "1 ms"},
        {{.unit = UNIT_NS, .scale = SCALE_LOG, .label = "ns per access"}, {10, 1000}, "10", "1000"},
        {{.unit = UNIT_SHARE}, {0, 1}, "0 %", "100 %"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct axis axis;
        axis_make(&cases[i].axis, cases[i].values, 5, &axis);
        assert_in_range(axis.tick_count, 2, 12);
        assert_string_equal(format_tick(&cases[i].axis, axis.ticks[0]).text, cases[i].first);
        assert_string_equal(format_tick(&cases[i].axis, axis.ticks[axis.tick_count - 1]).text, cases[i].last);
        for (size_t k = 0; k < axis.tick_count; k++)
            assert_true(axis_place(&axis, axis.ticks[k]) >= 0 && axis_place(&axis, axis.ticks[k]) <= 1);
        assert_float_equal(axis_place(&axis, axis.range.high), 1, 1e-9);
    }
    const struct chart_axis log_axis = {.scale = SCALE_LOG};
    struct axis axis;
    axis_make(&log_axis, (struct span){-1, 0}, 5, &axis); /* no logarithm has these */
    assert_true(axis.range.low > 0 && axis.range.high > axis.range.low);
    assert_true(isnan(axis_place(&axis, -1)));
}

static void every_axis_has_ticks_inside_its_range(void **state)
{
    static const struct span spans[] = {{3, 3}, {1.2, 1.3}, {1, 1000}, {0.5, 3e5}, {3.49, 3.51}, {99, 101}};
    (void)state;
    for (size_t i = 0; i < COUNT(spans); i++) {
        struct axis axes[2];
        axis_make(&(struct chart_axis){.scale = SCALE_LOG}, spans[i], 7, &axes[0]);
        axis_make(&(struct chart_axis){.least = 2}, spans[i], 6, &axes[1]);
        for (size_t a = 0; a < 2; a++) {
            assert_in_range(axes[a].tick_count, 1, 12);
            assert_true(axes[a].range.low < spans[i].low && axes[a].range.high > spans[i].high);
            for (size_t t = 0; t < axes[a].tick_count; t++)
                assert_true(axes[a].ticks[t] >= axes[a].range.low && axes[a].ticks[t] <= axes[a].range.high);
        }
    }
}

static void size_axes_have_powers_of_two_or_the_ends(void **state)
{
    const struct chart_axis sizes = {.unit = UNIT_BYTES, .scale = SCALE_LOG2};
    struct axis axis;
    (void)state;
    axis_make(&sizes, (struct span){4096, 1073741824}, 10, &axis);
    assert_int_equal(axis.tick_count, 10);
    assert_float_equal(axis.ticks[1], 16384, 0);
    axis_make(&sizes, (struct span){5931642, 5931642}, 10, &axis);
    assert_int_equal(axis.tick_count, 1);
    assert_float_equal(axis.ticks[0], 5931642, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_sizes_in_the_largest_unit_with_three_digits),
        cmocka_unit_test(writes_times_with_three_digits),
        cmocka_unit_test(writes_what_is_half_way_as_it_is_read_back_from_a_file),
        cmocka_unit_test(writes_slowdowns_with_their_sign_and_never_a_negative_zero),
        cmocka_unit_test(writes_durations_as_people_say_them),
        cmocka_unit_test(writes_counts_in_groups_of_three),
        cmocka_unit_test(writes_figures_by_their_unit),
        cmocka_unit_test(writes_no_more_digits_than_an_interval_bears),
        cmocka_unit_test(a_cell_says_its_number_and_what_else_there_is),
        cmocka_unit_test(a_change_between_a_half_and_twice_is_too_disturbed_to_tell),
        cmocka_unit_test(axes_of_charts_are_numbered_by_their_unit),
        cmocka_unit_test(every_axis_has_ticks_inside_its_range),
        cmocka_unit_test(size_axes_have_powers_of_two_or_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
