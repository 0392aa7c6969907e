#include "cli/program_options.h"

#include "cli/command_line.h"
#include "experiment/run.h"

#include <errno.h>
#include <string.h>

#define FIELD(member) .offset = offsetof(struct program_options, member)

static const struct {
    struct choice choice;
    uint64_t bytes;
} pages[] = {
    {{"auto", "as without this option"}, 0},
    {{"4K", "4 KiB alone"}, 4096},
    {{"2M", "2 MiB wherever they fit"}, 2 << 20},
};

static struct choice page_choice(size_t index)
{
    return index < sizeof pages / sizeof pages[0] ? pages[index].choice : (struct choice){NULL, NULL};
}

uint64_t program_page_bytes(unsigned choice)
{
    return pages[choice].bytes;
}

static const struct {
    struct choice choice;
    enum ran_faults faults;
} faults[] = {
    {{"auto", "what this host does at speed: demand with nested paging, eager otherwise"},
        RAN_FAULTS_UNKNOWN},
    {{"eager", "as memory is mapped: no page fault of the guest's, only the host's"}, RAN_FAULTS_EAGER},
    {{"demand", "at the first touch, by a page fault that the guest's kernel handles, then the host's"},
        RAN_FAULTS_DEMAND},
};

static struct choice faults_choice(size_t index)
{
    return index < sizeof faults / sizeof faults[0] ? faults[index].choice : (struct choice){NULL, NULL};
}

enum ran_faults program_faults(unsigned choice)
{
    return faults[choice].faults;
}

static const struct option_spec memory_options[] = {
    {.name = "guest-page",
        .kind = OPTION_CHOICE_LIST,
        FIELD(guest_pages),
        .value_name = "SIZE[,SIZE...]",
        .fallback = "auto",
        .choice = page_choice,
        .help = "Pages of the guest's own tables; several are measured in turns, each with each --host-page. "
                "Left to itself a mapping has 2 MiB leaves wherever it holds an aligned 2 MiB, files' "
                "mappings, too. What was obtained is counted:"},
    {.name = "host-page",
        .kind = OPTION_CHOICE_LIST,
        FIELD(host_pages),
        .value_name = "SIZE[,SIZE...]",
        .fallback = "auto",
        .choice = page_choice,
        .help = "Pages of the host's memory, natively and below the guest. 4K: transparent large pages are "
                "switched off for the program. 2M: they are asked for, for what it maps and for malloc, by a "
                "library of vcost's that is preloaded into it and by GLIBC_TUNABLES, as vcost advise does. "
                "What was obtained is looked at while it runs:"},
    {.name = "guest-faults",
        .kind = OPTION_CHOICE,
        FIELD(guest_faults),
        .value_name = "WHEN",
        .fallback = "auto",
        .choice = faults_choice,
        .help = "When the guest's own tables get a page. On demand it is as under an operating system, and "
                "the account has a line for it:"},
};

static const struct option_spec how_options[] = {
    {.name = "also",
        .kind = OPTION_TEXT_LIST,
        FIELD(also),
        .value_name = "COMMAND",
        .default_note = "PROGRAM alone",
        .help = "Another program with its arguments, in one word as for a shell: --also 'sort -u words.txt'. "
                "May be given several times. All are run in turns with PROGRAM, and told beside it. One that "
                "fails does not end the others."},
    {.name = "runs",
        .kind = OPTION_NUMBER,
        FIELD(runs),
        .value_name = "N",
        .min = 2,
        .max = 1000,
        .fallback = "10",
        .help = "How often it is timed on each side, in turns. Three runs more, natively, natively and in "
                "the guest, come first and show whether it does the same."},
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
    {.name = "output",
        .kind = OPTION_TEXT,
        FIELD(output),
        .value_name = "WHERE",
        .default_note = "taken in and compared",
        .help = "Where the program's standard output goes: null or inherit (vcost's own), where nobody "
                "compares it; or a file, made empty before each run, which is compared, or a device."},
    {.name = "check",
        .kind = OPTION_TEXT,
        FIELD(check),
        .value_name = "FILE[,FILE...]",
        .help = "Files that the program writes, and that must be in the guest what they are natively."},
    {.name = "heat",
        .kind = OPTION_FLAG,
        FIELD(heat),
        .help =
            "After the timed runs, run it once more in the guest to see which memory it touches over time, "
            "by the accessed bits of its page tables: pages and 2 MiB regions, instructions and data apart, "
            "what this CPU's TLBs hold of them, and a picture of addresses against time (--svg, --html)."},
    {.name = "heat-interval",
        .kind = OPTION_SECONDS,
        FIELD(heat_interval),
        .value_name = "SECONDS",
        .fallback = "0.1",
        .help = "How often these bits are read and cleared. Each time makes the guest fault again on what it "
                "touches next, so that a short interval slows this run down; no timed one."},
    {.name = "ignore-failure",
        .kind = OPTION_FLAG,
        FIELD(ignore_failure),
        .help = "Measure a program that natively ends with another exit status than 0, too."},
};

