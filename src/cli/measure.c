#include "cli/measure.h"

#include "cli/interrupt.h"
#include "cli/settings.h"
#include "cli/status.h"
#include "report/csv.h"
#include "report/markdown.h"
#include "report/picture.h"
#include "report/progress.h"
#include "report/terminal.h"
#include "result/json.h"

#include <errno.h>

struct budget measure_budget(const struct session *session)
{
    const struct run_options *run = &session->options->run;
    return (struct budget){.quick = run->quick, .seconds = run->seconds, .seed = run->seed};
}

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

int measure_result(
    struct session *session, const struct measured *how, struct result *result, struct error *error)
{
    struct progress_line line;
    struct chase_progress progress = {show_progress, &line};
    progress_start(&line, stderr, session->options->run.quiet, locale_is_utf8());
    int rc = how->measure(session, &progress, result, error);
    progress_clear(&line);
    result->argc = session->invocation->argc;
    result->argv = session->invocation->argv;
    result->settings = settings_of(session->invocation, &session->pool, &result->setting_count);
    if (rc == 0 && session->pool.failed)
        rc = error_set(error, ENOMEM, "no memory for the settings of a result");
    return rc;
}

int measure_write(const void *session, enum form form, const char *path, FILE *stream,
    const struct report_style *style, struct error *error)
{
    const struct result *result = &((const struct session *)session)->result;
    switch (form) {
    case FORM_JSON:
        return json_write(result, stream, error);
    case FORM_CSV:
        return csv_write(result, stream, error);
    case FORM_MARKDOWN:
        return markdown_write(result, stream, error);
    case FORM_PICTURE:
        return picture_write(result, path, stream, error);
    case FORM_TERMINAL:
        return terminal_write(result, stream, style, error);
    default:
        return error_set(error, ENOTSUP, "there is no such form of a result");
    }
}

static int prepare(struct session *session, const struct measured *how, struct error *error)
{
    const struct measure_options *options = session->options;
    const struct stop stop = {.asked = interrupt_asked};
    int rc = outputs_open(&session->outputs, &options->output, error);
    if (rc < 0 || (rc = setting_open(&session->setting, options->cpu, &stop, error)) < 0)
        return rc;
    rc = setting_probe(&session->setting, options->on.names, options->on.count, error);
    if (rc == 0 && session->setting.left_out[0] && !options->run.quiet)
        fprintf(stderr, "vcost: %s\n", session->setting.left_out);
    return rc == 0 && how->plan ? how->plan(session, error) : rc;
}

static int measure_and_write(struct session *session, const struct measured *how, struct error *error)
{
    struct result *result = &session->result;
    int rc = measure_result(session, how, result, error);
    if (rc == 0 && how->follow)
        rc = how->follow(session, error);
    if (rc == 0 && session->shown)
        rc = outputs_write_files(&session->outputs, &session->found, error);
    else if (rc == 0)
        rc = outputs_write(&session->outputs, &session->found, error);
    if (rc == 0 && result->broken)
        rc = error_set(error, EIO, "%s", result->incomplete_reason);
    return rc;
}

int measure_run(const struct invocation *invocation, const struct measured *how, void *own)
{
    struct session session = {.invocation = invocation, .options = invocation->options, .own = own};
    struct error error;
    session.found = (struct found){&session, how->write ? how->write : measure_write};
    interrupt_catch();
    int rc = prepare(&session, how, &error);
    if (rc == 0)
        rc = measure_and_write(&session, how, &error);
    outputs_discard(&session.outputs);
    if (how->end)
        how->end(&session);
    result_free(&session.result);
    pool_free(&session.pool);
    setting_close(&session.setting);
    int status = rc < 0 ? status_failed(&error) : session.passed ? STATUS_THRESHOLD : STATUS_DONE;
    interrupt_finish();
    return status;
}
