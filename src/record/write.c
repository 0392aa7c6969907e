#include "record/internal.h"
#include "base/fact.h"
#include "record/json_draft.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t exact_most = UINT64_C(1) << 53;

enum { WHY_BYTES = 240 };

/* What becomes of one field: a value, or null and why. */
struct written {
    json_t *value;      /* NULL: null */
    const char *reason; /* why it is null; NULL: the field's own `missing` */
    char room[WHY_BYTES];
};

static void write_fields(struct draft *draft, const struct record *record, json_t *object, const void *base);

static const char *string_at(const struct field *field, const void *base)
{
    const char *text;
    memcpy(&text, field_at(field, base), sizeof text);
    return text ? text : field->text ? field->text : "";
}

static void write_text(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    const char *text = field->kind == FIELD_STRING ? string_at(field, base) : field_at(field, base);
    if (text[0] || !(field->missing || field->flags & FIELD_PLAIN))
        out->value = draft_text(draft, text);
}

static void write_reason(
    struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    const char *reason = field->why(base);
    if (reason)
        out->value = draft_text(draft, reason);
}

static void write_real(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    double number;
    memcpy(&number, field_at(field, base), sizeof number);
    (void)draft;
    if (isfinite(number) && (number != 0 || !(field->flags & FIELD_ZERO)))
        out->value = json_real(number);
}

static void write_number(uint64_t number, struct written *out)
{
    if (number <= exact_most) {
        out->value = json_integer((json_int_t)number);
        return;
    }
    snprintf(out->room, sizeof out->room, "%" PRIu64 " is past 2^53", number);
    out->reason = out->room;
}

static void write_count(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    uint64_t number = field_number(field, base);
    (void)draft;
    if (!field->missing || number != field->other)
        write_number(number, out);
}

static void write_flag(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    (void)draft;
    out->value = json_boolean(*(const bool *)field_at(field, base));
}

static void write_enum(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    uint64_t number = field_number(field, base);
    (void)draft;
    const char *name = number < field->name_count ? field_name(field, number) : NULL;
    if (name && !(number == field->other && field_may_be_null(field)))
        out->value = json_string(name);
}

static void write_fact(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    const struct fact *fact = field_at(field, base);
    char *end;
    if (!fact->known) {
        out->reason = fact->text;
        return;
    }
    if (field->kind == FIELD_FACT) {
        out->value = draft_text(draft, fact->text);
        return;
    }
    errno = 0;
    unsigned long long count = strtoull(fact->text, &end, 10);
    if (isdigit((unsigned char)fact->text[0]) && !*end && !errno) {
        write_number(count, out);
        return;
    }
    snprintf(out->room, sizeof out->room, "\"%s\" is not a number", fact->text);
    out->reason = out->room;
}

/* NULL: it leads nowhere. */
static const char *named_by_reference(
    const struct draft *draft, const struct field *reference, const void *base)
{
    const struct field *list = field_meant(draft->record, reference->of);
    uint64_t index = field_number(reference, base);
    if (!list || index >= field_count(list, draft->root))
        return NULL;
    const struct field *name = &list->of->fields[0];
    const char *item = (const char *)field_items(list, draft->root) + index * list->of->bytes;
    return name->kind == FIELD_STRING ? string_at(name, item) : field_at(name, item);
}

static void write_reference(
    struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    const char *name = named_by_reference(draft, field, base);
    if (name)
        out->value = draft_text(draft, name);
}

static bool leads_nowhere(const struct draft *draft, const struct record *record, const void *base)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (record->fields[i].kind == FIELD_REFERENCE && !named_by_reference(draft, &record->fields[i], base))
            return true;
    return false;
}

static json_t *object_of(struct draft *draft, const struct record *record, const void *base)
{
    json_t *object = json_object();
    write_fields(draft, record, object, base);
    return object;
}

static void write_record(
    struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    if (!(field->flags & FIELD_MAYBE) || *((const bool *)base + field->count_offset))
        out->value = object_of(draft, field->of, field_at(field, base));
}

static json_t *item_of(struct draft *draft, const struct field *field, const void *item)
{
    const char *text = item;
    if (field->of)
        return object_of(draft, field->of, item);
    if (!field->size)
        memcpy(&text, item, sizeof text);
    return draft_text(draft, text);
}

