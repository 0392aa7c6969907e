#include "cli/domain_options_internal.h"

#include "domain/moved/throttle.h"
#include "domain/moved/wire.h"

#include <errno.h>

static struct choice at_timeout_choice(size_t index)
{
    static const struct choice choices[] = {
        {"cancel", "it goes on here, and what stood in the way is told"},
        {"stop", "it is stopped and moved, however long it then stands still"},
    };
    return index < sizeof choices / sizeof choices[0] ? choices[index] : (struct choice){NULL, NULL};
}

static const struct option_spec cleartext_option[] = {
    {.name = "cleartext",
        .kind = OPTION_FLAG,
        FIELD(cleartext),
        .help =
            "Also through TCP to another machine, where everybody on the way can read the domain's memory."},
};

static const struct option_spec link_timeout_option[] = {
    {.name = "link-timeout",
        .kind = OPTION_SECONDS,
        FIELD(link_timeout),
        .value_name = "TIME",
        .fallback = "30s",
        .help =
            "How long nothing may move through a link that is open before it counts as broken. One that is "
            "slow and moves does not."},
};

static const struct option_spec migrate_options[] = {
    {.name = "check",
        .kind = OPTION_FLAG,
        FIELD(check),
        .help = "Only find out whether the destination could have it: version, monitor, processor, clock, "
                "memory."},
    {.name = "max-downtime",
        .kind = OPTION_NUMBER,
        FIELD(max_downtime),
        .value_name = "MS",
        .fallback = "30",
        .min = 1,
        .max = 3600000,
        .help = "How many milliseconds it may stand still. It is stopped when what is left, by what the link "
                "took last, and the time that stopping took once fit into that."},
    {.name = "streams",
        .kind = OPTION_NUMBER,
        FIELD(streams),
        .value_name = "N",
        .fallback = "1",
        .min = 1,
        .max = WIRE_STREAMS_MAX,
        .help = "By how many connections memory is sent at the same time, a thread for each at both ends "
                "(unix, tcp)."},
    {.name = "max-bandwidth",
        .kind = OPTION_NUMBER,
        FIELD(max_bandwidth),
        .value_name = "MB/S",
        .default_note = "as fast as the link is",
        .min = 1,
        .max = 100000,
        .help = "How many megabytes a second are sent at most while it runs."},
    {.name = "throttle",
        .kind = OPTION_NUMBER,
        FIELD(throttle),
        .value_name = "PERCENT",
        .default_note = "it is not slowed down",
        .min = 1,
        .max = THROTTLE_MOST,
        .help =
            "When passes do not shorten: hold its virtual CPUs for a share of the time, up to so much, in "
            "steps of 20. How much it was and for how long is told."},
    {.name = "post-copy",
        .kind = OPTION_FLAG,
        FIELD(post_copy),
        .help = "Hand it over first, and let its memory follow: a page that it touches before is asked for "
                "and waited for. It stands still shortly however much it writes, and is slow afterwards. "
                "Until all is there, the death of either end loses the domain. The destination must be "
                "allowed a userfaultfd for a guest's faults."},
    {.name = "passes",
        .kind = OPTION_NUMBER,
        FIELD(passes),
        .value_name = "N",
        .default_note = "1",
        .min = 0,
        .max = 100,
        .help = "With --post-copy: how often memory is sent before; what was written since then follows."},
    {.name = "reconnect",
        .kind = OPTION_FLAG,
        FIELD(reconnect),
        .help = "After --post-copy, when the link broke: go on by a new one. Of the other options "
                "--max-bandwidth, --link-timeout and --cleartext are for that, too."},
    {.name = "timeout",
        .kind = OPTION_SECONDS,
        FIELD(timeout),
        .value_name = "TIME",
        .fallback = "60s",
        .help = "How long it is tried to get below that downtime."},
    {.name = "at-timeout",
        .kind = OPTION_CHOICE,
        FIELD(at_timeout),
        .value_name = "WHAT",
        .fallback = "cancel",
        .choice = at_timeout_choice,
        .help = "What is done then:"},
};

static const struct option_spec timeline_option[] = {
    {.name = "timeline",
        .kind = OPTION_FILE,
        FIELD(timeline),
        .value_name = "FILE",
        .help = "Draw into FILE (.svg, .png or .html) what it cost the program in the domain: latency per "
                "hop or writes a second against time, before, meanwhile and after. It is looked at there "
                "until its pace is back, for 10 s at most."},
};

static int check_migrate(const void *fields, struct error *error)
{
    const struct domain_options *options = fields;
    if (options->passes >= 0 && !options->post_copy)
        return error_set(error, EINVAL,
            "--passes says after how many --post-copy hands it over: without that they go on until what is "
            "left fits into --max-downtime");
    if (options->reconnect &&
        (options->streams > 1 || options->throttle > 0 || options->at_timeout || options->timeline))
        return error_set(error, EINVAL,
            "--reconnect sends what is missing by one link, of a domain that is elsewhere: leave out "
            "--streams, --throttle, --at-timeout and --timeline");
    return domain_options_check(fields, error);
}

