#include "cli/common_options.h"

#include "host/numa.h"
#include "model/machine.h"
#include "runner/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is written, and how ---- */

static struct choice color_choice(size_t index)
{
    static const struct choice colors[] = {
        [COLOR_AUTO] = {"auto", "on a terminal, unless NO_COLOR is set or TERM is dumb"},
        [COLOR_ALWAYS] = {"always", "also in files and pipes"},
        [COLOR_NEVER] = {"never", "not on terminals either"},
    };
    return index < sizeof colors / sizeof colors[0] ? colors[index] : (struct choice){NULL, NULL};
}

#define OUTPUT(member) .offset = offsetof(struct output_options, member)

const struct option_spec file_options[] = {
    {.name = "json",
        .kind = OPTION_OUTPUT,
        OUTPUT(json),
        .value_name = "FILE",
        .help =
            "Also write all that was found to FILE, as JSON; of what was measured every sample, the host, "
            "and how each number was got, for vcost compare and vcost report. With - it goes to stdout, "
            "and the report does not."},
    {.name = "csv",
        .kind = OPTION_OUTPUT,
        OUTPUT(csv),
        .value_name = "FILE",
        .help = "Also write the figures to FILE, as comma-separated values with a header. With - they go "
                "to stdout, and the report does not."},
    {.name = "markdown",
        .kind = OPTION_OUTPUT,
        OUTPUT(markdown),
        .value_name = "FILE",
        .help = "Also write the report to FILE, as Markdown for GitHub and its kin. With - it goes to "
                "stdout in that form."},
    {.name = "html",
        .kind = OPTION_FILE,
        OUTPUT(html),
        .value_name = "FILE",
        .help = "Also write the report to FILE as one page for a browser, with the pictures and with the "
                "JSON inside."},
};

const struct option_spec picture_option[] = {
    {.name = "svg",
        .kind = OPTION_FILE,
        OUTPUT(picture),
        .value_name = "FILE",
        .help = "Also draw the pictures into FILE. A name that ends in .png gives a PNG picture instead."},
};

const struct option_spec verbose_option[] = {
    {.name = "verbose",
        .letter = 'v',
        .kind = OPTION_FLAG,
        OUTPUT(verbose),
        .only_shows = true,
        .help = "Tell on the terminal also what matters only to the method: how each thing was found and "
                "how sure it is."},
};

const struct option_spec color_option[] = {
    {.name = "color",
        .kind = OPTION_CHOICE,
        OUTPUT(color),
        .value_name = "WHEN",
        .fallback = "auto",
        .choice = color_choice,
        .only_shows = true,
        .help = "When to colour what is written to stdout and stderr:"},
};

/* ---- how thoroughly ---- */

#define RUN(member) .offset = offsetof(struct run_options, member)

const struct option_spec run_options[] = {
    {.name = "quick",
        .kind = OPTION_QUICK,
        RUN(quick),
        .help = "A first impression in seconds: fewer points and fewer samples, hence wider intervals."},
    {.name = "time",
        .kind = OPTION_SECONDS,
        RUN(seconds),
        .value_name = "SECONDS",
        .default_note = "under a minute, of vcost inspect 15 seconds; with --quick under ten seconds",
        .help = "Time budget. The samples are planned to fit it; what it cuts short is reported and "
                "marked. Also written as 90s, 2m or 1h."},
    {.name = "seed",
        .kind = OPTION_SEED,
        RUN(seed),
        .value_name = "N",
        .fallback = "1",
        .help = "Seed of everything random, up to 53 bits, decimal or 0x...: the same seed gives the "
                "same layouts and the same schedule."},
};

const struct option_spec quiet_option[] = {
    {.name = "quiet",
        .letter = 'q',
        .kind = OPTION_FLAG,
        RUN(quiet),
        .only_shows = true,
        .help = "No progress on stderr; warnings and errors still appear."},
};

/* ---- where ---- */

#define COMMAND_PREFIX "command:"

struct choice on_choice(size_t index)
{
    const struct runner_ops *runner = runner_at(index);
    if (runner)
        return (struct choice){runner->name, runner->summary};
    if (index && !runner_at(index - 1))
        return (struct choice){NULL, NULL};
    return (struct choice){COMMAND_PREFIX "CMD",
        "on another machine or in a container, wherever the shell command CMD starts vcost agent"};
}

const char *on_command(const struct choice_list *on, size_t item)
{
    return on->indices[item] == CHOICE_OPEN ? on->names[item] + strlen(COMMAND_PREFIX) : NULL;
}

const struct option_spec on_option[] = {
    {.name = "on",
        .kind = OPTION_CHOICE_LIST,
        .value_name = "RUNNER[,RUNNER...]",
        .default_note = "native and, where this host can run it, kvm",
        .choice = on_choice,
        .open_prefix = COMMAND_PREFIX,
        .help = "Where it runs; vcost list tells what each is on this host. Without native there is nothing "
                "to compare with. May be given more than once; a command goes to the end of its argument, "
                "commas included. One or more of:"},
};

