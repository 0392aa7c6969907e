#include "base/clean.h"
#include "base/fact.h"
#include "record/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A field on its way out of an object. */
struct slot {
    struct reader *reader;
    const struct field *field;
    const json_t *object; /* that it stands in; NULL: it is null as a whole */
    const json_t *value;  /* of a type that the field takes, or null; NULL: missing, which is read as null */
    const char *key;
    char *base; /* of the record's structure */
    void *at;   /* of the field there */
};

static void read_fields(struct reader *reader, const struct record *record, const json_t *object, void *base);

/* Goes into a member, or (index >= 0) an item of a list; leave() with what it returned goes back. */
static size_t enter(struct reader *reader, const char *key, long index)
{
    size_t mark = strlen(reader->where), room = sizeof reader->where - mark;
    if (index < 0)
        snprintf(reader->where + mark, room, "%s%s", mark && key[0] ? "." : "", key);
    else
        snprintf(reader->where + mark, room, "%s%s[%ld]", mark && key[0] ? "." : "", key, index);
    return mark;
}

static void leave(struct reader *reader, size_t mark)
{
    reader->where[mark] = 0;
}

static void set_number(const struct field *field, void *at, uint64_t number)
{
    uint32_t narrow = (uint32_t)number;
    if (field->size == sizeof number)
        memcpy(at, &number, sizeof number);
    else
        memcpy(at, &narrow, sizeof narrow);
}

void record_cut(const char *text, char *out, size_t size)
{
    text_clean(text, TEXT_UTF8 | TEXT_KEEP_CONTROLS, out, size);
}

/* Why it is null. */
static const char *reason_beside(const struct slot *slot)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s_reason", slot->key);
    const char *reason = json_string_value(json_object_get(slot->object, beside));
    return reason ? reason : "not told";
}

/* ---- single values ---- */

static void read_text(const struct slot *slot)
{
    const struct field *field = slot->field;
    const char *text = json_string_value(slot->value);
    size_t most = field->kind == FIELD_TEXT ? field->size - 1 : field->most;
    if (text && field->flags & FIELD_WHOLE && (!text[0] || (most && strlen(text) > most)))
        reader_refuse_key(slot->reader, slot->key, "is empty or too long");
    if (field->kind == FIELD_STRING)
        *(const char **)slot->at = text                         ? pool_text(slot->reader->pool, text)
                                   : field->flags & FIELD_PLAIN ? NULL
                                                                : "";
    else if (text)
        record_cut(text, slot->at, field->size);
}

static void read_reason(const struct slot *slot)
{
    const struct field *field = slot->field;
    const char *text = json_string_value(slot->value),
               *general = text && field->size ? field->why(slot->base) : NULL;
    if (text && field->size && (!general || strcmp(general, text) != 0))
        record_cut(text, slot->at, field->size);
}

static void read_real(const struct slot *slot)
{
    double number = json_is_number(slot->value) ? json_number_value(slot->value) : NAN;
    if (fabs(number) > record_most)
        reader_refuse_key(slot->reader, slot->key, "is %g, which is beyond all measure", number);
    if (isnan(number) && slot->field->flags & FIELD_ZERO)
        number = 0;
    memcpy(slot->at, &number, sizeof number);
    if (slot->field->flags & FIELD_KNOWN)
        *(bool *)(slot->base + slot->field->count_offset) = !isnan(number);
}

static uint64_t whole_number(const struct slot *slot, uint64_t most)
{
    json_int_t number = json_integer_value(slot->value);
    if (number < 0 || (uint64_t)number > most)
        reader_refuse_key(slot->reader, slot->key, "is %lld, which counts nothing", (long long)number);
    return (uint64_t)number;
}

static void read_count(const struct slot *slot)
{
    const struct field *field = slot->field;
    uint64_t number = field->other, past;
    int end = 0;
    if (json_is_integer(slot->value))
        number = whole_number(slot, field->size == sizeof number ? INT64_MAX
                                    : field->other               ? INT_MAX
                                                                 : UINT_MAX);
    else if (sscanf(reason_beside(slot), "%20" SCNu64 " is past 2^53%n", &past, &end) == 1 && end)
        number = past; /* which no double could hold */
    set_number(field, slot->at, number);
    if (field->flags & FIELD_KNOWN)
        *(bool *)(slot->base + field->count_offset) = json_is_integer(slot->value) || number != field->other;
}

static void read_flag(const struct slot *slot)
{
    *(bool *)slot->at = json_is_true(slot->value);
}

