/* A shell command that has to succeed: what a user wants done before or after each run of a program, or what
 * tells whether a server can be used. */
#ifndef VCOST_PROGRAM_SHELL_H
#define VCOST_PROGRAM_SHELL_H

#include "program/run.h"

/* Runs `command`, which `option` gave, on these CPUs. Not 0: -EIO with what went wrong, also if it was killed
 * after limits->seconds; -EINTR; or it could not be started. NULL is no command, and 0. */
int shell_run(const char *command, const char *option, const cpu_set_t *cpus, const struct run_limits *limits,
    struct error *error);

/* The same for what --cleanup gave, which is also run once a stop was asked for: what --prepare has made does
 * not stay. It has ten seconds then. */
int shell_clean(
    const char *command, const cpu_set_t *cpus, const struct run_limits *limits, struct error *error);

#endif
