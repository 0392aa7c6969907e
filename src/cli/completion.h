/* The completion for bash. */
#ifndef VCOST_CLI_COMPLETION_H
#define VCOST_CLI_COMPLETION_H

#include "cli/command.h"

#include <stdio.h>

/* Writes a script for `root` (command_vcost) and all below it,
 * for /usr/share/bash-completion/completions/vcost, which also works when it is sourced
 * alone. */
void completion_write(const struct command *root, FILE *out);

#endif
