/* vcost compare: from result files to where their comparison is wanted. */
#include "cli/compare_options.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "report/compare_report.h"
#include "report/format.h"
#include "result/figures.h"
#include "result/saved.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- outputs ---- */

struct comparison {
    const struct compare *compare;
    struct compare_request request;
};

static int write(const void *what, enum form form, const char *path, FILE *stream,
    const struct report_style *style, struct error *error)
{
    const struct comparison *found = what;
    (void)path;
    switch (form) {
    case FORM_JSON:
        return compare_json(found->compare, &found->request, stream, error);
    case FORM_CSV:
        return compare_csv(found->compare, stream, error);
    case FORM_MARKDOWN:
        return compare_markdown(found->compare, &found->request, stream, error);
    case FORM_TERMINAL:
        return compare_terminal(found->compare, &found->request, stream, style, error);
    default:
        return error_set(error, ENOTSUP, "there is no such form of a comparison");
    }
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
        format_slowdown(worst->change).text, format_slowdown(worst->low).text);
    (void)status_failed(&error);
    return STATUS_THRESHOLD;
}

/* ---- all of it ---- */

static int compare_results(const struct invocation *invocation, struct outputs *outputs,
    const struct compare_input *files, struct error *error)
{
    const struct compare_options *options = invocation->options;
    struct compare compare;
    int rc = compare_make(files, invocation->operand_count, options->only, &compare, error);
    if (rc < 0)
        return status_failed(error);
    const struct comparison found = {
        &compare, {invocation->argc, invocation->argv, (enum metric)options->metric, options->fail_above}};
    int status = STATUS_DONE;
    if (outputs_write(outputs, &(struct found){&found, write}, error) < 0)
        status = status_failed(error);
    else if (options->fail_above >= 0)
        status = judge(&compare, found.request.metric, options->fail_above);
    compare_free(&compare);
    return status;
}

static bool reads_stdin_twice(const struct invocation *invocation)
{
    unsigned count = 0;
    for (size_t i = 0; i < invocation->operand_count; i++)
        count += !strcmp(invocation->operands[i], "-");
    return count > 1;
}

/* Until there is a reader of results: the figures of what the other reader has read, without facts. */
static int result_of(const struct saved *saved, struct result *result, struct error *error)
{
    *result = (struct result){.experiment = saved->experiment, .complete = saved->complete};
    result->cells = calloc(saved->cell_count + 1, sizeof *result->cells);
    result->comparisons = calloc(saved->comparison_count + 1, sizeof *result->comparisons);
    if (!result->cells || !result->comparisons)
        return error_set(error, ENOMEM, "not enough memory to read %.200s", saved->name);
    snprintf(result->started, sizeof result->started, "%s", saved->started);
    snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%s",
        saved->incomplete_reason ? saved->incomplete_reason : "");
    for (size_t i = 0; i < saved->cell_count; i++) {
        const struct saved_cell *from = &saved->cells[i];
        struct result_cell *cell = &result->cells[result->cell_count++];
        *cell = (struct result_cell){.cell.event.name = from->workload,
            .median = from->median,
            .low = from->low,
            .high = from->high,
            .min = from->min,
            .quality = from->quality};
        snprintf(cell->id, sizeof cell->id, "%s", from->id);
        snprintf(cell->reason, sizeof cell->reason, "%s", from->reason ? from->reason : "");
        for (size_t k = 0; k < from->sample_count; k++) {
            const struct saved_sample *sample = &from->samples[k];
            if (figures_add_sample(cell, &(struct result_sample){sample->value, sample->round,
                                             sample->placement, (enum disturbance)sample->disturbed}))
                return error_set(error, ENOMEM, "not enough memory to read %.200s", saved->name);
        }
    }
    for (size_t i = 0; i < saved->comparison_count; i++) {
        const struct saved_comparison *from = &saved->comparisons[i];
        result->comparisons[result->comparison_count++] =
            (struct result_comparison){.cell = (size_t)(from->cell - saved->cells),
                .baseline = (size_t)(from->baseline - saved->cells),
                .ratio = from->ratio,
                .low = from->low,
                .high = from->high};
    }
    return 0;
}

int cmd_compare_run(const struct invocation *invocation)
{
    const struct compare_options *options = invocation->options;
    struct saved files[COMPARE_FILES_MAX] = {{0}};
    struct result results[COMPARE_FILES_MAX] = {{0}};
    struct compare_input inputs[COMPARE_FILES_MAX];
    struct outputs outputs;
    struct error error;
    if (reads_stdin_twice(invocation)) {
        error_set(&error, EINVAL, "only one FILE can be - (stdin)");
        return status_wrong_usage(invocation->command, &error);
    }
    int rc = outputs_open(&outputs, &options->output, &error);
    for (size_t i = 0; i < invocation->operand_count && rc == 0; i++) {
        rc = saved_read(invocation->operands[i], &files[i], &error);
        if (rc == 0)
            rc = result_of(&files[i], &results[i], &error);
        inputs[i] = (struct compare_input){files[i].name, &results[i]};
    }
    int status = rc < 0 ? status_failed(&error) : compare_results(invocation, &outputs, inputs, &error);
    outputs_discard(&outputs);
    for (size_t i = 0; i < invocation->operand_count; i++) {
        result_free(&results[i]);
        saved_free(&files[i]);
    }
    return status;
}
