/* vcost report: from saved results to where they are wanted. */
#include "cli/inputs.h"
#include "cli/outputs.h"
#include "cli/report_options.h"
#include "cli/status.h"
#include "report/view_compare.h"
#include "report/views.h"
#include "result/json.h"
#include <errno.h>
#include <string.h>

struct report {
    const struct inputs *inputs;
    const char *baseline;
};

static int write_json(const void *what, FILE *stream, struct error *error)
{
    const struct inputs *inputs = ((const struct report *)what)->inputs;
    bool several = inputs->count > 1;
    int rc = 0;
    fputs(several ? "[\n" : "", stream);
    for (size_t i = 0; rc == 0 && i < inputs->count; i++) {
        rc = json_write(inputs->items[i].result, stream, error);
        fputs(i + 1 < inputs->count ? ",\n" : "", stream);
    }
    fputs(several ? "]\n" : "", stream);
    return rc;
}

static void view(const void *what, struct document *document)
{
    const struct report *report = what;
    view_results(report->inputs->items, report->inputs->count, report->baseline, document);
}

static int check_baseline(const struct inputs *inputs, const char *baseline, struct error *error)
{
    for (size_t i = 0; i < inputs->count; i++)
        if (!baseline || !strcmp(inputs->items[i].name, baseline))
            return 0;
    return error_set(error, EINVAL, "--baseline: no result is called \"%.100s\"", baseline);
}

static int report(
    const struct report_options *options, struct outputs *outputs, struct inputs *inputs, struct error *error)
{
    const struct report report = {inputs, options->baseline};
    int rc = check_baseline(inputs, options->baseline, error);
    for (size_t i = 0; rc == 0 && i < inputs->count; i++) {
        struct result *result = inputs->results[i];
        if (inputs->count > 1 || options->no_command)
            input_settings(result); /* to compare them, or since nobody could find them out any more */
        if (options->no_command)
            rc = result_redact(result, error);
    }
    return rc < 0 ? rc : outputs_write(outputs, &(struct found){&report, write_json, view}, error);
}

static int write_comparison(const void *what, FILE *stream, struct error *error)
{
    const struct inputs *inputs = what;
    return compare_json(&inputs->comparison, stream, error);
}

static void view_comparison(const void *what, struct document *document)
{
    const struct inputs *inputs = what;
    view_compare(&inputs->comparison, document);
}

static int report_comparison(const struct report_options *options, struct outputs *outputs,
    const struct inputs *inputs, struct error *error)
{
    if (options->baseline)
        return error_set(
            error, EINVAL, "--baseline: a comparison is relative to its first file: compare the files anew");
    if (options->no_command)
        return error_set(error, EINVAL,
            "--no-command: a comparison tells commands and names of files in too many places: write its "
            "results anew with --no-command and compare these");
    return outputs_write(outputs, &(struct found){inputs, write_comparison, view_comparison}, error);
}

/* What goes to a terminal is laid out for it; all else is a file, also on stdout. */
static int open_output(const struct report_options *options, struct outputs *outputs, struct error *error)
{
    bool json;
    const struct format *format = report_format(options, &json);
    const char *path = options->file ? options->file : "-";
    *outputs = (struct outputs){.options = &options->output, .stdout_is_taken = strcmp(path, "-") != 0};
    if (format == format_named("terminal") && !outputs->stdout_is_taken)
        return 0;
    return outputs_add(outputs, format, path, error);
}

int cmd_report_run(const struct invocation *invocation)
{
    const struct report_options *options = invocation->options;
    static struct inputs inputs; /* large */
    struct outputs outputs;
    struct error error;
    int rc = open_output(options, &outputs, &error);
    if (rc == 0)
        rc = inputs_read_named(&inputs, invocation, &error);
    if (rc == 0)
        rc = inputs.compared ? report_comparison(options, &outputs, &inputs, &error)
                             : report(options, &outputs, &inputs, &error);
    outputs_discard(&outputs);
    inputs_free(&inputs);
    return rc < 0 ? status_failed(&error) : STATUS_DONE;
}
