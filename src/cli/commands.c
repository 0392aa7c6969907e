/* The table of subcommands, and vcost itself. */
#include "cli/advise_options.h"
#include "cli/program_options.h"
#include "cli/agent_options.h"
#include "cli/chase_options.h"
#include "cli/command.h"
#include "cli/common_options.h"
#include "cli/compare_options.h"
#include "cli/domain_options.h"
#include "cli/events_options.h"
#include "cli/generate.h"
#include "cli/help.h"
#include "cli/inspect_options.h"
#include "cli/list_options.h"
#include "cli/model_options.h"
#include "cli/report_options.h"
#include "cli/verify_options.h"

static const struct command *const commands[] = {
    &command_chase,
    &command_events,
    &command_inspect,
    &command_verify,
    &command_run,
    &command_advise,
    &command_compare,
    &command_report,
    &command_list,
    &command_domain,
    &command_model,
    &command_agent,
    &command_help,
    &command_generate,
    NULL,
};
static const struct option_spec global_options[] = {
    {.name = "version", .letter = 'V', .kind = OPTION_VERSION, .help = "Show the version and exit."},
};

const struct command command_vcost = {
    .name = "",
    .summary = "what virtualization costs on this machine",
    .description =
        {
            "Measures what it costs to run in a virtual machine instead of natively, on this host and "
            "now: the same machine code runs in both places, in turns, and every number says how it was "
            "got and how sure it is. Data goes to stdout, narration to stderr.",
        },
    .groups =
        {
            OPTION_GROUP("Options", global_options, 0),
            HELP_GROUP,
        },
    .examples =
        {
            {"vcost chase", "What memory accesses cost in a guest, for working sets from 4 KiB to 1 GiB"},
            {"vcost chase --quick --svg chase.svg", "A first impression, with a picture"},
            {"vcost events --quick", "The price list: what single operations cost natively and in a guest"},
            {"vcost inspect", "What this machine really is, and what the host below does"},
            {"vcost verify", "Whether guests here are faithful, fast and safe"},
            {"vcost run sort big.txt", "What virtualization costs a program that you have"},
            {"vcost advise ./prog args", "Which remedy makes a program faster here, tried on it"},
            {"vcost compare before.json after.json", "What changed between two results that were kept"},
            {"vcost report chase.json -o chase.html", "A result that was kept, as a page for a browser"},
            {"vcost domain run -d --name d1", "A domain that can be saved and comes back"},
            {"vcost model walk 0x7f1234567000", "How a simulated machine translates an address"},
            {"vcost list", "What can be measured on this host, and what cannot and why"},
            {"vcost help chase", "All that vcost chase can do"},
        },
    .files =
        {
            {"/dev/kvm", "For guests on KVM. Nothing else that is special is opened, and nothing of the "
                         "system is changed."},
        },
    .environment =
        {
            {"NO_COLOR", "If set and not empty: no colour unless --color=always."},
            {"TERM", "If dumb or not set: the same."},
        },
    .commands = commands,
    .see_also = {"vcost-chase(1)", "vcost-events(1)", "vcost-inspect(1)", "vcost-verify(1)",
        "vcost-compare(1)", "vcost-report(1)", "vcost-list(1)", "vcost-agent(1)"},
};
