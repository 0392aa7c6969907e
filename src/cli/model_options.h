/* What can be asked of `vcost model`. */
#ifndef VCOST_CLI_MODEL_OPTIONS_H
#define VCOST_CLI_MODEL_OPTIONS_H

#include "cli/common_options.h"

struct model_options {
    struct output_options output;
    const char *machine;            /* preset or file; NULL: the first that comes to mind */
    unsigned technique;             /* enum model_technique */
    unsigned guest_page, host_page; /* choices of chase_page_bytes() */
    const char *like, *name;        /* fit: NULL: by the host's CPU; "fitted" */
    const char *keep;               /* validate: the folder of what was measured; NULL: none */
    double seconds;                 /* validate: to measure in; 0: the usual ones */
    bool here;                      /* validate: measures this host */
    bool hypothetical;
    bool quiet;
    bool walk_caches;
};

extern const struct command command_model;

/* The subcommands, in cmd_model.c. */
int cmd_model_list_run(const struct invocation *invocation);
int cmd_model_show_run(const struct invocation *invocation);
int cmd_model_fit_run(const struct invocation *invocation);
int cmd_model_validate_run(const struct invocation *invocation);
int cmd_model_walk_run(const struct invocation *invocation);

#endif