static void read_enum(const struct slot *slot)
{
    const struct field *field = slot->field;
    const char *name = json_string_value(slot->value), *known;
    size_t i = 0;
    while (name && i < field->name_count && (!(known = field_name(field, i)) || strcmp(name, known) != 0))
        i++;
    bool found = name && i < field->name_count;
    set_number(field, slot->at, found ? i : field->other);
    if (name && !found && !(field->flags & FIELD_OPEN))
        reader_refuse_key(slot->reader, slot->key, "is none that is known");
}

static void read_fact(const struct slot *slot)
{
    struct fact *fact = slot->at;
    const char *text = json_string_value(slot->value);
    fact->known = text || json_is_integer(slot->value);
    if (json_is_integer(slot->value))
        snprintf(fact->text, sizeof fact->text, "%" PRIu64, whole_number(slot, INT64_MAX));
    else
        record_cut(text ? text : reason_beside(slot), fact->text, sizeof fact->text);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct reader_id *)a)->id, ((const struct reader_id *)b)->id);
}

long reader_id(const struct reader *reader, const char *id)
{
    const struct reader_id wanted = {.id = id}, *found = NULL;
    if (reader->id_count)
        found = bsearch(&wanted, reader->ids, reader->id_count, sizeof wanted, compare_ids);
    return found ? (long)found->index : -1;
}

static void read_reference(const struct slot *slot)
{
    const char *id = json_string_value(slot->value);
    long index = id ? reader_id(slot->reader, id) : -1;
    if (index >= 0)
        set_number(slot->field, slot->at, (uint64_t)index);
    else if (id)
        reader_refuse_key(
            slot->reader, slot->key, "names \"%.100s\", which is no %s of it", id, slot->field->of->name);
}

/* ---- what holds others ---- */

static void read_record(const struct slot *slot)
{
    bool object = json_is_object(slot->value);
    if (slot->field->flags & FIELD_MAYBE)
        *(bool *)(slot->base + slot->field->count_offset) = object;
    record_take(slot->field->of, slot->reader, object ? slot->value : NULL, slot->key, slot->at);
}

/* Room for the items of a list: what can be read of `count`. Sets the list's number of items to 0. */
static char *make_room(const struct slot *slot, size_t *count, size_t **used)
{
    const struct field *field = slot->field;
    char *items = slot->at;
    *used = (size_t *)(void *)(slot->base + field->count_offset);
    if (field->limit && *count > field->limit)
        reader_refuse(slot->reader, "%s%s%s: %zu are too many", slot->reader->where,
            slot->reader->where[0] ? "." : "", field->name, *count);
    if (field->most && *count > field->most)
        *count = field->most;
    if (!field->most) {
        items = field->flags & FIELD_POOLED ? pool_room(slot->reader->pool, *count, field_item_bytes(field))
                                            : reader_room(slot->reader, *count, field_item_bytes(field));
        memcpy(slot->at, &items, sizeof items);
    }
    if (!items)
        *count = 0;
    **used = 0;
    return items;
}

static void read_value(const struct slot *slot);

static void read_item(struct reader *reader, const struct field *field, const json_t *value, void *item)
{
    const struct field *bare = field_bare(field);
    if (bare)
        read_value(&(struct slot){reader, bare, NULL, value, "", item, (char *)item + bare->offset});
    else if (!reader_takes(reader, value, "", field->of ? TAKES(JSON_OBJECT) : TAKES(JSON_STRING)))
        return;
    else if (field->of)
        read_fields(reader, field->of, value, item);
    else if (field->size)
        record_cut(json_string_value(value), item, field->size);
    else
        *(const char **)item = pool_text(reader->pool, json_string_value(value));
}

static void make_ids(struct reader *reader, const struct record *record, const char *items, size_t count)
{
    struct reader_id *ids = reader_room(reader, count, sizeof *reader->ids);
    free(reader->ids);
    reader->ids = ids;
    reader->id_count = ids ? count : 0;
    for (size_t i = 0; i < reader->id_count; i++)
        ids[i] = (struct reader_id){field_text(&record->fields[0], items + i * record->bytes), i};
    if (ids)
        qsort(ids, count, sizeof *ids, compare_ids);
    for (size_t i = 1; i < reader->id_count; i++)
        if (!compare_ids(&ids[i - 1], &ids[i]))
            reader_refuse(reader, "the %s %.100s is there twice", record->name, ids[i].id);
}

