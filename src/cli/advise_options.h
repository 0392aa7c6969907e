/* vcost advise: its command and its options. */
#ifndef VCOST_CLI_ADVISE_OPTIONS_H
#define VCOST_CLI_ADVISE_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

struct advise_options {
    struct measure_options common;
    double budget;           /* seconds */
    struct choice_list only; /* names of remedies; they are checked when all are known */
    const char *remedy;      /* file */
    bool list;
    struct around_options around;
    const char *metric, *server, *ready, *load;
    unsigned by; /* enum advise_by */
    bool less;
    int status;
};

extern const struct command command_advise;

/* In cmd_advise.c. */
int cmd_advise_run(const struct invocation *invocation);

#endif
