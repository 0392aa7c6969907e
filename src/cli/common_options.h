/* The options that several commands have: each stands here once, and a command's groups take of them what the
 * command can serve. */
#ifndef VCOST_CLI_COMMON_OPTIONS_H
#define VCOST_CLI_COMMON_OPTIONS_H

#include "base/error.h"
#include "cli/command.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* What is written, and how. */
struct output_options {
    const char *json, *csv, *markdown; /* path, "-" for stdout, NULL for none */
    const char *html;                  /* path, NULL for none */
    const char *picture;               /* path ending in .svg or .png, NULL for none */
    unsigned color;                    /* enum color */
    bool verbose;
};

/* How thoroughly something is measured. */
struct run_options {
    double seconds; /* time budget; 0: none */
    uint64_t seed;
    bool quick, quiet;
};

/* How monitors that need no hardware follow a guest's page tables. */
struct table_options {
    unsigned sync; /* enum table_sync */
    int fill;      /* pages */
};
enum table_sync { SYNC_LAZILY, SYNC_WRITES };

/* The first member of the options of each command that measures. */
struct measure_options {
    struct output_options output;
    struct run_options run;
    struct choice_list on; /* names are runners' ("native", "kvm"), or "command:…"; count 0: each that this
                              host can run and that need not be named */
    int cpu;               /* -1: the idlest one that may be used */
    struct table_options tables; /* fill 0: the command has no such options */
};

extern const struct option_spec file_options[4];   /* --json … --html, in a struct output_options */
extern const struct option_spec picture_option[1]; /* --svg, likewise, and so on */
extern const struct option_spec verbose_option[1], color_option[1];
extern const struct option_spec run_options[3]; /* --quick, --time, --seed, in a struct run_options */
extern const struct option_spec quiet_option[1];
extern const struct option_spec on_option[1];          /* --on, in a struct choice_list */
extern const struct option_spec on_or_model_option[1]; /* the same, with simulated machines */
extern const struct option_spec cpu_option[1];         /* --cpu, in an int */
extern const struct option_spec table_options[2];      /* --sync and --fill, in a struct table_options */
/* Around each run of a program that is not vcost's: where its input comes from, what is done before and
 * after. */
struct around_options {
    const char *input;             /* file; NULL: /dev/null */
    const char *prepare, *cleanup; /* shell commands; NULL: none */
};
extern const struct option_spec around_options[3];

extern const struct option_spec help_option[1];

/* An element of a command's groups: a table, stored at `base` of the command's own structure. */
#define OPTION_GROUP(title, table, base)                                                                     \
    {                                                                                                        \
        title, table, sizeof(table) / sizeof(table)[0], base                                                 \
    }

/* Several: everything about outputs, and how thoroughly; `member` of the command's `type` is a struct
 * measure_options. */
#define MEASURE_GROUPS(type, member)                                                                         \
    OPTION_GROUP("How thoroughly", run_options, offsetof(type, member.run)),                                 \
        OUTPUT_GROUPS(type, member.output),                                                                  \
        OPTION_GROUP(NULL, picture_option, offsetof(type, member.output)),                                   \
        OPTION_GROUP(NULL, quiet_option, offsetof(type, member.run))

/* Everything about outputs of what has no pictures; `member` is a struct output_options. */
#define OUTPUT_GROUPS(type, member)                                                                          \
    OPTION_GROUP("Output", file_options, offsetof(type, member)),                                            \
        OPTION_GROUP(NULL, verbose_option, offsetof(type, member)),                                          \
        OPTION_GROUP(NULL, color_option, offsetof(type, member))

/* Every command's last group: --help alone. */
#define HELP_GROUP OPTION_GROUP("Other", help_option, 0)

/* An exit note of all that measure. */
#define STOPPED_NOTE                                                                                         \
    {                                                                                                        \
        "Ctrl-C",                                                                                            \
            "stops cleanly: what was found until then is reported and marked incomplete. Then it ends "      \
            "by that signal, which a shell tells as 130. A second one ends it at once."                      \
    }

/* What --on takes, number `index`; {NULL, NULL} past the end: runners, and at last commands. */
choice_function on_choice;
/* Likewise, with "model:NAME" before the command. */
choice_function on_or_model_choice;

/* The shell command of an item of --on that is one; NULL for a runner of this machine. */
const char *on_command(const struct choice_list *on, size_t item);

/* To be called from the command's check(): a picture's name tells its format. */
int output_options_check(const struct output_options *options, struct error *error);

int table_options_check(const struct table_options *options, struct error *error);

/* True if text for `stream` is to be coloured: --color, then NO_COLOR and TERM=dumb, then whether it is a
 * terminal. */
bool color_wanted(enum color color, FILE *stream);

struct numa_nodes;

/* The nodes of a list; empty: none. Errors as of numa_nodes_parse(), which knows which there are. */
int nodes_of_list(const struct number_list *list, struct numa_nodes *nodes, struct error *error);

#endif
