/* vcost advise: from the options to the plan. */
#include "cli/advise_options.h"
#include "cli/interrupt.h"
#include "cli/measure.h"
#include "cli/status.h"
#include "experiment/advise.h"
#include "report/views.h"

#include <errno.h>

/* What whoever waits should know before. */
static void tell(const char *sentence)
{
    status_warn(sentence);
}

static struct advise_plan plan_of(const struct invocation *invocation)
{
    const struct advise_options *options = invocation->options;
    struct advise_plan plan = {
        .words = invocation->operand_count ? invocation->operands : NULL,
        .input = options->around.input,
        .budget_seconds = options->budget,
        .quick = options->common.run.quick,
        .by = (enum advise_by)options->by,
        .metric = options->metric,
        .metric_less = options->less,
        .server = options->server,
        .ready = options->ready,
        .load = options->load,
        .prepare = options->around.prepare,
        .cleanup = options->around.cleanup,
        .status = options->status,
        .seed = options->common.run.seed,
        .tell = options->common.run.quiet ? NULL : tell,
        .only_count = options->only.count,
        .file_count = options->remedy != NULL,
    };
    plan.files[0] = options->remedy;
    for (size_t i = 0; i < plan.only_count; i++)
        plan.only[i] = options->only.names[i];
    return plan;
}

static int measure(
    struct session *session, const struct progress *progress, struct result *result, struct error *error)
{
    const struct advise_plan plan = plan_of(session->invocation);
    const struct advise_options *options = session->invocation->options;
    if (options->list)
        return advise_plan_list(&plan, &session->setting, result, error);
    return advise_plan_run(&plan, &session->setting, progress, result, error);
}

static void view(const struct session *session, struct document *document)
{
    const struct advise_options *options = session->invocation->options;
    if (options->list)
        view_advise_list(&session->result, document);
    else
        view_advise(&session->result, document);
}

int cmd_advise_run(const struct invocation *invocation)
{
    const struct advise_options *options = invocation->options;
    struct error error;
    if (!options->list && !invocation->operand_count == !options->server) {
        error_set(&error, EINVAL,
            options->server ? "a program or --server: one of them"
                            : "which program? Name it, or give --server or --list");
        return status_wrong_usage(invocation->command, &error);
    }
    const struct measured how = {
        .no_guests = true, .programs = true, .untimed = options->list, .measure = measure, .view = view};
    return measure_run(invocation, &how, NULL);
}
