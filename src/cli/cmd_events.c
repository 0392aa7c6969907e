/* vcost events: from the options to the plan of the experiment. */
#include "cli/events_options.h"
#include "cli/measure.h"
#include "cli/status.h"
#include "experiment/events.h"
#include "report/views.h"

static int measure(
    struct session *session, const struct progress *progress, struct result *result, struct error *error)
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
static void view(const struct session *session, struct document *document)
{
    const struct events_options *options = session->invocation->options;
    view_events(&session->result, document);
    if (options->context)
        view_published(NULL, document);
}

static int explain(const struct events_options *options)
{
    struct document document = {.title = NULL};
    struct error error;
    for (size_t i = 0; i < options->explain.count; i++)
        view_explain(event_at(options->explain.indices[i]), &document);
    int rc = show_document(&document, &options->common.output, &error);
    document_free(&document);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}

int cmd_events_run(const struct invocation *invocation)
{
    const struct events_options *options = invocation->options;
    if (options->explain.count)
        return explain(options);
    return measure_run(invocation, &(struct measured){.cells = true, .measure = measure, .view = view}, NULL);
}