static bool is_stdout(const char *path)
{
    return path && !strcmp(path, "-");
}

/* What the program writes must not come between what vcost writes for machines. */
static int check_output(const struct program_options *options, struct error *error)
{
    const struct output_options *output = &options->common.output;
    if (is_stdout(options->output))
        return error_set(error, EINVAL, "--output -: say inherit for vcost's own stdout, or name a file");
    if (options->output && !strcmp(options->output, RUN_INHERITED) &&
        (is_stdout(output->json) || is_stdout(output->csv) || is_stdout(output->markdown)))
        return error_set(error, EINVAL,
            "--output inherit puts what the program writes into what is to go to stdout: name a file for one "
            "of them");
    return output_options_check(output, error);
}

static int check(const void *fields, struct error *error)
{
    const struct program_options *options = fields;
    struct pool pool = {0};
    const char *const *words;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < options->also.count; i++)
        if ((rc = command_line_split(options->also.texts[i], &pool, &words, error)) < 0)
            error_prefix(error, "--also");
    pool_free(&pool);
    if (rc < 0)
        return rc;
    if (options->common.output.picture && !options->heat)
        return error_set(error, EINVAL, "--svg draws what the program touches: give --heat, too");
    if (options->heat && !(options->heat_interval >= 0.001))
        return error_set(error, EINVAL, "--heat-interval is at least 0.001 seconds");
    return check_output(options, error);
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
            "run natively twice first, and then in the guest: if the native runs agree in what they write to "
            "stdout and how they end, the guest's must agree with them.",
            "The account says what a run takes more CPU time for, and wall clock time if it has neither "
            "threads nor children: what happened in the guest is counted, and each such thing has a price, "
            "which a program of known operations tells natively and in a guest, in turns with these runs. "
            "What is left is named unexplained, with its sign. An estimate follows for a host with nested "
            "paging and a guest with a kernel, where most of it would not be.",
            "What the program asks for and a guest cannot do fails with the error that Linux has for it; "
            "nothing of it is ever executed outside. It is no protection against the program: its system "
            "calls are made with the rights of whoever runs vcost.",
        },
    .groups =
        {
            OPTION_GROUP("How it is run", how_options, 0),
            OPTION_GROUP("Pages", memory_options, 0),
            OPTION_GROUP(NULL, around_options, offsetof(struct program_options, around)),
            OUTPUT_GROUPS(struct program_options, common.output),
            OPTION_GROUP(NULL, picture_option, offsetof(struct program_options, common.output)),
            OPTION_GROUP(NULL, quiet_option, offsetof(struct program_options, common.run)),
            HELP_GROUP,
        },
    .operand = {.name = "PROGRAM",
        .help = "The program, found in PATH as a shell does, and its arguments, to the end of the line.",
        .min = 1,
        .max = OPERANDS_MAX,
        .rest = true},
    .examples =
        {
            {"vcost run sort big.txt", "What virtualization costs sort"},
            {"vcost run -- ls -l /", "A program whose arguments begin with a dash"},
            {"vcost run sh -c 'sort big.txt | uniq -c'", "What only a shell does: a pipeline, all of it"},
            {"vcost run --runs 30 python3 job.py", "More runs, a narrower interval"},
            {"vcost run --stdin data.csv --ignore-failure grep -c nothing", "With input, and a status of 1"},
            {"vcost run --prepare 'rm -rf out' make -C project", "What has to be undone before each run"},
            {"vcost run --check out.gz gzip -kf out", "A file that must come out the same"},
            {"vcost run --heat --svg heat.svg ./prog",
                "Which memory it touches when, and whether the TLBs hold it"},
            {"vcost run --guest-page 4K,2M --host-page 4K,2M ./prog",
                "What large pages change, on each side"},
            {"vcost run --guest-faults demand ./prog", "With page faults as under an operating system"},
            {"vcost run --also 'sort -u words.txt' --also 'sort -n words.txt' sort words.txt",
                "Three side by side"},
            {"vcost run --json here.json ./prog", "Keep it, for vcost compare with another machine's"},
            {"vcost run --csv - sort big.txt", "Times, account and system calls as comma-separated values"},
        },
    .exit_notes =
        {
            {"0", "it was measured, however the program ended in the guest and whether or not it did the "
                  "same there: that is told (\"fidelity\" in --json and --csv)."},
            {"1", "failed: the program cannot be started, for instance, or natively does not end as it "
                  "should."},
            {"77", "this host has no KVM that vcost can use."},
            STOPPED_NOTE,
        },
    .environment =
        {
            {"VCOST_STEADY", "For the program: the number of a descriptor. If it writes to it, the first "
                             "write begins its steady state and the last one ends it, which is then told for "
                             "itself: in a shell, echo >&$VCOST_STEADY."},
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
