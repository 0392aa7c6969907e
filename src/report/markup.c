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

static void write_escaped(FILE *stream, const char *clean)
{
    while (*clean) {
        size_t plain = strcspn(clean, "&<>\"'\xef"), e = 0;
        fwrite(clean, 1, plain, stream);
        clean += plain;
        while (e < sizeof escapes / sizeof *escapes &&
               strncmp(clean, escapes[e].bytes, strlen(escapes[e].bytes)) != 0)
            e++;
        if (e < sizeof escapes / sizeof *escapes) {
            fputs(escapes[e].written, stream);
            clean += strlen(escapes[e].bytes);
        } else if (*clean) {
            fputc(*clean++, stream);
        }
    }
}

static void write_text(FILE *stream, const char *text)
{
    char piece[256], clean[3 * sizeof piece];
    for (size_t left = text ? strlen(text) : 0; left;) {
        size_t length = left < sizeof piece ? left : sizeof piece - 1;
        /* a character is not cut in two: its later bytes are 10xxxxxx */
        for (int i = 0; length < left && i < 3 && ((unsigned char)text[length] & 0xc0) == 0x80; i++)
            length--;
        memcpy(piece, text, length);
        piece[length] = 0;
        text_clean(piece, TEXT_UTF8, clean, sizeof clean);
        write_escaped(stream, clean);
        text += length;
        left -= length;
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
