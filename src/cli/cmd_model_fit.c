/* vcost model fit, vcost model validate: a simulated machine and what was measured. */
#include "cli/inputs.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "experiment/model_fit.h"
#include "experiment/model_validate.h"
#include "record/record.h"
#include "report/progress.h"
#include "report/view_model.h"

#include <errno.h>

static const struct stop stop = {.asked = interrupt_asked, .why = interrupt_reason};

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

/* What both have: results, a machine, outputs that are opened before anything takes time. */
struct session {
    const struct model_options *options;
    struct inputs inputs;
    struct pool pool;
    struct machine machine;
    struct outputs outputs;
    struct progress_line line;
    struct progress progress;
};

static int begin(
    struct session *session, const struct invocation *invocation, const char *machine, struct error *error)
{
    session->options = invocation->options;
    session->progress = (struct progress){show_progress, &session->line};
    int rc = machine ? machine_find(machine, &session->pool, &session->machine, error) : 0;
    if (rc == 0)
        rc = outputs_open(&session->outputs, &session->options->output, error);
    progress_start(&session->line, stderr, session->options->quiet, locale_is_utf8());
    return rc;
}

static int end(struct session *session, int rc, int status, const struct error *error)
{
    progress_clear(&session->line);
    outputs_discard(&session->outputs);
    inputs_free(&session->inputs);
    pool_free(&session->pool);
    status = rc < 0 ? status_failed(error) : status;
    interrupt_finish();
    return status;
}

/* ---- fit ---- */

static int write_fitted(const void *what, FILE *stream, struct error *error)
{
    return record_print(&machine_record, ((const struct fitted *)what)->machine, stream, error);
}

static void see_fitted(const void *what, struct document *document)
{
    view_fitted(what, document);
}

static int find_like(struct session *session, const struct result *result, struct error *error)
{
    const char *like = session->options->like ? session->options->like : model_like(&result->host);
    if (!like)
        return error_set(error, EINVAL,
            "no machine of vcost model list is known to be like this host's CPU: name the nearest one by "
            "--like");
    return machine_find(like, &session->pool, &session->machine, error);
}

int cmd_model_fit_run(const struct invocation *invocation)
{
    struct session session = {.options = NULL};
    struct model_fit fit;
    struct error error;
    interrupt_catch();
    int rc = inputs_read(&session.inputs, invocation, &error);
    if (rc == 0)
        rc = begin(&session, invocation, NULL, &error);
    if (rc == 0)
        rc = find_like(&session, session.inputs.results[0], &error);
    const char *name = session.options && session.options->name ? session.options->name : "fitted";
    if (rc == 0)
        rc = model_fit(session.inputs.results[0], name, &session.machine, &stop, &session.progress,
            &session.pool, &fit, &error);
    progress_clear(&session.line);
    if (rc == 0)
        rc = outputs_write(&session.outputs,
            &(struct found){&(struct fitted){&fit.machine, fit.like, fit.points, fit.median, fit.most},
                write_fitted, see_fitted},
            &error);
    return end(&session, rc, STATUS_DONE, &error);
}

/* ---- validate ---- */

static int write_validation(const void *what, FILE *stream, struct error *error)
{
    return record_print(&validation_record, what, stream, error);
}

static void see_validation(const void *what, struct document *document)
{
    view_validation(what, document);
}

int cmd_model_validate_run(const struct invocation *invocation)
{
    const struct model_options *options = invocation->options;
    struct session session = {.options = NULL};
    struct validation validation = {.holds = false};
    struct error error;
    interrupt_catch();
    int rc = inputs_read(&session.inputs, invocation, &error);
    if (rc == 0)
        rc = begin(&session, invocation, options->machine, &error);
    if (rc == 0)
        rc = model_validate(&session.machine, session.inputs.results, session.inputs.count, &stop,
            &session.progress, &session.pool, &validation, &error);
    progress_clear(&session.line);
    if (rc == 0)
        rc = outputs_write(
            &session.outputs, &(struct found){&validation, write_validation, see_validation}, &error);
    return end(&session, rc, validation.holds ? STATUS_DONE : STATUS_THRESHOLD, &error);
}
