/* Reads a command line by its command's table. The habits are getopt_long's: options and operands in any
 * order (unless the command's operands say otherwise), "--" ends the options, --name=value or --name value,
 * -q, -qh, unambiguous abbreviations of long names; a later option wins over an earlier one. */
#ifndef VCOST_CLI_OPTIONS_H
#define VCOST_CLI_OPTIONS_H

#include "base/error.h"
#include "cli/command.h"

/* Reads argv[first … argc), the words after the command's name, into *options (command->options_bytes long,
 * which it fills with the defaults first) and *invocation. argv is not changed and must outlive both. Fails
 * with -EINVAL and a sentence such as `--npad: "x" is not a whole number from 0 to 511`; *options is then
 * undefined. */
int options_parse(const struct command *command, int argc, char **argv, int first, void *options,
    struct invocation *invocation, struct error *error);

/* Fills *options with the defaults, or with those of --quick. */
int options_defaults(const struct command *command, bool quick, void *options, struct error *error);

/* The `index`th option of a command counted through all its groups, NULL past the end; its group in *group
 * (may be NULL). */
const struct option_spec *option_at(
    const struct command *command, size_t index, const struct option_group **group);

/* Where the value of the `index`th option stands in the command's structure. */
size_t option_offset(const struct command *command, size_t index);

#endif
