#include "cli/outputs.h"

#include "cli/fold.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

int outputs_add(struct outputs *outputs, const struct format *format, const char *path, struct error *error)
{
    struct output_file *file = &outputs->files[outputs->count];
    int rc = format && format->check ? format->check(error) : 0;
    if (rc < 0 || (rc = output_open(path, &file->output, error)) < 0)
        return rc;
    file->format = format;
    outputs->count++;
    outputs->stdout_is_taken |= output_stream(file->output) == stdout;
    return 0;
}

int outputs_open(struct outputs *outputs, const struct output_options *options, struct error *error)
{
    const struct {
        const char *path;
        const struct format *format;
    } wanted[] = {
        {options->json, NULL},
        {options->csv, format_named("csv")},
        {options->markdown, format_named("markdown")},
        {options->html, format_named("html")},
        {options->picture, options->picture ? format_of_path(options->picture) : NULL},
    };
    int rc = 0;
    *outputs = (struct outputs){.options = options};
    for (size_t i = 0; rc == 0 && i < sizeof wanted / sizeof wanted[0]; i++)
        if (wanted[i].path)
            rc = outputs_add(outputs, wanted[i].format, wanted[i].path, error);
    if (rc < 0)
        outputs_discard(outputs);
    return rc;
}

void outputs_discard(struct outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        output_discard(outputs->files[i].output);
        outputs->files[i].output = NULL;
    }
}

/* ---- documents ---- */

static bool keeps_json(const struct outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++)
        if (outputs->files[i].format && !strcmp(outputs->files[i].format->name, "html"))
            return true;
    return false;
}

/* *json is what a page keeps of the result, to be freed; NULL if nothing wants it. */
static int make_document(const struct outputs *outputs, const struct found *found, struct document *document,
    char **json, struct error *error)
{
    size_t size;
    *json = NULL;
    found->view(found->what, document);
    if (!keeps_json(outputs))
        return 0;
    FILE *stream = open_memstream(json, &size);
    int rc = stream ? found->json(found->what, stream, error) : -ENOMEM;
    if (!stream || (fclose(stream) && rc == 0))
        rc = error_set(error, ENOMEM, "no memory for the JSON inside of a page");
    document->json = *json;
    return rc;
}

static int write_file(
    struct output_file *file, const struct found *found, const struct document *document, struct error *error)
{
    /* Without colour and of any width, whatever the terminal. */
    static const struct report_style style = {.utf8 = true, .verbose = true};
    FILE *stream = output_stream(file->output);
    struct output *output = file->output;
    int rc = file->format ? document_write(document, file->format, stream, &style, error)
                          : found->json(found->what, stream, error);
    file->output = NULL;
    if (rc == 0)
        return output_commit(output, error);
    output_discard(output);
    return rc;
}

static int write_files(
    struct outputs *outputs, const struct found *found, const struct document *document, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; i < outputs->count; i++) {
        struct error other;
        int code = outputs->files[i].output ? write_file(&outputs->files[i], found, document, &other) : 0;
        if (code < 0 && rc == 0) {
            *error = other;
            rc = code;
        }
    }
    return rc;
}

/* What is written, and where. */
enum { WRITE_FILES = 1, WRITE_STDOUT = 2 };

static int write_parts(
    struct outputs *outputs, const struct found *found, unsigned parts, struct error *error)
{
    struct document document = {.title = NULL};
    struct error other;
    char *json;
    int rc = make_document(outputs, found, &document, &json, error);
    if (rc == 0 && (parts & WRITE_FILES))
        rc = write_files(outputs, found, &document, error);
    if ((parts & WRITE_STDOUT) && !outputs->stdout_is_taken) {
        int shown = show_document(&document, outputs->options, rc < 0 ? &other : error);
        rc = rc < 0 ? rc : shown;
    }
    document_free(&document);
    free(json);
    return rc;
}

int outputs_write_files(struct outputs *outputs, const struct found *found, struct error *error)
{
    return write_parts(outputs, found, WRITE_FILES, error);
}

int outputs_show(struct outputs *outputs, const struct found *found, struct error *error)
{
    return write_parts(outputs, found, WRITE_STDOUT, error);
}

int outputs_write(struct outputs *outputs, const struct found *found, struct error *error)
{
    return write_parts(outputs, found, WRITE_FILES | WRITE_STDOUT, error);
}

/* ---- stdout ---- */

bool locale_is_utf8(void)
{
    return setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

struct report_style style_for(FILE *stream, const struct output_options *options)
{
    return (struct report_style){
        .color = color_wanted((enum color)options->color, stream),
        .utf8 = locale_is_utf8(),
        .columns = fold_width(stream),
        .verbose = options->verbose,
    };
}

int show_document(const struct document *document, const struct output_options *options, struct error *error)
{
    struct report_style style = style_for(stdout, options);
    return document_write(document, format_named("terminal"), stdout, &style, error);
}
