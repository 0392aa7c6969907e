#include "cli/events_options.h"

#include "event/event.h"

static struct choice runner_choice(size_t index)
{
    static const struct choice runners[] = {
        {"native", "in an ordinary process, the baseline"},
        {"kvm", "in a guest of vcost's own on /dev/kvm"},
    };
    return index < sizeof runners / sizeof runners[0] ? runners[index] : (struct choice){NULL, NULL};
}

/* Groups first, then events. */
static struct choice event_choice(size_t index)
{
    if (index < EVENT_GROUPS)
        return (struct choice){
            event_group_name((enum event_group)index), event_group_title((enum event_group)index)};
    const struct event *event = event_at(index - EVENT_GROUPS);
    return event ? (struct choice){event->name, event->summary} : (struct choice){NULL, NULL};
}

#define FIELD(member) .offset = offsetof(struct events_options, member)

static const struct option_spec where_options[] = {
    {.name = "on",
        .kind = OPTION_CHOICE_LIST,
        FIELD(on),
        .value_name = "RUNNER[,RUNNER...]",
        .choice = runner_choice,
        .default_note = "every one that this host can run",
        .help = "Where the events happen; without native there is nothing to compare with. One or more of:"},
    {.name = "cpu",
        .kind = OPTION_NUMBER,
        FIELD(cpu),
        .value_name = "N",
        .min = 0,
        .max = 65535,
        .default_note = "one is chosen and told",
        .help = "The CPU that everything runs on, by its number in /sys/devices/system/cpu."},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static int check(const void *fields, struct error *error)
{
    const struct events_options *options = fields;
    return common_options_check(&options->common, error);
}

const struct command command_events = {
    .name = "events",
    .summary = "the price list of virtualization: what single operations cost",
    .description =
        {
            "Measures what each single operation costs that virtualization makes dear, natively and in a "
            "guest, "
            "side by side.",
        },
    .groups =
        {
            {"Where it runs", where_options, COUNT(where_options), 0},
            COMMON_OPTIONS(struct events_options, common),
            COMMON_HELP,
        },
    .operand = {.name = "EVENT",
        .help = "Only these events, or groups of events:",
        .choice = event_choice,
        .min = 0,
        .max = OPERANDS_MAX},
    .examples =
        {
            {"vcost events", "The whole price list"},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-compare(1)", "vcost-list(1)"},
    .options_bytes = sizeof(struct events_options),
    .check = check,
    .run = cmd_events_run,
};
