/* What can be asked of `vcost events`. */
#ifndef VCOST_CLI_EVENTS_OPTIONS_H
#define VCOST_CLI_EVENTS_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

#include <stdbool.h>

struct events_options {
    struct measure_options common;
    struct choice_list explain; /* indices for event_at(): told in words instead of measured */
    bool context;
};

extern const struct command command_events;

/* The command itself, in cmd_events.c: invocation->options is a struct events_options, the operands are names
 * of events or groups. */
int cmd_events_run(const struct invocation *invocation);

#endif
