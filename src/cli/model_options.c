#include "cli/model_options.h"

#include "cli/chase_options.h"

#include <errno.h>

static int check(const void *options, struct error *error)
{
    return output_options_check(&((const struct model_options *)options)->output, error);
}

static int check_validate(const void *options, struct error *error)
{
    if (!((const struct model_options *)options)->machine)
        return error_set(error, EINVAL, "--machine is missing: which machine is to be validated");
    return check(options, error);
}

#define FIELD(member) .offset = offsetof(struct model_options, member)

static const struct option_spec walk_options[] = {
    {.name = "machine",
        .kind = OPTION_TEXT,
        FIELD(machine),
        .value_name = "NAME",
        .default_note = "barcelona, the article's AMD machine",
        .help = "The machine that is simulated: a name of vcost model list, or a file that ends in .json."},
    {.name = "technique",
        .kind = OPTION_CHOICE,
        FIELD(technique),
        .value_name = "NAME",
        .fallback = "nested",
        .choice = technique_choice,
        .help = "How memory is virtualized:"},
    {.name = "guest-page",
        .kind = OPTION_CHOICE,
        FIELD(guest_page),
        .value_name = "SIZE",
        .fallback = "4K",
        .choice = chase_page_choice,
        .help = "The pages of the guest's own tables:"},
    {.name = "host-page",
        .kind = OPTION_CHOICE,
        FIELD(host_page),
        .value_name = "SIZE",
        .fallback = "4K",
        .choice = chase_page_choice,
        .help = "The pages below the guest:"},
    {.name = "hypothetical",
        .kind = OPTION_FLAG,
        FIELD(hypothetical),
        .help = "Also what the machine does not have, such as nested paging on the Core 2."},
    {.name = "walk-caches",
        .kind = OPTION_FLAG,
        FIELD(walk_caches),
        .help =
            "With the machine's walk caches and nested TLB, which spare reads even within the first walk."},
};

