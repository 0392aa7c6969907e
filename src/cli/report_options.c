#include "cli/report_options.h"

#define FIELD(member) .offset = offsetof(struct report_options, member)

static const struct option_spec report_options[] = {
    {.name = "verbose",
        .letter = 'v',
        .kind = OPTION_FLAG,
        FIELD(verbose),
        .help = "All that was found, of an inspection."},
};

static int check(const void *fields, struct error *error)
{
    const struct report_options *options = fields;
    return common_options_check(&options->common, error);
}

const struct command command_report = {
    .name = "report",
    .summary = "what a saved result says",
    .description =
        {
            "Reports a result file (--json of any measuring command) as the command that wrote it did.",
        },
    .groups =
        {
            {"What is shown", report_options, sizeof report_options / sizeof report_options[0], 0},
            {"Output", common_output_options, COMMON_OUTPUT_OPTIONS, offsetof(struct report_options, common)},
            COMMON_HELP,
        },
    .operand = {"RESULT", "A result file; with - it is read from stdin.", NULL, 1, 1},
    .examples = {{"vcost report before.json", "What it said then"}},
    .see_also = {"vcost(1)", "vcost-compare(1)"},
    .options_bytes = sizeof(struct report_options),
    .check = check,
    .run = cmd_report_run,
};
