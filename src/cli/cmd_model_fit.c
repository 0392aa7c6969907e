/* vcost model fit: a machine file of a measured curve. */
#include "cli/interrupt.h"
#include "cli/model_session.h"
#include "cli/status.h"
#include "record/record.h"
#include "report/view_model.h"

#include <stdio.h>

static int write_fitted(const void *what, FILE *stream, struct error *error)
{
    return record_print(&machine_record, ((const struct fitted *)what)->machine, stream, error);
}

static void see_fitted(const void *what, struct document *document)
{
    view_fitted(what, document);
}

int cmd_model_fit_run(const struct invocation *invocation)
{
    const struct model_options *options = invocation->options;
    struct model_session session = {.command = invocation->command};
    struct model_fit fitted;
    struct error error;
    interrupt_catch();
    int rc = inputs_read(&session.inputs, invocation, &error);
    if (rc == 0)
        rc = model_session_begin(&session, invocation, NULL, &error);
    if (rc == 0)
        rc = model_session_fit(
            &session, session.inputs.results[0], options->name ? options->name : "fitted", &fitted, &error);
    if (rc == 0)
        rc = outputs_write(&session.outputs,
            &(struct found){
                &(struct fitted){&fitted.machine, fitted.like, fitted.points, fitted.median, fitted.most},
                write_fitted, see_fitted},
            &error);
    return model_session_end(&session, rc, STATUS_DONE, &error);
}
