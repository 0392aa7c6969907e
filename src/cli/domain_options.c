/* vcost domain, and those of its commands that are about domains that run. */
#include "cli/domain_options_internal.h"

#include "domain/portable/portable.h"
#include "domain/saved/restore.h"
#include "host/numa.h"
#include "report/view_domain.h"

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
    {.name = "low-memory",
        .kind = OPTION_SIZE_RANGE,
        FIELD(low_memory),
        .value_name = "SIZE",
        .fallback = "3G",
        .help = "How much of it the guest has from address 0 on: the rest begins at 4 GiB, behind the hole "
                "that a PC has there for its devices. kernel-selftest has all of it in one piece."},
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
                "FOLDER/NAME.json, which vcost domain status reads."},
    {.name = "paused",
        .kind = OPTION_FLAG,
        FIELD(paused),
        .help = "Do not let it run before vcost domain resume."},
};

const struct option_spec domain_memory_options[3] = {
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
        .help = "Keep its memory from being swapped out (mlock(2), counted); what its own programs lock is "
                "still this machine's to take without that. Needs a limit on locked memory (ulimit -l) of as "
                "much. It rules out --lazy, --userfaultfd, --post-copy and clones: what these share or wait "
                "for is locked by nobody."},
    {.name = "forkable",
        .kind = OPTION_FLAG,
        FIELD(forkable),
        .help = "Have all of its memory from the start, in a form that clones can map (a memfd, joined to "
                "large pages where this kernel does that): its first vcost domain fork then costs each clone "
                "no page tables. It rules out --lock, --lazy, --userfaultfd and --post-copy."},
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
        .help = "Also tell how much it writes. For that its writes are recorded for a tenth of a second each "
                "time, which costs the domain: its large pages are split meanwhile. While it is migrated "
                "that is known anyway."},
    {.name = "json",
        .kind = OPTION_OUTPUT,
        FIELD(output.json),
        .value_name = "FILE",
        .help = "Also write each look to FILE, as one line of JSON. With - it goes to stdout, and the table "
                "does not."},
};

static const struct command command_run = {
    .name = "domain run",
    .summary = "starts a domain that can be saved and comes back",
    .description = {"Starts a domain whose whole state can be taken out at any moment: nothing in its memory "
                    "names an address of this host. It is served by this process through a control socket, "
                    "by which the other commands reach it. Its workload tells a checksum at its end, which "
                    "is the same however often it was stopped on the way.",
        "Without --detach the command ends with the domain. Ctrl-C ends both, and what was reached is told. "
        "With it the domain is of a session of its own, which outlives the terminal and the shell. But a "
        "systemd-logind with KillUserProcesses=yes kills all that a user has when the last session ends, and "
        "any other then removes $XDG_RUNTIME_DIR, so that the domain runs on without its socket, log and "
        "report: loginctl enable-linger rules out both, --folder the second."},
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
    .exit_notes = {{"1", "failed; also where the domain did, or its workload found something wrong."}},
    .files = {{"/dev/kvm", "Domains on kvm need it."}},
    .environment = {{"XDG_RUNTIME_DIR", "Where the folder of control sockets is."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check_run,
    .run = cmd_domain_run_run,
};

static const struct command command_memory = {
    .name = "domain memory",
    .summary = "gives a domain more memory, or takes some",
    .description =
        {"Lets the last region of a domain's memory end elsewhere, while it runs: it stands still for that, "
         "which is told. What does not fit below 3 GiB begins at 4 GiB. New memory is zeros; what is "
         "taken away goes back to the system, which is counted.",
            "The workload keeps the memory that it was laid out in: less is refused. What came later the "
            "writer uses, too: it chains hashes there, and checks them at its end, or when it is asked to "
            "give that memory up, for which it must run. A domain can have up to twice what it had when it "
            "was started, restored or received."},
    .groups = {OPTION_GROUP("Where", domain_folder_option, 0), OUTPUT_GROUPS(struct domain_options, output),
        HELP_GROUP},
    .operand = {"NAME SIZE", "A domain that runs, and how much it is to have: 1G; or how much more: +256M.",
        NULL, 2, 2},
    .examples = {{"vcost domain memory d1 +256M", "So much more"}, {"vcost domain memory d1 1G", "So much"}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_memory_run,
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
    .description = {"Tells how long each hop or write takes (median and slowest 1 % of samples that the "
                    "workload itself takes, over the last second), its longest pause, exits, interrupts "
                    "among them, and page faults a second, its resident memory, and how much of that is in "
                    "pages of 2 MiB: in the host's mapping, and in what the CPU walks for the guest. What "
                    "cannot be known is a dash, and null with its reason in the JSON."},
    .groups = {OPTION_GROUP("How", stats_options, 0), OPTION_GROUP(NULL, domain_folder_option, 0),
        HELP_GROUP},
    .operand = {"NAME", "A domain that runs.", NULL, 1, 1},
    .examples = {{"vcost domain stats d1", "Over one second"},
        {"vcost domain stats --watch --interval 0.2 d1",
            "Five lines a second, for instance while it is migrated"},
        {"vcost domain stats --watch --json - d1 | jq .now.ns_p99", "For a script"}},
    .exit_notes = {{"1", "failed; also where the domain did, or its workload found something wrong."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_stats_run,
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
    &command_stats, &command_domain_pause, &command_domain_resume, &command_domain_stop, &command_domain_save,
    &command_domain_restore, &command_domain_fork, &command_memory, &command_domain_check,
    &command_domain_migrate, &command_domain_receive, &command_domain_cancel, NULL};

const struct command command_domain = {
    .name = "domain",
    .summary = "domains that stop, are saved, and come back",
    .description =
        {"A domain is memory and virtual CPUs. These commands start one, stop it between two instructions, "
         "take its whole state out, and let it go on later as if nothing had happened."},
    .groups = {HELP_GROUP},
    .commands = commands,
    .see_also = DOMAIN_SEE_ALSO,
};
