#include "cli/generate.h"

#include "cli/common_options.h"

const struct command command_generate = {
    .name = "generate",
    .summary = "write the manual pages, the bash completion and the schema of results",
    .description = {"For the build: writes a manual page, the bash completion or a JSON Schema to stdout."},
    .groups = {HELP_GROUP},
    .operand = {.name = "WHAT",
        .help = "man, man COMMAND, completion, or schema result.",
        .min = 1,
        .max = OPERANDS_MAX},
    .examples = {{"vcost generate man chase", "The manual page vcost-chase(1)"}},
    .hidden = true,
    .run = cmd_generate_run,
};
