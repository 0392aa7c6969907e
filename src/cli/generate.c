#include "cli/generate.h"

#include "cli/common_options.h"
#include "cli/completion.h"
#include "cli/manual.h"
#include "cli/status.h"
#include "result/json.h"

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
    const char *what = invocation->operands[0];
    const char *name = invocation->operand_count > 1 ? invocation->operands[1] : NULL;
    struct error error;
    const struct command *command = name ? command_find(name) : &command_vcost;
    if (!strcmp(what, "schema") && name && !strcmp(name, "result"))
        return result_schema(stdout, &error) < 0 ? status_failed(&error) : STATUS_DONE;
    if (!strcmp(what, "completion") && !name)
        completion_write(stdout);
    else if (strcmp(what, "man"))
        return wrong(invocation,
            "what is to be written? \"man\", \"man COMMAND\", \"completion\" or \"schema result\"");
    else if (!command || command->hidden)
        return wrong(invocation, "there is no manual page of that name");
    else
        manual_write(command, stdout);
    return STATUS_DONE;
}

const struct command command_generate = {
    .name = "generate",
    .summary = "write the manual pages, the bash completion and the schema of results",
    .description = {"For the build: writes a manual page, the bash completion or a JSON Schema to stdout."},
    .groups = {COMMON_HELP},
    .operand = {"WHAT", "man, man COMMAND, completion, or schema result.", NULL, 1, 2},
    .examples = {{"vcost generate man chase", "The manual page vcost-chase(1)"}},
    .hidden = true,
    .run = run,
};
