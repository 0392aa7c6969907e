#include "cli/help.h"

#include "cli/common_options.h"
#include "cli/describe.h"
#include "cli/status.h"
#include "cli/fold.h"

enum { INDENT = 2, HELP_INDENT = 10, CHOICE_GAP = 16, NAME_GAP = 2, EXAMPLE_INDENT = 6 };

struct page {
    FILE *out;
    unsigned width;
};

static void fold(const struct page *page, unsigned indent, const char *text)
{
    struct fold_frame frame = {page->out, indent, page->width};
    fold_text(&frame, 0, text);
}

/* "  name    text", the texts of a list one below the other: of a name that reaches into their column it
 * stands below. */
static void list_item(const struct page *page, unsigned indent, const char *name, const char *text)
{
    struct fold_frame frame = {page->out, indent + CHOICE_GAP, page->width};
    unsigned used = (unsigned)fprintf(page->out, "%*s%s", (int)indent, "", name);
    if (used + NAME_GAP > frame.indent) {
        fputc('\n', page->out);
        used = 0;
    }
    fold_text(&frame, used, text);
}

static void title(const struct page *page, const char *text)
{
    fprintf(page->out, "\n%s:\n", text);
}

static void list_choices(const struct page *page, unsigned indent, choice_function *choice)
{
    for (size_t i = 0; choice(i).name; i++)
        list_item(page, indent, choice(i).name, choice(i).summary);
}

static void option(const struct page *page, const struct option_spec *option)
{
    char head[DESCRIBE_BYTES], usual[DESCRIBE_BYTES], text[1024];
    describe_option(option, head);
    describe_default(option, usual);
    fprintf(page->out, "%*s%s\n", option->letter ? INDENT : INDENT + 4, "", head);
    bool list = option->choice && !option->listed_elsewhere;
    snprintf(text, sizeof text, "%s%s%s", option->help, !list && usual[0] ? " " : "", list ? "" : usual);
    fold(page, HELP_INDENT, text);
    if (list)
        list_choices(page, HELP_INDENT + 2, option->choice);
    if (list && usual[0])
        fold(page, HELP_INDENT, usual);
}

static void options(const struct page *page, const struct command *command)
{
    for (const struct option_group *group = command->groups; group->options; group++) {
        if (group->title)
            title(page, group->title);
        for (size_t i = 0; i < group->count; i++)
            option(page, &group->options[i]);
    }
}

static void examples(const struct page *page, const struct command *command)
{
    if (command->examples[0].line)
        title(page, "Examples");
    for (const struct example *example = command->examples; example->line; example++) {
        fprintf(page->out, "%*s%s\n", INDENT, "", example->line);
        fold(page, EXAMPLE_INDENT, example->text);
    }
}

static void entries(const struct page *page, const char *heading, const struct entry *entries)
{
    if (entries->name)
        title(page, heading);
    for (; entries->name; entries++)
        list_item(page, INDENT, entries->name, entries->text);
}

static void commands(const struct page *page, const struct command *command)
{
    struct choice choice = command_choice(command, 0);
    if (choice.name)
        title(page, "Commands");
    for (size_t i = 0; (choice = command_choice(command, i)).name; i++)
        list_item(page, INDENT, choice.name, choice.summary);
}

static void operands(const struct page *page, const struct command *command)
{
    if (!command->operand.name)
        return;
    title(page, command->operand.name);
    fold(page, INDENT, command->operand.help);
    if (command->operand.choice)
        list_choices(page, INDENT + 2, command->operand.choice);
}

static void opening(const struct page *page, const struct command *command)
{
    char name[DESCRIBE_BYTES], usage[DESCRIBE_BYTES], line[2 * DESCRIBE_BYTES];
    describe_name(command, name);
    describe_usage(command, usage);
    snprintf(line, sizeof line, "%s: %s", name, command->summary);
    fold(page, 0, line);
    fprintf(page->out, "\nUsage: %s %s\n", name, usage);
    for (const char *const *paragraph = command->description; *paragraph; paragraph++) {
        fputc('\n', page->out);
        fold(page, 0, *paragraph);
    }
}

void help_write(const struct command *command, FILE *out, unsigned width)
{
    struct page page = {out, width};
    opening(&page, command);
    examples(&page, command);
    commands(&page, command);
    operands(&page, command);
    options(&page, command);
    entries(&page, "Files", command->files);
    entries(&page, "Environment", command->environment);
    title(&page, "Exit status");
    struct entry status;
    for (size_t i = 0; (status = describe_status(command, i)).name; i++)
        list_item(&page, INDENT, status.name, status.text);
}

int help_explain(const struct command *root, const struct invocation *invocation, FILE *out)
{
    size_t used;
    const struct command *command =
        command_find(root, invocation->operand_count, invocation->operands, &used);
    struct error error;
    if (used == invocation->operand_count) {
        help_write(command, out, fold_width(out));
        return STATUS_DONE;
    }
    command_unknown(command, invocation->operands[used], &error);
    return status_wrong_usage(invocation->command, &error);
}

static int run(const struct invocation *invocation)
{
    return help_explain(&command_vcost, invocation, stdout);
}

const struct command command_help = {
    .name = "help",
    .summary = "how to use vcost or one of its commands",
    .description = {"Shows the same text as --help of the command, or of vcost itself."},
    .groups = {HELP_GROUP},
    .operand = {.name = "COMMAND",
        .help = "What to explain, in as many words as it has.",
        .max = OPERANDS_MAX},
    .examples = {{"vcost help chase", "What vcost chase can do"}},
    .see_also = {"vcost(1)"},
    .run = run,
};
