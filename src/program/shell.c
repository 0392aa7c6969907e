#include "program/shell.h"

#include <errno.h>

int shell_run(const char *command, const char *option, const cpu_set_t *cpus, const struct run_limits *limits,
    struct error *error)
{
    const char *const words[] = {"/bin/sh", "-c", command, NULL};
    const struct program program = {.words = words};
    const struct conditions conditions = {.cpus = *cpus};
    struct run_end end;
    char how[RUN_STATUS_BYTES];
    int rc = command ? program_run(&program, &conditions, limits, &end, error) : 0;
    if (rc < 0 || !command || (!end.timed_out && !end.status))
        return rc;
    run_status_text(end.status, how);
    if (end.timed_out)
        return error_set(
            error, EIO, "%s: \"%.100s\" had not ended after %.3g s", option, command, limits->seconds);
    return error_set(error, EIO, "%s: \"%.100s\" %s%s%.200s", option, command, how,
        end.said[0] ? " and said: " : "", end.said);
}
