#include "cli/manual.h"

#include "cli/describe.h"
#include "cli/status.h"
#include "cli/version.h"

#include <ctype.h>
#include <string.h>

enum { LINE_WIDTH = 76 };

/* Characters that mean something to roff, or that it would set as typographic ones: what is in a manual page
 * must survive being copied to a shell. */
static void put_character(FILE *out, char c)
{
    static const struct {
        char c;
        const char *roff;
    } specials[] = {{'\\', "\\e"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'`', "\\(ga"}, {'^', "\\(ha"},
        {'~', "\\(ti"}, {'"', "\\(dq"}};
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (specials[i].c == c) {
            fputs(specials[i].roff, out);
            return;
        }
    fputc(c, out);
}

static void put(FILE *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put_character(out, text[i]);
}

static void put_string(FILE *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_bold(FILE *out, const char *text, size_t length)
{
    fputs("\\fB", out);
    put(out, text, length);
    fputs("\\fR", out);
}

/* The length of an option at the start of the word ("--csv" of "--csv,"), 0 if there is none. */
static size_t option_length(const char *word)
{
    if (word[0] != '-' || word[1] != '-' || !isalpha((unsigned char)word[2]))
        return 0;
    size_t length = 2;
    while (isalnum((unsigned char)word[length]) || word[length] == '-')
        length++;
    return length;
}

static void put_word(FILE *out, const char *word, size_t length)
{
    size_t bold = option_length(word);
    if (bold)
        put_bold(out, word, bold);
    else if (word[0] == '.')
        fputs("\\&", out); /* at the start of a line it would be a request */
    put(out, word + bold, length - bold);
}

/* Running text: a new line for each sentence, and where one gets long. */
static void put_text(FILE *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        bool breaks = column && column + length > LINE_WIDTH;
        if (column)
            fputc(breaks ? '\n' : ' ', out);
        put_word(out, text, length);
        column = breaks ? length : column + 1 + length;
        bool sentence = strchr(".:", text[length - 1]);
        text += length;
        text += strspn(text, " ");
        if (sentence && *text) {
            fputc('\n', out);
            column = 0;
        }
    }
    fputc('\n', out);
}

/* A tagged paragraph: the tag in bold, the text indented. */
static void item(FILE *out, const char *tag, const char *text)
{
    fputs(".TP\n", out);
    put_bold(out, tag, strlen(tag));
    fputc('\n', out);
    put_text(out, text);
}

static void choices(FILE *out, choice_function *choice)
{
    fputs(".RS\n", out);
    for (size_t i = 0; choice(i).name; i++)
        item(out, choice(i).name, choice(i).summary);
    fputs(".RE\n", out);
}

/* "-q, --quiet" in bold, the name of the value in italics. */
static void option_tag(FILE *out, const struct option_spec *option)
{
    char head[DESCRIBE_BYTES];
    describe_option(option, head);
    size_t name = strcspn(head, "=");
    put_bold(out, head, name);
    if (head[name]) {
        fputs("=\\fI", out);
        put_string(out, head + name + 1);
        fputs("\\fR", out);
    }
    fputc('\n', out);
}

static void option(FILE *out, const struct option_spec *option)
{
    char usual[DESCRIBE_BYTES];
    describe_default(option, usual);
    fputs(".TP\n", out);
    option_tag(out, option);
    put_text(out, option->help);
    bool list = option->choice && !option->listed_elsewhere;
    if (list)
        choices(out, option->choice);
    if (usual[0] && list)
        fputs(".IP\n", out);
    if (usual[0])
        put_text(out, usual);
}

static void options(FILE *out, const struct command *command)
{
    fputs(".SH OPTIONS\n", out);
    for (const struct option_group *group = command->groups; group->options; group++) {
        if (group->title) {
            fputs(".SS ", out);
            put_string(out, group->title);
            fputc('\n', out);
        }
        for (size_t i = 0; i < group->count; i++)
            option(out, &group->options[i]);
    }
}

static void examples(FILE *out, const struct command *command)
{
    if (command->examples[0].line)
        fputs(".SH EXAMPLES\n", out);
    for (const struct example *example = command->examples; example->line; example++)
        item(out, example->line, example->text);
}

static void entries(FILE *out, const char *heading, const struct entry *entries)
{
    if (entries->name)
        fprintf(out, ".SH %s\n", heading);
    for (; entries->name; entries++)
        item(out, entries->name, entries->text);
}

static void statuses(FILE *out, const struct command *command)
{
    struct entry status;
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; (status = describe_status(command, i)).name; i++)
        item(out, status.name, status.text);
}

static void commands(FILE *out, const struct command *command)
{
    struct choice choice = command_choice(command, 0);
    if (choice.name)
        fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; (choice = command_choice(command, i)).name; i++)
        item(out, choice.name, choice.summary);
}

static void operands(FILE *out, const struct command *command)
{
    if (!command->operand.name)
        return;
    fputs(".SH OPERANDS\n.TP\n\\fI", out);
    put_string(out, command->operand.name);
    fputs("\\fR\n", out);
    put_text(out, command->operand.help);
    if (command->operand.choice)
        choices(out, command->operand.choice);
}

static void paragraphs(FILE *out, const struct command *command)
{
    fputs(".SH DESCRIPTION\n", out);
    for (const char *const *paragraph = command->description; *paragraph; paragraph++) {
        if (paragraph > command->description)
            fputs(".PP\n", out);
        put_text(out, *paragraph);
    }
}

/* "vcost(1)" with the name in bold. */
static void see_also(FILE *out, const struct command *command)
{
    if (command->see_also[0])
        fputs(".SH SEE ALSO\n", out);
    for (const char *const *page = command->see_also; *page; page++) {
        size_t name = strcspn(*page, "(");
        put_bold(out, *page, name);
        put_string(out, *page + name);
        fputs(page[1] ? ",\n" : "\n", out);
    }
}

/* "vcost-chase", "VCOST-CHASE". */
static void page_name(const struct command *command, bool upper, char name[static DESCRIBE_BYTES])
{
    describe_name(command, name);
    for (char *c = name; *c; c++)
        *c = *c == ' ' ? '-' : upper ? (char)toupper((unsigned char)*c) : *c;
}

static void opening(FILE *out, const struct command *command)
{
    char name[DESCRIBE_BYTES], usage[DESCRIBE_BYTES];
    page_name(command, true, name);
    fputs(".\\\" Made from the table of options by vcost generate man. Do not edit.\n.TH ", out);
    put_string(out, name);
    fputs(" 1 \"" VCOST_RELEASED "\" \"vcost " VCOST_VERSION "\" \"User Commands\"\n.nh\n.ad l\n.SH NAME\n",
        out);
    page_name(command, false, name);
    put_string(out, name);
    fputs(" \\- ", out);
    put_text(out, command->summary);
    fputs(".SH SYNOPSIS\n", out);
    describe_name(command, name);
    describe_usage(command, usage);
    put_bold(out, name, strlen(name));
    fputs(" \\fI", out);
    put_string(out, usage);
    fputs("\\fR\n", out);
}

void manual_write(const struct command *command, FILE *out)
{
    opening(out, command);
    paragraphs(out, command);
    commands(out, command);
    operands(out, command);
    options(out, command);
    examples(out, command);
    statuses(out, command);
    entries(out, "FILES", command->files);
    entries(out, "ENVIRONMENT", command->environment);
    see_also(out, command);
}
