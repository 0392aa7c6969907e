/* vcost compare: from result files to where their comparison is wanted. */
#include "cli/compare_options.h"
#include "cli/inputs.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "report/format.h"
#include "report/view_compare.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct comparison {
    struct compare compare;
    struct compare_request request;
};

static int write_json(const void *what, FILE *stream, struct error *error)
{
    const struct comparison *found = what;
    return compare_json(&found->compare, &found->request, stream, error);
}

static void view(const void *what, struct document *document)
{
    const struct comparison *found = what;
    view_compare(&found->compare, &found->request, document);
}

/* ---- the threshold ---- */

static size_t count_unjudged(const struct compare *compare, enum metric metric)
{
    size_t count = 0;
    for (size_t file = 1; file < compare->file_count; file++)
        count += compare_count(compare, metric, file).of[VERDICT_NONE];
    return count;
}

/* 0, STATUS_THRESHOLD with a sentence, or STATUS_FAILED where nothing could be judged: that must not look as
 * if all were well. */
static int judge(const struct compare *compare, enum metric metric, double percent)
{
    struct error error;
    const struct compared_row *row = NULL;
    const struct compared *worst = compare_worst(compare, metric, &row);
    size_t above = compare_above(compare, metric, percent), unjudged = count_unjudged(compare, metric);
    const char *what = metric == METRIC_TIME ? "cells" : "slowdowns";
    if (!worst) {
        error_set(
            &error, ENODATA, "--fail-above: nothing can be judged, none of the %s has an interval", what);
        return status_failed(&error);
    }
    if (unjudged)
        fprintf(stderr, "vcost: --fail-above: %zu of the %s cannot be judged\n", unjudged, what);
    if (!above)
        return STATUS_DONE;
    error_set(&error, ERANGE,
        "--fail-above: %zu of the %s got slower by more than %g %%, most surely %.200s in %c: %s, "
        "and at least %s",
        above, what, percent, row->id, compare_letter((size_t)(worst - row->files)),
        format_figure(UNIT_CHANGE, worst->change, 0).text, format_figure(UNIT_CHANGE, worst->low, 0).text);
    (void)status_failed(&error);
    return STATUS_THRESHOLD;
}

/* ---- all of it ---- */

static int compare_inputs(const struct invocation *invocation, struct outputs *outputs,
    const struct inputs *inputs, struct error *error)
{
    const struct compare_options *options = invocation->options;
    struct comparison found = {
        .request = {invocation->argc, invocation->argv, (enum metric)options->metric, options->fail_above}};
    int rc = compare_make(inputs->items, inputs->count, options->only, &found.compare, error);
    if (rc < 0)
        return status_failed(error);
    int status = STATUS_DONE;
    if (outputs_write(outputs, &(struct found){&found, write_json, view}, error) < 0)
        status = status_failed(error);
    else if (options->fail_above >= 0)
        status = judge(&found.compare, found.request.metric, options->fail_above);
    compare_free(&found.compare);
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
