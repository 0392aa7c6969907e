#include "cli/inspect_options.h"

#include <errno.h>

#define FIELD(member) .offset = offsetof(struct inspect_options, member)

static const struct option_spec what_options[] = {
    {.name = "fail-on",
        .kind = OPTION_TEXT,
        FIELD(fail_on),
        .only_shows = true,
        .value_name = "WHAT[,WHAT...]",
        .help = "End with status 3 if one of these is found: the name of a finding that is yes or no "
                "(splintered), or a finding and a bound (steal>5%, cpuid>20us, first-touch:2M fresh>1ms), "
                "judged on that end of the interval which is on the safe side; in quotes, since a shell has "
                "its own use for >. With --watch the first round that finds one ends the watch. Names are "
                "those of --json."},
    {.name = "fail-on-unknown",
        .kind = OPTION_FLAG,
        FIELD(fail_on_unknown),
        .only_shows = true,
        .help =
            "What --fail-on asks about and what cannot be told here counts as found. Otherwise it is only "
            "told, on stderr."},
};

static const struct option_spec watch_options[] = {
    {.name = "watch",
        .kind = OPTION_SECONDS,
        FIELD(watch),
        .value_name = "SECONDS",
        .help = "After the inspection measure anew, every SECONDS, what may change while a machine runs: "
                "steal, what an exit and a first touch cost, whether large pages are splintered (a migration "
                "can do that), and tell what has drifted. Each round takes about three seconds. Until "
                "Ctrl-C, or as often as --rounds says."},
    {.name = "rounds",
        .kind = OPTION_NUMBER,
        FIELD(rounds),
        .value_name = "N",
        .min = 1,
        .max = 1000000,
        .default_note = "until Ctrl-C",
        .help = "How many rounds --watch makes."},
    {.name = "openmetrics",
        .kind = OPTION_OUTPUT,
        FIELD(openmetrics),
        .value_name = "FILE",
        .help = "Also write the findings to FILE as metrics for Prometheus (node_exporter's textfile "
                "collector reads such files), after every round of --watch. The file is replaced as a whole, "
                "never half-written. With - it goes to stdout, and the report does not."},
};

static int check(const void *fields, struct error *error)
{
    const struct inspect_options *options = fields;
    struct thresholds thresholds;
    if (options->rounds > 0 && !(options->watch > 0))
        return error_set(error, EINVAL, "--rounds counts the rounds of --watch: give --watch SECONDS too");
    if (options->fail_on_unknown && !options->fail_on)
        return error_set(error, EINVAL, "--fail-on-unknown is about --fail-on: give --fail-on WHAT too");
    int rc = options->fail_on ? thresholds_parse(options->fail_on, &thresholds, error) : 0;
    if (rc == 0 && options->fail_on)
        rc = thresholds_check(&thresholds, error);
    return rc < 0 ? rc : output_options_check(&options->common.output, error);
}

const struct command command_inspect = {
    .name = "inspect",
    .summary = "what this machine really is: caches, TLBs, KVM, and the hypervisor below",
    .description =
        {
            "Finds out, in at most 15 seconds and without privileges, what this machine is: what "
            "processor and kernel report (which a hypervisor can make up) and what is measured: the reach "
            "of caches and TLBs, what a TLB miss, a first touch of memory and reading the clock cost.",
            "Where this machine is itself a guest it finds out what the host below does: whether it "
            "splinters large pages (backs them with small ones, so that TLBs reach no further than with "
            "small pages), what an exit costs and whether it is nested, whether the host takes free "
            "memory back, steal time, NUMA that is hidden, whether reading the clock exits.",
            "Each finding says how it is known: reported, measured, or judged by a rule from what was "
            "measured. What cannot be found out says why. It begins with what costs most here and what to "
            "change, each with what was measured with and without it in this run.",
        },
    .groups =
        {
            OPTION_GROUP("What is reported", what_options, 0),
            OPTION_GROUP("Where it runs", cpu_option, offsetof(struct inspect_options, common.cpu)),
            OPTION_GROUP("Watching", watch_options, 0),
            MEASURE_GROUPS(struct inspect_options, common),
            HELP_GROUP,
        },
    .examples =
        {
            {"vcost inspect", "What this machine is, above and below"},
            {"vcost inspect --quick --verbose", "A first impression, with how each finding was found"},
            {"vcost inspect --fail-on 'splintered,steal>5%'",
                "For scripts: status 3 if the host is not as it should be"},
            {"vcost inspect --json here.json", "Keep the findings, for vcost compare with another machine's"},
            {"vcost inspect --watch 60 --openmetrics /var/lib/prometheus/node-exporter/vcost.prom",
                "Every minute, for node_exporter"},
            {"vcost inspect --watch 30 --fail-on splintered", "Wait until a migration splinters large pages"},
        },
    .exit_notes =
        {
            {"3", "one of what --fail-on names was found."},
            STOPPED_NOTE,
        },
    .files =
        {
            {"/dev/kvm", "To find out what KVM does here; without it that part is reported as missing."},
            {"/proc, /sys", "What the kernel tells. In a container that hides /sys the rest is still found."},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-events(1)", "vcost-compare(1)", "vcost-report(1)"},
    .options_bytes = sizeof(struct inspect_options),
    .check = check,
    .run = cmd_inspect_run,
};
