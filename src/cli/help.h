/* --help. */
#ifndef VCOST_CLI_HELP_H
#define VCOST_CLI_HELP_H

#include "cli/command.h"

#include <stdio.h>

/* Writes the help of a command, with the list of its subcommands, folded to `width`. */
void help_write(const struct command *command, FILE *out, unsigned width);

/* `vcost help [COMMAND...]` for the commands below `root`; the exit status. */
int help_explain(const struct command *root, const struct invocation *invocation, FILE *out);

extern const struct command command_help;

#endif
