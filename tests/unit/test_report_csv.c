/* report/csv.h: one line a cell, quoted so that any reader gets back what was written. */
#include "cmocka_all.h"

#include "report/csv.h"
#include "test_report_synthetic.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS = 40, LINES_MAX = 64 };

/* A reader of its own, by RFC 4180: quoted fields, doubled quotes. */
struct table {
    char fields[LINES_MAX][FIELDS + 1][256];
    size_t widths[LINES_MAX], lines;
};

static const char *read_field(const char *at, char *out)
{
    bool quoted = *at == '"';
    at += quoted;
    while (*at && (quoted || (*at != ',' && *at != '\n'))) {
        if (quoted && *at == '"' && *++at != '"')
            break;
        *out++ = *at++;
    }
    *out = 0;
    return at;
}

static void read_table(const char *at, struct table *table)
{
    *table = (struct table){0};
    while (*at && table->lines < LINES_MAX) {
        size_t *width = &table->widths[table->lines];
        do {
            assert_true(*width <= FIELDS);
            at = read_field(at, table->fields[table->lines][(*width)++]);
        } while (*at == ',' && at++);
        assert_true(*at == '\n');
        at++;
        table->lines++;
    }
}

static const char *field(const struct table *table, size_t line, const char *name)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (!strcmp(table->fields[0][i], name))
            return table->fields[line][i];
    fail_msg("no column %s", name);
    return NULL;
}

/* noinline: GCC 12 takes what open_memstream() hands out for the address of the variable. */
__attribute__((noinline)) static struct table *table_of(struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_int_equal(csv_write(result, stream, NULL), 0);
    fclose(stream);
    struct table *table = malloc(sizeof *table);
    read_table(text, table);
    free(text);
    return table;
}

static void quotes_only_what_has_to_be_quoted(void **state)
{
    static const struct {
        const char *in, *out;
    } fields[] = {{"", ""}, {"plain text", "plain text"}, {"a,b", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\""}, {"two\nlines", "\"two\nlines\""}, {"\r", "\"\r\""}};
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        csv_field(stream, fields[i].in);
        fclose(stream);
        assert_string_equal(text, fields[i].out);
        free(text);
    }
}

static void every_cell_has_a_line_with_every_column(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    struct table *table = table_of(&result);
    assert_int_equal(table->lines, result.cell_count + 1);
    for (size_t i = 0; i < table->lines; i++)
        assert_int_equal(table->widths[i], FIELDS);
    assert_string_equal(field(table, 2, "label"), "kvm (shadow, PVM)");
    assert_string_equal(field(table, 2, "baseline"), result.cells[0].id);
    assert_float_equal(strtod(field(table, 2, "ratio"), NULL), result.comparisons[0].ratio, 1e-6);
    assert_string_equal(field(table, 1, "ratio"), "");
    free(table);
    result_free(&result);
}

static void what_is_not_known_is_empty_and_has_a_reason(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    recipe.blemishes = true;
    synthetic_result(&recipe, &result);
    strcpy(result.cells[result.cell_count - 1].reason, "killed, \"so to speak\"");
    struct table *table = table_of(&result);
    size_t last = table->lines - 1;
    static const char *const empty[] = {"median", "low", "high", "min", "ratio", "ratio_low", "ratio_high"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_string_equal(field(table, last, empty[i]), "");
    assert_string_equal(field(table, last, "reason"), "killed, \"so to speak\"");
    assert_string_equal(field(table, 1, "exits"), "");
    assert_string_equal(field(table, 1, "guest_page_bytes"), "");
    assert_string_equal(field(table, 1, "reason"), "");
    free(table);
    result_free(&result);
}

static void modes_and_drift_are_columns(void **state)
{
    struct synthetic recipe = synthetic_usual();
    struct result result;
    (void)state;
    synthetic_result(&recipe, &result);
    result.cells[1].modes = (struct modes){true, true, 11.2, 19, 0.25};
    result.cells[1].drift_percent = -4;
    struct table *table = table_of(&result);
    assert_string_equal(field(table, 2, "modes_of"), "placements");
    assert_string_equal(field(table, 2, "modes_low"), "11.2");
    assert_string_equal(field(table, 2, "modes_share_high"), "0.25");
    assert_string_equal(field(table, 2, "drift_percent"), "-4");
    assert_string_equal(field(table, 2, "trend_percent"), "");
    assert_string_equal(field(table, 1, "modes_high"), "");
    free(table);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_only_what_has_to_be_quoted),
        cmocka_unit_test(every_cell_has_a_line_with_every_column),
        cmocka_unit_test(modes_and_drift_are_columns),
        cmocka_unit_test(what_is_not_known_is_empty_and_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
