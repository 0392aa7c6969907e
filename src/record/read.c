#include "record/internal.h"

#include "base/clean.h"
#include "base/fact.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void read_fields(struct reader *reader, const struct record *record, const json_t *object, void *base);

static void *room_at(const struct field *field, void *base)
{
    return (char *)base + field->offset;
}

static void set_number(const struct field *field, void *base, uint64_t number)
{
    uint32_t narrow = (uint32_t)number;
    if (field->size == sizeof number)
        memcpy(room_at(field, base), &number, sizeof number);
    else
        memcpy(room_at(field, base), &narrow, sizeof narrow);
}

void record_cut(const char *text, char *out, size_t size)
{
    text_clean(text, TEXT_UTF8 | TEXT_KEEP_CONTROLS, out, size);
}

/* The reason beside a null. */
static const char *reason_beside(const json_t *object, const char *key)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s_reason", key);
    const char *reason = json_string_value(json_object_get(object, beside));
    return reason ? reason : "not told";
}

/* ---- single values ---- */

static void check_whole(struct reader *reader, const struct field *field, const char *key, const char *text)
{
    size_t most = field->kind == FIELD_TEXT ? field->size - 1 : field->most;
    if (field->flags & FIELD_WHOLE && (!text[0] || (most && strlen(text) > most)))
        reader_refuse_key(reader, key, "is empty or too long");
}

static void read_text(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    const char *text = json_string_value(value);
    if (!text)
        return;
    check_whole(reader, field, key, text);
    if (field->kind == FIELD_TEXT)
        record_cut(text, room_at(field, base), field->size);
    else
        *(const char **)room_at(field, base) = pool_text(reader->pool, text);
}

static void read_reason(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    const char *text = json_string_value(value), *general = text && field->size ? field->why(base) : NULL;
    (void)reader;
    (void)key;
    if (text && field->size && (!general || strcmp(general, text) != 0))
        record_cut(text, room_at(field, base), field->size);
}

static void read_real(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    double number = reader_figure(reader, value, key);
    if (isnan(number) && field->flags & FIELD_ZERO)
        number = 0;
    memcpy(room_at(field, base), &number, sizeof number);
    if (field->flags & FIELD_KNOWN)
        *((bool *)base + field->count_offset) = !isnan(number);
}

/* A number past 2^53 is told by the reason for being null. */
static uint64_t number_past(const char *reason, uint64_t otherwise)
{
    uint64_t number;
    int end = 0;
    return sscanf(reason, "%20" SCNu64 " is past 2^53%n", &number, &end) == 1 && end ? number : otherwise;
}

static uint64_t whole_number(
    struct reader *reader, const json_t *value, const char *key, uint64_t most, uint64_t otherwise)
{
    json_int_t number = json_integer_value(value);
    if (number >= 0 && (uint64_t)number <= most)
        return (uint64_t)number;
    reader_refuse_key(reader, key, "is %lld, which counts nothing", (long long)number);
    return otherwise;
}

static void read_count(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    uint64_t most = field->size == sizeof(uint64_t) ? INT64_MAX : field->other ? INT_MAX : UINT_MAX;
    if (json_is_integer(value))
        set_number(field, base, whole_number(reader, value, key, most, field->other));
    if (field->flags & FIELD_KNOWN)
        *((bool *)base + field->count_offset) =
            json_is_integer(value) || field_number(field, base) != field->other; /* past 2^53 */
}

static void read_flag(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    (void)reader;
    (void)key;
    *(bool *)room_at(field, base) = json_is_true(value);
}

static void read_enum(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < field->name_count; i++)
        if (field_name(field, i) && !strcmp(name, field_name(field, i))) {
            set_number(field, base, i);
            return;
        }
    if (name && !(field->flags & FIELD_OPEN))
        reader_refuse_key(reader, key, "is none that is known");
}

static void read_fact(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    struct fact *fact = room_at(field, base);
    fact->known = !json_is_null(value);
    if (json_is_string(value))
        record_cut(json_string_value(value), fact->text, sizeof fact->text);
    else if (json_is_integer(value))
        snprintf(fact->text, sizeof fact->text, "%" PRIu64, whole_number(reader, value, key, INT64_MAX, 0));
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct reader_id *)a)->id, ((const struct reader_id *)b)->id);
}

