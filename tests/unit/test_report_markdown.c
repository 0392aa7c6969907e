/* report/markdown.h: tables that are well-formed whatever is in them. */
#include "cmocka_all.h"

#include "report/markdown.h"
#include "report/markdown_text.h"
#include "test_report_synthetic.h"

#include <stdlib.h>
#include <string.h>

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static char *markdown_of(const struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(markdown_write(result, stream, NULL), 0);
    fclose(stream);
    return text;
}

__attribute__((noinline)) static char *escaped(const char *in)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    markdown_text(stream, in);
    fclose(stream);
    return text;
}

static void nothing_in_a_text_has_a_meaning(void **state)
{
    static const struct {
        const char *in, *out;
    } texts[] = {{"plain, text (1.5 %)", "plain, text (1.5 %)"}, {"a|b", "a\\|b"},
        {"<b>&amp;", "\\<b\\>\\&amp;"}, {"*_`[x](y)\\", "\\*\\_\\`\\[x\\](y)\\\\"},
        {"two\nlines\033[31m", "two lines \\[31m"}};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *text = escaped(texts[i].in);
        assert_string_equal(text, texts[i].out);
        free(text);
    }
}

static size_t unescaped_bars(const char *line)
{
    size_t count = 0;
    for (const char *c = line; *c; c++) {
        if (*c == '\\' && c[1])
            c++;
        else
            count += *c == '|';
    }
    return count;
}

static void every_row_of_a_table_has_as_many_cells_as_its_head(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    size_t bars = 0, rows = 0;
    (void)state;
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    strcpy(result.cells[1].label, "kvm | <hostile>");
    char *text = markdown_of(&result), *rest;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] != '|')
            continue;
        bars = rows++ ? bars : unescaped_bars(line);
        assert_int_equal(unescaped_bars(line), bars);
    }
    assert_int_equal(rows, 2 + 19); /* head, rule, 4 KiB to 1 GiB */
    free(text);
    result_free(&result);
}

static void marks_reasons_and_sentences_are_there(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    char *text = markdown_of(&result);
    static const char *const parts[] = {"### pointer chase, random, 64 B elements: ns per access",
        "| 4 KiB |", "\\~ noisy", "most samples were disturbed (steal)",
        "\n- The measurement is incomplete: stopped by the user.", "\n- Native here is itself a KVM guest"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_non_null(strstr(text, parts[i]));
    assert_null(strchr(text, '\033'));
    free(text);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_a_text_has_a_meaning),
        cmocka_unit_test(every_row_of_a_table_has_as_many_cells_as_its_head),
        cmocka_unit_test(marks_reasons_and_sentences_are_there),
    };
    return cmocka_run_group_tests_name("markdown", tests, NULL, NULL);
}
