#include "report/compare_names.h"

#include <stdio.h>
#include <string.h>

struct part {
    const char *text;
    size_t length;
};

/* The next part of an id, *rest behind it. False at the end. */
static bool next_part(const char **rest, struct part *part)
{
    if (!*rest)
        return false;
    *part = (struct part){*rest, strcspn(*rest, "/")};
    *rest = part->text[part->length] ? part->text + part->length + 1 : NULL;
    return true;
}

static size_t count_parts(const char *id)
{
    size_t count = 1;
    for (; *id; id++)
        count += *id == '/';
    return count;
}

static void note_differences(struct compare_names *names, const char *a, const char *b)
{
    struct part x, y;
    for (size_t i = 0; i < names->parts && next_part(&a, &x) && next_part(&b, &y); i++)
        names->varies[i] |= x.length != y.length || memcmp(x.text, y.text, x.length) != 0;
}

struct compare_names compare_names_of(const struct compared_rows *rows)
{
    struct compare_names names = {.parts = rows->count > 1 ? count_parts(rows->rows[0].id) : 0};
    for (size_t i = 1; i < rows->count; i++)
        if (count_parts(rows->rows[i].id) != names.parts || names.parts > NAME_PARTS_MAX)
            return (struct compare_names){0};
    for (size_t i = 1; i < rows->count; i++)
        note_differences(&names, rows->rows[0].id, rows->rows[i].id);
    return names;
}

/* Appends a part behind a "/"; what does not fit is cut. */
static void append(char name[static NAME_BYTES], const char *text, size_t length)
{
    size_t used = strlen(name);
    snprintf(name + used, NAME_BYTES - used, "%s%.*s", used ? "/" : "", (int)length, text);
}

void compare_name(const struct compare_names *names, const char *id, char name[static NAME_BYTES])
{
    struct part part;
    const char *rest = id;
    name[0] = 0;
    if (!names->parts)
        snprintf(name, NAME_BYTES, "%s", id);
    for (size_t i = 0; i < names->parts && next_part(&rest, &part); i++)
        if (names->varies[i])
            append(name, part.text, part.length);
}

void compare_names_frame(const struct compare_names *names, const char *id, char frame[static NAME_BYTES])
{
    struct part part;
    const char *rest = id;
    frame[0] = 0;
    for (size_t i = 0; i < names->parts && next_part(&rest, &part); i++)
        append(frame, names->varies[i] ? "*" : part.text, names->varies[i] ? 1 : part.length);
}
