#include "cli/outputs.h"

#include "cli/fold.h"
#include "report/picture.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>

static void list_paths(const struct output_options *options, const char *paths[static FORMS])
{
    paths[FORM_JSON] = options->json;
    paths[FORM_CSV] = options->csv;
    paths[FORM_MARKDOWN] = options->markdown;
    paths[FORM_HTML] = options->html;
    paths[FORM_PICTURE] = options->picture;
}

static int open_one(struct outputs *outputs, enum form form, const char *path, struct error *error)
{
    int rc = output_open(path, &outputs->files[form], error);
    outputs->stdout_is_taken |= rc == 0 && output_stream(outputs->files[form]) == stdout;
    return rc;
}

int outputs_open(struct outputs *outputs, const struct output_options *options, struct error *error)
{
    const char *paths[FORMS];
    *outputs = (struct outputs){.options = options};
    int rc = options->picture ? picture_check_tool(error) : 0;
    list_paths(options, paths);
    for (enum form form = 0; rc == 0 && form < FORMS; form++)
        if (paths[form])
            rc = open_one(outputs, form, paths[form], error);
    if (rc < 0)
        outputs_discard(outputs);
    return rc;
}

void outputs_discard(struct outputs *outputs)
{
    for (enum form form = 0; form < FORMS; form++) {
        output_discard(outputs->files[form]);
        outputs->files[form] = NULL;
    }
}

/* For files: without colour and of any width, whatever the terminal. */
static const struct report_style file_style = {.utf8 = true};

static int write_one(
    struct outputs *outputs, enum form form, const struct found *found, const char *path, struct error *error)
{
    struct output *output = outputs->files[form];
    int rc = found->write(found->what, form, path, output_stream(output), &file_style, error);
    outputs->files[form] = NULL;
    if (rc == 0)
        return output_commit(output, error);
    output_discard(output);
    return rc;
}

int outputs_write_files(struct outputs *outputs, const struct found *found, struct error *error)
{
    const char *paths[FORMS];
    int rc = 0;
    list_paths(outputs->options, paths);
    for (enum form form = 0; form < FORMS; form++) {
        struct error other;
        int code = outputs->files[form] ? write_one(outputs, form, found, paths[form], &other) : 0;
        if (code < 0 && rc == 0) {
            *error = other;
            rc = code;
        }
    }
    return rc;
}

int outputs_show(const struct outputs *outputs, const struct found *found, struct error *error)
{
    struct report_style style = style_for(stdout, outputs->options);
    if (outputs->stdout_is_taken)
        return 0;
    return found->write(found->what, FORM_TERMINAL, "-", stdout, &style, error);
}

int outputs_write(struct outputs *outputs, const struct found *found, struct error *error)
{
    struct error other;
    int files = outputs_write_files(outputs, found, error);
    int shown = outputs_show(outputs, found, files < 0 ? &other : error);
    return files < 0 ? files : shown;
}

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
