/* What the tables of `vcost domain` (domain_options.c), of its commands on files and clones
 * (domain_saved_options.c) and of those that move a domain (domain_moving_options.c) share. */
#ifndef VCOST_CLI_DOMAIN_OPTIONS_INTERNAL_H
#define VCOST_CLI_DOMAIN_OPTIONS_INTERNAL_H

#include "cli/domain_options.h"

#define FIELD(member) .offset = offsetof(struct domain_options, member)

enum { DOMAIN_ARRIVING_OPTIONS = 3 };
extern const struct option_spec domain_folder_option[1];
extern const struct option_spec domain_detach_option[2]; /* of what serves a domain */
extern const struct option_spec domain_memory_options[3];
extern const struct option_spec domain_arriving_options[DOMAIN_ARRIVING_OPTIONS]; /* from a file, or a link */

extern const struct command command_domain_save, command_domain_restore, command_domain_fork,
    command_domain_check; /* domain_saved_options.c */
extern const struct command command_domain_migrate, command_domain_receive,
    command_domain_cancel; /* domain_moving_options.c */

/* Of each of them. */
int domain_options_check(const void *fields, struct error *error);
int domain_options_check_run(const void *fields, struct error *error); /* and of run */

#define DOMAIN_SEE_ALSO                                                                                      \
    {                                                                                                        \
        "vcost(1)", "vcost-domain-run(1)", "vcost-domain-save(1)", "vcost-domain-restore(1)",                \
            "vcost-domain-status(1)"                                                                         \
    }
#define ASK(word, what, text, line, about)                                                                   \
    const struct command command_domain_##word = {                                                           \
        .name = "domain " #word,                                                                             \
        .summary = what,                                                                                     \
        .description = {text},                                                                               \
        .groups = {OPTION_GROUP("Where", domain_folder_option, 0),                                           \
            OUTPUT_GROUPS(struct domain_options, output), HELP_GROUP},                                       \
        .operand = {"NAME", "A domain that runs.", NULL, 1, 1},                                              \
        .examples = {{line, about}},                                                                         \
        .see_also = DOMAIN_SEE_ALSO,                                                                         \
        .options_bytes = sizeof(struct domain_options),                                                      \
        .check = domain_options_check,                                                                       \
        .run = cmd_domain_##word##_run,                                                                      \
    }

#endif
