/* vcost report: from a result file to where it is wanted. */
#include "cli/report_options.h"
#include "cli/result_outputs.h"
#include "cli/status.h"
#include "report/rounds.h"
#include "report/terminal.h"
#include "result/read.h"

#include <stdio.h>

/* As `vcost inspect --watch` wrote them. */
static void write_rounds(const struct result *result, const struct report_style *style)
{
    struct result until = *result;
    for (until.round_count = 1; until.round_count <= result->round_count; until.round_count++)
        rounds_write_line(&until, stdout, style);
    rounds_write_drift(result, stdout, style);
}

static int report(const struct report_options *options, const struct result *result, struct error *error)
{
    struct output_file outputs[RESULT_OUTPUTS];
    int rc = result_outputs_open(&options->common, outputs, error);
    if (rc < 0)
        return rc;
    rc = outputs_write(outputs, RESULT_OUTPUTS, result, error);
    if (rc < 0 || outputs_take_stdout(outputs, RESULT_OUTPUTS))
        return rc;
    struct report_style style = style_for(stdout, options->common.color);
    style.verbose = options->verbose;
    rc = terminal_write(result, stdout, &style, error);
    if (rc == 0 && result->round_count)
        write_rounds(result, &style);
    return rc;
}

int cmd_report_run(const struct invocation *invocation)
{
    struct result result;
    struct error error;
    int rc = result_read(invocation->operands[0], &result, &error);
    if (rc < 0)
        return status_failed(&error);
    rc = report(invocation->options, &result, &error);
    result_free(&result);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
