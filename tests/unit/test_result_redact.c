/* result/result.h: a result that is given away names no machine of its owner's, in any form. */
#include "cmocka_all.h"

#include "report/document.h"
#include "report/views.h"
#include "result/json.h"
#include "runner/remote.h"
#include "read_result.h"

#include <stdlib.h>
#include <string.h>

/* Commands that start agents, and the words in them that must not be told. */
static const struct {
    const char *command, *words[8];
} commands[] = {
    {"ssh qalice@qhost7.example.net vcost agent", {"qalice", "qhost7", "example"}},
    {"docker exec -i 'qbox' /opt/qdir/vcost agent --cpu 0", {"qbox", "qdir", "docker"}},
    {"qx", {"qx"}},
    {"socat - UNIX-CONNECT:/run/qsock/a\"b,c", {"qsock", "socat", "UNIX"}},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* A result of the fixtures, made one of these agents. Its texts are the pool's. */
static struct result result_of(const char *command)
{
    const char *root = getenv("VCOST_SOURCE_ROOT");
    char path[512], name[REMOTE_NAME_BYTES];
    struct result result;
    struct error error;
    snprintf(path, sizeof path, "%s/tests/fixtures/amd/agent.json", root ? root : ".");
    assert_int_equal(result_read(path, &result, &error), 0);
    remote_name(command, name);
    for (size_t i = 0; i < result.cell_count; i++) {
        struct result_cell *cell = &result.cells[i];
        char *old = strstr(cell->id, "command:vcost agent"), rest[CELL_ID_BYTES];
        if (!old)
            continue;
        snprintf(rest, sizeof rest, "%s", old + strlen("command:vcost agent"));
        snprintf(old, (size_t)(cell->id + sizeof cell->id - old), "%s%.100s", name, rest);
        snprintf(cell->label, sizeof cell->label, "%.30s (kvm guest)", name + strlen("command:"));
        snprintf(cell->reason, sizeof cell->reason, "%s: %.40s went away.", name, command);
        cell->quality = QUALITY_INTERRUPTED;
        cell->cell.monitor = pool_text(&result.pool, name);
    }
    result.agents[0].monitor = pool_text(&result.pool, name);
    result.agents[0].command = pool_text(&result.pool, command);
    result.complete = false;
    snprintf(result.incomplete_reason, sizeof result.incomplete_reason, "%s: connect to %s failed.", name,
        command);
    char *const words[] = {"/home/qbob/bin/vcost", "chase", "--on", "native", "--on",
        (char *)pool_format(&result.pool, "command:%s", command), "--json", "/home/qbob/x.json"};
    assert_int_equal(result_set_command(&result, 8, words, &error), 0);
    free(result.settings);
    result.settings = calloc(1, sizeof *result.settings);
    result.setting_count = 1;
    result.settings[0] =
        (struct result_setting){"on", pool_format(&result.pool, "native,command:%s", command), false};
    return result;
}

static char *text_of(const struct result *result, const char *format)
{
    char *text = NULL, *json = NULL;
    size_t size;
    struct document document = {.title = NULL};
    struct report_style style = {.utf8 = true, .verbose = true};
    struct error error;
    FILE *stream = open_memstream(&json, &size);
    assert_int_equal(json_write(result, stream, &error), 0);
    fclose(stream);
    if (!format)
        return json;
    view_chase(result, &document);
    document.json = json;
    stream = open_memstream(&text, &size);
    assert_int_equal(document_write(&document, format_named(format), stream, &style, &error), 0);
    fclose(stream);
    document_free(&document);
    free(json);
    return text;
}

static void assert_lacks(const char *text, const char *word)
{
    const char *found = strstr(text, word);
    if (found)
        print_message("# %s: %.100s\n", word, found > text + 40 ? found - 40 : text);
    assert_null(found);
}

static void no_word_of_a_command_is_in_any_format(void **state)
{
    static const char *const formats[] = {NULL, "html", "terminal", "markdown", "csv", "svg"};
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        struct result result = result_of(commands[i].command);
        struct error error;
        char *before = text_of(&result, "html");
        assert_non_null(strstr(before, commands[i].words[0])); /* the check below would see it */
        free(before);
        assert_int_equal(result_redact(&result, &error), 0);
        for (size_t form = 0; form < sizeof formats / sizeof formats[0]; form++) {
            char *text = text_of(&result, formats[form]);
            for (size_t word = 0; commands[i].words[word]; word++)
                assert_lacks(text, commands[i].words[word]);
            assert_lacks(text, "qbob");
            free(text);
        }
        result_free(&result);
    }
}

static void what_was_measured_stays(void **state)
{
    struct result before = result_of(commands[0].command), after = result_of(commands[0].command);
    struct error error;
    (void)state;
    assert_int_equal(result_redact(&after, &error), 0);
    assert_int_equal(after.command_count, 0);
    assert_string_equal(after.agents[0].monitor, "command:1");
    assert_string_equal(after.settings[0].value, "native,command:1");
    assert_string_equal(after.incomplete_reason, "command:1: connect to … …@… vcost agent failed.");
    assert_string_equal(after.agents[0].facts.brand.text, before.agents[0].facts.brand.text);
    assert_string_equal(after.host.kernel.text, before.host.kernel.text);
    assert_int_equal(after.cell_count, before.cell_count);
    assert_int_equal(after.comparison_count, before.comparison_count);
    for (size_t i = 0; i < after.cell_count; i++) {
        bool remote = strcmp(before.cells[i].cell.monitor, "native") != 0;
        assert_string_equal(after.cells[i].cell.monitor, remote ? "command:1" : "native");
        assert_string_equal(after.cells[i].label, remote ? "command:1 (kvm guest)" : "native");
        assert_true(after.cells[i].median == before.cells[i].median);
        assert_int_equal(after.cells[i].sample_count, before.cells[i].sample_count);
    }
    result_free(&before);
    result_free(&after);
}

/* Twice is once, and without agents only the command goes. */
static void it_can_be_done_again(void **state)
{
    struct result result = result_of(commands[1].command);
    struct error error;
    (void)state;
    assert_int_equal(result_redact(&result, &error), 0);
    char *once = text_of(&result, NULL);
    assert_int_equal(result_redact(&result, &error), 0);
    char *twice = text_of(&result, NULL);
    assert_string_equal(once, twice);
    free(once);
    free(twice);
    result_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_word_of_a_command_is_in_any_format),
        cmocka_unit_test(what_was_measured_stays),
        cmocka_unit_test(it_can_be_done_again),
    };
    return cmocka_run_group_tests_name("result_redact", tests, NULL, NULL);
}
