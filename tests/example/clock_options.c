#include "clock_command.h"

static const struct option_spec what_options[] = {
    {.name = "rounds",
        .letter = 'r',
        .kind = OPTION_NUMBER,
        .offset = offsetof(struct clock_options, rounds),
        .value_name = "N",
        .fallback = "20",
        .min = 1,
        .max = 100,
        .help = "How often each batch is timed. With one round there are no intervals."},
};

static int check(const void *options, struct error *error)
{
    return output_options_check(&((const struct clock_options *)options)->output, error);
}

const struct command command_clock = {
    .name = "clock",
    .summary = "what reading the clock costs",
    .description = {"Times readings of the clock in batches of 1 to 1024: the larger the batch, the less "
                    "the two readings around it matter."},
    .groups = {OPTION_GROUP("How thoroughly", what_options, 0), OUTPUT_GROUPS(struct clock_options, output),
        HELP_GROUP},
    .examples = {{"vcost clock --html clock.html", "A page with the picture"}},
    .see_also = {"vcost(1)"},
    .options_bytes = sizeof(struct clock_options),
    .check = check,
    .run = cmd_clock_run,
};
