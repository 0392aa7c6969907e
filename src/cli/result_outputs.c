#include "cli/result_outputs.h"

#include "report/csv.h"
#include "result/json.h"
#include "report/markdown.h"
#include "report/picture.h"
#include "report/terminal.h"

static int write_json(const void *result, const char *path, FILE *stream, struct error *error)
{
    (void)path;
    return json_write(result, stream, error);
}

static int write_csv(const void *result, const char *path, FILE *stream, struct error *error)
{
    (void)path;
    return csv_write(result, stream, error);
}

static int write_markdown(const void *result, const char *path, FILE *stream, struct error *error)
{
    (void)path;
    return markdown_write(result, stream, error);
}

static int write_picture(const void *result, const char *path, FILE *stream, struct error *error)
{
    return picture_write(result, path, stream, error);
}

int result_outputs_open(
    const struct common_options *options, struct output_file outputs[RESULT_OUTPUTS], struct error *error)
{
    outputs[0] = (struct output_file){options->json, write_json, NULL};
    outputs[1] = (struct output_file){options->csv, write_csv, NULL};
    outputs[2] = (struct output_file){options->markdown, write_markdown, NULL};
    outputs[3] = (struct output_file){options->picture, write_picture, NULL};
    int rc = options->picture ? picture_check_tool(error) : 0;
    return rc < 0 ? rc : outputs_open(outputs, RESULT_OUTPUTS, error);
}

int result_outputs_write(const struct common_options *options, struct output_file outputs[RESULT_OUTPUTS],
    struct result *result, struct error *error)
{
    struct error other;
    bool stdout_is_taken = outputs_take_stdout(outputs, RESULT_OUTPUTS);
    int files = outputs_write(outputs, RESULT_OUTPUTS, result, error);
    if (stdout_is_taken)
        return files;
    struct report_style style = style_for(stdout, options->color);
    int rc = terminal_write(result, stdout, &style, files < 0 ? &other : error);
    return files < 0 ? files : rc;
}
