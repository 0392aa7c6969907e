#include "cli/command.h"
#include "cli/fold.h"
#include "cli/help.h"
#include "cli/inherited.h"
#include "cli/options.h"
#include "cli/status.h"
#include "cli/version.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int dispatch(const struct command *command, int argc, char **argv, int first, void *options)
{
    struct invocation invocation;
    struct error error = {0};
    if (options_parse(command, argc, argv, first, options, &invocation, &error))
        return status_wrong_usage(command, &error);
    if (!invocation.help && !invocation.version)
        return command->run(&invocation);
    if (invocation.help)
        help_write(command, stdout, fold_width(stdout));
    else
        puts("vcost " VCOST_VERSION);
    return STATUS_DONE;
}

/* A standard descriptor that is closed is the next file's that is opened, which the report would then be
 * written into. Stdout stays one that cannot be written to. */
static void keep_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

static int run(int argc, char **argv)
{
    const struct command *command = &command_vcost;
    struct error error;
    size_t used;
    keep_standard_descriptors();
    if (argc < 1)
        return STATUS_USAGE;
    if (command_choose((size_t)argc - 1, (const char *const *)argv + 1, &command, &used, &error))
        return status_wrong_usage(command, &error);
    void *options = calloc(1, command->options_bytes + 1);
    if (!options) {
        fputs("vcost: out of memory\n", stderr);
        return STATUS_FAILED;
    }
    int status = status_close_stdout(dispatch(command, argc, argv, 1 + (int)used, options));
    free(options);
    return status;
}

int main(int argc, char **argv)
{
    struct error error;
    inherited_signals();
    int status = inherited_stack(run, argc, argv);
    if (status >= 0)
        return status;
    error_errno(&error, -status, "no memory for a stack of 1 MiB (raise ulimit -v or ulimit -s)");
    return status_failed(&error);
}
