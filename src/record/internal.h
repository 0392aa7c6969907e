/* What reading, writing and describing a record share. */
#ifndef VCOST_RECORD_INTERNAL_H
#define VCOST_RECORD_INTERNAL_H

#include "record/record.h"

#include <string.h>

/* Remembers a lack of memory. */
void reader_no_memory(struct reader *reader);

static inline const void *field_at(const struct field *field, const void *base)
{
    return (const char *)base + field->offset;
}

/* A whole number of 4 or 8 bytes; of fewer than 8 by its bits, so that -1 is UINT32_MAX. */
static inline uint64_t field_number(const struct field *field, const void *base)
{
    uint32_t narrow;
    uint64_t wide;
    if (field->size == sizeof wide) {
        memcpy(&wide, field_at(field, base), sizeof wide);
        return wide;
    }
    memcpy(&narrow, field_at(field, base), sizeof narrow);
    return narrow;
}

/* Of a text in place or a string; NULL: it is null. */
static inline const char *field_text(const struct field *field, const void *base)
{
    const char *text = field_at(field, base);
    if (field->kind != FIELD_STRING)
        return text;
    memcpy(&text, field_at(field, base), sizeof text);
    return text || field->flags & FIELD_PLAIN ? text : field->text ? field->text : "";
}

static inline size_t field_item_bytes(const struct field *field)
{
    return field->of ? field->of->bytes : field->size ? field->size : sizeof(const char *);
}

/* Of a list: what its items are if no objects of their own; NULL: they are. */
static inline const struct field *field_bare(const struct field *list)
{
    return list->of && !list->of->fields[0].name ? list->of->fields : NULL;
}

/* A name of an enum; NULL: it has none. */
static inline const char *field_name(const struct field *field, size_t number)
{
    const char *name;
    memcpy(&name, (const char *)field->names + number * field->name_stride, sizeof name);
    return name;
}

/* May it be null in a file? A number that a double would round is. */
static inline bool field_may_be_null(const struct field *field)
{
    const unsigned unknown =
        1u << FIELD_NULL | 1u << FIELD_REASON | 1u << FIELD_REAL | 1u << FIELD_FACT | 1u << FIELD_FACT_COUNT;
    bool wide = field->kind == FIELD_COUNT && field->size == sizeof(uint64_t);
    return unknown >> field->kind & 1 || wide || field->missing || field->why ||
           field->flags & (FIELD_PLAIN | FIELD_MAYBE);
}

/* Of a keyed list: what there is of an item besides its name. A single field is the value itself. */
static inline struct record field_rest(const struct field *field)
{
    struct record rest = *field->of;
    rest.fields++;
    rest.field_count--;
    return rest;
}

#endif
