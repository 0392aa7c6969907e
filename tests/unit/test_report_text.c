/* report/text.h: text from outside is harmless, and stays within its columns. */
#include "cmocka_all.h"

#include "report/text.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static void control_characters_and_broken_utf8_do_not_come_through(void **state)
{
    static const struct {
        const char *in;
        unsigned flags;
        const char *out;
    } texts[] = {
        {"plain", TEXT_UTF8, "plain"},
        {"a\033[31mb\n", TEXT_UTF8, "a [31mb "},
        {"a\033b", TEXT_KEEP_CONTROLS, "a\033b"},
        {"a\033[31m\x7f\xc2\x9b", TEXT_MARK_CONTROLS, "a?[31m??"},
        {"a\xc2\x9b"
         "31m",
            TEXT_UTF8, "a 31m"}, /* CSI as one C1 character */
        {"a\xff"
         "b",
            TEXT_UTF8,
            "a\xef\xbf\xbd"
            "b"},
        {"a\xc0\xafz", TEXT_UTF8, "a\xef\xbf\xbd\xef\xbf\xbdz"},             /* an overlong '/' */
        {"\xed\xa0\x80", TEXT_UTF8, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"cut \xe2\x80", TEXT_UTF8, "cut \xef\xbf\xbd\xef\xbf\xbd"},
        {"3 µs … ™", TEXT_ASCII, "3 us ... ?"},
        {"\xf0\x9f\x98\x80", TEXT_UTF8, "\xf0\x9f\x98\x80"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char out[64];
        text_clean(texts[i].in, texts[i].flags, out, sizeof out);
        assert_string_equal(out, texts[i].out);
    }
}

static void a_small_buffer_never_gets_half_a_character(void **state)
{
    char out[5];
    (void)state;
    text_clean("abµµ", TEXT_UTF8, out, sizeof out);
    assert_string_equal(out, "abµ");
}

static void of_what_a_program_said_the_end_is_one_line(void **state)
{
    static const struct {
        const char *bytes;
        size_t length, size;
        const char *line;
    } said[] = {
        {"first\nlast\r\n\n", 13, 64, "first last"},
        {"\n", 1, 64, ""},
        {"", 0, 64, ""},
        {"a\0b\033c", 5, 64, "a?b?c"},
        {"caf\xe9", 4, 64, "caf\xef\xbf\xbd"},
        {"\xa9 and \xc3\xa9", 8, 64, " and \xc3\xa9"}, /* cut within its first character */
        {"a\xe9\xe9z", 4, 9, "a\xef\xbf\xbd\xef\xbf\xbdz"},
        {"a\xe9\xe9z", 4, 8, "…\xef\xbf\xbdz"},
        {"a\xe9\xe9z", 4, 6, "…z"},
        {"from first to last", 18, 9, "… last"},
    };
    char many[2 * TEXT_SAID_BYTES], out[TEXT_SAID_BYTES];
    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        text_said(said[i].bytes, said[i].length, out, said[i].size);
        assert_string_equal(out, said[i].line);
    }
    memset(many, 0xe9, sizeof many);
    many[sizeof many - 1] = '.';
    text_said(many, sizeof many, out, sizeof out);
    assert_true(strlen(out) >= sizeof out - 3 && out[strlen(out) - 1] == '.');
}

static void cutting_keeps_to_columns_and_to_the_buffer(void **state)
{
    const struct report_style styles[] = {{.utf8 = true}, {.utf8 = false}};
    (void)state;
    for (size_t s = 0; s < COUNT(styles); s++)
        for (size_t columns = 0; columns < 8; columns++) {
            char *text = strdup("abcdeµ"); /* exactly as large as it is: the sanitizer sees a byte too many */
            text_cut(text, columns, &styles[s]);
            assert_true(text_columns(text) <= columns);
            free(text);
        }
}

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *paragraph(const char *text, unsigned columns)
{
    char *out;
    size_t size = 0;
    FILE *stream = open_memstream(&out, &size);
    text_wrap(stream, "* ", text, columns);
    fclose(stream);
    return out;
}

static void paragraphs_are_wrapped_between_words_and_keep_units(void **state)
{
    char *out = paragraph("a walk over 64 MiB costs a bit", 16);
    (void)state;
    assert_string_equal(out, "* a walk over\n  64 MiB costs a\n  bit\n");
    free(out);
    out = paragraph("abcdefghijklmnopqrstuvwxyz", 14);
    assert_string_equal(out, "* abcdefghijkl\n  mnopqrstuvwx\n  yz\n");
    free(out);
    out = paragraph("not wrapped at all without a limit", 0);
    assert_string_equal(out, "* not wrapped at all without a limit\n");
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_and_broken_utf8_do_not_come_through),
        cmocka_unit_test(a_small_buffer_never_gets_half_a_character),
        cmocka_unit_test(of_what_a_program_said_the_end_is_one_line),
        cmocka_unit_test(cutting_keeps_to_columns_and_to_the_buffer),
        cmocka_unit_test(paragraphs_are_wrapped_between_words_and_keep_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
