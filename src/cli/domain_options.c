#include "cli/domain_options_internal.h"

#include "domain/portable/portable.h"
#include "domain/saved/restore.h"
#include "host/numa.h"
#include "report/view_domain.h"

#include <errno.h>
#include <string.h>

static struct choice workload_choice(size_t index)
{
    return index < PORTABLE_WORKLOADS
               ? (struct choice){portable_workloads[index].name, portable_workloads[index].summary}
               : (struct choice){NULL, NULL};
}

static struct choice monitor_choice(size_t index)
{
    const struct monitor_ops *monitor = monitor_at(index);
    return monitor ? (struct choice){monitor->name, monitor->summary} : (struct choice){NULL, NULL};
}

static struct choice next_monitor_choice(size_t index)
{
    return index ? monitor_choice(index - 1) : (struct choice){"same", "the one that it ran on"};
}

static struct choice clock_choice(size_t index)
{
    static const struct choice choices[] = {
        [CLOCK_DEFAULT] = {"auto", "advance where that can be; told where it cannot"},
        [CLOCK_KEEP] = {"keep", "the guest's time-stamp counter goes on where it stopped"},
        [CLOCK_ADVANCE] = {"advance", "the time that it was stored has passed for it"},
    };
    return index < sizeof choices / sizeof choices[0] ? choices[index] : (struct choice){NULL, NULL};
}

const struct option_spec domain_folder_option[1] = {
    {.name = "folder",
        .kind = OPTION_TEXT,
        FIELD(folder),
        .value_name = "FOLDER",
        .default_note = "vcost in $XDG_RUNTIME_DIR, or /tmp/vcost-UID",
        .only_shows = true,
        .help = "Where the control sockets of domains are: a folder of yours alone."},
};

static const struct option_spec domain_options[] = {
    {.name = "name",
        .kind = OPTION_TEXT,
        FIELD(name),
        .value_name = "NAME",
        .fallback = "domain",
        .help = "How the domain is called: letters, digits, '.', '_' and '-'."},
    {.name = "memory",
        .kind = OPTION_SIZE_RANGE,
        FIELD(memory),
        .value_name = "SIZE",
        .fallback = "64M",
        .help = "Its memory: 8M and more, in steps of 2M."},
    {.name = "vcpus",
        .kind = OPTION_NUMBER,
        FIELD(vcpus),
        .value_name = "N",
        .fallback = "1",
        .min = 1,
        .max = PORTABLE_CPUS_MAX,
        .help = "Virtual CPUs."},
    {.name = "monitor",
        .kind = OPTION_CHOICE,
        FIELD(monitor),
        .value_name = "NAME",
        .fallback = "kvm",
        .choice = monitor_choice,
        .help = "What creates and runs it:"},
    {.name = "workload",
        .kind = OPTION_CHOICE,
        FIELD(workload),
        .value_name = "NAME",
        .fallback = "chase",
        .choice = workload_choice,
        .help = "What runs in it:"},
    {.name = "work",
        .kind = OPTION_SEED,
        FIELD(work),
        .value_name = "N",
        .default_note = "it goes on until it is stopped",
        .help = "How many hops, writes or rounds each virtual CPU does; then the domain ends and tells the "
                "checksum."},
    {.name = "working-set",
        .kind = OPTION_SIZE_RANGE,
        FIELD(working_set),
        .value_name = "SIZE",
        .default_note = "all memory that there is room for",
        .help = "What the workload uses of the memory (chase, writer)."},
    {.name = "rate",
        .kind = OPTION_NUMBER,
        FIELD(rate),
        .value_name = "MB/S",
        .default_note = "as fast as it can",
        .min = 1,
        .max = 100000,
        .help = "How many megabytes of pages writer makes dirty in a second, at most."},
};

