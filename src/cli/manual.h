/* The manual pages, in man(7). */
#ifndef VCOST_CLI_MANUAL_H
#define VCOST_CLI_MANUAL_H

#include "cli/command.h"

#include <stdio.h>

/* Writes vcost-COMMAND(1), or vcost(1) for command_vcost. */
void manual_write(const struct command *command, FILE *out);

#endif
