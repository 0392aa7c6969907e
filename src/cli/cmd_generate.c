/* vcost generate: what the build installs beside the program, written to stdout. */
#include "cli/completion.h"
#include "cli/generate.h"
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

int cmd_generate_run(const struct invocation *invocation)
{
    const char *const *words = invocation->operands;
    size_t count = invocation->operand_count, used;
    const struct command *command = command_find(&command_vcost, count - 1, words + 1, &used);
    struct error error;
    if (count == 2 && !strcmp(words[0], "schema") && !strcmp(words[1], "result"))
        return record_schema(&result_record, stdout, &error) < 0 ? status_failed(&error) : STATUS_DONE;
    if (count == 2 && !strcmp(words[0], "schema") && !strcmp(words[1], "compare"))
        return record_schema(&compare_record, stdout, &error) < 0 ? status_failed(&error) : STATUS_DONE;
    if (count == 1 && !strcmp(words[0], "completion"))
        completion_write(&command_vcost, stdout);
    else if (strcmp(words[0], "man"))
        return wrong(invocation,
            "what is to be written? \"man\", \"man COMMAND\", \"completion\", \"schema result\" or \"schema "
            "compare\"");
    else if (used + 1 < count || command->hidden)
        return wrong(invocation, "there is no manual page of that name");
    else
        manual_write(command, stdout);
    return STATUS_DONE;
}
