#include "report/formats.h"

#include <string.h>

static const struct format formats[] = {
    {"terminal", NULL, "for people, as the commands write it", to_terminal, NULL},
    {"markdown", ".md", "for GitHub and its kin", to_markdown, NULL},
    {"csv", ".csv", "the figures, comma-separated", to_csv, NULL},
    {"html", ".html", "one page for a browser, with pictures and data", to_html, NULL},
    {"svg", ".svg", "the pictures", to_svg, NULL},
    {"png", ".png", "the pictures in dots", to_png, to_png_check},
};
enum { FORMATS = sizeof formats / sizeof *formats };

const struct format *format_at(size_t index)
{
    return index < FORMATS ? &formats[index] : NULL;
}

const struct format *format_named(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (!strcmp(formats[i].name, name))
            return &formats[i];
    return NULL;
}

const struct format *format_of_path(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < FORMATS; i++) {
        size_t extension = formats[i].extension ? strlen(formats[i].extension) : length;
        if (extension < length && !strcmp(path + length - extension, formats[i].extension))
            return &formats[i];
    }
    return NULL;
}
