/* --help. */
#ifndef VCOST_CLI_HELP_H
#define VCOST_CLI_HELP_H

#include "cli/command.h"

#include <stdio.h>

/* Writes the help of a command (command_vcost: of vcost itself, with the list of commands), folded to
 * `width`. */
void help_write(const struct command *command, FILE *out, unsigned width);

/* `vcost help [COMMAND]`. */
extern const struct command command_help;

#endif
