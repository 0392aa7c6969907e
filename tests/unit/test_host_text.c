/* host/text and host/read_text: what the kernel shows is picked apart safely, whatever it is. */
#include "test_host_tree.h"

#include "host/text.h"

#include <errno.h>

static void numbers_are_read_or_refused(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_string_equal(text_number(" 42 kB", &value), " kB");
    assert_int_equal(value, 42);
    assert_non_null(text_number("18446744073709551615", &value));
    assert_true(value == UINT64_MAX);
    value = 7;
    assert_null(text_number("18446744073709551616", &value));
    assert_null(text_number("99999999999999999999999999", &value));
    assert_null(text_number("-1", &value));
    assert_null(text_number("max", &value));
    assert_null(text_number("", &value));
    assert_int_equal(value, 7);
}

static void lists_are_counted_and_what_is_no_list_is_zero(void **state)
{
    (void)state;
    assert_int_equal(text_list_count("0"), 1);
    assert_int_equal(text_list_count("0-3,8,10-11"), 7);
    assert_int_equal(text_list_count(""), 0);
    assert_int_equal(text_list_count("3-0"), 0);
    assert_int_equal(text_list_count("0-"), 0);
    assert_int_equal(text_list_count("0,"), 0);
    assert_int_equal(text_list_count("0-4294967295"), 0);
    assert_int_equal(text_list_count("0-18446744073709551615"), 0);
    assert_int_equal(text_list_count("0-3 and more"), 0);
}

static void values_are_found_by_their_whole_name(void **state)
{
    (void)state;
    static const char text[] = "MemTotalX: 1\nMemTotal:   2048 kB\nempty:\nname\t: AMD  EPYC \nfile 12\n";
    char value[16];
    uint64_t number;
    assert_true(text_value_number(text, "MemTotal", ':', &number));
    assert_int_equal(number, 2048);
    assert_true(text_value(text, "name", ':', value, sizeof value));
    assert_string_equal(value, "AMD  EPYC");
    assert_true(text_value(text, "empty", ':', value, sizeof value));
    assert_string_equal(value, "");
    assert_false(text_value_number(text, "empty", ':', &number));
    assert_true(text_value_number(text, "file", ' ', &number));
    assert_int_equal(number, 12);
    assert_false(text_value(text, "Mem", ':', value, sizeof value));
    assert_false(text_value("", "MemTotal", ':', value, sizeof value));
}

static void values_are_cut_at_the_end_of_the_buffer(void **state)
{
    (void)state;
    char value[8] = "1234567";
    assert_true(text_value("a: bcdefghijklmnop\n", "a", ':', value, 5));
    assert_string_equal(value, "bcd");
    assert_memory_equal(value + 5, "67", 3);
}

static void control_characters_do_not_get_through(void **state)
{
    (void)state;
    char text[] = " \t\x1b[31mred\x07\xc3\xa4\tx \r\n";
    text_trim(text);
    assert_string_equal(text, "?[31mred??? x");
}

static void huge_files_are_read_in_part(void **state)
{
    (void)state;
    char text[64], line[READ_TEXT_LINE];
    uint64_t number = 7;
    tree_garbage("/huge", 3 << 20);
    memset(text, 'x', sizeof text);
    assert_int_equal(read_text("/huge", text, 32), 0);
    assert_int_equal(text[31], '\0');
    assert_int_equal(text[32], 'x');
    (void)read_line("/huge", line, sizeof line);
    assert_int_equal(read_number("/huge", &number), -EINVAL);
    assert_int_equal(number, 7);
}

static void missing_and_odd_files_are_told_apart(void **state)
{
    (void)state;
    char line[READ_TEXT_LINE];
    uint64_t number;
    tree_file("/empty", "\n");
    tree_file("/words", "12 13\n");
    tree_file("/directory/file", "12\n");
    assert_int_equal(read_line("/none", line, sizeof line), -ENOENT);
    assert_int_equal(read_line("/empty", line, sizeof line), -ENODATA);
    assert_int_equal(read_number("/words", &number), -EINVAL);
    assert_int_equal(read_line("/directory", line, sizeof line), -EISDIR);
    assert_int_equal(read_number("/directory/file", &number), 0);
    assert_int_equal(number, 12);
    struct fact fact = read_fact("/none");
    assert_false(fact.known);
    assert_string_equal(fact.text, "no /none");
}

static void a_fifo_in_place_of_a_file_does_not_hang(void **state)
{
    (void)state;
    char line[READ_TEXT_LINE];
    assert_int_equal(mkfifo(tree_place("/fifo"), 0600), 0);
    alarm(300);
    assert_true(read_line("/fifo", line, sizeof line) < 0);
    alarm(0);
}

struct lines {
    size_t count, longest;
    char last[READ_TEXT_LINE];
};

static bool count_line(char *line, void *context)
{
    struct lines *lines = context;
    size_t length = strlen(line);
    lines->count++;
    lines->longest = length > lines->longest ? length : lines->longest;
    text_copy(lines->last, sizeof lines->last, line);
    return true;
}

static void long_lines_are_cut_and_stay_one_line(void **state)
{
    (void)state;
    struct lines lines = {0};
    char text[4096];
    memset(text, 'a', sizeof text);
    const char tail[] = {'\n', 'l', 'a', 's', 't', '\n'};
    memcpy(text + sizeof text - sizeof tail, tail, sizeof tail);
    tree_bytes("/lines", text, sizeof text);
    assert_int_equal(read_each_line("/lines", count_line, &lines), 0);
    assert_int_equal(lines.count, 2);
    assert_int_equal(lines.longest, READ_TEXT_LINE - 1);
    assert_string_equal(lines.last, "last");
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_or_refused),
        cmocka_unit_test(lists_are_counted_and_what_is_no_list_is_zero),
        cmocka_unit_test(values_are_found_by_their_whole_name),
        cmocka_unit_test(values_are_cut_at_the_end_of_the_buffer),
        cmocka_unit_test(control_characters_do_not_get_through),
        WITH_TREE(huge_files_are_read_in_part),
        WITH_TREE(missing_and_odd_files_are_told_apart),
        WITH_TREE(a_fifo_in_place_of_a_file_does_not_hang),
        WITH_TREE(long_lines_are_cut_and_stay_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
