#include "cli/outputs.h"

#include "cli/common_options.h"
#include "cli/fold.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

int outputs_open(struct output_file *files, size_t count, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        if (files[i].path)
            rc = output_open(files[i].path, &files[i].output, error);
    if (rc < 0)
        outputs_discard(files, count);
    return rc;
}

void outputs_discard(struct output_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        output_discard(files[i].output);
        files[i].output = NULL;
    }
}

static int write_one(struct output_file *file, const void *what, struct error *error)
{
    struct output *output = file->output;
    int rc = file->write(what, file->path, output_stream(output), error);
    file->output = NULL;
    if (rc == 0)
        return output_commit(output, error);
    output_discard(output);
    return rc;
}

int outputs_write(struct output_file *files, size_t count, const void *what, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        struct error other;
        int code = files[i].output ? write_one(&files[i], what, &other) : 0;
        if (code < 0 && rc == 0) {
            *error = other;
            rc = code;
        }
    }
    return rc;
}

bool outputs_take_stdout(const struct output_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].path && !strcmp(files[i].path, "-"))
            return true;
    return false;
}

bool locale_is_utf8(void)
{
    return setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

struct report_style style_for(FILE *stream, unsigned color)
{
    return (struct report_style){
        .color = color_wanted((enum color)color, stream),
        .utf8 = locale_is_utf8(),
        .columns = fold_width(stream),
    };
}
