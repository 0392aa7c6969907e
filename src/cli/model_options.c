#include "cli/model_options.h"

#include "cli/chase_options.h"
#include "model/machine.h"
#include "model/model.h"

#include <errno.h>

static int check(const void *options, struct error *error)
{
    return output_options_check(&((const struct model_options *)options)->output, error);
}

static int check_walk(const void *fields, struct error *error)
{
    const struct model_options *options = fields;
    if (options->technique == MODEL_NATIVE && chase_page_bytes(options->host_page) != 4096)
        return error_set(
            error, EINVAL, "natively there is nothing below the tables: --guest-page is their pages");
    return check(options, error);
}

static int check_fit(const void *options, struct error *error)
{
    const char *name = ((const struct model_options *)options)->name;
    if (name && !machine_name_fits(name))
        return error_set(error, EINVAL, "--name: \"%.60s\" should be 1 to %d of a-z, 0-9, '.' and '-'", name,
            MACHINE_NAME_MAX);
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
        .help = "The pages of the guest's own tables, or natively of the program's:"},
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
    .operand = {.name = "MACHINE",
        .help = "A name of vcost model list, or a file that ends in .json.",
        .min = 1,
        .max = 1},
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

static const struct option_spec like_option[] = {
    {.name = "like",
        .kind = OPTION_TEXT,
        FIELD(like),
        .value_name = "NAME",
        .default_note = "the preset that is nearest to the CPU that was measured",
        .help = "The machine that everything is taken from that the curve does not tell: a name of vcost "
                "model list, or a file that ends in .json."},
};

static const struct option_spec progress_option[] = {
    {.name = "quiet",
        .letter = 'q',
        .kind = OPTION_FLAG,
        FIELD(quiet),
        .only_shows = true,
        .help = "No progress on stderr."},
};

#define STOPPED_EMPTY_NOTE                                                                                   \
    {                                                                                                        \
        "Ctrl-C", "stops it: nothing is told and no file is written. Then it ends by that signal, which a "  \
                  "shell tells as 130."                                                                      \
    }

static const struct option_spec fit_options[] = {
    {.name = "name",
        .kind = OPTION_TEXT,
        FIELD(name),
        .value_name = "NAME",
        .default_note = "fitted",
        .help = "How the machine is to be called in cells and labels: 1 to 30 of a-z, 0-9, '.' and '-'."},
};

