/* report/format.h and report/axis.h: how numbers are written. */
#include "cmocka_all.h"

#include "base/size.h"
#include "report/axis.h"
#include "report/format.h"

#include <math.h>

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

static void writes_slowdowns_with_their_sign_and_never_a_negative_zero(void **state)
{
    static const struct {
        double ratio;
        const char *text;
    } ratios[] = {{1.013, "+1.3 %"}, {0.98, "-2.0 %"}, {1, "0.0 %"}, {0.99999, "0.0 %"}, {1.0004, "+0.04 %"},
        {0.9996, "-0.04 %"}, {2.5, "+150 %"}, {1.1, "+10.0 %"}, {NAN, "-"}};
    (void)state;
    for (size_t i = 0; i < COUNT(ratios); i++)
        assert_string_equal(format_slowdown(ratios[i].ratio).text, ratios[i].text);
}

static void writes_an_interval_or_a_dash_where_an_end_is_not_known(void **state)
{
    const struct report_style utf8 = {.utf8 = true}, ascii = {0};
    (void)state;
    assert_string_equal(format_slowdown_interval(1.004, 1.02, &utf8).text, "+0.4 … +2.0 %");
    assert_string_equal(format_slowdown_interval(0.99, 1.02, &ascii).text, "-1.0 .. +2.0 %");
    assert_string_equal(format_slowdown_interval(NAN, 1.02, &utf8).text, "-");
    assert_string_equal(format_slowdown_interval(1, NAN, &utf8).text, "-");
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

static void every_axis_has_ticks_inside_its_range(void **state)
{
    static const struct span spans[] = {{3, 3}, {1.2, 1.3}, {1, 1000}, {0.5, 3e5}, {3.49, 3.51}, {99, 101}};
    (void)state;
    for (size_t i = 0; i < COUNT(spans); i++) {
        struct axis axes[2];
        axis_log(spans[i], 7, &axes[0]);
        axis_linear(spans[i], 2, 6, &axes[1]);
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
    struct axis axis;
    (void)state;
    axis_sizes((struct span){4096, 1073741824}, 10, &axis);
    assert_int_equal(axis.tick_count, 10);
    assert_float_equal(axis.ticks[1], 16384, 0);
    axis_sizes((struct span){5931642, 5931642}, 10, &axis);
    assert_int_equal(axis.tick_count, 1);
    assert_float_equal(axis.ticks[0], 5931642, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_sizes_in_the_largest_unit_with_three_digits),
        cmocka_unit_test(writes_times_with_three_digits),
        cmocka_unit_test(writes_slowdowns_with_their_sign_and_never_a_negative_zero),
        cmocka_unit_test(writes_an_interval_or_a_dash_where_an_end_is_not_known),
        cmocka_unit_test(writes_durations_as_people_say_them),
        cmocka_unit_test(writes_counts_in_groups_of_three),
        cmocka_unit_test(every_axis_has_ticks_inside_its_range),
        cmocka_unit_test(size_axes_have_powers_of_two_or_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
