#include "cli/describe.h"

#include "cli/status.h"
#include "cli/values.h"

#include <stdio.h>
#include <string.h>

void describe_name(const struct command *command, char text[static DESCRIBE_BYTES])
{
    snprintf(text, DESCRIBE_BYTES, "vcost%s%s", command->name[0] ? " " : "", command->name);
}

void describe_usage(const struct command *command, char text[static DESCRIBE_BYTES])
{
    const struct operand_spec *operand = &command->operand;
    const char *more = operand->rest                                     ? " [ARGUMENT...]"
                       : operand->max > 1 && operand->max > operand->min ? "..."
                                                                         : "";
    if (command->commands)
        snprintf(text, DESCRIBE_BYTES, "COMMAND [OPTIONS]");
    else if (!operand->name)
        snprintf(text, DESCRIBE_BYTES, "[OPTIONS]");
    else if (operand->min)
        snprintf(text, DESCRIBE_BYTES, "[OPTIONS] %s%s", operand->name, more);
    else
        snprintf(text, DESCRIBE_BYTES, "[OPTIONS] [%s%s]", operand->name, more);
}

void describe_option(const struct option_spec *option, char text[static DESCRIBE_BYTES])
{
    char letter[8] = "";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    bool value = value_is_wanted(option->kind);
    snprintf(text, DESCRIBE_BYTES, "%s--%s%s%s", letter, option->name, value ? "=" : "",
        value ? option->value_name : "");
}

void describe_default(const struct option_spec *option, char text[static DESCRIBE_BYTES])
{
    const char *usual = option->fallback ? option->fallback : option->default_note;
    text[0] = '\0';
    if (usual && option->quick)
        snprintf(text, DESCRIBE_BYTES, "Default: %s; with --quick %s.", usual, option->quick);
    else if (usual)
        snprintf(text, DESCRIBE_BYTES, "Default: %s.", usual);
}

static const struct entry *entry_named(const struct entry *entries, const char *name)
{
    while (entries->name && strcmp(entries->name, name))
        entries++;
    return entries->name ? entries : NULL;
}

/* A command that passes thresholds says which; what is said of several holds for one of them at least. */
static bool ends_with(const struct command *command, const char *status)
{
    bool any = strcmp(status, "3") != 0 || entry_named(command->exit_notes, status);
    for (size_t i = 0; !any && command->commands && command->commands[i]; i++)
        any = ends_with(command->commands[i], status);
    return any;
}

struct entry describe_status(const struct command *command, size_t index)
{
    const struct entry *common = status_entries, *own = command->exit_notes;
    for (; common->name; common++)
        if (ends_with(command, common->name) && !index--) {
            const struct entry *more = entry_named(own, common->name);
            return more ? *more : *common;
        }
    for (; own->name; own++)
        if (!entry_named(status_entries, own->name) && !index--)
            return *own;
    return (struct entry){NULL, NULL};
}