static void read_list(const struct slot *slot)
{
    struct reader *reader = slot->reader;
    size_t count = json_array_size(slot->value), bytes = field_item_bytes(slot->field), *used;
    if (!slot->value)
        return; /* a hook may have made up for it */
    char *items = make_room(slot, &count, &used);
    for (size_t i = 0; i < count && !reader->status; i++) {
        size_t mark = enter(reader, slot->key, (long)i);
        ++*used; /* also of an item that fails: what it holds is freed */
        read_item(reader, slot->field, json_array_get(slot->value, i), items + i * bytes);
        leave(reader, mark);
    }
    if (slot->field->flags & FIELD_UNIQUE && !reader->status)
        make_ids(reader, slot->field->of, items, count);
}

/* The name of an item, which in the file is the key. */
static void read_name(struct reader *reader, const struct field *name, const char *key, char *item)
{
    char *end;
    if (name->kind == FIELD_TEXT)
        record_cut(key, item + name->offset, name->size);
    else if (name->kind == FIELD_STRING)
        *(const char **)(void *)(item + name->offset) = pool_text(reader->pool, key);
    else {
        errno = 0;
        set_number(name, item + name->offset, strtoull(key, &end, 10));
        if (key[0] < '0' || key[0] > '9' || *end || errno)
            reader_refuse_key(reader, key, "is no number");
    }
}

static void read_one(
    struct reader *reader, const struct field *field, const json_t *object, const char *key, void *base);

static void read_keyed(const struct slot *slot)
{
    struct reader *reader = slot->reader;
    size_t count = json_object_size(slot->value), *used;
    if (!slot->value)
        return;
    char *items = make_room(slot, &count, &used);
    const struct record rest = field_rest(slot->field);
    const char *name;
    json_t *each;
    size_t mark = enter(reader, slot->key, -1);
    json_object_foreach((json_t *)slot->value, name, each)
    {
        if (*used >= count || reader->status)
            break;
        char *item = items + (*used)++ * slot->field->of->bytes;
        read_name(reader, &slot->field->of->fields[0], name, item);
        if (rest.field_count == 1)
            read_one(reader, rest.fields, slot->value, name, item);
        else if (reader_takes(reader, each, name, TAKES(JSON_OBJECT)))
            record_take(&rest, reader, each, name, item);
    }
    leave(reader, mark);
}

/* ---- all kinds ---- */

static const struct {
    unsigned types;
    void (*read)(const struct slot *slot);
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

/* 1.0, as other programs write a whole number that they have read, as one of its own; NULL: it is none. */
static json_t *whole_of(const json_t *value)
{
    double number = json_is_real(value) ? json_real_value(value) : NAN;
    return number == floor(number) && fabs(number) <= 0x1p53 ? json_integer((json_int_t)number) : NULL;
}

static void read_value(const struct slot *slot)
{
    const struct field *field = slot->field;
    unsigned types = readers[field->kind].types | (field_may_be_null(field) ? TAKES(JSON_NULL) : 0);
    bool wanted = slot->value || (slot->object && field->flags & FIELD_NEEDED);
    if (!readers[field->kind].read)
        return;
    json_t *whole = types & TAKES(JSON_INTEGER) && !(types & TAKES(JSON_REAL)) ? whole_of(slot->value) : NULL;
    struct slot as_whole = *slot;
    as_whole.value = whole ? whole : slot->value;
    if (!wanted || reader_takes(slot->reader, as_whole.value, slot->key, types))
        readers[field->kind].read(&as_whole);
    json_decref(whole);
}

static void read_one(
    struct reader *reader, const struct field *field, const json_t *object, const char *key, void *base)
{
    read_value(&(struct slot){
        reader, field, object, json_object_get(object, key), key, base, (char *)base + field->offset});
}

static bool has_field(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_FIELDS ? has_field(field->of, name) : !strcmp(field->name, name))
            return true;
    }
    return false;
}

static void refuse_others(struct reader *reader, const struct record *record, const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        if (!has_field(record, name))
            reader_refuse_key(reader, name, "is not known");
    }
}

/* Of no object at all: all of it is null. */
static void read_fields(struct reader *reader, const struct record *record, const json_t *object, void *base)
{
    if (record->closed)
        refuse_others(reader, record, object);
    for (size_t i = 0; i < record->field_count && !reader->status; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_FIELDS)
            read_fields(reader, field->of, object, (char *)base + field->offset);
        else if (field->kind == FIELD_VARIANT)
            read_fields(reader, field->hook->of_object(object), object, (char *)base + field->offset);
        else if (field->kind == FIELD_HOOK)
            field->hook->read(reader, object, base);
        else
            read_one(reader, field, object, field->name, base);
    }
    if (record->check && object && !reader->status)
        record->check(reader, base);
}

void record_take(
    const struct record *record, struct reader *reader, const json_t *value, const char *key, void *structure)
{
    size_t mark = enter(reader, key, -1);
    read_fields(reader, record, value, structure);
    leave(reader, mark);
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
