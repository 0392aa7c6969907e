#include "cli/compare_options.h"

#include "result/compare.h"

#include <errno.h>

static struct choice metric_choice(size_t index)
{
    static const struct choice metrics[METRICS] = {
        [METRIC_TIME] = {"time", "the cells' medians: did it get slower"},
        [METRIC_SLOWDOWN] = {"slowdown",
            "guest over native inside each file: did the cost of virtualization change"},
    };
    return index < METRICS ? metrics[index] : (struct choice){NULL, NULL};
}

#define FIELD(member) .offset = offsetof(struct compare_options, member)

static const struct option_spec what_options[] = {
    {.name = "only",
        .kind = OPTION_TEXT,
        FIELD(only),
        .value_name = "PATTERN",
        .default_note = "all cells",
        .help = "Compare only cells whose id matches PATTERN, as a shell would match it: * is any text, ? "
                "any character, [...] one of several."},
    {.name = "metric",
        .kind = OPTION_CHOICE,
        FIELD(metric),
        .value_name = "METRIC",
        .fallback = "time",
        .choice = metric_choice,
        .help = "What is shown first, and what --fail-above judges:"},
    {.name = "fail-above",
        .kind = OPTION_PERCENT,
        FIELD(fail_above),
        .value_name = "PERCENT",
        .default_note = "nothing fails",
        .help = "Exit with status 3 if anything got slower than in the first file by more than PERCENT (5%, "
                "5 or 0.5%). It is judged on the low end of the change's 95% confidence interval, so that "
                "noise alone rarely fails; what has no interval is not judged, and that is said."},
    {.name = "fail-on-unknown",
        .kind = OPTION_FLAG,
        FIELD(fail_on_unknown),
        .help = "What --fail-above cannot judge counts as slower: status 3 too."},
};

static int check(const void *fields, struct error *error)
{
    const struct compare_options *options = fields;
    if (options->fail_on_unknown && options->fail_above < 0)
        return error_set(
            error, EINVAL, "--fail-on-unknown is about --fail-above: give --fail-above PERCENT too");
    return output_options_check(&options->output, error);
}

const struct command command_compare = {
    .name = "compare",
    .summary = "saved results against each other, cell by cell",
    .description =
        {
            "Compares result files (--json of any measuring command) with the first of them, by the ids "
            "of their cells: each median and each slowdown, how it changed, and the 95% confidence "
            "interval of that change. Above the tables stands what else differs: the machine, its kernel "
            "and settings, vcost, what was asked for, cells that are noisy or missing.",
            "The files were measured at different times, so nothing is paired. An interval is made from "
            "the medians of single placements of memory, of both files (Welch's t interval of their "
            "logarithms). It knows nothing of what changed between the two measurements besides: on a "
            "shared machine another neighbour is a change, too. Slowdowns, which are paired inside each "
            "file, suffer less from that than times.",
        },
    .groups =
        {
            OPTION_GROUP("What is compared", what_options, 0),
            OUTPUT_GROUPS(struct compare_options, output),
            HELP_GROUP,
        },
    .operand = {.name = "FILE",
        .help =
            "Result files, or pages that hold one, two to eight; the first is the baseline. With - one is "
            "read from stdin.",
        .min = 2,
        .max = COMPARE_FILES_MAX,
        .reads = true},
    .examples =
        {
            {"vcost compare before.json after.json", "What changed"},
            {"vcost compare --metric slowdown old-host.json new-host.json",
                "Does virtualization cost less on the other machine"},
            {"vcost compare --fail-above 5% release.json now.json",
                "For continuous integration: status 3 if a cell is surely slower by more than 5%"},
            {"vcost compare --only chase/kvm/* --markdown - a.json b.json c.json",
                "The guest's cells of three results, for an issue on GitHub"},
        },
    .exit_notes =
        {
            {"1", "failed: a file is no result, for instance, they have no cell in common, or nothing can be "
                  "judged although --fail-above asks for it."},
            {"3", "something got slower by more than --fail-above allows."},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-report(1)"},
    .options_bytes = sizeof(struct compare_options),
    .check = check,
    .run = cmd_compare_run,
};
