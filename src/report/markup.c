#include "base/clean.h"
#include "report/formats.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* What may not stand as it is; the last two are no characters of XML. */
static const struct {
    const char *bytes, *written;
} escapes[] = {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"},
    {"\xef\xbf\xbe", "\xef\xbf\xbd"}, {"\xef\xbf\xbf", "\xef\xbf\xbd"}};

/* A character at a time, or what there is of one. */
static void write_text(FILE *stream, const char *text)
{
    for (size_t length = 1; text && *text; text += length, length = 1) {
        char character[5] = "", clean[3 * sizeof character];
        while (length < 4 && (unsigned char)*text >= 0xc0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length++;
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
    for (double number; *format; format++) {
        size_t plain = strcspn(format, "%");
        fwrite(format, 1, plain, stream);
        format += plain;
        if (!*format)
            break;
        switch (*++format) {
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
            format++;
            break;
        default:
            fputc('%', stream);
        }
    }
    va_end(list);
}