static const struct command command_model_fit = {
    .name = "model fit",
    .summary = "a machine file of this host, fitted to a measured chase",
    .description =
        {"Makes a machine file of a result of vcost chase: sizes of caches as its host tells them; latencies "
         "of caches, memory, the second TLB and the walker, and the share of the last cache that is had, "
         "fitted on ONE curve: native, random order, pages of 4 KiB. Everything else is as in another "
         "machine. Beside each figure the file says whether it was told, fitted or assumed, and on what. "
         "Nothing of it is fitted again: vcost model validate predicts other curves with it."},
    .groups = {OPTION_GROUP("What is fitted", like_option, 0), OPTION_GROUP(NULL, fit_options, 0),
        OPTION_GROUP(NULL, progress_option, 0), OUTPUT_GROUPS(struct model_options, output), HELP_GROUP},
    .operand = {.name = "RESULT",
        .help = "A result of vcost chase, saved by --json or --html; \"-\" is stdin.",
        .min = 1,
        .max = 1,
        .reads = true},
    .examples =
        {
            {"vcost model fit chase.json --json here.json",
                "This host as a machine file, of what vcost chase --on native --json chase.json measured; "
                "then vcost chase --on model:here.json shows what is simulated of it, and, of a host that is "
                "no guest itself, what nested paging would cost there"},
            {"vcost model fit chase.json --like zen4-genoa --name mine", "With what the rest is taken from"},
        },
    .exit_notes = {STOPPED_EMPTY_NOTE},
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-model-validate(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check_fit,
    .run = cmd_model_fit_run,
};

static const struct option_spec validate_options[] = {
    {.name = "here",
        .kind = OPTION_FLAG,
        FIELD(here),
        .help =
            "Measure this host, twice: native curves in the orders random, random-in-page, sequential and "
            "line-per-page, with pages of 4 KiB and 2 MiB. A machine is made of the one in random order "
            "with pages of 4 KiB, as by vcost model fit, and held against the others; or --machine is."},
    {.name = "time",
        .kind = OPTION_SECONDS,
        FIELD(seconds),
        .value_name = "SECONDS",
        .default_note = "5m",
        .help = "How long --here measures. Also written as 90s, 2m or 1h."},
    {.name = "keep",
        .kind = OPTION_TEXT,
        FIELD(keep),
        .value_name = "FOLDER",
        .help = "Where to keep what --here has measured, curves.json and again.json, and the machine, "
                "this-host.json."},
    {.name = "machine",
        .kind = OPTION_TEXT,
        FIELD(machine),
        .value_name = "NAME",
        .default_note =
            "with --here the one that is fitted, else each that something is published of; a RESULT "
            "takes one by name",
        .help = "The machine that is held against the measurement: a file that vcost model fit has made, or "
                "a name of vcost model list."},
};

static const struct command command_model_validate = {
    .name = "model validate",
    .summary = "a simulated machine against curves that it was not fitted on",
    .description = {"Without a RESULT: simulates the latencies that are published of machines of vcost model "
                    "list, and makes a table of the errors, each with its source. It holds if the median "
                    "error of each is at most 15 % and nine of ten points are within 35 %.",
        "With one: simulates the native curves of a result other than the one in random order with pages of "
        "4 KiB, and makes a table of the errors over the working sets past the first TLB and the second "
        "cache. It holds if the median error is at most 15 % (or 1.5 times that of native measured twice), "
        "nine of ten points are within 35 %, and the median error is at most half of the null model's, which "
        "copies the fitted curve.",
        "The first RESULT has the curves; others are the same measured again, for the error of "
        "repeating. The table of published latencies follows.",
        "With --here all is done at once: this host is measured, a machine is fitted, frozen and "
        "validated. It takes some minutes and a machine that has nothing else to do."},
    .groups = {OPTION_GROUP("What is validated", validate_options, 0), OPTION_GROUP(NULL, like_option, 0),
        OPTION_GROUP(NULL, progress_option, 0), OUTPUT_GROUPS(struct model_options, output), HELP_GROUP},
    .operand = {.name = "RESULT",
        .help = "Results of vcost chase, saved by --json or --html; \"-\" is stdin.",
        .min = 0,
        .max = 8,
        .reads = true},
    .examples =
        {
            {"vcost model validate", "The machines that vcost knows, against what is published of them"},
            {"vcost model validate --here --keep .",
                "Whether this host can be simulated, and the machine file for it"},
            {"vcost model validate --machine here.json curves.json again.json",
                "The table, of two results of vcost chase --on native --order "
                "random,sequential,line-per-page --host-page 4K,2M"},
        },
    .exit_notes = {{"3", "the machine, or without a RESULT one of those in the table, does not hold."},
        STOPPED_EMPTY_NOTE},
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-model-fit(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check,
    .run = cmd_model_validate_run,
};

static const struct command command_model_walk = {
    .name = "model walk",
    .summary = "one translation of an address, entry by entry",
    .description =
        {"Shows what a simulated machine reads to translate one address when none of its caches has "
         "anything: natively an entry of each level, four or five; under nested paging up to 24, or 35 where "
         "both sides have five."},
    .groups = {OPTION_GROUP("What is simulated", walk_options, 0),
        OUTPUT_GROUPS(struct model_options, output),
        OPTION_GROUP(NULL, picture_option, offsetof(struct model_options, output)), HELP_GROUP},
    .operand = {.name = "ADDRESS", .help = "The virtual address, decimal or 0x...", .min = 1, .max = 1},
    .examples =
        {
            {"vcost model walk 0x7f1234567000", "The 24 reads of the article's figure 1"},
            {"vcost model walk 0x7f1234567000 --svg walk.svg", "The same as a picture"},
            {"vcost model walk 0x7f1234567000 --guest-page 2M --host-page 2M",
                "What large pages leave of them"},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)"},
    .options_bytes = sizeof(struct model_options),
    .check = check_walk,
    .run = cmd_model_walk_run,
};

static const struct command *const commands[] = {&command_model_list, &command_model_show,
    &command_model_walk, &command_model_fit, &command_model_validate, NULL};

const struct command command_model = {
    .name = "model",
    .summary = "a simulated machine: what it would cost there",
    .description =
        {"What virtualization would cost on a machine that is not at hand is simulated. All that it says is "
         "modelled, not measured. Curves are drawn by vcost chase: \"vcost chase --on native,model:barcelona "
         "--technique native,nested\" shows this host and beside it what the article's AMD machine would "
         "take, natively and in a guest; with --explain also where the cycles go.",
            "What shadow paging pays for are events: \"vcost chase --on model:core2-merom --technique "
            "native,shadow --rates faults=5000,ticks=1000/s\". Page tables that change, under three "
            "techniques: \"vcost chase --on model:skylake-sp --technique shadow,nested,agile --rates "
            "pte-changes=10000,scans=100\".",
            "A machine of one's own: \"vcost model show zen3-milan --json mine.json\", change it, \"vcost "
            "chase --on model:mine.json\". This host as a machine: \"vcost chase --on native --json "
            "chase.json\", \"vcost model fit chase.json --json here.json\"; how far it is right: \"vcost "
            "model validate --machine here.json chase.json\"."},
    .groups = {HELP_GROUP},
    .commands = commands,
    .see_also = {"vcost(1)", "vcost-chase(1)"},
};
