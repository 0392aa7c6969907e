/* The options that every measuring command has, and that every command has. */
#ifndef VCOST_CLI_COMMON_OPTIONS_H
#define VCOST_CLI_COMMON_OPTIONS_H

#include "base/error.h"
#include "cli/command.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct common_options {
    const char *json, *csv, *markdown; /* path, "-" for stdout, NULL for none */
    const char *picture;               /* path ending in .svg or .png, NULL for none */
    double seconds;                    /* time budget; 0: none */
    uint64_t seed;
    unsigned color; /* enum color */
    bool quick, quiet;
};

/* For `groups` of a command: stored in a struct common_options at `member` of the command's own `type`. */
#define COMMON_OPTIONS(type, member)                                                                         \
    {"Output", common_output_options, COMMON_OUTPUT_OPTIONS, offsetof(type, member)},                        \
    {                                                                                                        \
        "How thoroughly", common_run_options, COMMON_RUN_OPTIONS, offsetof(type, member)                     \
    }

enum { COMMON_OUTPUT_OPTIONS = 6, COMMON_RUN_OPTIONS = 3 };
extern const struct option_spec common_output_options[COMMON_OUTPUT_OPTIONS];
extern const struct option_spec common_run_options[COMMON_RUN_OPTIONS];

/* Every command's last group: --help alone. */
#define COMMON_HELP                                                                                          \
    {                                                                                                        \
        "Other", common_help_options, COMMON_HELP_OPTIONS, 0                                                 \
    }
enum { COMMON_HELP_OPTIONS = 1 };
extern const struct option_spec common_help_options[COMMON_HELP_OPTIONS];

/* What --color takes: enum color. */
choice_function color_choice;

/* To be called from the command's check(): only one output can be stdout, no two can be one file, and a
 * picture's name tells its format. */
int common_options_check(const struct common_options *options, struct error *error);

/* True if text for `stream` is to be coloured: --color, then NO_COLOR and TERM=dumb, then whether it is a
 * terminal. */
bool color_wanted(enum color color, FILE *stream);

#endif
