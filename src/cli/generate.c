#include "cli/generate.h"

#include "cli/common_options.h"
#include "cli/completion.h"
#include "cli/manual.h"
#include "cli/status.h"

#include <errno.h>
#include <string.h>

static int wrong(const struct invocation *invocation, const char *sentence)
{
    struct error error;
    error_set(&error, EINVAL, "%s", sentence);
    return status_wrong_usage(invocation->command, &error);
}

static int run(const struct invocation *invocation)
{
    const char *const *words = invocation->operands;
    size_t count = invocation->operand_count, used;
    const struct command *command = command_find(&command_vcost, count - 1, words + 1, &used);
    if (!strcmp(words[0], "completion") && count == 1)
        completion_write(&command_vcost, stdout);
    else if (strcmp(words[0], "man"))
        return wrong(invocation, "what is to be written? \"man\", \"man COMMAND\" or \"completion\"");
    else if (used + 1 < count || command->hidden)
        return wrong(invocation, "there is no manual page of that name");
    else
        manual_write(command, stdout);
    return STATUS_DONE;
}

const struct command command_generate = {
    .name = "generate",
    .summary = "write the manual pages and the bash completion",
    .description = {"For the build: writes a manual page or the bash completion to stdout."},
    .groups = {HELP_GROUP},
    .operand = {.name = "WHAT", .help = "man, man COMMAND, or completion.", .min = 1, .max = OPERANDS_MAX},
    .examples = {{"vcost generate man chase", "The manual page vcost-chase(1)"}},
    .hidden = true,
    .run = run,
};
