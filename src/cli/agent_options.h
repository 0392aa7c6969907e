/* What can be asked of `vcost agent`. */
#ifndef VCOST_CLI_AGENT_OPTIONS_H
#define VCOST_CLI_AGENT_OPTIONS_H

#include "cli/command.h"

struct agent_options {
    int cpu; /* -1: the last one that may be used */
};

extern const struct command command_agent;

/* The command itself, in cmd_agent.c: invocation->options is a struct agent_options. */
int cmd_agent_run(const struct invocation *invocation);

#endif
