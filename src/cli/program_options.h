/* vcost run: its command and its options. */
#ifndef VCOST_CLI_PROGRAM_OPTIONS_H
#define VCOST_CLI_PROGRAM_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

struct program_options {
    struct measure_options common;
    int runs, warmup;
    double timeout; /* seconds */
    const char *input, *prepare, *cleanup;
    bool ignore_failure;
};

extern const struct command command_run;

/* In cmd_run.c. */
int cmd_run_run(const struct invocation *invocation);

#endif
