/* What can be asked of `vcost list`. */
#ifndef VCOST_CLI_LIST_OPTIONS_H
#define VCOST_CLI_LIST_OPTIONS_H

#include "cli/command.h"
#include "cli/common_options.h"

#include <stdbool.h>

enum list_topic { LIST_RUNNERS, LIST_ORDERS, LIST_WORKLOADS, LIST_EVENTS, LIST_TOPICS };

struct list_options {
    struct output_options output; /* without a picture */
};

extern const struct command command_list;

/* True if `topic` is to be listed: it is named, or none is. */
bool list_topic_wanted(const struct invocation *invocation, enum list_topic topic);

/* The command itself, in cmd_list.c: invocation->options is a struct list_options. */
int cmd_list_run(const struct invocation *invocation);

#endif
