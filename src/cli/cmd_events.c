/* vcost events: from the options to the plan of the experiment. */
#include "cli/events_options.h"
#include "cli/measure.h"
#include "cli/status.h"
#include "experiment/events_plan.h"
#include "report/explain.h"

static int measure(struct session *session, const struct chase_progress *progress, struct result *result,
    struct error *error)
{
    const struct invocation *invocation = session->invocation;
    const struct events_plan plan = {
        .names = invocation->operands,
        .name_count = invocation->operand_count,
        .budget = measure_budget(session),
    };
    return events_plan_run(&plan, &session->setting, progress, result, error);
}

/* With what others have published, where that is wanted. */
static int write(const void *what, enum form form, const char *path, FILE *stream,
    const struct report_style *style, struct error *error)
{
    const struct session *session = what;
    const struct events_options *options = session->invocation->options;
    int rc = measure_write(session, form, path, stream, style, error);
    if (rc == 0 && form == FORM_TERMINAL && options->context) {
        fputc('\n', stream);
        published_write(NULL, stream, style);
    }
    return rc;
}

int cmd_events_run(const struct invocation *invocation)
{
    const struct events_options *options = invocation->options;
    struct report_style style = style_for(stdout, &options->common.output);
    for (size_t i = 0; i < options->explain.count; i++)
        explain_write(event_at(options->explain.indices[i]), stdout, &style);
    if (options->explain.count)
        return STATUS_DONE;
    return measure_run(invocation, &(struct measured){.measure = measure, .write = write}, NULL);
}
