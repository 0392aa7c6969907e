#include "record/reader.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this no time, size or share is anything but a mistake. */
static const double figure_most = 1e18;

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
    text[0] = 0;
    if (types & TAKES(JSON_REAL)) /* which every whole number is */
        types &= ~TAKES(JSON_INTEGER);
    for (unsigned type = 0; type < KINDS; type++) {
        if (!(types & TAKES(type)))
            continue;
        types &= ~TAKES(type);
        used += (size_t)snprintf(text + used, 96 - used, "%s%s",
            !used   ? ""
            : types ? ", "
                    : " or ",
            kinds[type]);
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

const json_t *reader_value(struct reader *reader, const json_t *object, const char *key, unsigned types)
{
    const json_t *value = json_object_get(object, key);
    return reader_takes(reader, value, key, types) ? value : NULL;
}

double reader_figure(struct reader *reader, const json_t *value, const char *key)
{
    if (!json_is_number(value))
        return NAN;
    double figure = json_number_value(value);
    if (fabs(figure) <= figure_most)
        return figure;
    reader_refuse_key(reader, key, "is %g, which is beyond all measure", figure);
    return NAN;
}

size_t reader_enter(struct reader *reader, const char *key, long index)
{
    size_t mark = strlen(reader->where), room = sizeof reader->where - mark;
    if (index < 0)
        snprintf(reader->where + mark, room, "%s%s", mark && key[0] ? "." : "", key);
    else
        snprintf(reader->where + mark, room, "%s%s[%ld]", mark && key[0] ? "." : "", key, index);
    return mark;
}

void reader_leave(struct reader *reader, size_t mark)
{
    reader->where[mark] = 0;
}
