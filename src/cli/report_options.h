/* What can be asked of `vcost report`. */
#ifndef VCOST_CLI_REPORT_OPTIONS_H
#define VCOST_CLI_REPORT_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

struct report_options {
    struct common_options common;
    bool verbose;
};

extern const struct command command_report;

/* The command itself, in cmd_report.c: invocation->options is a struct report_options. */
int cmd_report_run(const struct invocation *invocation);

#endif
