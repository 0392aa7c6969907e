#include "cli/measure.h"

#include "cli/interrupt.h"
#include "cli/settings.h"
#include "cli/status.h"
#include "report/progress.h"
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

static void warn_of_changes(const struct result *result)
{
    for (size_t i = 0; i < result->change_count; i++) {
        char phrase[RESULT_CHANGE_BYTES];
        result_change_phrase(&result->changes[i], phrase);
        status_warn(phrase);
    }
}

int measure_result(struct session *session, struct result *result, struct error *error)
{
    const struct invocation *invocation = session->invocation;
    struct progress_line line;
    struct progress progress = {show_progress, &line};
    progress_start(&line, stderr, session->options->run.quiet, locale_is_utf8());
    int rc = session->how->measure(session, &progress, result, error);
    progress_clear(&line);
    if (!session->options->run.quiet)
        warn_of_changes(result);
    if (rc == 0)
        rc = result_set_command(result, invocation->argc, invocation->argv, error);
    if (rc < 0)
        return rc;
    result->settings = settings_of(invocation, &result->pool, &result->setting_count);
    return result->settings ? 0 : error_set(error, ENOMEM, "no memory for the settings of a result");
}

static int write_json(const void *what, FILE *stream, struct error *error)
{
    return json_write(&((const struct session *)what)->result, stream, error);
}

static void view(const void *what, struct document *document)
{
    const struct session *session = what;
    session->how->view(session, document);
}

int measure_show(struct session *session, struct error *error)
{
    session->shown = true;
    return outputs_show(&session->outputs, &(struct found){session, write_json, view}, error);
}

static int prepare(struct session *session, struct error *error)
{
    const struct measure_options *options = session->options;
    const struct stop stop = {.asked = interrupt_asked};
    int rc = outputs_open(&session->outputs, &options->output, error);
    if (rc < 0 || (rc = setting_open(&session->setting, options->cpu, &stop, error)) < 0)
        return rc;
    rc = setting_probe(&session->setting, options->on.names, options->on.count, error);
    if (rc == 0 && session->setting.left_out[0] && !options->run.quiet)
        status_warn(session->setting.left_out);
    return rc == 0 && session->how->plan ? session->how->plan(session, error) : rc;
}

static int measure_and_write(struct session *session, struct error *error)
{
    const struct found found = {session, write_json, view};
    struct result *result = &session->result;
    int rc = measure_result(session, result, error);
    if (rc == 0 && session->how->follow)
        rc = session->how->follow(session, error);
    if (rc == 0 && session->shown)
        rc = outputs_write_files(&session->outputs, &found, error);
    else if (rc == 0)
        rc = outputs_write(&session->outputs, &found, error);
    if (rc == 0 && result->broken)
        rc = error_set(error, EIO, "%s", result->incomplete_reason);
    return rc;
}

int measure_run(const struct invocation *invocation, const struct measured *how, void *own)
{
    struct session session = {
        .invocation = invocation, .how = how, .options = invocation->options, .own = own};
    struct error error;
    interrupt_catch();
    int rc = prepare(&session, &error);
    if (rc == 0)
        rc = measure_and_write(&session, &error);
    outputs_discard(&session.outputs);
    if (how->end)
        how->end(&session);
    result_free(&session.result);
    setting_close(&session.setting);
    int status = rc < 0 ? status_failed(&error) : session.passed ? STATUS_THRESHOLD : STATUS_DONE;
    interrupt_finish();
    return status;
}
