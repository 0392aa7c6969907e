/* Commands below commands, and commands whose options end at the first operand: on a tree of commands of this
 * test's own. */
#include "cli/command.h"
#include "cli/common_options.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct save_options {
    int level;
};

static const struct option_spec save_table[] = {
    {.name = "level",
        .letter = 'l',
        .kind = OPTION_NUMBER,
        .offset = offsetof(struct save_options, level),
        .value_name = "N",
        .fallback = "3",
        .max = 9,
        .help = "How small."},
};

static int no_run(const struct invocation *invocation)
{
    return (int)invocation->operand_count;
}

#define LEAF(word, says)                                                                                     \
    .name = (word), .summary = (says), .description = {"Does it."},                                          \
    .options_bytes = sizeof(struct save_options), .run = no_run

static const struct command save = {LEAF("domain save", "writes a domain to a file"),
    .groups = {{"How", save_table, 1, 0}, HELP_GROUP},
    .operand = {.name = "FILE", .help = "Where to.", .min = 1, .max = 1}};
static const struct command restore = {
    LEAF("domain restore", "makes a domain of a file"), .groups = {HELP_GROUP}};
static const struct command secret = {
    LEAF("domain secret", "is not told"), .hidden = true, .groups = {HELP_GROUP}};
static const struct command *const below_domain[] = {&save, &restore, &secret, NULL};

static const struct command domain = {.name = "domain",
    .summary = "domains in files",
    .description = {"Domains that stay."},
    .groups = {HELP_GROUP},
    .commands = below_domain};
static const struct command run = {LEAF("run", "runs a program in a domain"),
    .groups = {{"How", save_table, 1, 0}, HELP_GROUP},
    .operand = {.name = "PROGRAM", .help = "What to run, with its arguments.", .min = 1, .rest = true}};
static const struct command *const commands[] = {&domain, &run, NULL};
static const struct command root = {.name = "",
    .summary = "a tree",
    .description = {"A tree."},
    .groups = {HELP_GROUP},
    .commands = commands};

static struct error error;
static struct invocation invocation;
static struct save_options options;
static const struct command *chosen;

/* Cuts a line at its blanks; the words live until the next one. */
static size_t split(const char *line, char *words[static 32])
{
    static char copy[256];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    return count;
}

/* As main() does it. */
static int parse(const char *line)
{
    static char *words[32];
    size_t count = split(line, words), used;
    print_message("# %s\n", line);
    chosen = &root;
    error = (struct error){0};
    int rc = command_choose(count, (const char *const *)words, &chosen, &used, &error);
    return rc < 0 ? rc : options_parse(chosen, (int)count, words, (int)used, &options, &invocation, &error);
}

static void refuses(const char *line, const struct command *where, const char *sentence)
{
    assert_int_equal(parse(line), -EINVAL);
    assert_string_equal(error.text, sentence);
    assert_ptr_equal(chosen, where);
}

static void a_nested_command_is_found_with_its_options(void **state)
{
    (void)state;
    assert_int_equal(parse("domain save --level 5 x"), 0);
    assert_ptr_equal(chosen, &save);
    assert_int_equal(options.level, 5);
    assert_int_equal(invocation.operand_count, 1);
    assert_string_equal(invocation.operands[0], "x");
    assert_int_equal(parse("domain secret"), 0); /* hidden, but there */
    assert_ptr_equal(chosen, &secret);
    assert_int_equal(parse("run save"), 0); /* no command of that level */
    assert_ptr_equal(chosen, &run);
    assert_int_equal(parse("domain --help"), 0);
    assert_true(invocation.help && chosen == &domain);
}

static void a_wrong_nested_command_gets_a_suggestion_of_its_level(void **state)
{
    (void)state;
    refuses("domain sav", &domain, "there is no command \"domain sav\" (did you mean domain save?)");
    refuses("domain run", &domain, "there is no command \"domain run\"");
    refuses("domain secre", &domain, "there is no command \"domain secre\"");
    refuses("save", &root, "there is no command \"save\"");
    refuses("domian save", &root, "there is no command \"domian\" (did you mean domain?)");
    refuses("domain", &domain, "name a command, such as vcost domain save");
    refuses("domain --", &domain, "name a command, such as vcost domain save");
    refuses("", &root, "name a command, such as vcost domain");
    refuses("domain save", &save, "FILE is missing");
}

