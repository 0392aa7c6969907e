#include "record/internal.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const kinds[] = {
    [JSON_OBJECT] = "an object",
    [JSON_ARRAY] = "a list",
    [JSON_STRING] = "a text",
    [JSON_INTEGER] = "a whole number",
    [JSON_REAL] = "a number",
    [JSON_TRUE] = "true",
    [JSON_FALSE] = "false",
    [JSON_NULL] = "null",
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void refuse(
    struct reader *reader, const char *place, const char *key, const char *format, va_list list)
{
    char sentence[320];
    if (reader->status)
        return;
    vsnprintf(sentence, sizeof sentence, format, list);
    reader->status = error_set(reader->error, EINVAL, "%.150s is no %s: %s%s%s%s%s", reader->name,
        reader->what, place, place[0] && key[0] ? "." : "", key, place[0] || key[0] ? " " : "", sentence);
}

void reader_refuse(struct reader *reader, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    refuse(reader, "", "", format, list);
    va_end(list);
}

void reader_refuse_key(struct reader *reader, const char *key, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    refuse(reader, reader->where, key, format, list);
    va_end(list);
}

static bool is_above(double a, double b)
{
    return a > b && a - b > 1e-9 * fabs(b);
}

void reader_interval(struct reader *reader, const char *what, double low, double figure, double high)
{
    if (is_above(low, figure) || is_above(figure, high) || is_above(low, high))
        reader_refuse(reader, "%s: the %s lies outside of its interval", reader->where, what);
}

void reader_no_memory(struct reader *reader)
{
    if (!reader->status)
        reader->status = error_set(reader->error, ENOMEM, "not enough memory to read %.200s", reader->name);
}

void *reader_room(struct reader *reader, size_t count, size_t size)
{
    void *room = reader->status || !count ? NULL : calloc(count, size);
    if (!room && count)
        reader_no_memory(reader);
    return room;
}

/* "a text or null" */
static void types_text(unsigned types, char text[96])
{
    size_t used = 0;
    if (types & TAKES(JSON_REAL)) /* which every whole number is */
        types &= ~TAKES(JSON_INTEGER);
    for (unsigned type = 0; type < KINDS; type++) {
        const char *before = !used ? "" : types >> type == 1 ? " or " : ", ";
        if (types & TAKES(type))
            used += (size_t)snprintf(text + used, 96 - used, "%s%s", before, kinds[type]);
    }
}

bool reader_takes(struct reader *reader, const json_t *value, const char *key, unsigned types)
{
    char wanted[96];
    if (reader->status)
        return false;
    if (value && TAKES(json_typeof(value)) & types)
        return true;
    types_text(types, wanted);
    if (value)
        reader_refuse_key(reader, key, "is %s and should be %s", kinds[json_typeof(value)], wanted);
    else
        reader_refuse(reader, "%s%s\"%s\" is missing", reader->where, reader->where[0] ? ": " : "", key);
    return false;
}