static void read_reference(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    const struct reader_id wanted = {.id = json_string_value(value)}, *found = NULL;
    if (reader->id_count)
        found = bsearch(&wanted, reader->ids, reader->id_count, sizeof wanted, compare_ids);
    if (found)
        set_number(field, base, found->index);
    else
        reader_refuse_key(reader, key, "names \"%.100s\", which is no %s of it", wanted.id, field->of->name);
}

/* ---- what holds others ---- */

static void read_record(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    if (field->flags & FIELD_MAYBE)
        *((bool *)base + field->count_offset) = json_is_object(value);
    if (json_is_object(value))
        record_take(field->of, reader, value, key, room_at(field, base));
}

/* Room for the items of a list: what can be read of `count`. Sets the list's number of items to 0. */
static char *make_room(
    struct reader *reader, const struct field *field, void *base, size_t *count, size_t **used)
{
    char *items = room_at(field, base);
    *used = (size_t *)(void *)((char *)base + field->count_offset);
    if (field->limit && *count > field->limit)
        reader_refuse(reader, "%s: %zu are too many", field->name, *count);
    if (field->most && *count > field->most)
        *count = field->most;
    if (!field->most) {
        items = reader_room(reader, *count, field_item_bytes(field));
        memcpy(room_at(field, base), &items, sizeof items);
    }
    if (!items)
        *count = 0;
    **used = 0;
    return items;
}

static void read_item(struct reader *reader, const struct field *field, const json_t *value, void *item)
{
    if (!reader_takes(reader, value, "", field->of ? TAKES(JSON_OBJECT) : TAKES(JSON_STRING)))
        return;
    if (field->of)
        read_fields(reader, field->of, value, item);
    else if (field->size)
        record_cut(json_string_value(value), item, field->size);
    else
        *(const char **)item = pool_text(reader->pool, json_string_value(value));
}

static void make_ids(struct reader *reader, const struct field *field, const char *items, size_t count)
{
    const struct field *name = &field->of->fields[0];
    reader->ids = reader_room(reader, count, sizeof *reader->ids);
    for (size_t i = 0; reader->ids && i < count; i++) {
        const char *item = items + i * field->of->bytes;
        const char *id = field_at(name, item);
        if (name->kind == FIELD_STRING)
            memcpy(&id, field_at(name, item), sizeof id);
        reader->ids[i] = (struct reader_id){id, i};
    }
    if (!reader->ids)
        return;
    reader->id_count = count;
    qsort(reader->ids, count, sizeof *reader->ids, compare_ids);
    for (size_t i = 1; i < count; i++)
        if (!compare_ids(&reader->ids[i - 1], &reader->ids[i]))
            reader_refuse(reader, "the %s %.100s is there twice", field->of->name, reader->ids[i].id);
}

static void read_list(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    size_t count = json_array_size(value), bytes = field_item_bytes(field), *used;
    char *items = make_room(reader, field, base, &count, &used);
    for (size_t i = 0; i < count && !reader->status; i++) {
        size_t mark = reader_enter(reader, key, (long)i);
        ++*used; /* also of an item that fails: what it holds is freed */
        read_item(reader, field, json_array_get(value, i), items + i * bytes);
        reader_leave(reader, mark);
    }
    if (field->flags & FIELD_UNIQUE && !reader->status)
        make_ids(reader, field, items, count);
}

static void read_name(struct reader *reader, const struct field *name, const char *key, void *item)
{
    char *end;
    if (name->kind == FIELD_TEXT)
        record_cut(key, room_at(name, item), name->size);
    else if (name->kind == FIELD_STRING)
        *(const char **)room_at(name, item) = pool_text(reader->pool, key);
    else {
        errno = 0;
        uint64_t number = strtoull(key, &end, 10);
        set_number(name, item, number);
        if (key[0] < '0' || key[0] > '9' || *end || errno)
            reader_refuse_key(reader, key, "is no number");
    }
}

static void read_one(struct reader *reader, const struct field *field, const json_t *object,
    const json_t *value, const char *key, void *base);

static void read_keyed(
    struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base)
{
    size_t count = json_object_size(value), *used;
    char *items = make_room(reader, field, base, &count, &used);
    struct record rest = *field->of;
    const char *name;
    json_t *each;
    rest.fields++;
    rest.field_count--;
    size_t mark = reader_enter(reader, key, -1);
    json_object_foreach((json_t *)value, name, each)
    {
        if (*used >= count || reader->status)
            break;
        char *item = items + (*used)++ * field->of->bytes;
        read_name(reader, &field->of->fields[0], name, item);
        if (field_is_pair(field))
            read_one(reader, rest.fields, value, each, name, item);
        else if (reader_takes(reader, each, name, TAKES(JSON_OBJECT)))
            record_take(&rest, reader, each, name, item);
    }
    reader_leave(reader, mark);
}