const struct command command_domain_migrate = {
    .name = "domain migrate",
    .summary = "moves a domain to another process or machine while it runs",
    .description =
        {"Sends the domain's memory to vcost domain receive while it runs, then again what it wrote "
         "meanwhile, until what is left fits into the downtime that is allowed; then it is stopped, the "
         "rest and its state are sent, and it goes on there. What the downtime was made of is told.",
            "There never are two. Whatever fails before the domain was handed over, it goes on here. After "
            "that it never runs here again by itself: if the last answer is lost it stands still, and the "
            "sentence names the command that decides. Ctrl-C, or vcost domain cancel, ends it before that.",
            "With --post-copy it is handed over first. If the link breaks before all of its memory is there "
            "it stands still at both ends, and goes on there after --reconnect; the death of either end "
            "loses it.",
            "Nothing is encrypted: that is the command's job (command:ssh ...)."},
    .groups = {OPTION_GROUP("How", migrate_options, 0), OPTION_GROUP(NULL, link_timeout_option, 0),
        OPTION_GROUP(NULL, cleartext_option, 0), OPTION_GROUP(NULL, timeline_option, 0),
        OPTION_GROUP(NULL, domain_folder_option, 0), OUTPUT_GROUPS(struct domain_options, output),
        HELP_GROUP},
    .operand = {"NAME ADDRESS",
        "A domain that runs, and where it is received: unix:PATH, tcp:HOST:PORT, command:CMD.", NULL, 2, 2},
    .examples = {{"vcost domain migrate d1 unix:/tmp/here", "To vcost domain receive unix:/tmp/here"},
        {"vcost domain migrate --timeline d1.svg d1 unix:/tmp/here",
            "A picture of what that costs the program"},
        {"vcost domain migrate --check d1 unix:/tmp/here", "Could it run there?"},
        {"vcost domain migrate d1 'command:ssh there vcost domain receive -d -'",
            "To another machine, encrypted"},
        {"vcost domain migrate --max-downtime 5 --timeout 2m --at-timeout stop d1 tcp:localhost:7777",
            "5 ms, or after two minutes whatever it takes"},
        {"vcost domain migrate --streams 4 --throttle 60 d1 tcp:localhost:7777",
            "By four connections; a domain that writes faster than they take is slowed down"},
        {"vcost domain migrate --post-copy d1 unix:/tmp/here",
            "It runs there at once, and what it wrote last follows"},
        {"vcost domain migrate --reconnect d1 unix:/tmp/here",
            "The link broke while memory followed: go on"}},
    .exit_notes = {{"1", "failed: it goes on here; or, as the sentence then says, it stands still and you "
                         "decide."},
        {"77", "the destination lacks what the domain has, cannot keep its clock, or may not wait for memory "
               "(--post-copy)."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = check_migrate,
    .run = cmd_domain_migrate_run,
};

const struct command command_domain_receive = {
    .name = "domain receive",
    .summary = "waits for a domain that moves here",
    .description =
        {"Waits for one vcost domain migrate, receives the domain and lets it go on. Until it was handed "
         "over it does not run here; whatever happens to the link or to the source before, none runs here, "
         "and that is said.",
            "With - the link is that of whoever started it, ssh for instance, which closes it when the "
            "command ends: so --detach returns as soon as the domain runs and all of its memory is there."},
    .groups = {OPTION_GROUP("How", domain_arriving_options, 0), OPTION_GROUP(NULL, link_timeout_option, 0),
        OPTION_GROUP(NULL, cleartext_option, 0),
        OPTION_GROUP("Its memory on this machine", domain_memory_options, 0),
        OPTION_GROUP("How it is served", domain_detach_option, 0),
        OPTION_GROUP(NULL, domain_folder_option, 0), OUTPUT_GROUPS(struct domain_options, output),
        HELP_GROUP},
    .operand = {"ADDRESS", "unix:PATH, tcp:HOST:PORT, or - for stdin and stdout.", NULL, 1, 1},
    .examples = {{"vcost domain receive unix:/tmp/here", "One domain, in the foreground"},
        {"vcost domain receive --name d2 tcp:localhost:7777", "Called d2 from then on"}},
    .exit_notes = {{"77", "this host lacks what the domain has, or cannot keep its clock."}},
    .files = {{"/dev/kvm", "Domains on kvm need it."}},
    .see_also = DOMAIN_SEE_ALSO,
    .options_bytes = sizeof(struct domain_options),
    .check = domain_options_check,
    .run = cmd_domain_receive_run,
};

ASK(cancel, "ends a migration; the domain goes on where it is",
    "Ends a migration that has not handed the domain over yet.", "vcost domain cancel d1", "It stays");
