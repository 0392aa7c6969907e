#include "base/clean.h"
#include "base/fact.h"
#include "record/internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t exact_most = UINT64_C(1) << 53;

enum { WHY_BYTES = 240 };

/* A field on its way into an object. */
struct slot {
    struct draft *draft;
    const struct field *field;
    const void *base;
    const char *reason; /* why it is null; NULL: the field's own `missing` */
    char room[WHY_BYTES];
};

void put(struct draft *draft, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        draft->failed = true;
}

void put_item(struct draft *draft, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value))
        draft->failed = true;
}

json_t *draft_text(struct draft *draft, const char *text)
{
    size_t size = 3 * strlen(text) + 1;
    char *clean = malloc(size);
    if (clean)
        text_clean(text, TEXT_UTF8 | TEXT_KEEP_CONTROLS, clean, size);
    json_t *value = clean ? json_string(clean) : NULL;
    free(clean);
    draft->failed |= !value;
    return value;
}

void put_text(struct draft *draft, json_t *object, const char *key, const char *text)
{
    put(draft, object, key, draft_text(draft, text));
}

json_t *draft_number(double number)
{
    char digits[32];
    if (!isfinite(number))
        return json_null();
    if (number != floor(number)) {
        snprintf(digits, sizeof digits, "%.10g", number);
        double rounded = strtod(digits, NULL);
        if (rounded != floor(rounded))
            return json_real(number);
        number = rounded;
    }
    return fabs(number) <= 0x1p53 ? json_integer((json_int_t)number) : json_real(number);
}

/* ---- the kinds: a value, or NULL for null ---- */

static json_t *write_constant(struct slot *slot)
{
    return json_string(slot->field->text);
}

static json_t *write_text(struct slot *slot)
{
    const struct field *field = slot->field;
    const char *text = field_text(field, slot->base);
    bool by_length = field->missing || (field->kind == FIELD_TEXT && field->flags & FIELD_PLAIN);
    bool null = !text || (!text[0] && by_length);
    return null ? NULL : draft_text(slot->draft, text);
}

static json_t *write_real(struct slot *slot)
{
    double number;
    memcpy(&number, field_at(slot->field, slot->base), sizeof number);
    if (isfinite(number) && fabs(number) > record_most)
        slot->reason = "it came out beyond all measure";
    bool known = fabs(number) <= record_most && (number != 0 || !(slot->field->flags & FIELD_ZERO));
    return !known ? NULL : slot->field->flags & FIELD_DIGITS ? draft_number(number) : json_real(number);
}

static json_t *write_number(struct slot *slot, uint64_t number)
{
    if (number <= exact_most)
        return json_integer((json_int_t)number);
    snprintf(slot->room, sizeof slot->room, "%" PRIu64 " is past 2^53", number);
    slot->reason = slot->room;
    return NULL;
}

static json_t *write_count(struct slot *slot)
{
    uint64_t number = field_number(slot->field, slot->base);
    return slot->field->missing && number == slot->field->other ? NULL : write_number(slot, number);
}

static json_t *write_flag(struct slot *slot)
{
    bool flag = *(const bool *)field_at(slot->field, slot->base);
    return flag || !(slot->field->flags & FIELD_SOMETIMES) ? json_boolean(flag) : NULL;
}

static json_t *write_enum(struct slot *slot)
{
    const struct field *field = slot->field;
    uint64_t number = field_number(field, slot->base);
    const char *name = number < field->name_count ? field_name(field, number) : NULL;
    return name && !(number == field->other && field_may_be_null(field)) ? json_string(name) : NULL;
}

static json_t *write_fact(struct slot *slot)
{
    const struct fact *fact = field_at(slot->field, slot->base);
    char *end;
    if (!fact->known) {
        slot->reason = fact->text;
        return NULL;
    }
    if (slot->field->kind == FIELD_FACT)
        return draft_text(slot->draft, fact->text);
    errno = 0;
    unsigned long long count = strtoull(fact->text, &end, 10);
    if (isdigit((unsigned char)fact->text[0]) && !*end && !errno)
        return write_number(slot, count);
    snprintf(slot->room, sizeof slot->room, "\"%s\" is not a number", fact->text);
    slot->reason = slot->room;
    return NULL;
}

/* The items of a list, and how many they are. */
static const char *items_of(const struct field *field, const void *base, size_t *count)
{
    const char *items = field_at(field, base);
    memcpy(count, (const char *)base + field->count_offset, sizeof *count);
    if (!field->most)
        memcpy(&items, field_at(field, base), sizeof items);
    return items;
}

/* The name of the item of the root's list that a reference means; NULL: it leads nowhere. */
static const char *named_by_reference(
    const struct draft *draft, const struct field *reference, const void *base)
{
    size_t count, index = field_number(reference, base);
    for (size_t i = 0; draft->record && i < draft->record->field_count; i++) {
        const struct field *list = &draft->record->fields[i];
        if (list->kind != FIELD_LIST || list->of != reference->of)
            continue;
        const char *items = items_of(list, draft->root, &count);
        return index < count ? field_text(&list->of->fields[0], items + index * list->of->bytes) : NULL;
    }
    return NULL;
}

static json_t *write_reference(struct slot *slot)
{
    const char *name = named_by_reference(slot->draft, slot->field, slot->base);
    return name ? draft_text(slot->draft, name) : NULL;
}