static const struct command command_model_list = {
    .name = "model list",
    .summary = "the machines that vcost can simulate",
    .description = {"Lists the machines that vcost chase takes as --on model:NAME."},
    .groups = {OUTPUT_GROUPS(struct model_options, output), HELP_GROUP},
    .examples = {{"vcost model list", "All of them"}},
    .see_also = {"vcost(1)", "vcost-chase(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check,
    .run = cmd_model_list_run,
};

static const struct command command_model_show = {
    .name = "model show",
    .summary = "the figures of one machine, each with its source",
    .description =
        {"Shows what vcost simulates a machine with: caches, TLBs, page walker, memory, costs of "
         "transitions; each figure with the publication or measurement that it is from, or \"assumed\". "
         "With --json it is the machine's file: a start for one of your own."},
    .groups = {OUTPUT_GROUPS(struct model_options, output), HELP_GROUP},
    .operand = {"MACHINE", "A name of vcost model list, or a file that ends in .json.", NULL, 1, 1},
    .examples =
        {
            {"vcost model show zen3-milan", "What is known of it, and from whom"},
            {"vcost model show zen3-milan --json mine.json",
                "A copy to be changed, for --on model:mine.json"},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-model-list(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check,
    .run = cmd_model_show_run,
};

static const struct option_spec fit_options[] = {
    {.name = "like",
        .kind = OPTION_TEXT,
        FIELD(like),
        .value_name = "NAME",
        .default_note = "the preset that is nearest to the CPU of the result's host",
        .help = "The machine that everything is taken from that the curve does not tell: a name of vcost "
                "model list, "
                "or a file that ends in .json."},
    {.name = "name",
        .kind = OPTION_TEXT,
        FIELD(name),
        .value_name = "NAME",
        .default_note = "fitted",
        .help = "How the machine is to be called in cells and labels: letters, digits, '.' and '-'."},
    {.name = "quiet",
        .letter = 'q',
        .kind = OPTION_FLAG,
        FIELD(quiet),
        .only_shows = true,
        .help = "No progress on stderr."},
};

static const struct command command_model_fit = {
    .name = "model fit",
    .summary = "a machine file of this host, fitted to a measured chase",
    .description = {"Makes a machine file of a result of vcost chase: sizes of caches as its host tells "
                    "them; latencies of "
                    "caches, memory, the second TLB and the walker, and the share of the last cache that is "
                    "had, fitted on ONE "
                    "curve: native, random order, pages of 4 KiB. Everything else is as in another machine. "
                    "Beside each figure "
                    "the file says whether it was told, fitted or assumed, and on what. Nothing of it is "
                    "fitted again: vcost "
                    "model validate predicts other curves with it."},
    .groups = {OPTION_GROUP("What is fitted", fit_options, 0), OUTPUT_GROUPS(struct model_options, output),
        HELP_GROUP},
    .operand = {"RESULT", "A result of vcost chase, saved by --json or --html; \"-\" is stdin.", NULL, 1, 1,
        .reads = true},
    .examples =
        {
            {"vcost chase --on native --json chase.json && vcost model fit chase.json --json here.json",
                "This host as a machine file"},
            {"vcost chase --on model:here.json --technique native,nested",
                "What nested paging would cost on a CPU like this one"},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-model-validate(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check,
    .run = cmd_model_fit_run,
};

static const struct option_spec validate_options[] = {
    {.name = "machine",
        .kind = OPTION_TEXT,
        FIELD(machine),
        .value_name = "NAME",
        .default_note = "none: it has to be named",
        .help = "The machine that is held against the measurement: a file that vcost model fit has made, or "
                "a name of "
                "vcost model list."},
    {.name = "quiet",
        .letter = 'q',
        .kind = OPTION_FLAG,
        FIELD(quiet),
        .only_shows = true,
        .help = "No progress on stderr."},
};

static const struct command command_model_validate = {
    .name = "model validate",
    .summary = "a simulated machine against curves that it was not fitted on",
    .description = {"Simulates the native curves of a result other than the one in random order with pages "
                    "of 4 KiB, and makes a "
                    "table of the errors over the working sets past the first TLB and the second cache. It "
                    "holds if the median "
                    "error is at most 15 % (or 1.5 times that of native measured twice), nine of ten points "
                    "are within 35 %, and "
                    "the median error is at most half of the null model's, which copies the fitted curve.",
        "The first RESULT has the curves; others are the same measured again, for the error of repeating."},
    .groups = {OPTION_GROUP("What is validated", validate_options, 0),
        OUTPUT_GROUPS(struct model_options, output), HELP_GROUP},
    .operand = {"RESULT", "Results of vcost chase, saved by --json or --html; \"-\" is stdin.", NULL, 1, 8,
        .reads = true},
    .examples =
        {
            {"vcost chase --on native --order random,line-per-page,packed --host-page 4K,2M --json "
             "curves.json",
                "What to measure, on a calm machine; twice, under two names"},
            {"vcost model validate --machine here.json curves.json again.json", "The table"},
        },
    .exit_notes = {{"3", "the machine does not hold."}},
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-model-fit(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check_validate,
    .run = cmd_model_validate_run,
};

static const struct command command_model_walk = {
    .name = "model walk",
    .summary = "one translation of an address, entry by entry",
    .description =
        {"Shows what a simulated machine reads to translate one address when none of its caches has "
         "anything: four entries natively, up to 24 under nested paging."},
    .groups = {OPTION_GROUP("What is simulated", walk_options, 0),
        OUTPUT_GROUPS(struct model_options, output),
        OPTION_GROUP(NULL, picture_option, offsetof(struct model_options, output)), HELP_GROUP},
    .operand = {"ADDRESS", "The virtual address, decimal or 0x...", NULL, 1, 1},
    .examples =
        {
            {"vcost model walk 0x7f1234567000", "The 24 reads of the article's figure 1"},
            {"vcost model walk 0x7f1234567000 --svg walk.svg", "The same as a picture"},
            {"vcost model walk 0x7f1234567000 --guest-page 2M --host-page 2M",
                "What large pages leave of them"},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check,
    .run = cmd_model_walk_run,
};

static const struct command *const commands[] = {&command_model_list, &command_model_show,
    &command_model_walk, &command_model_fit, &command_model_validate, NULL};

const struct command command_model = {
    .name = "model",
    .summary = "a simulated machine: what it would cost there",
    .description =
        {"What virtualization would cost on a machine that is not at hand is simulated. All that it says "
         "is modelled, not measured. vcost chase --on model:NAME draws curves."},
    .groups = {HELP_GROUP},
    .commands = commands,
    .see_also = {"vcost(1)", "vcost-chase(1)"},
};
