#include "record/schema.h"

#include "record/internal.h"
#include "record/json_draft.h"

#include <errno.h>
#include <stdlib.h>

/* The members of objects that is being described. */
struct object {
    json_t *required, *properties, *rules;
};

static void describe_fields(struct draft *draft, const struct record *record, struct object *object);
static json_t *describe_object(struct draft *draft, const struct record *record);

static const char *const types[FIELD_KINDS] = {
    [FIELD_TEXT] = "string",
    [FIELD_STRING] = "string",
    [FIELD_REASON] = "string",
    [FIELD_REAL] = "number",
    [FIELD_COUNT] = "integer",
    [FIELD_FLAG] = "boolean",
    [FIELD_FACT] = "string",
    [FIELD_FACT_COUNT] = "integer",
    [FIELD_REFERENCE] = "string",
    [FIELD_LIST] = "array",
    [FIELD_KEYED] = "object",
    [FIELD_NULL] = "null",
};

/* What a table says of the schema itself: JSON, but with ' for ", which C would have to escape. */
static json_t *parsed(struct draft *draft, const char *text, const char *before, const char *after)
{
    size_t size = strlen(text) + 3;
    char *whole = malloc(size);
    json_t *value = NULL;
    if (whole) {
        snprintf(whole, size, "%s%s%s", before, text, after);
        for (char *quote = whole; (quote = strchr(quote, '\''));)
            *quote = '"';
        value = json_loads(whole, 0, NULL);
    }
    free(whole);
    if (!value)
        draft->failed = true;
    return value;
}

static void put_type(struct draft *draft, json_t *schema, const char *type, bool or_null)
{
    if (or_null && strcmp(type, "null") != 0)
        put(draft, schema, "type", json_pack("[ss]", type, "null"));
    else
        put(draft, schema, "type", json_string(type));
}

static json_t *enum_names(struct draft *draft, const struct field *field)
{
    json_t *names = json_array();
    bool or_null = field_may_be_null(field);
    for (size_t i = 0; i < field->name_count; i++)
        if (field_name(field, i) && !(or_null && i == field->other))
            put_item(draft, names, json_string(field_name(field, i)));
    if (or_null)
        put_item(draft, names, json_null());
    return names;
}

static json_t *describe_value(struct draft *draft, const struct field *field);

static void describe_items(struct draft *draft, const struct field *field, json_t *schema)
{
    struct record rest;
    if (field->kind == FIELD_LIST) {
        put(draft, schema, "items",
            field->of ? describe_object(draft, field->of) : json_pack("{ss}", "type", "string"));
        return;
    }
    rest = *field->of;
    rest.fields++;
    rest.field_count--;
    if (field->of->fields[0].kind == FIELD_COUNT)
        put(draft, schema, "propertyNames", json_pack("{ss}", "pattern", "^[0-9]+$"));
    put(draft, schema, "additionalProperties",
        field_is_pair(field) ? describe_value(draft, rest.fields) : describe_object(draft, &rest));
}

static json_t *describe_value(struct draft *draft, const struct field *field)
{
    bool record = field->kind == FIELD_RECORD || field->kind == FIELD_HOOK;
    json_t *schema = record ? describe_object(draft, field->of) : json_object();
    if (field->kind == FIELD_CONSTANT)
        put(draft, schema, "const", json_string(field->text));
    else if (field->kind == FIELD_ENUM)
        put(draft, schema, "enum", enum_names(draft, field));
    else
        put_type(draft, schema, record ? "object" : types[field->kind], field_may_be_null(field));
    if (field->kind == FIELD_COUNT || field->kind == FIELD_FACT_COUNT)
        put(draft, schema, "minimum", json_integer(0));
    if (field->kind == FIELD_LIST || field->kind == FIELD_KEYED)
        describe_items(draft, field, schema);
    if (field->about)
        put_text(draft, schema, "description", field->about);
    if (field->check) {
        json_t *more = parsed(draft, field->check, "{", "}");
        json_object_update(schema, more);
        json_decref(more);
    }
    return schema;
}

/* Where it is null, why stands beside it. */
static void describe_reason(struct draft *draft, const char *name, struct object *object)
{
    char beside[80];
    snprintf(beside, sizeof beside, "%s_reason", name);
    put(draft, object->properties, beside, json_pack("{sssi}", "type", "string", "minLength", 1));
    put_item(draft, object->rules,
        json_pack("{s{s{s{ss}}s[s]}s{s[s]}}", "if", "properties", name, "type", "null", "required", name,
            "then", "required", beside));
}

/* The schema of a hook's members, of which all are there but reasons. */
static void describe_hook(struct draft *draft, const struct field_hook *hook, struct object *object)
{
    const char *name;
    json_t *each, *members = hook->schema ? parsed(draft, hook->schema, "{", "}") : NULL;
    json_object_foreach(members, name, each)
    {
        const char *end = strrchr(name, '_');
        if (!end || strcmp(end, "_reason") != 0)
            put_item(draft, object->required, json_string(name));
        else
            describe_reason(draft,
                json_string_value(json_array_get(object->required, json_array_size(object->required) - 1)),
                object);
        if (json_object_set(object->properties, name, each))
            draft->failed = true;
    }
    json_decref(members);
}

static struct object new_object(void)
{
    return (struct object){json_array(), json_object(), json_array()};
}

