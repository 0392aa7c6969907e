#include "cli/model_options.h"

#include "cli/chase_options.h"

static int check(const void *options, struct error *error)
{
    return output_options_check(&((const struct model_options *)options)->output, error);
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

static const struct command *const commands[] = {
    &command_model_list, &command_model_show, &command_model_walk, NULL};

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
