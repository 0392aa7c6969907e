/* `vcost generate man [COMMAND]` and `vcost generate completion`: what the build installs beside the program,
 * written to stdout. Hidden: not for people. */
#ifndef VCOST_CLI_GENERATE_H
#define VCOST_CLI_GENERATE_H

#include "cli/command.h"

extern const struct command command_generate;

#endif
