/* vcost chase: from the options to the experiment, and from the result to where it is wanted. */
#include "cli/chase_options.h"
#include "cli/fold.h"
#include "cli/interrupt.h"
#include "cli/status.h"
#include "domain/probe.h"
#include "experiment/chase.h"
#include "monitor/kvm/kvm.h"
#include "report/csv.h"
#include "report/json.h"
#include "report/output.h"
#include "report/picture.h"
#include "report/progress.h"
#include "report/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* Time budgets that keep the default under a minute and --quick under ten seconds. */
static const double default_seconds = 50, quick_seconds = 8;
static const double default_sample_seconds = 0.02, quick_sample_seconds = 0.01;
enum { ROUNDS = 2 };

/* ---- what is measured ---- */

static bool one_line_order(enum chase_order order)
{
    return order == CHASE_LINE_PER_PAGE || order == CHASE_PACKED;
}

/* Appends a curve: one shape for each working set. */
static int add_curve(const struct chase_options *options, enum chase_order order, uint32_t element_bytes,
    struct chase_experiment *experiment, struct error *error)
{
    uint64_t *sets;
    size_t count;
    int rc = chase_working_sets(options->working_set, (unsigned)options->per_octave,
        one_line_order(order) ? (uint64_t)CHASE_PAGE_BYTES : element_bytes, &sets, &count, error);
    if (rc < 0)
        return rc;
    struct chase_shape *shapes =
        realloc((void *)experiment->shapes, (experiment->shape_count + count) * sizeof *shapes);
    if (shapes) {
        experiment->shapes = shapes;
        for (size_t i = 0; i < count; i++)
            shapes[experiment->shape_count++] = (struct chase_shape){
                sets[i], element_bytes, order, options->write, (unsigned)options->chains};
    }
    free(sets);
    return shapes ? 0 : error_set(error, ENOMEM, "no memory for the list of shapes");
}

