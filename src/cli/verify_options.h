/* What can be asked of `vcost verify`. */
#ifndef VCOST_CLI_VERIFY_OPTIONS_H
#define VCOST_CLI_VERIFY_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

struct verify_options {
    struct measure_options common;
};

extern const struct command command_verify;

/* The command itself, in cmd_verify.c: invocation->options is a struct verify_options. */
int cmd_verify_run(const struct invocation *invocation);

#endif
