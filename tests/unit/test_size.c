/* base/size.h: sizes as people write them. */
#include "base/size.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static void reads_sizes_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {
        {"1", 1},
        {"4096", 4096},
        {"4K", 4 * KIB},
        {"4k", 4 * KIB},
        {"64KiB", 64 * KIB},
        {"64KB", 64 * KIB},
        {"2M", 2 * MIB},
        {"2MiB", 2 * MIB},
        {"1G", GIB},
        {"1gb", GIB},
        {"3T", 3072 * GIB},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"8388607T", UINT64_C(8388607) << 40},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t bytes = 0;
        struct error error = {0};
        print_message("# \"%s\"\n", sizes[i].text);
        assert_int_equal(size_parse(sizes[i].text, &bytes, &error), 0);
        assert_true(bytes == sizes[i].bytes);
    }
}

static void refuses_what_is_no_size_and_says_why(void **state)
{
    static const struct {
        const char *text, *words;
    } wrong[] = {
        {"", "missing"},
        {"0", "at least 1 byte"},
        {"0K", "at least 1 byte"},
        {"-1", "negative"},
        {"-4K", "negative"},
        {"+4K", "not a size"},
        {" 4K", "not a size"},
        {"4K ", "not a size"},
        {"4 K", "not a size"},
        {"K", "not a size"},
        {"4X", "not a size"},
        {"4Ki", "not a size"},
        {"4KK", "not a size"},
        {"0x10", "not a size"},
        {"1e9", "not a size"},
        {"1.5G", "not a whole number"},
        {"1,5G", "not a whole number"},
        {"4K..8K", "a range"},
        {"9223372036854775808", "too large"},
        {"18446744073709551617", "too large"},
        {"99999999999999999999999999999", "too large"},
        {"8388608T", "too large"},
        {"four", "not a size"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        uint64_t bytes = 42;
        struct error error = {0};
        print_message("# \"%s\"\n", wrong[i].text);
        assert_true(size_parse(wrong[i].text, &bytes, &error) < 0);
        assert_true(error.code > 0);
        assert_non_null(strstr(error.text, wrong[i].words));
        assert_non_null(strstr(error.text, wrong[i].text));
        assert_true(bytes == 42);
    }
}

static void reads_ranges(void **state)
{
    struct size_range range;
    struct error error = {0};
    (void)state;
    assert_int_equal(size_range_parse("4K..1G", &range, &error), 0);
    assert_true(range.first == 4 * KIB && range.last == GIB);
    assert_int_equal(size_range_parse("64..64", &range, &error), 0);
    assert_true(range.first == 64 && range.last == 64);
    assert_int_equal(size_range_parse("2M", &range, &error), 0);
    assert_true(range.first == 2 * MIB && range.last == 2 * MIB);
}

static void refuses_what_is_no_range_and_says_why(void **state)
{
    static const struct {
        const char *text, *words;
    } wrong[] = {
        {"", "missing"},
        {"4K..", "missing"},
        {"..4K", "missing"},
        {"..", "missing"},
        {"1G..4K", "backwards"},
        {"0..4K", "at least 1 byte"},
        {"4K..-1", "negative"},
        {"4K...8K", "not a size"},
        {"4K..8K..16K", "a range"},
        {"4K-8K", "not a size"},
        {"000000000000000000000000000000000000000000000000000000000000000001..2", "not a size"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct size_range range = {42, 43};
        struct error error = {0};
        print_message("# \"%s\"\n", wrong[i].text);
        assert_true(size_range_parse(wrong[i].text, &range, &error) < 0);
        assert_non_null(strstr(error.text, wrong[i].words));
        assert_true(range.first == 42 && range.last == 43);
    }
}

static void needs_nobody_who_listens(void **state)
{
    uint64_t bytes;
    struct size_range range;
    (void)state;
    assert_int_equal(size_parse("x", &bytes, NULL), -EINVAL);
    assert_int_equal(size_range_parse("2..1", &range, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_sizes_as_people_write_them),
        cmocka_unit_test(refuses_what_is_no_size_and_says_why),
        cmocka_unit_test(reads_ranges),
        cmocka_unit_test(refuses_what_is_no_range_and_says_why),
        cmocka_unit_test(needs_nobody_who_listens),
    };
    return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
