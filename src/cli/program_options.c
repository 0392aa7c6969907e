#include "cli/program_options.h"

#define FIELD(member) .offset = offsetof(struct program_options, member)

static const struct option_spec how_options[] = {
    {.name = "runs",
        .kind = OPTION_NUMBER,
        FIELD(runs),
        .value_name = "N",
        .min = 2,
        .max = 1000,
        .fallback = "10",
        .help =
            "How often it is timed on each side, in turns. Three runs more, natively, natively and in the "
            "guest, come first and show whether it does the same."},
    {.name = "warmup",
        .kind = OPTION_NUMBER,
        FIELD(warmup),
        .value_name = "N",
        .min = 0,
        .max = 1000,
        .fallback = "0",
        .help = "Further runs on each side before those that are timed."},
    {.name = "timeout",
        .kind = OPTION_SECONDS,
        FIELD(timeout),
        .value_name = "SECONDS",
        .fallback = "600",
        .help = "How long a run may take before it is killed. Also written as 90s, 2m or 1h."},
    {.name = "stdin",
        .kind = OPTION_TEXT,
        FIELD(input),
        .value_name = "FILE",
        .default_note = "/dev/null",
        .help = "What the program reads as its standard input, from the beginning in each run."},
    {.name = "prepare",
        .kind = OPTION_TEXT,
        FIELD(prepare),
        .value_name = "CMD",
        .help = "A shell command that runs before each run of the program, natively, and is not timed."},
    {.name = "cleanup",
        .kind = OPTION_TEXT,
        FIELD(cleanup),
        .value_name = "CMD",
        .help = "The same after each run."},
    {.name = "ignore-failure",
        .kind = OPTION_FLAG,
        FIELD(ignore_failure),
        .help = "Measure a program that natively ends with another exit status than 0, too."},
};

static int check(const void *fields, struct error *error)
{
    return output_options_check(&((const struct program_options *)fields)->common.output, error);
}

const struct command command_run = {
    .name = "run",
    .summary = "what virtualization costs a program that you have, unmodified",
    .description =
        {
            "Runs a program natively and in a guest on this host's KVM, in turns, and tells what that costs: "
            "wall clock, user and system time, memory, and how often it left the guest. No guest operating "
            "system and no image is needed: the program is loaded into an empty guest, where every "
            "instruction of it is executed, at privilege level 3; its system calls are made on this host, "
            "from the thread that runs its virtual CPU. So the times of a guest hold what entering and "
            "leaving it costs for each system call. A guest with a kernel of its own would not leave for "
            "most of them.",
            "The program runs several times and does each time whatever it does: it may change files. It is "
            "run natively twice first, and then in the guest: if the native runs agree in what they write "
            "to stdout and how they end, the guest's must agree with them.",
            "What the program asks for and a guest cannot do fails with the error that Linux has for it; "
            "nothing of it is ever executed outside. It is no protection against the program: its system "
            "calls are made with the rights of whoever runs vcost.",
        },
    .groups =
        {
            OPTION_GROUP("How it is run", how_options, 0),
            OUTPUT_GROUPS(struct program_options, common.output),
            OPTION_GROUP(NULL, quiet_option, offsetof(struct program_options, common.run)),
            HELP_GROUP,
        },
    .operand = {.name = "PROGRAM [ARG...]",
        .help = "The program, found in PATH as a shell does, and its arguments, to the end of the line.",
        .min = 1,
        .max = OPERANDS_MAX,
        .rest = true},
    .examples =
        {
            {"vcost run sort big.txt", "What virtualization costs sort"},
            {"vcost run -- ls -l /", "A program whose arguments begin with a dash"},
            {"vcost run --runs 30 python3 job.py", "More runs, a narrower interval"},
            {"vcost run --stdin data.csv --ignore-failure grep -c nothing", "With input, and a status of 1"},
            {"vcost run --prepare 'rm -rf out' make -C project", "What has to be undone before each run"},
            {"vcost run --json here.json ./prog", "Keep it, for vcost compare with another machine's"},
        },
    .exit_notes =
        {
            {"0", "it was measured, whatever the program's own exit status is in the guest: that is told."},
            {"1", "the program cannot be started, or natively does not end as it should."},
            {"77", "this host has no KVM that vcost can use."},
            {"Ctrl-C", "stops cleanly: what was measured until then is reported and marked incomplete."},
        },
    .files =
        {
            {"/dev/kvm", "Must be readable and writable."},
        },
    .see_also = {"vcost(1)", "vcost-events(1)", "vcost-advise(1)", "vcost-compare(1)", "vcost-report(1)"},
    .options_bytes = sizeof(struct program_options),
    .check = check,
    .run = cmd_run_run,
};