static bool leads_nowhere(const struct draft *draft, const struct record *record, const void *base)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (record->fields[i].kind == FIELD_REFERENCE && !named_by_reference(draft, &record->fields[i], base))
            return true;
    return false;
}

static json_t *write_record(struct slot *slot)
{
    const struct field *field = slot->field;
    bool null = field->flags & FIELD_MAYBE && !*((const bool *)slot->base + field->count_offset);
    return null ? NULL : record_object(slot->draft, field->of, field_at(field, slot->base));
}

/* No item is null where the field can be. */
static bool is_null_list(const struct field *field, size_t count)
{
    return !count && (field->missing || field->flags & FIELD_SOMETIMES);
}

static void write_one(
    struct draft *draft, const struct field *field, json_t *object, const char *key, const void *base);
static json_t *write_value(struct slot *slot);

static json_t *write_list(struct slot *slot)
{
    const struct field *field = slot->field, *bare = field_bare(field);
    size_t count;
    const char *item = items_of(field, slot->base, &count), *text;
    json_t *array = is_null_list(field, count) ? NULL : json_array(), *value;
    for (; array && count; count--, item += field_item_bytes(field)) {
        text = item;
        if (!field->of && !field->size)
            memcpy(&text, item, sizeof text);
        if (bare) {
            value = write_value(&(struct slot){slot->draft, bare, item, NULL, ""});
            put_item(slot->draft, array, value ? value : json_null());
        } else if (!field->of)
            put_item(slot->draft, array, draft_text(slot->draft, text));
        else if (!leads_nowhere(slot->draft, field->of, item))
            put_item(slot->draft, array, record_object(slot->draft, field->of, item));
    }
    return array;
}

static json_t *write_keyed(struct slot *slot)
{
    const struct field *field = slot->field, *name = &field->of->fields[0];
    const struct record rest = field_rest(field);
    size_t count;
    const char *item = items_of(field, slot->base, &count);
    json_t *object = is_null_list(field, count) ? NULL : json_object();
    for (; object && count; count--, item += field->of->bytes) {
        char digits[24];
        snprintf(digits, sizeof digits, "%" PRIu64, name->kind == FIELD_COUNT ? field_number(name, item) : 0);
        const char *key = name->kind == FIELD_COUNT ? digits : field_text(name, item);
        if (rest.field_count == 1)
            write_one(slot->draft, rest.fields, object, key, item);
        else
            put(slot->draft, object, key, record_object(slot->draft, &rest, item));
    }
    return object;
}

static json_t *(*const writers[FIELD_KINDS])(struct slot *slot) = {
    [FIELD_CONSTANT] = write_constant,
    [FIELD_TEXT] = write_text,
    [FIELD_STRING] = write_text,
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

/* NULL: null, for slot->reason if there is one. */
static json_t *write_value(struct slot *slot)
{
    const struct field *field = slot->field;
    slot->reason = field->why ? field->why(slot->base) : NULL;
    if (field->kind == FIELD_REASON)
        return slot->reason ? draft_text(slot->draft, slot->reason) : NULL;
    return slot->reason || !writers[field->kind] ? NULL : writers[field->kind](slot);
}

/* ---- objects ---- */

/* Puts `key`, and why it is null beside it. */
static void write_one(
    struct draft *draft, const struct field *field, json_t *object, const char *key, const void *base)
{
    struct slot slot = {draft, field, base, NULL, ""};
    char beside[80];
    json_t *value = write_value(&slot);
    if (!value && field->flags & FIELD_SOMETIMES)
        return;
    put(draft, object, key, value ? value : json_null());
    if (value || field->flags & FIELD_PLAIN || field->kind == FIELD_REASON)
        return;
    const char *reason = slot.reason ? slot.reason : field->missing ? field->missing : "";
    snprintf(beside, sizeof beside, "%s_reason", key);
    put_text(draft, object, beside, reason[0] ? reason : "not told");
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
            write_fields(
                draft, field->hook->of_structure(field_at(field, base)), object, field_at(field, base));
        else if (field->kind == FIELD_HOOK)
            field->hook->write(draft, object, base);
        else
            write_one(draft, field, object, field->name, base);
    }
}

json_t *record_object(struct draft *draft, const struct record *record, const void *structure)
{
    json_t *object = json_object();
    write_fields(draft, record, object, structure);
    return object;
}

int record_write(const struct record *record, const void *structure, json_t **json, struct error *error)
{
    struct draft draft = {.record = record, .root = structure};
    json_t *object = record_object(&draft, record, structure);
    if (draft.failed || !object) {
        json_decref(object);
        return error_set(error, ENOMEM, "not enough memory to write the %s as JSON", record->name);
    }
    *json = object;
    return 0;
}

int record_print(const struct record *record, const void *structure, FILE *stream, struct error *error)
{
    json_t *json;
    int rc = record_write(record, structure, &json, error);
    if (rc < 0)
        return rc;
    if (json_dumpf(json, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(RECORD_DIGITS)) < 0 && !ferror(stream))
        rc = error_set(error, ENOMEM, "not enough memory to write the %s as JSON", record->name);
    fputc('\n', stream);
    json_decref(json);
    return rc;
}