struct choice on_or_model_choice(size_t index)
{
    size_t runners = 0;
    while (runner_at(runners))
        runners++;
    if (index == runners)
        return (struct choice){"model:NAME",
            "on a simulated machine that vcost model list names, or that a file NAME.json describes"};
    return on_choice(index < runners ? index : index - 1);
}

static struct choice model_choice(size_t index)
{
    const struct machine_preset preset = machine_preset(index);
    return (struct choice){preset.choice, preset.summary};
}

const struct option_spec on_or_model_option[] = {
    {.name = "on",
        .kind = OPTION_CHOICE_LIST,
        .value_name = "RUNNER[,RUNNER...]",
        .default_note = "native and, where this host can run it, kvm",
        .choice = on_or_model_choice,
        .also = model_choice,
        .also_begins = "model:",
        .also_ends = ".json",
        .also_listed = "vcost model list names the machines",
        .open_prefix = COMMAND_PREFIX,
        .help = "Where it runs; vcost list tells what each is on this host. Without native there is nothing "
                "to compare with. May be given more than once; a command goes to the end of its argument, "
                "commas included. One or more of:"},
};

const struct option_spec cpu_option[] = {
    {.name = "cpu",
        .kind = OPTION_NUMBER,
        .value_name = "N",
        .min = 0,
        .max = 65535,
        .default_note = "the idlest that may be used, which is reported",
        .help = "The CPU that everything runs on, by its number in /sys/devices/system/cpu."},
};

static struct choice sync_choice(size_t index)
{
    static const struct choice syncs[] = {
        [SYNC_LAZILY] = {"lazy",
            "the guest may write a table after the first store; the monitor compares it when "
            "it must"},
        [SYNC_WRITES] = {"write", "each store to a table faults and is emulated, as in the article"},
    };
    return index < sizeof syncs / sizeof syncs[0] ? syncs[index] : (struct choice){NULL, NULL};
}

#define TABLES(member) .offset = offsetof(struct table_options, member)

const struct option_spec table_options[] = {
    {.name = "sync",
        .kind = OPTION_CHOICE,
        TABLES(sync),
        .value_name = "HOW",
        .fallback = "lazy",
        .choice = sync_choice,
        .help = "How the runner shadow notices what its guest writes to its page tables:"},
    {.name = "fill",
        .kind = OPTION_NUMBER,
        TABLES(fill),
        .value_name = "PAGES",
        .fallback = "64",
        .min = 1,
        .max = 512,
        .help = "How many pages, a power of two, the runner shadow maps at most when one is touched that is "
                "not mapped yet: those around it that the guest's tables have ready. So does paravirt with "
                "what it has not mapped before."},
};

int table_options_check(const struct table_options *options, struct error *error)
{
    if ((options->fill & (options->fill - 1)) == 0)
        return 0;
    return error_set(error, EINVAL, "--fill: %d is no power of two", options->fill);
}

#define AROUND(member) .offset = offsetof(struct around_options, member)

const struct option_spec around_options[] = {
    {.name = "stdin",
        .kind = OPTION_TEXT,
        AROUND(input),
        .value_name = "FILE",
        .default_note = "nothing",
        .help = "What the program reads as its standard input, from the beginning in each run."},
    {.name = "prepare",
        .kind = OPTION_TEXT,
        AROUND(prepare),
        .value_name = "CMD",
        .help = "A shell command that runs before each run of the program, natively, and is not timed."},
    {.name = "cleanup",
        .kind = OPTION_TEXT,
        AROUND(cleanup),
        .value_name = "CMD",
        .help = "The same after each run, also of one that Ctrl-C ends."},
};

const struct option_spec help_option[] = {
    {.name = "help", .letter = 'h', .kind = OPTION_HELP, .help = "Show this text and exit."},
};

int output_options_check(const struct output_options *options, struct error *error)
{
    const char *path = options->picture, *dot = path ? strrchr(path, '.') : NULL;
    if (!path || (dot && (!strcmp(dot, ".svg") || !strcmp(dot, ".png"))))
        return 0;
    return error_set(error, EINVAL, "--svg: the name \"%.60s\" must end in .svg or .png", path);
}

bool color_wanted(enum color color, FILE *stream)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (color != COLOR_AUTO)
        return color == COLOR_ALWAYS;
    if (no_color && no_color[0]) /* https://no-color.org: "present and not an empty string" */
        return false;
    return term && term[0] && strcmp(term, "dumb") && isatty(fileno(stream));
}

int nodes_of_list(const struct number_list *list, struct numa_nodes *nodes, struct error *error)
{
    char text[LIST_MAX * 8] = "";
    for (size_t i = 0, used = 0; i < list->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", i ? "," : "", list->values[i]);
    return list->count ? numa_nodes_parse(text, nodes, error) : 0;
}
