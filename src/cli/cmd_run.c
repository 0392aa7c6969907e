/* vcost run: from the options to the plan. */
#include "cli/measure.h"
#include "cli/program_options.h"
#include "cli/status.h"
#include "experiment/run.h"
#include "report/views.h"

#include <stdio.h>

/* Whoever waits should know what happens meanwhile. */
static void tell(const struct program_options *options)
{
    char text[160];
    snprintf(text, sizeof text, "the program runs %d times, and does each time whatever it does to files",
        3 + 2 * (options->runs + options->warmup));
    status_warn(text);
}

static int measure(
    struct session *session, const struct progress *progress, struct result *result, struct error *error)
{
    const struct program_options *options = session->invocation->options;
    const struct run_plan plan = {
        .words = session->invocation->operands,
        .input = options->input,
        .runs = (unsigned)options->runs,
        .warmup = (unsigned)options->warmup,
        .timeout_seconds = options->timeout,
        .prepare = options->prepare,
        .cleanup = options->cleanup,
        .ignore_failure = options->ignore_failure,
    };
    if (!options->common.run.quiet)
        tell(options);
    return run_plan_run(&plan, &session->setting, progress, result, error);
}

static void view(const struct session *session, struct document *document)
{
    view_program(&session->result, document);
}

int cmd_run_run(const struct invocation *invocation)
{
    return measure_run(invocation, &(struct measured){.cells = true, .measure = measure, .view = view}, NULL);
}
