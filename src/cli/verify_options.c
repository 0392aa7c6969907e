#include "cli/verify_options.h"

#include <string.h>

/* Native is held against by all; other machines' monitors are not vcost's to verify. */
static struct choice monitor_choice(size_t index)
{
    struct choice on = on_choice(index + 1);
    return on.name && !strchr(on.name, ':') ? on : (struct choice){NULL, NULL};
}

static const struct option_spec on_monitors[] = {
    {.name = "on",
        .kind = OPTION_CHOICE_LIST,
        .offset = 0,
        .value_name = "MONITOR[,MONITOR...]",
        .choice = monitor_choice,
        .default_note = "every one that this vcost has",
        .help = "Which monitors, one or more of:"},
};

static int check(const void *fields, struct error *error)
{
    return table_options_check(&((const struct verify_options *)fields)->common.tables, error);
}

const struct command command_verify = {
    .name = "verify",
    .summary = "whether guests here are faithful, fast and safe: the three goals of Popek and Goldberg",
    .description =
        {
            "Tries on this host, with each monitor, what Popek and Goldberg ask of a virtual machine monitor "
            "(1974). Fidelity: a program behaves in the guest as on the machine that the guest is shown; "
            "single instructions, exceptions and computations are executed natively and in a guest, at CPL 3 "
            "and at CPL 0, and their outcomes compared. Performance: most of a program runs at native speed; "
            "a fixed set of pointer chases is measured, natively and in a guest in turns. Safety: the "
            "monitor stays in control; guests do the worst to it, and a second guest beside must compute the "
            "same bits as before.",
            "A processor of today has instructions that tell of the system's state and do not trap at CPL 3 "
            "(Robin and Irvine, 2000). A monitor that runs guests at CPL 3 of the host cannot hide what "
            "these say: that is counted apart, as known to differ, and only where it was seen in this run. "
            "With --verbose each instruction is listed with what each monitor makes of it: the same answer "
            "as natively, the guest's own, the host's, or a trap.",
            "A monitor that cannot be used here is listed with the reason.",
        },
    .groups =
        {
            OPTION_GROUP("Where it runs", on_monitors, offsetof(struct verify_options, common.on)),
            OPTION_GROUP(NULL, cpu_option, offsetof(struct verify_options, common.cpu)),
            OPTION_GROUP(NULL, table_options, offsetof(struct verify_options, common.tables)),
            OPTION_GROUP("How thoroughly", run_options, offsetof(struct verify_options, common.run)),
            OUTPUT_GROUPS(struct verify_options, common.output),
            OPTION_GROUP(NULL, quiet_option, offsetof(struct verify_options, common.run)),
            HELP_GROUP,
        },
    .examples =
        {
            {"vcost verify", "All monitors, in less than a minute"},
            {"vcost verify --quick --verbose", "Every instruction, and a first impression of the slowdown"},
            {"vcost verify --on shadow --json -", "One monitor, for a program"},
        },
    .exit_notes =
        {
            {"3", "something failed that this monitor could do right."},
            {"77", "no monitor can be used here."},
            STOPPED_NOTE,
        },
    .files =
        {
            {"/dev/kvm", "For guests on KVM; the other monitors need nothing."},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-events(1)", "vcost-list(1)"},
    .options_bytes = sizeof(struct verify_options),
    .check = check,
    .run = cmd_verify_run,
};
