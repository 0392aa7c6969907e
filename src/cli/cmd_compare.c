/* vcost compare: from result files to where their comparison is wanted. */
#include "cli/compare_options.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "report/compare_report.h"
#include "report/format.h"
#include "result/read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- outputs ---- */

struct found {
    const struct compare *compare;
    struct compare_request request;
};

static int write_json(const void *what, const char *path, FILE *stream, struct error *error)
{
    (void)path;
    const struct found *found = what;
    return compare_json(found->compare, &found->request, stream, error);
}

static int write_csv(const void *what, const char *path, FILE *stream, struct error *error)
{
    (void)path;
    const struct found *found = what;
    return compare_csv(found->compare, stream, error);
}

static int write_markdown(const void *what, const char *path, FILE *stream, struct error *error)
{
    (void)path;
    const struct found *found = what;
    return compare_markdown(found->compare, &found->request, stream, error);
}

/* The files first, which a reader of stdout that goes away (a pipe to head) must not cost. */
static int report(const struct compare_options *options, const struct found *found, struct error *error)
{
    struct output_file files[] = {
        {options->common.json, write_json, NULL},
        {options->common.csv, write_csv, NULL},
        {options->common.markdown, write_markdown, NULL},
    };
    enum { FILES = sizeof files / sizeof files[0] };
    int rc = outputs_open(files, FILES, error);
    if (rc < 0)
        return rc;
    rc = outputs_write(files, FILES, found, error);
    if (outputs_take_stdout(files, FILES))
        return rc;
    struct error other;
    struct report_style style = style_for(stdout, options->common.color);
    int shown = compare_terminal(found->compare, &found->request, stdout, &style, rc < 0 ? &other : error);
    return rc < 0 ? rc : shown;
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

static int compare_results(const struct invocation *invocation, const struct compare_input *files)
{
    const struct compare_options *options = invocation->options;
    struct compare compare;
    struct error error;
    int rc = compare_make(files, invocation->operand_count, options->only, &compare, &error);
    if (rc < 0)
        return status_failed(&error);
    const struct found found = {
        &compare, {invocation->argc, invocation->argv, (enum metric)options->metric, options->fail_above}};
    int status = STATUS_DONE;
    if (report(options, &found, &error) < 0)
        status = status_failed(&error);
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

int cmd_compare_run(const struct invocation *invocation)
{
    struct result results[COMPARE_FILES_MAX] = {0};
    struct compare_input inputs[COMPARE_FILES_MAX];
    struct error error;
    int rc = 0, status;
    if (reads_stdin_twice(invocation)) {
        error_set(&error, EINVAL, "only one FILE can be - (stdin)");
        return status_wrong_usage(invocation->command, &error);
    }
    for (size_t i = 0; i < invocation->operand_count && rc == 0; i++) {
        const char *path = invocation->operands[i];
        rc = result_read(path, &results[i], &error);
        inputs[i] = (struct compare_input){strcmp(path, "-") != 0 ? path : "standard input", &results[i]};
    }
    status = rc < 0 ? status_failed(&error) : compare_results(invocation, inputs);
    for (size_t i = 0; i < invocation->operand_count; i++)
        result_free(&results[i]);
    return status;
}
