/* vcost compare: from result files to where their comparison is wanted. */
#include "cli/compare_options.h"
#include "cli/inputs.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "report/format.h"
#include "report/view_compare.h"
#include "result/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int write_json(const void *what, FILE *stream, struct error *error)
{
    return compare_json(what, stream, error);
}

static void view(const void *what, struct document *document)
{
    view_compare(what, document);
}

/* ---- the threshold ---- */

/* 0, STATUS_THRESHOLD with a sentence, or STATUS_FAILED where nothing could be judged: that must not look as
 * if all were well. */
static int judge(const struct compare *compare, bool fail_on_unknown)
{
    const struct compare_threshold *threshold = &compare->threshold;
    struct error error;
    size_t at, unjudged = 0;
    const struct compared_row *worst = compare_worst(compare, threshold->metric, &at);
    const char *what = threshold->metric == METRIC_TIME ? "cells" : "slowdowns";
    for (size_t file = 1; file < compare->file_count; file++)
        unjudged += compare_count(compare, threshold->metric, file).unjudged;
    if (!worst) {
        error_set(
            &error, ENODATA, "--fail-above: nothing can be judged, none of the %s has an interval", what);
        return status_failed(&error);
    }
    if (unjudged)
        fprintf(stderr, "vcost: --fail-above: %zu of the %s cannot be judged\n", unjudged, what);
    if (!threshold->passed)
        return unjudged && fail_on_unknown ? STATUS_THRESHOLD : STATUS_DONE;
    struct document document = {.title = NULL}; /* for the name */
    error_set(&error, ERANGE,
        "--fail-above: %u of the %s got slower by more than %g %%, most surely %.200s in %c: %s, "
        "and at least %s",
        threshold->above, what, threshold->percent,
        view_compared_name(&compare->metrics[threshold->metric], worst, &document), compare_letter(at),
        format_figure(UNIT_CHANGE, worst->changes[at].ratio, 0).text,
        format_figure(UNIT_CHANGE, worst->changes[at].low, 0).text);
    document_free(&document);
    (void)status_failed(&error);
    return STATUS_THRESHOLD;
}

/* ---- all of it ---- */

static int compare_inputs(const struct invocation *invocation, struct outputs *outputs,
    const struct inputs *inputs, struct error *error)
{
    const struct compare_options *options = invocation->options;
    struct compare compare;
    enum metric metric = (enum metric)options->metric;
    int rc = compare_make(inputs->items, inputs->count, options->only, &compare, error);
    if (rc < 0)
        return status_failed(error);
    int status = STATUS_DONE;
    compare.metric = metric;
    compare.command = (const char **)invocation->argv;
    compare.command_count = (size_t)invocation->argc;
    if (options->fail_above >= 0) {
        unsigned above = compare_above(&compare, metric, options->fail_above);
        compare.threshold = (struct compare_threshold){true, options->fail_above, metric, above, above > 0};
    }
    if (outputs_write(outputs, &(struct found){&compare, write_json, view}, error) < 0)
        status = status_failed(error);
    else if (compare.threshold.asked)
        status = judge(&compare, options->fail_on_unknown);
    compare_free(&compare);
    return status;
}

int cmd_compare_run(const struct invocation *invocation)
{
    const struct compare_options *options = invocation->options;
    static struct inputs inputs; /* large */
    struct outputs outputs;
    struct error error;
    int rc = outputs_open(&outputs, &options->output, &error);
    if (rc == 0)
        rc = inputs_read(&inputs, invocation, &error);
    int status = rc < 0 ? status_failed(&error) : compare_inputs(invocation, &outputs, &inputs, &error);
    outputs_discard(&outputs);
    inputs_free(&inputs);
    return status;
}
