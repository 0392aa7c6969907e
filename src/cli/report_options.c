#include "cli/report_options.h"

#include "cli/inputs.h"
#include "report/document.h"

#include <errno.h>
#include <string.h>

#define FIELD(member) .offset = offsetof(struct report_options, member)

/* The formats of documents, and the data themselves. */
static struct choice format_choice(size_t index)
{
    const struct format *format = format_at(index);
    if (format)
        return (struct choice){format->name, format->about};
    if (!index || format_at(index - 1))
        return (struct choice){"json", "the result itself, as --json writes it"};
    return (struct choice){NULL, NULL};
}

const struct format *report_format(const struct report_options *options, bool *json)
{
    const char *named = options->format.count ? options->format.names[0] : NULL;
    const char *path = options->file && strcmp(options->file, "-") != 0 ? options->file : NULL;
    size_t length = path ? strlen(path) : 0;
    *json = named ? !strcmp(named, "json") : length > 5 && !strcmp(path + length - 5, ".json");
    if (*json)
        return NULL;
    if (named)
        return format_named(named);
    return path ? format_of_path(path) : format_named("terminal");
}

static const struct option_spec report_table[] = {
    {.name = "output",
        .letter = 'o',
        .kind = OPTION_OUTPUT,
        FIELD(file),
        .value_name = "FILE",
        .help = "Write to FILE instead of stdout, in the format of its extension: .html, .md, .csv, .svg, "
                ".png or .json. Several results become one page."},
    {.name = "format",
        .kind = OPTION_CHOICE_LIST,
        FIELD(format),
        .value_name = "FORMAT",
        .choice = format_choice,
        .default_note = "that of FILE's extension, terminal on stdout",
        .help = "In which format:"},
    {.name = "baseline",
        .kind = OPTION_TEXT,
        FIELD(baseline),
        .value_name = "NAME",
        .default_note = "the first",
        .help = "Of several results, the one that the others are compared with."},
    {.name = "no-command",
        .kind = OPTION_FLAG,
        FIELD(no_command),
        .help = "Leave out command lines and with them what they tell of host names, users and folders, "
                "also from the data inside of a page: for pages that are given away."},
};

static int check(const void *fields, struct error *error)
{
    const struct report_options *options = fields;
    bool json;
    if (options->format.count > 1)
        return error_set(error, EINVAL, "--format takes one format");
    if (report_format(options, &json) || json)
        return 0;
    return error_set(error, EINVAL,
        "--output: the name \"%.60s\" must end in .html, .md, .csv, .svg, .png or .json, unless --format "
        "says what is to be written",
        options->file);
}

const struct command command_report = {
    .name = "report",
    .summary = "saved results again, as page, picture, table or text",
    .description =
        {
            "Makes of saved results what the commands that wrote them can make: what they said on the "
            "terminal, or a page for a browser, Markdown, comma-separated values, a picture. Nothing is "
            "measured, and what is said is of the machine that the result is of, not of this one.",
            "Several results become one page: what vcost chase found on several machines in one picture "
            "with shared axes, each relative to the --baseline; or what chase, events and inspect found "
            "on one machine, one below the other. A page holds the results themselves, so that it can be "
            "read again like the file that it was made of.",
            "A comparison (--json or --html of vcost compare) is reported alone, as it was then; "
            "--baseline and --no-command are of results only.",
        },
    .groups =
        {
            OPTION_GROUP("What is written", report_table, 0),
            OPTION_GROUP("How", verbose_option, offsetof(struct report_options, output)),
            OPTION_GROUP(NULL, color_option, offsetof(struct report_options, output)),
            HELP_GROUP,
        },
    .operand = {.name = "[NAME=]RESULT",
        .help = "Result files (--json of any measuring command), or pages that hold some, or one comparison. "
                "NAME is what the report calls it, otherwise the file's without its extension. With - one is "
                "read from stdin.",
        .min = 1,
        .max = INPUTS_MAX,
        .reads = true},
    .examples =
        {
            {"vcost report chase.json", "What vcost chase said then"},
            {"vcost report chase.json -o chase.html", "As a page for a browser"},
            {"vcost report chase.json events.json inspect.json -o machine.html",
                "All about one machine on one page"},
            {"vcost report old=a.json new=b.json --baseline old -o both.html", "Two machines in one picture"},
            {"vcost report page.html --format markdown", "What a page holds, for an issue on GitHub"},
            {"vcost report page.html --format json --no-command -o plain.json",
                "The data out of a page, without command lines"},
        },
    .see_also = {"vcost(1)", "vcost-chase(1)", "vcost-events(1)", "vcost-inspect(1)", "vcost-compare(1)"},
    .options_bytes = sizeof(struct report_options),
    .check = check,
    .run = cmd_report_run,
};
