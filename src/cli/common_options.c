#include "cli/common_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct choice color_choice(size_t index)
{
    static const struct choice colors[] = {
        [COLOR_AUTO] = {"auto", "on a terminal, unless NO_COLOR is set or TERM is dumb"},
        [COLOR_ALWAYS] = {"always", "also in files and pipes"},
        [COLOR_NEVER] = {"never", "not on terminals either"},
    };
    return index < sizeof colors / sizeof colors[0] ? colors[index] : (struct choice){NULL, NULL};
}

#define FIELD(member) .offset = offsetof(struct common_options, member)

const struct option_spec common_output_options[COMMON_OUTPUT_OPTIONS] = {
    {.name = "json",
        .kind = OPTION_OUTPUT,
        FIELD(json),
        .value_name = "FILE",
        .help = "Also write the whole result to FILE, as JSON by the schema vcost.result/1: every sample, "
                "the host, and how each number was got. With - it goes to stdout, and the table and the plot "
                "do not."},
    {.name = "csv",
        .kind = OPTION_OUTPUT,
        FIELD(csv),
        .value_name = "FILE",
        .help = "Also write one line for each cell to FILE, as comma-separated values with a header. With - "
                "it goes to stdout, and the table and the plot do not."},
    {.name = "markdown",
        .kind = OPTION_OUTPUT,
        FIELD(markdown),
        .value_name = "FILE",
        .help =
            "Also write the table and the sentences below it to FILE, as Markdown for GitHub and its kin. "
            "With - it goes to stdout, and the table and the plot do not."},
    {.name = "svg",
        .kind = OPTION_FILE,
        FIELD(picture),
        .value_name = "FILE",
        .help = "Also draw the curves into FILE. A name that ends in .png gives a PNG picture instead."},
    {.name = "quiet",
        .letter = 'q',
        .kind = OPTION_FLAG,
        FIELD(quiet),
        .help = "No progress on stderr; warnings and errors still appear."},
    {.name = "color",
        .kind = OPTION_CHOICE,
        FIELD(color),
        .value_name = "WHEN",
        .fallback = "auto",
        .choice = color_choice,
        .help = "When to colour what is written to stdout and stderr:"},
};

const struct option_spec common_run_options[COMMON_RUN_OPTIONS] = {
    {.name = "quick",
        .kind = OPTION_QUICK,
        FIELD(quick),
        .help = "A first impression in seconds: fewer points and fewer samples, hence wider intervals."},
    {.name = "time",
        .kind = OPTION_SECONDS,
        FIELD(seconds),
        .value_name = "SECONDS",
        .default_note = "under a minute, with --quick under ten seconds",
        .help = "Time budget. The samples are planned to fit it; what it cuts short is reported and marked. "
                "Also written as 90s, 2m or 1h."},
    {.name = "seed",
        .kind = OPTION_SEED,
        FIELD(seed),
        .value_name = "N",
        .fallback = "1",
        .help = "Seed of everything random, up to 53 bits, decimal or 0x...: the same seed gives the same "
                "layouts "
                "and the same schedule."},
};

const struct option_spec common_help_options[COMMON_HELP_OPTIONS] = {
    {.name = "help", .letter = 'h', .kind = OPTION_HELP, .help = "Show this text and exit."},
};

static int check_picture(const char *path, struct error *error)
{
    const char *dot = path ? strrchr(path, '.') : NULL;
    if (!path || (dot && (!strcmp(dot, ".svg") || !strcmp(dot, ".png"))))
        return 0;
    return error_set(error, EINVAL, "--svg: the name \"%.60s\" must end in .svg or .png", path);
}

int common_options_check(const struct common_options *options, struct error *error)
{
    const struct {
        const char *name, *path;
    } outputs[] = {{"json", options->json}, {"csv", options->csv}, {"markdown", options->markdown},
        {"svg", options->picture}};
    enum { OUTPUTS = sizeof outputs / sizeof outputs[0] };
    for (size_t i = 0; i < OUTPUTS; i++)
        for (size_t j = i + 1; j < OUTPUTS; j++)
            if (outputs[i].path && outputs[j].path && !strcmp(outputs[i].path, outputs[j].path))
                return error_set(error, EINVAL, "--%s and --%s cannot both write to %s", outputs[i].name,
                    outputs[j].name, strcmp(outputs[i].path, "-") ? "the same file" : "stdout");
    return check_picture(options->picture, error);
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
