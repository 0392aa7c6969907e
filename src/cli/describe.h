/* What is said about a command in the same words wherever it is said: in --help and in the manual page. */
#ifndef VCOST_CLI_DESCRIBE_H
#define VCOST_CLI_DESCRIBE_H

#include "cli/command.h"

enum { DESCRIBE_BYTES = 256 };

/* "vcost chase", "vcost". */
void describe_name(const struct command *command, char text[static DESCRIBE_BYTES]);

/* What follows the name in a usage line: "[OPTIONS] [TOPIC...]". */
void describe_usage(const struct command *command, char text[static DESCRIBE_BYTES]);

/* "-q, --quiet", "--npad=N[,N...]". */
void describe_option(const struct option_spec *option, char text[static DESCRIBE_BYTES]);

/* "Default: 4K..1G; with --quick 4K..256M." or "". */
void describe_default(const struct option_spec *option, char text[static DESCRIBE_BYTES]);

/* Exit status number `index` with what it means: those of all commands, of which the command may say more
 * (3 only where it does), then what is its own; {NULL, NULL} past the end. */
struct entry describe_status(const struct command *command, size_t index);

#endif
