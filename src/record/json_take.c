#include "record/json_take.h"

#include <errno.h>
#include <limits.h>
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

static void refuse(struct take *take, const char *format, va_list list)
{
    char sentence[320];
    vsnprintf(sentence, sizeof sentence, format, list);
    take->status = error_set(take->error, EINVAL, "%.150s is no %s: %s", take->name, take->what, sentence);
}

void take_refuse(struct take *take, const char *format, ...)
{
    va_list list;
    if (take->status)
        return;
    va_start(list, format);
    refuse(take, format, list);
    va_end(list);
}

void take_no_memory(struct take *take)
{
    if (!take->status)
        take->status = error_set(take->error, ENOMEM, "not enough memory to read %.200s", take->name);
}

/* "a text or null" */
static void types_text(unsigned types, char text[96])
{
    size_t used = 0;
    text[0] = 0;
    if (types & TAKE(JSON_REAL)) /* which every whole number is */
        types &= ~TAKE(JSON_INTEGER);
    for (unsigned type = 0; type < KINDS; type++) {
        if (!(types & TAKE(type)))
            continue;
        types &= ~TAKE(type);
        used += (size_t)snprintf(text + used, 96 - used, "%s%s",
            !used   ? ""
            : types ? ", "
                    : " or ",
            kinds[type]);
    }
}

static const char *join(const struct take *take)
{
    return take->where[0] ? "." : "";
}

json_t *take_value(struct take *take, const json_t *object, const char *key, unsigned types)
{
    char wanted[96];
    json_t *value = take->status ? NULL : json_object_get(object, key);
    if (value && TAKE(json_typeof(value)) & types)
        return value;
    types_text(types, wanted);
    if (value)
        take_refuse(take, "%s%s%s is %s and should be %s", take->where, join(take), key,
            kinds[json_typeof(value)], wanted);
    else
        take_refuse(take, "%s%s\"%s\" is missing", take->where, take->where[0] ? ": " : "", key);
    return NULL;
}

char *take_copy(struct take *take, const char *text)
{
    char *copy = take->status ? NULL : strdup(text);
    if (!copy)
        take_no_memory(take);
    return copy;
}

void *take_room(struct take *take, size_t count, size_t size)
{
    void *room = take->status || !count ? NULL : calloc(count, size);
    if (!room && count)
        take_no_memory(take);
    return room;
}

char *take_text(struct take *take, const json_t *object, const char *key)
{
    json_t *value = take_value(take, object, key, TAKE(JSON_STRING));
    return value ? take_copy(take, json_string_value(value)) : NULL;
}

char *take_text_or_null(struct take *take, const json_t *object, const char *key)
{
    json_t *value = take_value(take, object, key, TAKE(JSON_STRING) | TAKE(JSON_NULL));
    return json_is_string(value) ? take_copy(take, json_string_value(value)) : NULL;
}

double take_figure(struct take *take, const json_t *object, const char *key)
{
    json_t *value = take_value(take, object, key, TAKE(JSON_INTEGER) | TAKE(JSON_REAL) | TAKE(JSON_NULL));
    if (!json_is_number(value))
        return NAN;
    double figure = json_number_value(value);
    if (fabs(figure) <= figure_most)
        return figure;
    take_refuse(take, "%s%s%s is %g, which is beyond all measure", take->where, join(take), key, figure);
    return NAN;
}

unsigned take_count(struct take *take, const json_t *object, const char *key)
{
    json_t *value = take_value(take, object, key, TAKE(JSON_INTEGER));
    json_int_t count = json_integer_value(value);
    if (count >= 0 && count <= UINT_MAX)
        return (unsigned)count;
    take_refuse(take, "%s%s%s is %lld, which counts nothing", take->where, join(take), key, (long long)count);
    return 0;
}

bool take_flag(struct take *take, const json_t *object, const char *key)
{
    return json_is_true(take_value(take, object, key, TAKE(JSON_TRUE) | TAKE(JSON_FALSE)));
}
