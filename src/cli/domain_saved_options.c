/* What can be asked of domains in files, and of clones: save, restore, fork, check. */
#include "cli/domain_options_internal.h"

#include "report/view_domain.h"

#include <errno.h>

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

static const struct option_spec saved_timeline_option[] = {
    {.name = "timeline",
        .kind = OPTION_FILE,
        FIELD(timeline),
        .value_name = "FILE",
        .help = "With --keep-running: draw into FILE (.svg, .png or .html) what it cost the program in the "
                "domain, before and after. The command then waits until its pace is back, for 10 s at most."},
};

const struct command command_domain_save = {
    .name = "domain save",
    .summary = "takes a domain out into a file",
    .description = {"Stops the domain between two instructions and writes all that it is: registers, vector "
                    "state, MSRs, what its processor has, clock and memory (pages of zeros are left out). "
                    "The room for it is looked at first; the file is written beside its name, brought to the "
                    "disk and renamed. Only then the domain ends; if it cannot be written, or Ctrl-C comes "
                    "first, the domain goes on and nothing is left."},
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

static const struct option_spec restore_options[] = {
    {.name = "lazy",
        .kind = OPTION_FLAG,
        FIELD(lazy),
        .help = "Map the file (private: it is not written to) and run at once. State and index are verified "
                "before the first instruction, memory behind it; vcost domain status tells when."},
    {.name = "record",
        .kind = OPTION_FILE,
        FIELD(record),
        .value_name = "FILE",
        .help = "With --lazy: note which pages were touched (the set, not the order) until the working set "
                "was back, or else until the end."},
    {.name = "bring-first",
        .kind = OPTION_TEXT,
        FIELD(first),
        .value_name = "FILE",
        .help = "With --lazy: bring in behind the domain, sorted, in runs and pieces of 2 MiB, what --record "
                "noted. What that gained is told once its pace is back."},
    {.name = "userfaultfd",
        .kind = OPTION_FLAG,
        FIELD(userfaultfd),
        .help = "Run at once, too, but bring memory by 2 MiB as it is touched, each verified before the "
                "guest sees it, and the rest behind it. Also of compressed files. Who may not have a "
                "userfaultfd(2) for a guest gets a sentence, and no mapping instead."},
};

static const struct option_spec restored_timeline_option[] = {
    {.name = "timeline",
        .kind = OPTION_FILE,
        FIELD(timeline),
        .value_name = "FILE",
        .help = "Draw into FILE (.svg, .png or .html) what it costs the program in the domain: latency per "
                "hop or writes a second against time, before it was saved and after. It is written when its "
                "pace is back, after 10 s at most, or at the domain's end."},
};

static int check_restore(const void *fields, struct error *error)
{
    const struct domain_options *options = fields;
    if ((options->record || options->first) && !options->lazy)
        return error_set(error, EINVAL,
            "only memory that is mapped is seen page by page: --record and --bring-first go with --lazy");
    return domain_options_check(fields, error);
}

const struct command command_domain_restore = {
    .name = "domain restore",
    .summary = "lets a saved domain go on",
    .description = {"Checks the file and whether this host has what the domain's processor had (what is "
                    "missing is named), makes the domain, and lets it go on at the instruction where it was "
                    "stopped. Told are the time until its first instruction and the time until its working "
                    "set is back: until it runs at nine tenths of the pace that it had before it was saved.",
        "Each restored domain has a new generation ID, 128 random bits in the last page of its memory: who "
        "keeps something that must be unique can see that it is another one now."},
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

const struct command command_domain_fork = {
    .name = "domain fork",
    .summary = "makes clones that share memory",
    .description =
        {"Starts clones in the background, which share memory until one writes it (copy on write): clones of "
         "a saved domain map the same file, private; those of a domain that runs have its memory as it was "
         "at that moment. Told are the time until the first instruction of each, how much memory each has "
         "for itself, and by how much the machine's available memory fell.",
            "A domain that runs is stopped for a moment, and nothing of its memory is copied; but from then "
            "on each page of 4 KiB is copied before it is written there, and large pages are split for that. "
            "What that cost it is told. Memory that is mapped from a file is not verified: vcost domain "
            "check does that."},
    .groups = {OPTION_GROUP("How", fork_options, 0), OPTION_GROUP(NULL, domain_folder_option, 0),
        OUTPUT_GROUPS(struct domain_options, output), HELP_GROUP},
    .operand = {"FILE|NAME", "What vcost domain save has written, or the name of a domain that runs.", NULL,
        1, 1},
    .examples = {{"vcost domain fork d1.domain --count 100", "A hundred clones, and what they cost"},
        {"vcost domain fork d1 --name copy", "One more of a domain that runs"}},
    .files = {{"/dev/kvm", "Domains on kvm need it."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_fork_run,
};

const struct command command_domain_check = {
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
