/* `vcost generate man [COMMAND]`, `vcost generate completion`, `vcost generate schema result`: what the build
 * installs beside the program, written to stdout. Hidden: not for people. */
#ifndef VCOST_CLI_GENERATE_H
#define VCOST_CLI_GENERATE_H

#include "cli/command.h"

extern const struct command command_generate;

/* The command itself, in cmd_generate.c. */
int cmd_generate_run(const struct invocation *invocation);

#endif