static void write_list(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    size_t count = field_count(field, base), bytes = field_item_bytes(field);
    const char *items = field_items(field, base);
    if (!count && (field->missing || field->flags & FIELD_SOMETIMES))
        return;
    out->value = json_array();
    for (size_t i = 0; i < count; i++)
        if (!field->of || !leads_nowhere(draft, field->of, items + i * bytes))
            put_item(draft, out->value, item_of(draft, field, items + i * bytes));
}

static void write_keyed(
    struct draft *draft, const struct field *field, const void *base, struct written *out);

static void (*const writers[FIELD_KINDS])(
    struct draft *draft, const struct field *field, const void *base, struct written *out) = {
    [FIELD_TEXT] = write_text,
    [FIELD_STRING] = write_text,
    [FIELD_REASON] = write_reason,
    [FIELD_REAL] = write_real,
    [FIELD_COUNT] = write_count,
    [FIELD_FLAG] = write_flag,
    [FIELD_ENUM] = write_enum,
    [FIELD_FACT] = write_fact,
    [FIELD_FACT_COUNT] = write_fact,
    [FIELD_REFERENCE] = write_reference,
    [FIELD_RECORD] = write_record,
    [FIELD_LIST] = write_list,
    [FIELD_KEYED] = write_keyed,
};

/* Puts `key`, and why it is null beside it. */
static void write_one(
    struct draft *draft, const struct field *field, json_t *object, const char *key, const void *base)
{
    struct written out = {.value = NULL};
    if (field->kind == FIELD_CONSTANT)
        out.value = json_string(field->text);
    else if (field->kind != FIELD_NULL) {
        if (field->why && field->kind != FIELD_REASON)
            out.reason = field->why(base);
        if (!out.reason)
            writers[field->kind](draft, field, base, &out);
    }
    if (out.value)
        put(draft, object, key, out.value);
    else if (field->flags & FIELD_SOMETIMES)
        return;
    else if (field->flags & FIELD_PLAIN || field->kind == FIELD_REASON)
        put(draft, object, key, json_null());
    else
        put_null(draft, object, key, out.reason ? out.reason : field->missing ? field->missing : "");
}

static void write_keyed(struct draft *draft, const struct field *field, const void *base, struct written *out)
{
    size_t count = field_count(field, base);
    const struct field *name = &field->of->fields[0];
    struct record rest = *field->of;
    rest.fields++;
    rest.field_count--;
    if (!count && (field->missing || field->flags & FIELD_SOMETIMES))
        return;
    out->value = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *item = (const char *)field_items(field, base) + i * field->of->bytes;
        char digits[24];
        snprintf(digits, sizeof digits, "%" PRIu64, name->kind == FIELD_COUNT ? field_number(name, item) : 0);
        const char *key = name->kind == FIELD_COUNT    ? digits
                          : name->kind == FIELD_STRING ? string_at(name, item)
                                                       : field_at(name, item);
        if (field_is_pair(field))
            write_one(draft, rest.fields, out->value, key, item);
        else
            put(draft, out->value, key, object_of(draft, &rest, item));
    }
}

static void write_fields(struct draft *draft, const struct record *record, json_t *object, const void *base)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (field->when && !field->when(base))
            continue;
        if (field->kind == FIELD_FIELDS)
            write_fields(draft, field->of, object, field_at(field, base));
        else if (field->kind == FIELD_VARIANT)
            write_fields(draft, field->hook->of_structure(base), object, base);
        else if (field->kind == FIELD_HOOK)
            field->hook->write(draft, object, base);
        else
            write_one(draft, field, object, field->name, base);
    }
}

void record_put(
    const struct record *record, struct draft *draft, json_t *object, const char *key, const void *structure)
{
    put(draft, object, key, object_of(draft, record, structure));
}

int record_write(const struct record *record, const void *structure, json_t **json, struct error *error)
{
    struct draft draft = {.record = record, .root = structure};
    json_t *object = object_of(&draft, record, structure);
    if (draft.failed || !object) {
        json_decref(object);
        return error_set(error, ENOMEM, "not enough memory to write the %s as JSON", record->name);
    }
    *json = object;
    return 0;
}
