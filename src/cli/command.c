#include "cli/command.h"

#include "cli/suggest.h"

#include <errno.h>
#include <string.h>

/* Counts *index down over all that is below `command`; NULL if that is not enough. */
static const struct command *command_below(const struct command *command, size_t *index)
{
    for (const struct command *const *each = command->commands; each && *each; each++) {
        if (!(*index)--)
            return *each;
        const struct command *found = command_below(*each, index);
        if (found)
            return found;
    }
    return NULL;
}

const struct command *command_at(const struct command *root, size_t index)
{
    return command_below(root, &index);
}

const char *command_word(const struct command *command)
{
    const char *blank = strrchr(command->name, ' ');
    return blank ? blank + 1 : command->name;
}

const struct command *command_find(
    const struct command *root, size_t count, const char *const *words, size_t *used)
{
    *used = 0;
    for (const struct command *const *each = root->commands; each && *each && *used < count;)
        if (!strcmp(command_word(*each), words[*used])) {
            root = *each;
            each = root->commands;
            ++*used;
        } else {
            each++;
        }
    return root;
}

struct choice command_choice(const struct command *command, size_t index)
{
    for (const struct command *const *each = command->commands; each && *each; each++)
        if (!(*each)->hidden && !index--)
            return (struct choice){command_word(*each), (*each)->summary};
    return (struct choice){NULL, NULL};
}

static const char *command_candidate(const void *command, size_t index)
{
    return command_choice(command, index).name;
}

int command_unknown(const struct command *command, const char *word, struct error *error)
{
    const char *near = suggest(word, command_candidate, command), *blank = command->name[0] ? " " : "";
    if (!near)
        return error_set(error, EINVAL, "there is no command \"%s%s%.60s\"", command->name, blank, word);
    return error_set(error, EINVAL, "there is no command \"%s%s%.60s\" (did you mean %s%s%s?)", command->name,
        blank, word, command->name, blank, near);
}

int command_choose(
    size_t count, const char *const *words, const struct command **command, size_t *used, struct error *error)
{
    *command = command_find(*command, count, words, used);
    if (!(*command)->commands || (*used < count && words[*used][0] == '-'))
        return 0;
    if (*used == count)
        return error_set(error, EINVAL, "name a command, such as vcost %s", (*command)->commands[0]->name);
    return command_unknown(*command, words[*used], error);
}
