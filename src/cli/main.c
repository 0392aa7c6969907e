#include "cli/command.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/status.h"
#include "cli/suggest.h"
#include "cli/fold.h"
#include "cli/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *command_candidate(const void *context, size_t index)
{
    (void)context;
    const struct command *command = command_at(index);
    return command && !command->hidden ? command->name : NULL;
}

static int wrong_command(const char *name)
{
    struct error error;
    const char *near = name ? suggest(name, command_candidate, NULL) : NULL;
    if (!name)
        error_set(&error, EINVAL, "name a command, such as vcost chase");
    else
        error_set(&error, EINVAL, "there is no command \"%.60s\"%s%s%s", name, near ? " (did you mean " : "",
            near ? near : "", near ? "?)" : "");
    return status_wrong_usage(&command_vcost, &error);
}

/* What each command does the same way; -1 if it is the command's own turn. */
static int answer(const struct invocation *invocation)
{
    if (invocation->help)
        help_write(invocation->command, stdout, fold_width(stdout));
    else if (invocation->version)
        puts("vcost " VCOST_VERSION);
    else if (!invocation->command->run)
        return wrong_command(NULL);
    else
        return -1;
    return STATUS_DONE;
}

static int dispatch(const struct command *command, int argc, char **argv, int first, void *options)
{
    struct invocation invocation;
    struct error error = {0};
    if (options_parse(command, argc, argv, first, options, &invocation, &error))
        return status_wrong_usage(command, &error);
    int status = answer(&invocation);
    return status >= 0 ? status : command->run(&invocation);
}

int main(int argc, char **argv)
{
    bool global = argc < 2 || argv[1][0] == '-';
    const struct command *command = global ? &command_vcost : command_find(argv[1]);
    if (!command)
        return wrong_command(argv[1]);
    void *options = calloc(1, command->options_bytes + 1);
    if (!options) {
        fputs("vcost: out of memory\n", stderr);
        return STATUS_FAILED;
    }
    int status = status_close_stdout(dispatch(command, argc, argv, global ? 1 : 2, options));
    free(options);
    return status;
}