static void the_first_operand_ends_the_options_where_the_command_says_so(void **state)
{
    static const struct {
        const char *line;
        int level;
        const char *operands;
    } good[] = {
        {"run ls -l", 3, "ls -l"},
        {"run -l 4 ls -l --level=x --help", 4, "ls -l --level=x --help"},
        {"run --level=1 -- -odd -l", 1, "-odd -l"},
        {"run ls -- -l", 3, "ls -- -l"},
        {"run - 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", 3,
            "- 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[256] = "";
        assert_int_equal(parse(good[i].line), 0);
        assert_int_equal(options.level, good[i].level);
        assert_false(invocation.help);
        for (size_t j = 0; j < invocation.operand_count; j++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", j ? " " : "",
                invocation.operands[j]);
        assert_string_equal(text, good[i].operands);
    }
    refuses("run", &run, "PROGRAM is missing");
    refuses("run --", &run, "PROGRAM is missing");
    refuses("run --lvel ls", &run, "there is no option --lvel (did you mean --level?)");
}

static void all_commands_are_counted_with_those_below_them(void **state)
{
    const struct command *const all[] = {&domain, &save, &restore, &secret, &run, NULL};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_ptr_equal(command_at(&root, i), all[i]);
    assert_string_equal(command_choice(&domain, 1).name, "restore");
    assert_null(command_choice(&domain, 2).name); /* people are not told of the hidden one */
}

static char *written; /* freed by each test */
static size_t written_size;

static FILE *start_writing(void)
{
    FILE *out = open_memstream(&written, &written_size);
    assert_non_null(out);
    return out;
}

static void assert_written(const char *text)
{
    if (!strstr(written, text))
        print_message("# %s\n# lacks: %s\n", written, text);
    assert_non_null(strstr(written, text));
}

static void help_and_manual_know_the_levels(void **state)
{
    (void)state;
    FILE *out = start_writing();
    help_write(&root, out, 80);
    help_write(&domain, out, 80);
    help_write(&save, out, 80);
    help_write(&run, out, 80);
    manual_write(&domain, out);
    manual_write(&save, out);
    fclose(out);
    assert_written("\nUsage: vcost COMMAND [OPTIONS]\n");
    assert_written("\nUsage: vcost domain COMMAND [OPTIONS]\n");
    assert_written("\nCommands:\n  save            writes a domain to a file\n  restore ");
    assert_written("vcost domain save: writes a domain");
    assert_written("\nUsage: vcost run [OPTIONS] PROGRAM [ARGUMENT...]\n");
    assert_written(".SH COMMANDS\n.TP\n\\fBsave\\fR");
    assert_written(".TH VCOST\\-DOMAIN\\-SAVE 1");
    assert_null(strstr(written, "secret"));
    free(written);
}

static void help_explains_nested_commands(void **state)
{
    char *words[] = {"domain", "save", "domain", "x"};
    struct invocation asked = {.command = &root, .operands = (const char *const *)words, .operand_count = 2};
    (void)state;
    FILE *out = start_writing();
    assert_int_equal(help_explain(&root, &asked, out), STATUS_DONE);
    asked.operand_count = 1;
    assert_int_equal(help_explain(&root, &asked, out), STATUS_DONE);
    asked.operands += 2;
    asked.operand_count = 2;
    assert_int_equal(help_explain(&root, &asked, out), STATUS_USAGE);
    fclose(out);
    assert_written("Usage: vcost domain save [OPTIONS] FILE\n");
    assert_written("Usage: vcost domain COMMAND");
    free(written);
}

/* What bash offers for the last word of a line. */
static void assert_completes(const char *line, const char *expected)
{
    char script[1024], got[256] = "";
    snprintf(script, sizeof script,
        "bash -c 'source \"$0\"; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vcost; "
        "echo \"${COMPREPLY[*]}\"' \"$VCOST_COMPLETION\"",
        line);
    FILE *bash = popen(script, "r"); /* NOLINT(cert-env33-c): the lines are this test's own */
    assert_non_null(bash);
    if (fgets(got, sizeof got, bash))
        got[strcspn(got, "\n")] = '\0';
    assert_int_equal(pclose(bash), 0);
    print_message("# %s: %s\n", line, got);
    assert_string_equal(got, expected);
}

static void completion_goes_down_the_tree(void **state)
{
    char path[] = "/tmp/test_commands.XXXXXX";
    int file = mkstemp(path);
    (void)state;
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    completion_write(&root, out);
    fclose(out);
    setenv("VCOST_COMPLETION", path, 1);
    assert_completes("vcost \"\"", "domain run");
    assert_completes("vcost domain \"\"", "save restore");
    assert_completes("vcost domain s", "save");
    assert_completes("vcost domain save --l", "--level");
    assert_completes("vcost domain --", "--help");
    assert_completes("vcost help \"\"", "domain run");
    assert_completes("vcost help domain r", "restore");
    assert_completes("vcost run --l", "--level");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nested_command_is_found_with_its_options),
        cmocka_unit_test(a_wrong_nested_command_gets_a_suggestion_of_its_level),
        cmocka_unit_test(the_first_operand_ends_the_options_where_the_command_says_so),
        cmocka_unit_test(all_commands_are_counted_with_those_below_them),
        cmocka_unit_test(help_and_manual_know_the_levels),
        cmocka_unit_test(help_explains_nested_commands),
        cmocka_unit_test(completion_goes_down_the_tree),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
