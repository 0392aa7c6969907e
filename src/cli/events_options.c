#include "cli/events_options.h"

#include "event/event.h"

#include <errno.h>

static struct choice one_event(size_t index)
{
    const struct event *event = event_at(index);
    return event ? (struct choice){event->name, event->summary} : (struct choice){NULL, NULL};
}

/* Groups first, then events. */
static struct choice event_choice(size_t index)
{
    if (index < EVENT_GROUPS)
        return (struct choice){
            event_group_name((enum event_group)index), event_group_title((enum event_group)index)};
    return one_event(index - EVENT_GROUPS);
}

#define FIELD(member) .offset = offsetof(struct events_options, member)

static const struct option_spec tell_options[] = {
    {.name = "explain",
        .kind = OPTION_CHOICE_LIST,
        FIELD(explain),
        .value_name = "EVENT[,EVENT...]",
        .choice = one_event,
        .listed_elsewhere = true,
        .only_shows = true,
        .help = "Measure nothing; tell what happens in an event step by step, what the article says of "
                "it, and what to do about its cost. EVENT is one of those above, no group."},
    {.name = "context",
        .kind = OPTION_FLAG,
        FIELD(context),
        .only_shows = true,
        .help = "Add figures that others have published, with their source, below the table."},
};

static int check(const void *fields, struct error *error)
{
    const struct events_options *options = fields;
    int rc = output_options_check(&options->common.output, error);
    return rc < 0 ? rc : table_options_check(&options->common.tables, error);
}

const struct command command_events = {
    .name = "events",
    .summary = "the price list of virtualization: what single operations cost",
    .description =
        {
            "Measures what each single operation costs that virtualization can make expensive: entering "
            "and leaving the monitor, what that does to caches and TLBs, exceptions and page tables, "
            "memory management, executing code, reading the clock. Each happens natively and in a guest, "
            "in turns, many times in a row, in several openings of its memory and its guest. These are "
            "the causes that Ulrich Drepper's article \"The Cost of Virtualization\" (ACM Queue 6(1), "
            "2008) names, one row each.",
            "The tables are sorted by what an event costs more than natively. What native cannot do at "
            "all (leaving a guest) is listed with its whole price. Some events are relative to another "
            "event at the same place: what a warm working set costs after an exit, against without one. "
            "What cannot happen on this host has no figure, and the reason is given.",
            "A guest here is vcost's own, without an operating system. What only Linux can do (fork, "
            "mmap, mlock) is measured natively, and with --on 'command:CMD' inside a virtual machine of "
            "yours, side by side with this machine. Where the two cannot be connected, run vcost events in "
            "both and compare the two files with vcost compare.",
            "EVENT is the name of an event or of a group of them; vcost list events lists them.",
        },
    .groups =
        {
            OPTION_GROUP("What is reported", tell_options, 0),
            OPTION_GROUP("Where it runs", on_option, offsetof(struct events_options, common.on)),
            OPTION_GROUP(NULL, cpu_option, offsetof(struct events_options, common.cpu)),
            OPTION_GROUP(NULL, table_options, offsetof(struct events_options, common.tables)),
            MEASURE_GROUPS(struct events_options, common),
            HELP_GROUP,
        },
    .operand = {.name = "EVENT",
        .help = "Only these events, or groups of events:",
        .choice = event_choice,
        .min = 0,
        .max = OPERANDS_MAX},
    .examples =
        {
            {"vcost events", "The whole price list of this machine"},
            {"vcost events --quick exits", "What entering and leaving the monitor costs, in a few seconds"},
            {"vcost events cpuid syscall page-fault", "Three events alone"},
            {"vcost events --explain pte-change", "What that is, why it costs, what to do"},
            {"vcost events --json here.json", "Keep the list, for vcost compare"},
            {"vcost events --on native --on 'command:ssh guest vcost agent'",
                "This machine against a virtual machine of your own; see vcost-agent(1)"},
            {"vcost events --on native --json inside.json", "The same inside a virtual machine without KVM"},
            {"vcost events --context --markdown -",
                "As Markdown, with nothing but the measured list on stdout"},
        },
    .exit_notes =
        {
            STOPPED_NOTE,
        },
    .files =
        {
            {"/dev/kvm", "Must be readable and writable for guests; without it only native is measured."},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-compare(1)", "vcost-report(1)", "vcost-list(1)",
        "vcost-agent(1)"},
    .options_bytes = sizeof(struct events_options),
    .check = check,
    .run = cmd_events_run,
};