/* Gives the members over to `schema`. */
static void put_object(struct draft *draft, struct object *object, json_t *schema)
{
    put(draft, schema, "required", object->required);
    put(draft, schema, "properties", object->properties);
    if (json_array_size(object->rules))
        put(draft, schema, "allOf", object->rules);
    else
        json_decref(object->rules);
}

/* One of the records, by the constant that the first begins with; all members are named here, and typed in
 * the rule. */
static void describe_variants(struct draft *draft, const struct field_hook *hook, struct object *object)
{
    const struct field *constant = &hook->variants[0]->fields[0];
    json_t *rule = json_pack("{s{s{s{ss}}}}", "if", "properties", constant->name, "const", constant->text);
    for (size_t i = 0; i < 2; i++) {
        struct object one = new_object();
        json_t *schema = json_object(), *each;
        const char *name;
        describe_fields(draft, hook->variants[i], &one);
        json_object_foreach(one.properties, name, each)
        {
            if (!json_object_get(object->properties, name))
                put(draft, object->properties, name, json_object());
        }
        put_object(draft, &one, schema);
        put(draft, rule, i ? "else" : "then", schema);
    }
    put_item(draft, object->rules, rule);
}

static void describe_field(struct draft *draft, const struct field *field, struct object *object)
{
    put(draft, object->properties, field->name, describe_value(draft, field));
    if (!(field->flags & (FIELD_SOMETIMES | FIELD_LATER)) && !field->when)
        put_item(draft, object->required, json_string(field->name));
    if (field_may_be_null(field) && !(field->flags & (FIELD_PLAIN | FIELD_SOMETIMES)) &&
        field->kind != FIELD_REASON)
        describe_reason(draft, field->name, object);
}

/* A null figure of an object that has one reason for all asks for it. */
static void describe_shared_reason(struct draft *draft, const struct record *record, struct object *object)
{
    json_t *nulls = json_array();
    const char *reason = NULL;
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_REASON)
            reason = field->name;
        else if (field->kind == FIELD_REAL && field->flags & FIELD_PLAIN && field->flags & FIELD_NEEDED)
            put_item(draft, nulls,
                json_pack(
                    "{s{s{ss}}s[s]}", "properties", field->name, "type", "null", "required", field->name));
    }
    if (reason && json_array_size(nulls))
        put_item(draft, object->rules,
            json_pack(
                "{s{sO}s{s{s{ss}}}}", "if", "anyOf", nulls, "then", "properties", reason, "type", "string"));
    json_decref(nulls);
}

static void describe_fields(struct draft *draft, const struct record *record, struct object *object)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_FIELDS)
            describe_fields(draft, field->of, object);
        else if (field->kind == FIELD_VARIANT)
            describe_variants(draft, field->hook, object);
        else if (field->kind == FIELD_HOOK && !field->of)
            describe_hook(draft, field->hook, object);
        else
            describe_field(draft, field, object);
    }
    describe_shared_reason(draft, record, object);
    if (record->rules) {
        json_t *rules = parsed(draft, record->rules, "[", "]");
        if (json_array_extend(object->rules, rules))
            draft->failed = true;
        json_decref(rules);
    }
}

static json_t *describe_object(struct draft *draft, const struct record *record)
{
    struct object object = new_object();
    json_t *schema = json_object();
    if (record->about)
        put_text(draft, schema, "description", record->about);
    put(draft, schema, "type", json_string("object"));
    describe_fields(draft, record, &object);
    put_object(draft, &object, schema);
    return schema;
}

enum { LINE_COLUMNS = 118 };

/* For people who read it: what fits a line stands in one. */
static void print(struct draft *draft, const json_t *value, size_t indent, const char *before, FILE *stream)
{
    char *line = json_dumps(value, JSON_ENCODE_ANY);
    bool array = json_is_array(value);
    const char *name, *comma = "";
    json_t *each;
    size_t i;
    if (!line) {
        draft->failed = true;
        return;
    }
    fprintf(stream, "%*s%s", (int)indent, "", before);
    if (indent + strlen(before) + strlen(line) < LINE_COLUMNS || json_is_string(value)) {
        fputs(line, stream);
        free(line);
        return;
    }
    free(line);
    fputs(array ? "[" : "{", stream);
    json_array_foreach(value, i, each)
    {
        fprintf(stream, "%s\n", comma);
        print(draft, each, indent + 1, "", stream);
        comma = ",";
    }
    json_object_foreach((json_t *)value, name, each)
    {
        char key[128];
        snprintf(key, sizeof key, "\"%s\": ", name);
        fprintf(stream, "%s\n", comma);
        print(draft, each, indent + 1, key, stream);
        comma = ",";
    }
    fprintf(stream, "\n%*s%s", (int)indent, "", array ? "]" : "}");
}

int record_schema(
    const struct record *record, const char *id, const char *about, FILE *stream, struct error *error)
{
    struct draft draft = {.failed = false};
    json_t *schema = json_object(), *object = describe_object(&draft, record);
    put_text(&draft, schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(&draft, schema, "$id", id);
    put_text(&draft, schema, "title", record->fields[0].text ? record->fields[0].text : record->name);
    put_text(&draft, schema, "description", about);
    if (json_object_update(schema, object))
        draft.failed = true;
    json_decref(object);
    if (!draft.failed) {
        print(&draft, schema, 0, "", stream);
        fputc('\n', stream);
    }
    json_decref(schema);
    return draft.failed ? error_set(error, ENOMEM, "not enough memory for a schema") : 0;
}