static int add_curves(
    const struct chase_options *options, struct chase_experiment *experiment, struct error *error)
{
    for (size_t i = 0; i < options->orders.count; i++) {
        enum chase_order order = (enum chase_order)options->orders.indices[i];
        for (size_t j = 0; j < (one_line_order(order) ? 1 : options->npad.count); j++) {
            uint32_t element = one_line_order(order) ? (uint32_t)CHASE_LINE_BYTES
                                                     : 8 * (1 + (uint32_t)options->npad.values[j]);
            int rc = add_curve(options, order, element, experiment, error);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- where ---- */

static bool wanted(const struct chase_options *options, const char *name)
{
    for (size_t i = 0; i < options->on.count; i++)
        if (!strcmp(options->on.names[i], name))
            return true;
    return options->on.count == 0;
}

/* A runner that was named must be usable; one that was not named is left out with a word about it. */
static int add_runner(const struct chase_options *options, const struct runner_type *type,
    struct chase_experiment *experiment, struct error *error)
{
    if (type->monitor && !experiment->kvm.usable) {
        if (options->on.count)
            return error_set(error, ENOTSUP, "%s cannot be used: %s", type->name, experiment->kvm.reason);
        if (!options->common.quiet)
            fprintf(stderr, "vcost: only native is measured, %s cannot be used: %s\n", type->name,
                experiment->kvm.reason);
        return 0;
    }
    experiment->runners[experiment->runner_count++] = type;
    return 0;
}

/* In the table's order, whatever the user's, so that the baseline is the first. */
static int add_runners(
    const struct chase_options *options, struct chase_experiment *experiment, struct error *error)
{
    int rc = 0;
    if (wanted(options, "kvm"))
        domain_probe(&monitor_kvm, &experiment->kvm);
    else
        monitor_kvm.describe(&experiment->kvm);
    for (size_t i = 0; rc == 0 && runner_at(i); i++)
        if (wanted(options, runner_at(i)->name))
            rc = add_runner(options, runner_at(i), experiment, error);
    return rc;
}

/* ---- outputs ---- */

struct outputs {
    struct output *json, *csv, *picture;
};

static int open_one(const char *path, struct output **output, struct error *error)
{
    return path ? output_open(path, output, error) : 0;
}

static void outputs_discard(struct outputs *outputs)
{
    output_discard(outputs->json);
    output_discard(outputs->csv);
    output_discard(outputs->picture);
}

static int outputs_open(const struct common_options *options, struct outputs *outputs, struct error *error)
{
    int rc = options->picture ? picture_check_tool(error) : 0;
    if (rc < 0 || (rc = open_one(options->json, &outputs->json, error)) < 0 ||
        (rc = open_one(options->csv, &outputs->csv, error)) < 0 ||
        (rc = open_one(options->picture, &outputs->picture, error)) < 0)
        outputs_discard(outputs);
    return rc;
}

/* Writes one file whole or not at all. Every output is tried, also after one has failed. */
static int write_one(struct output *output, int rc, struct error *error)
{
    if (rc == 0)
        return output_commit(output, error);
    output_discard(output);
    return rc;
}

static int write_files(
    struct outputs *outputs, const struct result *result, const char *picture, struct error *error)
{
    struct error errors[3];
    int codes[3] = {0, 0, 0};
    if (outputs->json)
        codes[0] = write_one(
            outputs->json, json_write(result, output_stream(outputs->json), &errors[0]), &errors[0]);
    if (outputs->csv)
        codes[1] =
            write_one(outputs->csv, csv_write(result, output_stream(outputs->csv), &errors[1]), &errors[1]);
    if (outputs->picture)
        codes[2] = write_one(outputs->picture,
            picture_write(result, picture, output_stream(outputs->picture), &errors[2]), &errors[2]);
    for (size_t i = 0; i < 3; i++) {
        if (codes[i] < 0) {
            *error = errors[i];
            return codes[i];
        }
    }
    return 0;
}

static bool is_stdout(const char *path)
{
    return path && !strcmp(path, "-");
}

static bool locale_is_utf8(void)
{
    return setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static struct report_style style_for(FILE *stream, const struct common_options *options)
{
    return (struct report_style){
        .color = color_wanted((enum color)options->color, stream),
        .utf8 = locale_is_utf8(),
        .columns = fold_width(stream),
    };
}

/* Data goes to stdout, unless another form of it does already. */
static int report(
    const struct common_options *options, struct outputs *outputs, struct result *result, struct error *error)
{
    int rc = 0;
    if (!is_stdout(options->json) && !is_stdout(options->csv)) {
        struct report_style style = style_for(stdout, options);
        rc = terminal_write(result, stdout, &style, error);
    }
    struct error other;
    int files = write_files(outputs, result, options->picture, &other);
    if (files < 0)
        *error = other;
    return files < 0 ? files : rc;
}

/* ---- all of it ---- */

static void show_progress(void *context, double fraction, double seconds_left, const char *what)
{
    progress_update(context, fraction, seconds_left, what);
}

static struct chase_experiment experiment_from(const struct chase_options *options)
{
    const struct common_options *common = &options->common;
    bool strict = common->seconds > 0;
    return (struct chase_experiment){
        .seed = common->seed,
        .sample_seconds = common->quick ? quick_sample_seconds : default_sample_seconds,
        .rounds = ROUNDS,
        .seconds = strict          ? common->seconds
                   : common->quick ? quick_seconds
                                   : default_seconds,
        .strict = strict,
        .cpu = options->cpu,
        .lock = options->lock,
        .stop = {.asked = interrupt_asked},
    };
}

static int measure(const struct chase_options *options, const struct chase_experiment *experiment,
    struct result *result, struct error *error)
{
    struct progress_line line;
    struct chase_experiment watched = *experiment;
    progress_start(&line, stderr, options->common.quiet, locale_is_utf8());
    watched.progress = (struct chase_progress){show_progress, &line};
    int rc = experiment_chase(&watched, result, error);
    progress_clear(&line);
    return rc;
}

static int chase(
    const struct invocation *invocation, struct chase_experiment *experiment, struct error *error)
{
    const struct chase_options *options = invocation->options;
    struct outputs outputs = {0};
    struct result result = {0};
    int rc;
    if ((rc = add_runners(options, experiment, error)) < 0 ||
        (rc = add_curves(options, experiment, error)) < 0 ||
        (rc = outputs_open(&options->common, &outputs, error)) < 0)
        return rc;
    rc = measure(options, experiment, &result, error);
    if (rc == 0)
        rc = host_look(&result.host, error);
    if (rc == 0) {
        result.argc = invocation->argc;
        result.argv = invocation->argv;
        rc = report(&options->common, &outputs, &result, error);
    } else {
        outputs_discard(&outputs);
    }
    result_free(&result);
    return rc;
}

int cmd_chase_run(const struct invocation *invocation)
{
    const struct chase_options *options = invocation->options;
    struct chase_experiment experiment = experiment_from(options);
    struct error error;
    interrupt_catch();
    int rc = chase(invocation, &experiment, &error);
    free((void *)experiment.shapes);
    int status = rc < 0 ? status_failed(&error) : STATUS_DONE;
    interrupt_finish();
    return status;
}
