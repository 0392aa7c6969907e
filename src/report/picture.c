#include "report/picture.h"

#include "report/curves.h"
#include "report/gnuplot.h"
#include "report/picture_script.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *extension;
    enum picture_format format;
} formats[] = {{".svg", PICTURE_SVG}, {".png", PICTURE_PNG}};

/* The format that a name asks for, -1 if it asks for none that there is. */
static int format_of(const char *path)
{
    const char *base = strrchr(path, '/');
    const char *dot = strrchr(base ? base + 1 : path, '.');
    for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++)
        if (!strcasecmp(dot, formats[i].extension))
            return (int)formats[i].format;
    return -1;
}

int picture_check_path(const char *path, struct error *error)
{
    if (format_of(path) >= 0)
        return 0;
    return error_set(
        error, EINVAL, "cannot make a picture named \"%.200s\": its name has to end in .svg or .png", path);
}

int picture_check_tool(struct error *error)
{
    return gnuplot_check(error);
}

int picture_write(const struct result *result, const char *path, FILE *stream, struct error *error)
{
    struct curves curves;
    FILE *script;
    int status = picture_check_path(path, error);
    if (!status)
        status = gnuplot_script(&script, error);
    if (status)
        return status;
    status = curves_from_result(result, &curves, error);
    if (!status) {
        status = picture_script(result, &curves, (enum picture_format)format_of(path), script, error);
        curves_free(&curves);
    }
    if (!status)
        status = gnuplot_run(script, stream, error);
    fclose(script);
    return status;
}