const struct option_spec domain_detach_option[2] = {
    {.name = "detach",
        .letter = 'd',
        .kind = OPTION_FLAG,
        FIELD(detach),
        .help = "Return as soon as it runs. What it says goes to FOLDER/NAME.log, how it ended to "
                "FOLDER/NAME.json, which "
                "vcost domain status reads."},
    {.name = "paused",
        .kind = OPTION_FLAG,
        FIELD(paused),
        .help = "Do not let it run before vcost domain resume."},
};

const struct option_spec domain_memory_options[2] = {
    {.name = "node",
        .kind = OPTION_NUMBER_LIST,
        FIELD(nodes),
        .value_name = "N[,N...]",
        .min = 0,
        .max = NUMA_NODES_MAX - 1,
        .default_note = "wherever the kernel places it",
        .help =
            "Place its memory on these NUMA nodes and on no other. Where it is then is counted, and told by "
            "vcost domain status. It is asked for anew wherever the domain goes."},
    {.name = "lock",
        .kind = OPTION_FLAG,
        FIELD(lock),
        .help =
            "Keep its memory from being swapped out (mlock(2), counted); what its own programs lock is still "
            "this machine's to take without that. Needs a limit on locked memory (ulimit -l) of as much. It "
            "rules out --lazy and clones: what these share is locked by nobody."},
};

const struct option_spec domain_arriving_options[DOMAIN_ARRIVING_OPTIONS] = {
    {.name = "name",
        .kind = OPTION_TEXT,
        FIELD(name),
        .value_name = "NAME",
        .default_note = "the one that it had",
        .help = "How the domain is called from now on."},
    {.name = "monitor",
        .kind = OPTION_CHOICE,
        FIELD(monitor),
        .value_name = "NAME",
        .fallback = "same",
        .choice = next_monitor_choice,
        .help = "On which monitor it goes on. One whose processor lacks what the domain had refuses it:"},
    {.name = "clock",
        .kind = OPTION_CHOICE,
        FIELD(clock),
        .value_name = "POLICY",
        .fallback = "auto",
        .choice = clock_choice,
        .help = "What time does that passed meanwhile. A policy that has no effect here is refused:"},
};

static const struct option_spec restore_options[] = {
    {.name = "lazy",
        .kind = OPTION_FLAG,
        FIELD(lazy),
        .help = "Map the file (private: it is not written to) and run at once. State and index are verified "
                "before the "
                "first instruction, memory behind it; vcost domain status tells when."},
    {.name = "record",
        .kind = OPTION_FILE,
        FIELD(record),
        .value_name = "FILE",
        .help = "With --lazy: note which pages were touched (the set, not the order) until the working set "
                "was back, or "
                "else until the end."},
    {.name = "bring-first",
        .kind = OPTION_TEXT,
        FIELD(first),
        .value_name = "FILE",
        .help = "With --lazy: bring in behind the domain, sorted and in runs, what --record noted."},
    {.name = "userfaultfd",
        .kind = OPTION_FLAG,
        FIELD(userfaultfd),
        .help =
            "Run at once, too, but bring memory by 2 MiB as it is touched, each verified before the guest "
            "sees "
            "it, and the rest behind it. Also of compressed files. Who may not have a userfaultfd(2) for a "
            "guest gets a sentence, and no mapping instead."},
};

static const struct option_spec restored_timeline_option[] = {
    {.name = "timeline",
        .kind = OPTION_FILE,
        FIELD(timeline),
        .value_name = "FILE",
        .help = "Draw into FILE (.svg, .png or .html) what it costs the program in the domain: latency per "
                "hop or writes a "
                "second against time, before it was saved and after. It is written when its pace is back, "
                "after 10 s at "
                "most, or at the domain's end."},
};

static const struct option_spec saved_timeline_option[] = {
    {.name = "timeline",
        .kind = OPTION_FILE,
        FIELD(timeline),
        .value_name = "FILE",
        .help = "With --keep-running: draw into FILE (.svg, .png or .html) what it cost the program in the "
                "domain, before and "
                "after. The command then waits until its pace is back, for 10 s at most."},
};

