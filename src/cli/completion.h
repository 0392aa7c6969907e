/* The completion for bash. */
#ifndef VCOST_CLI_COMPLETION_H
#define VCOST_CLI_COMPLETION_H

#include <stdio.h>

/* Writes a script for /usr/share/bash-completion/completions/vcost, which also works when it is sourced
 * alone. */
void completion_write(FILE *out);

#endif
