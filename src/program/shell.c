#include "program/shell.h"

#include "base/clean.h"

#include <errno.h>
#include <string.h>

int shell_run(const char *command, const char *option, const cpu_set_t *cpus, const struct run_limits *limits,
    struct error *error)
{
    const char *const words[] = {"/bin/sh", "-c", command, NULL};
    const struct program program = {.words = words};
    const struct conditions conditions = {.cpus = *cpus};
    struct run_end end;
    char how[RUN_STATUS_BYTES], said[200];
    int rc = command ? program_run(&program, &conditions, limits, &end, error) : 0;
    if (rc < 0 || !command || (!end.timed_out && !end.status))
        return rc;
    run_status_text(end.status, how);
    text_said(end.said, strlen(end.said), said, sizeof said);
    if (end.timed_out)
        return error_set(
            error, EIO, "%s: \"%.100s\" had not ended after %.3g s", option, command, limits->seconds);
    return error_set(
        error, EIO, "%s: \"%.100s\" %s%s%s", option, command, how, said[0] ? " and said: " : "", said);
}

int shell_clean(
    const char *command, const cpu_set_t *cpus, const struct run_limits *limits, struct error *error)
{
    static const double seconds_after_stop = 10;
    struct run_limits own = *limits;
    if (stop_asked(limits->stop)) {
        own.stop = NULL;
        own.seconds = limits->seconds < seconds_after_stop ? limits->seconds : seconds_after_stop;
    }
    return shell_run(command, "--cleanup", cpus, &own, error);
}
