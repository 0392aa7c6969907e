/* What can be asked of `vcost events`. */
#ifndef VCOST_CLI_EVENTS_OPTIONS_H
#define VCOST_CLI_EVENTS_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

#include <stdbool.h>

struct events_options {
    struct common_options common;
    struct choice_list on;      /* names are runners'; count 0: every one that this host can run */
    struct choice_list explain; /* indices for event_at(): told in words instead of measured */
    bool context;
    int cpu; /* -1: the last one that may be used */
};

extern const struct command command_events;

/* The command itself, in cmd_events.c: invocation->options is a struct events_options, the operands are names
 * of events or groups. */
int cmd_events_run(const struct invocation *invocation);

#endif
