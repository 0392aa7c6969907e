/* vcost model validate: a simulated machine held against what was measured, or published. */
#include "cli/interrupt.h"
#include "cli/model_session.h"
#include "cli/settings.h"
#include "cli/status.h"
#include "experiment/model_here.h"
#include "experiment/model_published.h"
#include "experiment/model_validate.h"
#include "record/record.h"
#include "report/view_model.h"
#include "result/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int write_validation(const void *what, FILE *stream, struct error *error)
{
    return record_print(&validation_record, what, stream, error);
}

static void see_validation(const void *what, struct document *document)
{
    view_validation(what, document);
}

/* Where nothing was measured: does each of the table? */
static int all_agree(struct validation *validation, const char *machine, struct error *error)
{
    validation->holds = true;
    for (size_t i = 0; i < validation->published_count; i++)
        validation->holds &= validation->published[i].agrees;
    return validation->published_count
               ? 0
               : error_set(error, ENODATA,
                     "no latencies of %.60s are known that were published: measure it, and name the RESULT",
                     machine);
}

/* ---- this host ---- */

static const double usual_seconds = 300;

/* What is kept of --here, each whole or not at all: opened before anything is measured. */
enum { KEPT_MACHINE = MODEL_HERE_TIMES, KEPT };
static const char *const kept_names[KEPT] = {"curves.json", "again.json", [KEPT_MACHINE] = "this-host.json"};

struct kept {
    struct output *outputs[KEPT];
};

static int keep_open(struct kept *kept, const char *folder, struct pool *pool, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; folder && rc == 0 && i < KEPT; i++) {
        const char *path = pool_format(pool, "%s/%s", folder, kept_names[i]);
        rc = path ? output_open(path, &kept->outputs[i], error)
                  : error_set(error, ENOMEM, "no memory for a file's name");
    }
    return rc;
}

static int keep(
    struct kept *kept, size_t which, const struct record *record, const void *what, struct error *error)
{
    struct output *output = kept->outputs[which];
    int rc = output ? record_print(record, what, output_stream(output), error) : 0;
    if (!output || rc < 0)
        return rc;
    kept->outputs[which] = NULL;
    return output_commit(output, error);
}

/* As of vcost chase: with what was asked for. */
static int keep_result(struct kept *kept, size_t which, const struct invocation *invocation,
    struct result *result, struct error *error)
{
    int rc = result_set_command(result, invocation->argc, invocation->argv, error);
    if (rc < 0)
        return rc;
    result->settings = settings_of(invocation, &result->pool, &result->setting_count);
    if (!result->settings)
        return error_set(error, ENOMEM, "no memory for the settings of a result");
    return keep(kept, which, &result_record, result, error);
}

/* A machine that was fitted, as its file says it: the one that is held against the rest is the one that is
 * kept. */
static int reread(struct model_session *session, const struct machine *fitted, struct error *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);
    int rc = stream ? record_print(&machine_record, fitted, stream, error) : -ENOMEM;
    if (!stream || (fclose(stream) && rc == 0))
        rc = error_set(error, ENOMEM, "no memory for the file of a machine");
    if (rc == 0)
        rc = machine_parse(text, bytes, kept_names[KEPT_MACHINE], &session->pool, &session->machine, error);
    free(text);
    return rc;
}

/* Measures; makes a machine of it, if none is named; and holds the machine against the rest. */
static int validate_here(struct model_session *session, const struct invocation *invocation,
    struct model_here *here, struct kept *kept, struct validation *validation, struct error *error)
{
    const struct model_options *options = session->options;
    struct result *results[MODEL_HERE_TIMES];
    struct model_fit fitted;
    int rc = keep_open(kept, options->keep, &session->pool, error);
    if (rc == 0)
        rc = model_measure_here(options->seconds > 0 ? options->seconds : usual_seconds, &model_session_stop,
            &session->progress, here, error);
    progress_clear(&session->line);
    if (here->busy[0] && !options->quiet)
        status_warn(here->busy);
    for (size_t i = 0; i < MODEL_HERE_TIMES; i++) {
        results[i] = &here->results[i];
        rc = rc < 0 ? rc : keep_result(kept, i, invocation, results[i], error);
    }
    if (rc == 0 && !options->machine &&
        (rc = model_session_fit(session, results[0], "this-host", &fitted, error)) == 0)
        rc = reread(session, &fitted.machine, error);
    if (rc == 0)
        rc = keep(kept, KEPT_MACHINE, &machine_record, &session->machine, error);
    return rc < 0 ? rc
                  : model_validate(&session->machine, results, MODEL_HERE_TIMES, &model_session_stop,
                        &session->progress, &session->pool, validation, error);
}

static int measure_and_validate(struct model_session *session, const struct invocation *invocation,
    struct validation *validation, struct error *error)
{
    struct model_here *here = pool_room(&session->pool, 1, sizeof *here);
    struct kept kept = {.outputs = {NULL}};
    if (!here)
        return error_set(error, ENOMEM, "no memory to measure this host");
    int rc = validate_here(session, invocation, here, &kept, validation, error);
    for (size_t i = 0; i < KEPT; i++)
        output_discard(kept.outputs[i]);
    for (size_t i = 0; i < MODEL_HERE_TIMES; i++)
        result_free(&here->results[i]);
    return rc;
}

/* ---- */

static int validate(struct model_session *session, const struct invocation *invocation,
    struct validation *validation, struct error *error)
{
    const struct model_options *options = session->options;
    bool measured = session->inputs.count > 0 || options->here;
    int rc = 0;
    if (options->here)
        rc = measure_and_validate(session, invocation, validation, error);
    else if (measured)
        rc = model_validate(&session->machine, session->inputs.results, session->inputs.count,
            &model_session_stop, &session->progress, &session->pool, validation, error);
    if (rc == 0)
        rc = model_published(measured ? NULL : options->machine, &model_session_stop, &session->progress,
            &session->pool, validation, error);
    return rc < 0 || measured ? rc : all_agree(validation, options->machine, error);
}

static int check_asked(const struct invocation *invocation, struct error *error)
{
    const struct model_options *options = invocation->options;
    if (options->here && invocation->operand_count)
        return error_set(error, EINVAL, "--here measures this host: without a RESULT");
    if (!options->here && (options->keep || options->like || options->seconds > 0))
        return error_set(error, EINVAL, "--%s goes with --here alone",
            options->keep   ? "keep"
            : options->like ? "like"
                            : "time");
    if (invocation->operand_count && !options->machine)
        return error_set(error, EINVAL, "--machine is missing: which machine is to be validated");
    return 0;
}

int cmd_model_validate_run(const struct invocation *invocation)
{
    const struct model_options *options = invocation->options;
    struct model_session session = {.command = invocation->command};
    struct validation validation = {.holds = false};
    struct error error;
    if (check_asked(invocation, &error) < 0)
        return status_wrong_usage(invocation->command, &error);
    interrupt_catch();
    int rc = inputs_read(&session.inputs, invocation, &error);
    if (rc == 0)
        rc = model_session_begin(&session, invocation, options->machine, &error);
    if (rc == 0)
        rc = validate(&session, invocation, &validation, &error);
    progress_clear(&session.line);
    if (rc == 0)
        rc = outputs_write(
            &session.outputs, &(struct found){&validation, write_validation, see_validation}, &error);
    return model_session_end(&session, rc, validation.holds ? STATUS_DONE : STATUS_THRESHOLD, &error);
}