/* ---- all kinds ---- */

static const struct {
    unsigned types;
    void (*read)(
        struct reader *reader, const struct field *field, const json_t *value, const char *key, void *base);
} readers[FIELD_KINDS] = {
    [FIELD_TEXT] = {TAKES(JSON_STRING), read_text},
    [FIELD_STRING] = {TAKES(JSON_STRING), read_text},
    [FIELD_REASON] = {TAKES(JSON_STRING), read_reason},
    [FIELD_REAL] = {TAKES(JSON_INTEGER) | TAKES(JSON_REAL), read_real},
    [FIELD_COUNT] = {TAKES(JSON_INTEGER), read_count},
    [FIELD_FLAG] = {TAKES(JSON_TRUE) | TAKES(JSON_FALSE), read_flag},
    [FIELD_ENUM] = {TAKES(JSON_STRING), read_enum},
    [FIELD_FACT] = {TAKES(JSON_STRING), read_fact},
    [FIELD_FACT_COUNT] = {TAKES(JSON_INTEGER), read_fact},
    [FIELD_REFERENCE] = {TAKES(JSON_STRING), read_reference},
    [FIELD_RECORD] = {TAKES(JSON_OBJECT), read_record},
    [FIELD_LIST] = {TAKES(JSON_ARRAY), read_list},
    [FIELD_KEYED] = {TAKES(JSON_OBJECT), read_keyed},
};

/* As what is null or missing. */
static void set_null(
    struct reader *reader, const struct field *field, const json_t *object, const char *key, void *base)
{
    json_t *nothing;
    switch (field->kind) {
    case FIELD_REAL:
        read_real(reader, field, NULL, key, base);
        break;
    case FIELD_STRING:
        *(const char **)room_at(field, base) = "";
        break;
    case FIELD_COUNT:
        set_number(field, base, number_past(reason_beside(object, key), field->other));
        break;
    case FIELD_ENUM:
        set_number(field, base, field->other);
        break;
    case FIELD_FACT:
    case FIELD_FACT_COUNT:
        record_cut(reason_beside(object, key), ((struct fact *)room_at(field, base))->text,
            sizeof((struct fact *)NULL)->text);
        break;
    case FIELD_RECORD:
        nothing = json_object();
        if (nothing)
            read_fields(&(struct reader){.name = "", .what = "", .pool = reader->pool}, field->of, nothing,
                room_at(field, base));
        else
            reader_no_memory(reader);
        json_decref(nothing);
        break;
    default:
        break;
    }
}

static void read_one(struct reader *reader, const struct field *field, const json_t *object,
    const json_t *value, const char *key, void *base)
{
    unsigned types = readers[field->kind].types | (field_may_be_null(field) ? TAKES(JSON_NULL) : 0);
    if (!types || !readers[field->kind].read)
        return;
    if (field->kind != FIELD_RECORD || !json_is_object(value))
        set_null(reader, field, object, key, base);
    if (!value && !(field->flags & FIELD_NEEDED))
        return;
    if (reader_takes(reader, value, key, types))
        readers[field->kind].read(reader, field, value, key, base);
}

static void read_fields(struct reader *reader, const struct record *record, const json_t *object, void *base)
{
    for (size_t i = 0; i < record->field_count && !reader->status; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_FIELDS)
            read_fields(reader, field->of, object, room_at(field, base));
        else if (field->kind == FIELD_VARIANT)
            read_fields(reader, field->hook->of_object(object), object, base);
        else if (field->kind == FIELD_HOOK)
            field->hook->read(reader, object, base);
        else
            read_one(reader, field, object, json_object_get(object, field->name), field->name, base);
    }
    if (record->check && !reader->status)
        record->check(reader, base);
}

void record_take(
    const struct record *record, struct reader *reader, const json_t *value, const char *key, void *structure)
{
    size_t mark = reader_enter(reader, key, -1);
    read_fields(reader, record, value, structure);
    reader_leave(reader, mark);
}

int record_read(const struct record *record, const json_t *json, void *structure, struct reader *reader)
{
    read_fields(reader, record, json, structure);
    free(reader->ids);
    reader->ids = NULL;
    reader->id_count = 0;
    if (reader->pool->failed)
        reader_no_memory(reader);
    return reader->status;
}
