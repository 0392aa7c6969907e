#include "cli/model_session.h"

#include "cli/interrupt.h"
#include "cli/status.h"

#include <errno.h>
#include <stdio.h>

const struct stop model_session_stop = {.asked = interrupt_asked, .why = interrupt_reason};

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

int model_session_begin(struct model_session *session, const struct invocation *invocation,
    const char *machine, struct error *error)
{
    session->options = invocation->options;
    session->progress = (struct progress){show_progress, &session->line};
    int rc = machine ? machine_find(machine, &session->pool, &session->machine, error) : 0;
    if (rc == 0)
        rc = outputs_open(&session->outputs, &session->options->output, error);
    progress_start(&session->line, stderr, session->options->quiet, locale_is_utf8());
    return rc;
}

int model_session_end(struct model_session *session, int rc, int status, const struct error *error)
{
    progress_clear(&session->line);
    outputs_discard(&session->outputs);
    inputs_free(&session->inputs);
    pool_free(&session->pool);
    if (rc == -ENXIO) /* vcost knows no machine of that name */
        status = status_wrong_usage(session->command, error);
    else if (rc < 0)
        status = status_failed(error);
    interrupt_finish();
    return status;
}

static int find_like(struct model_session *session, const struct result *result, struct error *error)
{
    const char *like = session->options->like ? session->options->like : model_like(&result->host);
    if (!like)
        return error_set(error, EINVAL,
            "no machine of vcost model list is known to be like this host's CPU: name the nearest one by "
            "--like");
    return machine_find(like, &session->pool, &session->machine, error);
}

int model_session_fit(struct model_session *session, struct result *result, const char *name,
    struct model_fit *fit, struct error *error)
{
    int rc = find_like(session, result, error);
    if (rc == 0)
        rc = model_fit(result, name, &session->machine, &model_session_stop, &session->progress,
            &session->pool, fit, error);
    progress_clear(&session->line);
    return rc;
}
