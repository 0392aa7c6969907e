/* What can be asked of `vcost compare`. */
#ifndef VCOST_CLI_COMPARE_OPTIONS_H
#define VCOST_CLI_COMPARE_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

struct compare_options {
    struct output_options output;
    const char *only;  /* pattern for cells' ids; NULL: all */
    unsigned metric;   /* index into the choices "time", "slowdown": enum metric (report/compare.h) */
    double fail_above; /* per cent; negative: nothing fails */
    bool fail_on_unknown;
};

extern const struct command command_compare;

/* The command itself, in cmd_compare.c: invocation->options is a struct compare_options. */
int cmd_compare_run(const struct invocation *invocation);

#endif
