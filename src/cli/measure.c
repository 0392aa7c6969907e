#include "cli/measure.h"

#include "cli/interrupt.h"
#include "cli/settings.h"
#include "cli/status.h"
#include "measure/clock.h"
#include "report/progress.h"
#include "result/json.h"

#include <errno.h>

struct budget measure_budget(const struct session *session)
{
    const struct run_options *run = &session->options->run;
    return (struct budget){.quick = run->quick,
        .seconds = run->seconds,
        .spent = clock_seconds() - session->started,
        .seed = run->seed};
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

/* Nobody waits a minute for what goes nowhere. Files are written first, and are enough. */
static int check_reader(const struct session *session, struct error *error)
{
    for (size_t i = 0; i < session->outputs.count; i++)
        if (output_stream(session->outputs.files[i].output) != stdout)
            return 0;
    return output_check_stdout(error);
}

static int make_ready(struct session *session, struct error *error)
{
    const struct measure_options *options = session->options;
    const struct stop stop = {.asked = interrupt_asked, .why = interrupt_reason};
    int rc = outputs_open(&session->outputs, &options->output, error);
    if (rc < 0)
        return rc;
    if (setting_simulates(options->on.names, options->on.count))
        setting_open_simulated(&session->setting, &stop);
    else
        rc = setting_open(
            &session->setting, session->how->programs ? SETTING_ON_ALL : options->cpu, &stop, error);
    if (rc < 0 && (rc == -EINVAL || !session->how->also_tells)) /* EINVAL: the user's CPU */
        return rc;
    session->setting.sync_write = options->tables.sync == SYNC_WRITES;
    session->setting.fill = (unsigned)options->tables.fill;
    session->setting.every_monitor = session->how->every_monitor;
    static const char *const fixed[] = {"native", "kvm"};
    rc = session->how->no_guests || session->how->needs_kvm
             ? setting_probe(&session->setting, fixed, session->how->needs_kvm ? 2 : 1, error)
             : setting_probe(&session->setting, options->on.names, options->on.count, error);
    if (rc == 0 && session->setting.left_out[0] && !session->how->every_monitor && !options->run.quiet)
        status_warn(session->setting.left_out);
    if (rc == 0 && session->setting.busy[0] && !options->run.quiet && !session->how->untimed)
        status_warn(session->setting.busy);
    if (rc == 0 && session->how->plan)
        rc = session->how->plan(session, error);
    return rc < 0 ? rc : check_reader(session, error); /* not sooner: a reader takes a moment to go away */
}

static int stopped_before(struct error *error)
{
    return error_set(error, EINTR, "%s before anything was measured", interrupt_reason(NULL));
}

/* Whatever a signal has made fail: the reason is that of the signal. */
static int prepare(struct session *session, struct error *error)
{
    int rc = make_ready(session, error);
    return interrupt_asked(NULL) ? stopped_before(error) : rc;
}

/* Why the last cell has no sample: natively there may be none since the guest that follows can have none.
 * NULL: there is no cell. */
static const char *last_reason(const struct result *result)
{
    return result->cell_count ? cell_reason(&result->cells[result->cell_count - 1]) : NULL;
}

/* What was written may be all that there is, and yet not what was asked for. */
static int judge_result(const struct session *session, struct error *error)
{
    const struct result *result = &session->result;
    if (result->broken)
        return error_set(error, EIO, "%s", result->incomplete_reason);
    if (interrupt_limited())
        return error_set(error, EINTR, "%s", interrupt_reason(NULL));
    for (size_t i = 0; i < result->cell_count; i++)
        if (!session->how->cells || result->cells[i].sample_count)
            return 0;
    if (!session->how->cells)
        return 0;
    const char *why = last_reason(result);
    return error_set(error, result->first_failure ? result->first_failure : ENODATA,
        "nothing was measured: %s",
        result->incomplete_reason[0] ? result->incomplete_reason
        : why                        ? why
                                     : "there was nothing to measure");
}

static int measure_and_write(struct session *session, struct error *error)
{
    const struct found found = {session, write_json, view};
    struct error other;
    int rc = measure_result(session, &session->result, error);
    if (rc < 0)
        return rc == -EINTR && interrupt_asked(NULL) ? stopped_before(error) : rc;
    int followed = session->how->follow ? session->how->follow(session, &other) : 0;
    rc = session->shown ? outputs_write_files(&session->outputs, &found, error)
                        : outputs_write(&session->outputs, &found, error);
    if (rc == 0 && followed < 0) {
        *error = other;
        rc = followed;
    }
    return rc < 0 ? rc : judge_result(session, error);
}

int measure_run(const struct invocation *invocation, const struct measured *how, void *own)
{
    struct session session = {.invocation = invocation,
        .how = how,
        .options = invocation->options,
        .own = own,
        .started = clock_seconds()};
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
    int status = rc == 0               ? session.passed ? STATUS_THRESHOLD : STATUS_DONE
                 : session.wrong_usage ? status_wrong_usage(invocation->command, &error)
                                       : status_failed(&error);
    interrupt_finish();
    return status;
}
