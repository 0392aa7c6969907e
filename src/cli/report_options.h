/* What can be asked of `vcost report`. */
#ifndef VCOST_CLI_REPORT_OPTIONS_H
#define VCOST_CLI_REPORT_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"
#include "report/document.h"

struct report_options {
    struct output_options output; /* color and verbose of it */
    const char *file;             /* path, "-" for stdout, NULL: stdout */
    struct choice_list format;    /* one of format_at(), or json behind them; count 0: as the file's extension
                                     says, for people on stdout */
    const char *baseline;         /* the name of a result; NULL: the first */
    bool no_command;
};

/* The format that is asked for; NULL with *json for the data themselves, NULL without where the file's
 * extension does not tell. */
const struct format *report_format(const struct report_options *options, bool *json);

extern const struct command command_report;

/* The command itself, in cmd_report.c: invocation->options is a struct report_options. */
int cmd_report_run(const struct invocation *invocation);

#endif
