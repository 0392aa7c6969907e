/* What can be asked of `vcost inspect`. */
#ifndef VCOST_CLI_INSPECT_OPTIONS_H
#define VCOST_CLI_INSPECT_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"
#include "inspect/threshold.h"

#include <stdbool.h>

struct inspect_options {
    struct measure_options common;
    const char *openmetrics; /* path, "-" for stdout, NULL for none */
    const char *fail_on;     /* as typed; NULL: nothing */
    bool fail_on_unknown;
    double watch; /* seconds between the starts of two rounds; 0: no rounds */
    int rounds;   /* of --watch; -1: until stopped */
};

extern const struct command command_inspect;

/* The command itself, in cmd_inspect.c: invocation->options is a struct inspect_options. */
int cmd_inspect_run(const struct invocation *invocation);

#endif
