#include "cli/list_options.h"

#include <string.h>

static struct choice topic_choice(size_t index)
{
    static const struct choice topics[LIST_TOPICS] = {
        [LIST_RUNNERS] = {"runners", "where a workload can run, and why one cannot be used here"},
        [LIST_ORDERS] = {"orders", "in which orders vcost chase can visit its elements"},
        [LIST_WORKLOADS] = {"workloads", "what can be measured"},
        [LIST_EVENTS] = {"events", "the events of vcost events"},
    };
    return index < LIST_TOPICS ? topics[index] : (struct choice){NULL, NULL};
}

bool list_topic_wanted(const struct invocation *invocation, enum list_topic topic)
{
    const char *name = topic_choice(topic).name;
    for (size_t i = 0; name && i < invocation->operand_count; i++)
        if (!strcmp(invocation->operands[i], name))
            return true;
    return !invocation->operand_count;
}

const struct command command_list = {
    .name = "list",
    .summary = "what can be measured, and where",
    .description =
        {
            "Lists the runners with what each really does on this host (for example whether KVM uses "
            "nested or shadow paging), or why it cannot be used and what to do about it; the orders of "
            "vcost chase; the workloads; and the events of vcost events. Without a TOPIC all of them are "
            "listed.",
        },
    .groups =
        {
            OPTION_GROUP("Output", file_options, offsetof(struct list_options, output)),
            OPTION_GROUP(NULL, color_option, offsetof(struct list_options, output)),
            HELP_GROUP,
        },
    .operand = {"TOPIC", "What to list, one or more of:", topic_choice, 0, LIST_TOPICS},
    .examples =
        {
            {"vcost list", "Everything"},
            {"vcost list runners", "Can this host run guests, and with which technique"},
            {"vcost list --json -", "The same for a program"},
        },
    .files =
        {
            {"/dev/kvm", "Is opened to find out what KVM does here."},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-events(1)"},
    .options_bytes = sizeof(struct list_options),
    .run = cmd_list_run,
};
