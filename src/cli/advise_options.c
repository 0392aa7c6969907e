#include "cli/advise_options.h"

#include "experiment/advise.h"
#include "remedy/recipe.h"

#include <errno.h>

#define FIELD(member) .offset = offsetof(struct advise_options, member)

static struct choice remedy_choice(size_t index)
{
    const struct recipe_preset preset = recipe_preset(index);
    return (struct choice){preset.name, preset.summary};
}

static struct choice by_choice(size_t index)
{
    static const struct choice choices[] = {
        {"choice", "CPU time of a program that computes all the time in one thread, otherwise wall clock"},
        {"wall", "wall clock: from its start to its end"},
        {"cpu", "CPU time, its own and the system's for it: far surer on a machine that others use, too"},
    };
    return index < sizeof choices / sizeof choices[0] ? choices[index] : (struct choice){NULL, NULL};
}

static const struct option_spec what_options[] = {
    {.name = "list",
        .kind = OPTION_FLAG,
        FIELD(list),
        .help = "Only tell which remedies there are, and which of them can be tried here and why not; with a "
                "program, on that one."},
    {.name = "only",
        .kind = OPTION_CHOICE_LIST,
        FIELD(only),
        .value_name = "REMEDY[,REMEDY...]",
        .choice = remedy_choice,
        .default_note = "all that can be tried here and that the budget has time for",
        .help = "Which remedies are tried, one or more of:"},
    {.name = "remedy",
        .kind = OPTION_TEXT,
        FIELD(remedy),
        .value_name = "FILE",
        .help = "Also try the remedy that FILE describes, whatever --only says; doc/remedies.md explains the "
                "format."},
};

static const struct option_spec how_options[] = {
    {.name = "budget",
        .kind = OPTION_SECONDS,
        FIELD(budget),
        .value_name = "SECONDS",
        .fallback = "120",
        .help = "How long it may take altogether. If that is too little to decide about all remedies, that "
                "is told first, and the first ones are tried. Also written as 90s, 2m or 1h."},
    {.name = "quick",
        .kind = OPTION_QUICK,
        .offset = offsetof(struct advise_options, common.run.quick),
        .help = "No more rounds than it takes to decide at all: a first impression, with wide intervals."},
    {.name = "by",
        .kind = OPTION_CHOICE,
        FIELD(by),
        .value_name = "WHAT",
        .fallback = "choice",
        .choice = by_choice,
        .help = "What is to become less:"},
    {.name = "metric",
        .kind = OPTION_TEXT,
        FIELD(metric),
        .value_name = "REGEX",
        .help =
            "Judge by a number that the program writes to stdout, the more the better: an extended regular "
            "expression with one group around the number, of which the last match counts."},
    {.name = "less",
        .kind = OPTION_FLAG,
        FIELD(less),
        .help = "Of the number that --metric finds, the less the better: a time."},
    {.name = "status",
        .kind = OPTION_NUMBER,
        FIELD(status),
        .value_name = "N",
        .min = 0,
        .max = 255,
        .fallback = "0",
        .help = "The exit status that the program ends with when all is well."},
    {.name = "seed",
        .kind = OPTION_SEED,
        .offset = offsetof(struct advise_options, common.run.seed),
        .value_name = "N",
        .fallback = "1",
        .help = "Seed of the order of runs and of the layouts, up to 53 bits."},
};

static const struct option_spec server_options[] = {
    {.name = "server",
        .kind = OPTION_TEXT,
        FIELD(server),
        .value_name = "CMD",
        .help = "Instead of PROGRAM a server, which the shell command CMD starts and which has to stay in "
                "the foreground. It is started anew for each run, and told to end (SIGTERM) after it."},
    {.name = "ready",
        .kind = OPTION_TEXT,
        FIELD(ready),
        .value_name = "CMD",
        .help = "A shell command that succeeds once the server can be used; it is tried until it does."},
    {.name = "load",
        .kind = OPTION_TEXT,
        FIELD(load),
        .value_name = "CMD",
        .help = "A shell command that uses the server and ends: what is measured. --metric looks at what it "
                "writes."},
};

static int check(const void *fields, struct error *error)
{
    const struct advise_options *options = fields;
    if (!options->server != !options->ready || !options->server != !options->load)
        return error_set(error, EINVAL, "--server, --ready and --load go together: give all three");
    if (options->server && options->by == BY_CPU_TIME)
        return error_set(error, EINVAL,
            "--by cpu is no measure of a server under its load: leave it to wall clock, or give --metric");
    if (options->metric && options->by)
        return error_set(error, EINVAL, "--by and --metric are two measures: give one");
    if (options->less && !options->metric)
        return error_set(error, EINVAL, "--less is about --metric: give --metric REGEX too");
    return output_options_check(&options->common.output, error);
}