static const struct option_spec fork_options[] = {
    {.name = "count",
        .kind = OPTION_NUMBER,
        FIELD(count),
        .value_name = "N",
        .fallback = "1",
        .min = 1,
        .max = FORKED_MAX,
        .help = "How many clones."},
    {.name = "name",
        .kind = OPTION_TEXT,
        FIELD(name),
        .value_name = "NAME",
        .fallback = "clone",
        .help = "They are called NAME-1, NAME-2 and so on."},
};

static const struct option_spec stats_options[] = {
    {.name = "watch",
        .kind = OPTION_FLAG,
        FIELD(watch),
        .help = "One line after the other, until Ctrl-C or the domain's end."},
    {.name = "interval",
        .kind = OPTION_SECONDS,
        FIELD(interval),
        .value_name = "TIME",
        .fallback = "1s",
        .help = "From one look to the next; rates are over that."},
    {.name = "written",
        .kind = OPTION_FLAG,
        FIELD(written),
        .help =
            "Also tell how much it writes. For that its writes are recorded for a tenth of a second each "
            "time, which costs "
            "the domain: its large pages are split meanwhile. While it is migrated that is known anyway."},
    {.name = "json",
        .kind = OPTION_OUTPUT,
        FIELD(output.json),
        .value_name = "FILE",
        .help = "Also write each look to FILE, as one line of JSON. With - it goes to stdout, and the table "
                "does not."},
};

static const struct option_spec save_options[] = {
    {.name = "keep-running",
        .kind = OPTION_FLAG,
        FIELD(keep_running),
        .help = "The domain goes on when it was saved. Otherwise it ends."},
    {.name = "compress",
        .kind = OPTION_FLAG,
        FIELD(compress),
        .help = "Compress its memory, with zstd. Such a file cannot be mapped: restore --lazy and fork "
                "refuse it."},
};

static int check_timeline(const char *path, struct error *error)
{
    static const char *const names[] = {"svg", "png", "html"};
    const struct format *format = path ? format_of_path(path) : NULL;
    for (size_t i = 0; format && i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(format->name, names[i]))
            return 0;
    return path ? error_set(
                      error, EINVAL, "--timeline: the name \"%.60s\" must end in .svg, .png or .html", path)
                : 0;
}

int domain_options_check(const void *fields, struct error *error)
{
    const struct domain_options *options = fields;
    int rc = check_timeline(options->timeline, error);
    return rc < 0 ? rc : output_options_check(&options->output, error);
}

