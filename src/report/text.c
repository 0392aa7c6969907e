#include "report/text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static const char *const inks[INK_KINDS] = {[INK_PLAIN] = "",
    [INK_HEADING] = "\033[1m",
    [INK_FAINT] = "\033[2m",
    [INK_WARNING] = "\033[33m",
    [INK_SLOWER] = "\033[31m",
    [INK_FASTER] = "\033[32m"};

const char *style_on(const struct report_style *style, enum ink ink)
{
    return style->color ? inks[ink] : "";
}

const char *style_off(const struct report_style *style, enum ink ink)
{
    return style->color && inks[ink][0] ? "\033[0m" : "";
}

/* Bytes of the first `columns` characters, or of all where there are fewer. */
static size_t bytes_of_columns(const char *clean, size_t columns)
{
    size_t bytes = 0;
    for (; clean[bytes]; bytes++)
        if (text_columns_of(clean + bytes, 1) && columns-- == 0)
            break;
    return bytes;
}

void text_cut(char *clean, size_t columns, const struct report_style *style)
{
    const char *mark = style->utf8 ? "…" : "..";
    size_t mark_columns = text_columns(mark), length = strlen(clean), end;
    if (text_columns(clean) <= columns)
        return;
    if (columns <= mark_columns)
        mark = "";
    else
        columns -= mark_columns;
    /* In place: the mark must not take more bytes than there were, so give up characters until it fits. */
    while ((end = bytes_of_columns(clean, columns)) + strlen(mark) > length && columns)
        columns--;
    if (end + strlen(mark) > length)
        mark = "";
    memcpy(clean + end, mark, strlen(mark) + 1);
}

char *text_cleaned(struct pool *pool, const char *text, const struct report_style *style)
{
    size_t size = text ? 3 * strlen(text) + 1 : 1;
    char *clean = pool_room(pool, size, 1);
    if (!clean)
        return "";
    text_clean(text ? text : "", style->utf8 ? TEXT_UTF8 : TEXT_ASCII, clean, size);
    return clean;
}

size_t text_line(const char *text, size_t columns)
{
    size_t most = bytes_of_columns(text, columns);
    if (!text[most])
        return most;
    for (size_t end = most; end > 0; end--)
        if (text[end] == ' ' && !isdigit((unsigned char)text[end - 1]))
            return end;
    return most;
}

void text_wrap(FILE *stream, const char *first, const char *clean, unsigned columns)
{
    size_t indent = text_columns(first), room = SIZE_MAX;
    if (columns)
        room = columns > indent + 10 ? columns - indent : 10;
    fputs(first, stream);
    for (const char *rest = clean; *rest;) {
        size_t length = text_line(rest, room);
        if (rest != clean)
            fprintf(stream, "%*s", (int)indent, "");
        fprintf(stream, "%.*s\n", (int)length, rest);
        rest += length;
        while (*rest == ' ')
            rest++;
    }
    if (!*clean)
        fputc('\n', stream);
}