const struct command command_advise = {
    .name = "advise",
    .summary = "what makes a program faster here, without changing it: remedies tried on it",
    .description =
        {
            "Tries on a program, which is not changed, what is said to help against the cost of "
            "virtualization: large pages for its heap, its mappings and its text, memory that is faulted in "
            "ahead, other allocators and settings of malloc, binding to a CPU or a NUMA node, and more; and "
            "tells which of them made it faster on this machine, by how much and how sure that is, what it "
            "costs, and the command line to keep. It works without privileges, in a guest as on bare metal, "
            "and changes nothing of the system.",
            "Each remedy is first applied once and watched: did it take effect, and does the program still "
            "write the same and end the same? What did not take effect is told so, and what changes the "
            "program is out. Then those that are left run in turns with the program as it is. Those that "
            "seem to help are confirmed by further runs, and at last tried together. What is called a help "
            "is one with a certainty of 95 % over all that were confirmed. Where runs scatter so much that a "
            "gain of more than 10 % may be hidden the verdict is \"cannot tell\", and the first sentence "
            "says which --budget would decide.",
            "The program should do the same each time and take from a tenth of a second to some seconds. It "
            "reads from --stdin and not from the terminal; what it writes to stdout, however much, is taken "
            "in, held against what it writes without a remedy, and neither shown nor kept. What it "
            "leaves running when it ends is told and ended: a server is tried by --server.",
        },
    .groups =
        {
            OPTION_GROUP("Which remedies", what_options, 0),
            OPTION_GROUP("How they are tried", how_options, 0),
            OPTION_GROUP(NULL, around_options, offsetof(struct advise_options, around)),
            OPTION_GROUP("Servers", server_options, 0),
            OUTPUT_GROUPS(struct advise_options, common.output),
            OPTION_GROUP(NULL, quiet_option, offsetof(struct advise_options, common.run)),
            HELP_GROUP,
        },
    .operand = {.name = "PROGRAM",
        .help = "The program, found in PATH as a shell does, and its arguments, to the end of the line.",
        .min = 0,
        .max = OPERANDS_MAX,
        .rest = true},
    .examples =
        {
            {"vcost advise ./prog input.dat", "What helps this program here"},
            {"vcost advise --list", "Which remedies there are, and which can be tried here"},
            {"vcost advise --only large-pages,prefault --budget 60 -- python3 job.py",
                "Two of them, in a minute"},
            {"vcost advise --metric 'rate: ([0-9.]+)' ./bench", "By a throughput that the program reports"},
            {"vcost advise --metric 'GET: ([0-9.]+)' --server 'redis-server --save \"\"' --ready 'redis-cli "
             "ping' --load 'redis-benchmark -q -t get -n 40000'",
                "A server under its load generator"},
            {"vcost advise --budget 90 -- python3 dict.py",
                "A dictionary of 400,000 lists; on one guest of an AMD EPYC lock-memory: 5.6 % (3.7 to 7.2) "
                "less CPU time"},
            {"vcost advise --budget 90 -- sqlite3 :memory: '.read load.sql'",
                "200,000 rows, an index and a join"},
            {"vcost advise --by cpu -- gcc -O2 -c big.c -o /dev/null",
                "A compilation, which has children; on one guest of an AMD EPYC nothing helps"},
            {"vcost advise --by cpu -- node job.js",
                "A map of 600,000 objects, in a program with threads; on one guest of an AMD EPYC one-cpu: "
                "8.5 % (4.4 to 19) less CPU time"},
            {"vcost advise --prepare 'rm -rf out' make -C project", "What has to be undone before each run"},
            {"vcost advise --json here.json ./prog", "Keep it, for vcost compare with another machine's"},
        },
    .exit_notes =
        {
            {"0", "it was decided: also if nothing helps."},
            {"1", "failed: the program cannot be started, for instance, does not end as it should, or takes "
                  "too long to decide anything."},
            STOPPED_NOTE,
        },
    .files =
        {
            {"/dev/shm, /tmp",
                "A page in which the preloaded library counts what it did; removed at the end."},
        },
    .environment =
        {
            {"GLIBC_TUNABLES, LD_PRELOAD", "What they hold stays; remedies are added behind it."},
        },
    .see_also = {"vcost(1)", "vcost-inspect(1)", "vcost-events(1)", "vcost-compare(1)", "vcost-report(1)"},
    .options_bytes = sizeof(struct advise_options),
    .check = check,
    .run = cmd_advise_run,
};