static const struct command command_run = {
    .name = "domain run",
    .summary = "starts a domain that can be saved and comes back",
    .description = {"Starts a domain whose whole state can be taken out at any moment: its memory is one "
                    "piece, and nothing in it "
                    "names an address of this host. It is served by this process through a control socket, "
                    "by which the other "
                    "commands reach it. Its workload tells a checksum at its end, which is the same however "
                    "often it was stopped "
                    "on the way.",
        "Without --detach the command ends with the domain. Ctrl-C ends both, and what was reached is told."},
    .groups = {OPTION_GROUP("The domain", domain_options, 0),
        OPTION_GROUP("Its memory on this machine", domain_memory_options, 0),
        OPTION_GROUP("How it is served", domain_detach_option, 0),
        OPTION_GROUP(NULL, domain_folder_option, 0), OUTPUT_GROUPS(struct domain_options, output),
        HELP_GROUP},
    .examples =
        {
            {"vcost domain run --work 100000000",
                "A pointer chase of a hundred million hops in 64 MiB, and its checksum"},
            {"vcost domain run -d --name d1 --memory 1G --workload writer --rate 100",
                "In the background, endless"},
            {"vcost domain run --workload kernel-selftest --work 100", "A guest kernel with three processes"},
        },
    .exit_notes = {{"1", "the domain failed, or its workload found something wrong."}},
    .files = {{"/dev/kvm", "Domains on kvm need it."}},
    .environment = {{"XDG_RUNTIME_DIR", "Where the folder of control sockets is."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_run_run,
};

static const struct command command_save = {
    .name = "domain save",
    .summary = "takes a domain out into a file",
    .description = {"Stops the domain between two instructions and writes all that it is: registers, vector "
                    "state, MSRs, what its "
                    "processor has, clock and memory (pages of zeros are left out). The room for it is "
                    "looked at first; the file is "
                    "written beside its name and renamed. If it cannot be written the domain goes on."},
    .groups = {OPTION_GROUP("How", save_options, 0), OPTION_GROUP(NULL, saved_timeline_option, 0),
        OPTION_GROUP(NULL, domain_folder_option, 0), OUTPUT_GROUPS(struct domain_options, output),
        HELP_GROUP},
    .operand = {"NAME FILE", "A domain that runs, and the file.", NULL, 2, 2},
    .examples = {{"vcost domain save d1 d1.domain", "It ends, and can be restored as often as you like"},
        {"vcost domain save --keep-running d1 d1.domain", "It goes on"},
        {"vcost domain save --compress d1 d1.domain", "A smaller file, which takes longer"}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_save_run,
};

static int check_restore(const void *fields, struct error *error)
{
    const struct domain_options *options = fields;
    if (options->lazy && options->userfaultfd)
        return error_set(error, EINVAL, "--lazy maps the file and --userfaultfd reads it: choose one");
    if ((options->record || options->first) && !options->lazy)
        return error_set(error, EINVAL,
            "only memory that is mapped is seen page by page: --record and --bring-first go with --lazy");
    return domain_options_check(fields, error);
}

static const struct command command_restore = {
    .name = "domain restore",
    .summary = "lets a saved domain go on",
    .description = {"Checks the file and whether this host has what the domain's processor had (what is "
                    "missing is named), makes "
                    "the domain, and lets it go on at the instruction where it was stopped. Told are the "
                    "time until its first "
                    "instruction and the time until its working set is back: until it runs at nine tenths of "
                    "the pace that it had "
                    "before it was saved.",
        "Each restored domain has a new generation ID, 128 random bits in the last page of its memory: who "
        "keeps "
        "something that must be unique can see that it is another one now."},
    .groups = {OPTION_GROUP("How", restore_options, 0), OPTION_GROUP(NULL, domain_arriving_options, 0),
        OPTION_GROUP(NULL, restored_timeline_option, 0),
        OPTION_GROUP("Its memory on this machine", domain_memory_options, 0),
        OPTION_GROUP("How it is served", domain_detach_option, 0),
        OPTION_GROUP(NULL, domain_folder_option, 0), OUTPUT_GROUPS(struct domain_options, output),
        HELP_GROUP},
    .operand = {"FILE", "What vcost domain save has written.", NULL, 1, 1, .reads = true},
    .examples = {{"vcost domain restore d1.domain", "In the foreground, all memory read and verified first"},
        {"vcost domain restore -d --lazy --name d2 d1.domain", "At once, memory as it is touched"},
        {"vcost domain restore --lazy --record d1.touched d1.domain", "And notes what it needed first"},
        {"vcost domain restore --lazy --bring-first d1.touched d1.domain",
            "The next time that is brought in behind it"},
        {"vcost domain restore --userfaultfd d1.domain", "As it is touched, and verified first"}},
    .exit_notes = {{"77", "this host lacks what the domain had, or cannot keep its clock."}},
    .files = {{"/dev/kvm", "Domains on kvm need it."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = check_restore,
    .run = cmd_domain_restore_run,
};

static const struct command command_fork = {
    .name = "domain fork",
    .summary = "makes clones that share memory",
    .description = {"Starts clones in the background, which share memory until one writes it (copy on "
                    "write): clones of a saved "
                    "domain map the same file, private; those of a domain that runs have its memory as it "
                    "was at that moment. "
                    "Told are the time until the first instruction of each, how much memory each has for "
                    "itself, and by how "
                    "much the machine's available memory fell.",
        "A domain that runs is stopped for a moment, and nothing of its memory is copied; but from then on "
        "each "
        "page of 4 KiB is copied before it is written there, and large pages are split for that. What that "
        "cost "
        "it is told. Memory that is mapped from a file is not verified: vcost domain check does that."},
    .groups = {OPTION_GROUP("How", fork_options, 0), OPTION_GROUP(NULL, domain_folder_option, 0),
        OUTPUT_GROUPS(struct domain_options, output), HELP_GROUP},
    .operand = {"FILE", "What vcost domain save has written, or the name of a domain that runs.", NULL, 1, 1},
    .examples = {{"vcost domain fork d1.domain --count 100", "A hundred clones, and what they cost"},
        {"vcost domain fork d1 --name copy", "One more of a domain that runs"}},
    .files = {{"/dev/kvm", "Domains on kvm need it."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_fork_run,
};

static const struct command command_list = {
    .name = "domain list",
    .summary = "domains that run",
    .description = {"Lists your domains, and removes sockets of dead ones."},
    .groups = {OPTION_GROUP("Where", domain_folder_option, 0), OUTPUT_GROUPS(struct domain_options, output),
        HELP_GROUP},
    .examples = {{"vcost domain list", "All of them"}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_list_run,
};

static const struct command command_stats = {
    .name = "domain stats",
    .summary = "what a domain does, line by line",
    .description =
        {"Tells how long each hop or write takes (median and slowest 1 % of samples that the workload itself "
         "takes, over the last second), its longest pause, exits, interrupts among them, and page faults a "
         "second, its resident memory, and how much of that is in pages of 2 MiB: in the host's mapping, and "
         "in "
         "what the CPU walks for the guest. What cannot be known is a dash, and null with its reason in the "
         "JSON."},
    .groups = {OPTION_GROUP("How", stats_options, 0), OPTION_GROUP(NULL, domain_folder_option, 0),
        HELP_GROUP},
    .operand = {"NAME", "A domain that runs.", NULL, 1, 1},
    .examples = {{"vcost domain stats d1", "Over one second"},
        {"vcost domain stats --watch --interval 0.2 d1",
            "Five lines a second, for instance while it is migrated"},
        {"vcost domain stats --watch --json - d1 | jq .now.ns_p99", "For a script"}},
    .exit_notes = {{"1", "the domain failed meanwhile, or its workload found something wrong."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_stats_run,
};

static const struct command command_check = {
    .name = "domain check",
    .summary = "verifies a saved domain",
    .description =
        {"Reads the whole file and compares each part, and each 2 MiB of memory, with its checksum."},
    .groups = {HELP_GROUP},
    .operand = {"FILE", "What vcost domain save has written.", NULL, 1, 1, .reads = true},
    .examples = {{"vcost domain check d1.domain", "Is it whole?"}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_check_run,
};

static ASK(status, "how a domain is, or how it ended",
    "Tells what a domain does: its pace, its memory, what was restored and how. Of a detached one that has "
    "ended, how.",
    "vcost domain status d1", "What it does now");
static ASK(pause, "stops a domain for a while",
    "When the command returns no virtual CPU of the domain is running; the domain stays in memory.",
    "vcost domain pause d1", "Until vcost domain resume d1");
static ASK(resume, "lets a paused domain go on", "Lets a domain run on that was paused.",
    "vcost domain resume d1", "It goes on");
static ASK(
    stop, "ends a domain", "Ends a domain; what it computed is lost.", "vcost domain stop d1", "It is gone");

static const struct command *const commands[] = {&command_run, &command_list, &command_domain_status,
    &command_stats, &command_domain_pause, &command_domain_resume, &command_domain_stop, &command_save,
    &command_restore, &command_fork, &command_check, &command_domain_migrate, &command_domain_receive,
    &command_domain_cancel, NULL};

const struct command command_domain = {
    .name = "domain",
    .summary = "domains that stop, are saved, and come back",
    .description = {"A domain is memory and virtual CPUs. These commands start one, stop it between two "
                    "instructions, take its whole "
                    "state out, and let it go on later as if nothing had happened."},
    .groups = {HELP_GROUP},
    .commands = commands,
    .see_also = DOMAIN_SEE_ALSO,
};
