#include "report/markup.h"

#include "base/clean.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* What may not stand as it is; the last two are no characters of XML. */
static const struct {
    const char *bytes, *written;
} escapes[] = {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"},
    {"\xef\xbf\xbe", "\xef\xbf\xbd"}, {"\xef\xbf\xbf", "\xef\xbf\xbd"}};

/* Bytes of the first character; where it is cut short, of what there is of it. */
static size_t character_length(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    size_t most = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1, length = 1;
    while (length < most && ((unsigned char)text[length] & 0xc0) == 0x80)
        length++;
    return length;
}

static void write_text(FILE *stream, const char *text)
{
    for (size_t length; text && *text; text += length) {
        char character[5] = "", clean[3 * sizeof character];
        length = character_length(text);
        memcpy(character, text, length);
        text_clean(character, TEXT_UTF8, clean, sizeof clean);
        const char *written = clean;
        for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
            if (!strcmp(clean, escapes[i].bytes))
                written = escapes[i].written;
        fputs(written, stream);
    }
}

void markup(FILE *stream, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    for (const char *at = format; *at; at++) {
        size_t plain = strcspn(at, "%");
        fwrite(at, 1, plain, stream);
        at += plain;
        if (!*at)
            break;
        double number;
        switch (*++at) {
        case 's':
            write_text(stream, va_arg(list, const char *));
            break;
        case 'f':
            number = va_arg(list, double);
            fprintf(stream, "%.5g", isfinite(number) ? round(number * 10) / 10 : 0);
            break;
        case 'd':
            fprintf(stream, "%d", va_arg(list, int));
            break;
        case 'z':
            fprintf(stream, "%zu", va_arg(list, size_t));
            at++;
            break;
        default:
            fputc('%', stream);
        }
    }
    va_end(list);
}

void markup_json(FILE *stream, const char *json)
{
    bool inside = false; /* of a string */
    for (; *json; json++) {
        if (!inside && strchr(" \t\r\n", *json))
            continue;
        if (*json == '"')
            inside = !inside;
        if (*json == '<') {
            fputs("\\u003c", stream);
        } else if (!strncmp(json, "\u2028", 3) || !strncmp(json, "\u2029", 3)) {
            fprintf(stream, "\\u202%c", json[2] == '\xa8' ? '8' : '9');
            json += 2;
        } else {
            fputc(*json, stream);
            if (*json == '\\' && json[1])
                fputc(*++json, stream);
        }
    }
}
