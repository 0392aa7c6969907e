/* What reading, writing and describing a record share. */
#ifndef VCOST_RECORD_INTERNAL_H
#define VCOST_RECORD_INTERNAL_H

#include "record/record.h"

#include <string.h>

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

static inline size_t field_item_bytes(const struct field *field)
{
    return field->of ? field->of->bytes : field->size ? field->size : sizeof(const char *);
}

static inline size_t field_count(const struct field *field, const void *base)
{
    size_t count;
    memcpy(&count, (const char *)base + field->count_offset, sizeof count);
    return count;
}

/* A name of an enum; NULL: it has none. */
static inline const char *field_name(const struct field *field, size_t number)
{
    const char *name;
    memcpy(&name, (const char *)field->names + number * field->name_stride, sizeof name);
    return name;
}

/* The first item of a list. */
static inline const void *field_items(const struct field *field, const void *base)
{
    const void *items = field_at(field, base);
    if (!field->most)
        memcpy(&items, field_at(field, base), sizeof items);
    return items;
}

/* May it be null in a file? A number that a double would round is. */
static inline bool field_may_be_null(const struct field *field)
{
    switch (field->kind) {
    case FIELD_NULL:
    case FIELD_REASON:
    case FIELD_REAL:
    case FIELD_FACT:
    case FIELD_FACT_COUNT:
        return true;
    case FIELD_COUNT:
        if (field->size == sizeof(uint64_t))
            return true;
        break;
    default:
        break;
    }
    return field->missing || field->why || field->flags & (FIELD_PLAIN | FIELD_MAYBE);
}

/* The root's list that a reference means; NULL if there is none. */
static inline const struct field *field_meant(const struct record *root, const struct record *of)
{
    for (size_t i = 0; root && i < root->field_count; i++)
        if (root->fields[i].kind == FIELD_LIST && root->fields[i].of == of)
            return &root->fields[i];
    return NULL;
}

/* Is the value of a keyed list its second field alone? */
static inline bool field_is_pair(const struct field *field)
{
    return field->of->field_count == 2;
}

#endif
