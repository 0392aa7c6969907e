#include "record/internal.h"

#include <errno.h>
#include <stdlib.h>

/* The members of objects that are being described; owned by their schema. */
struct object {
    json_t *required, *properties, *rules;
};

static void describe_members(struct draft *draft, const struct record *record, json_t *schema);
static json_t *describe_object(struct draft *draft, const struct record *record);
static json_t *describe_value(struct draft *draft, const struct field *field);

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
    char *whole;
    json_t *value = NULL;
    if (asprintf(&whole, "%s%s%s", before, text, after) >= 0) {
        for (char *quote = whole; (quote = strchr(quote, '\''));)
            *quote = '"';
        value = json_loads(whole, 0, NULL);
        free(whole);
    }
    draft->failed |= !value;
    return value;
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

static void describe_items(struct draft *draft, const struct field *field, json_t *schema)
{
    if (field->kind == FIELD_LIST) {
        put(draft, schema, "items",
            field_bare(field) ? describe_value(draft, field_bare(field))
            : field->of       ? describe_object(draft, field->of)
                              : json_pack("{ss}", "type", "string"));
        return;
    }
    const struct record rest = field_rest(field);
    if (field->of->fields[0].kind == FIELD_COUNT)
        put(draft, schema, "propertyNames", json_pack("{ss}", "pattern", "^[0-9]+$"));
    put(draft, schema, "additionalProperties",
        rest.field_count == 1 ? describe_value(draft, rest.fields) : describe_object(draft, &rest));
}

static json_t *describe_value(struct draft *draft, const struct field *field)
{
    bool record = field->kind == FIELD_RECORD || field->kind == FIELD_HOOK;
    bool or_null = field_may_be_null(field) && field->kind != FIELD_NULL;
    const char *type = record ? "object" : types[field->kind];
    json_t *schema = record ? describe_object(draft, field->of) : json_object();
    if (field->kind == FIELD_CONSTANT)
        put(draft, schema, "const", json_string(field->text));
    else if (field->kind == FIELD_ENUM)
        put(draft, schema, "enum", enum_names(draft, field));
    else
        put(draft, schema, "type", or_null ? json_pack("[ss]", type, "null") : json_string(type));
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

/* ---- members ---- */

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

/* The schema of a hook's members, which are all there; of those that may be null with a reason. */
static void describe_hook(struct draft *draft, const struct field_hook *hook, struct object *object)
{
    json_t *each, *members = hook->schema ? parsed(draft, hook->schema, "{", "}") : NULL;
    const char *name;
    json_object_foreach(members, name, each)
    {
        if (!json_object_get(object->properties, name))
            put_item(draft, object->required, json_string(name));
        put(draft, object->properties, name, json_incref(each));
        if (hook->reasons)
            describe_reason(draft, name, object);
    }
    json_decref(members);
}

/* One of the records, by the constants that they begin with; all members are named here, and typed in the
 * rule.
 */
static void describe_variants(struct draft *draft, const struct field_hook *hook, struct object *object)
{
    json_t *each, *rule = NULL;
    size_t count = 0;
    while (hook->variant(count))
        count++;
    for (size_t i = count; i-- > 0;) {
        const struct field *constant = &hook->variant(i)->fields[0];
        json_t *schema = json_object();
        const char *name;
        describe_members(draft, hook->variant(i), schema);
        json_object_foreach(json_object_get(schema, "properties"), name, each)
        {
            if (!json_object_get(object->properties, name))
                put(draft, object->properties, name, json_object());
        }
        rule = i + 1 == count ? schema
                              : json_pack("{s{s{s{ss}}}soso}", "if", "properties", constant->name, "const",
                                    constant->text, "then", schema, "else", rule);
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
static void describe_shared_reason(struct draft *draft, const struct record *record, json_t *rules)
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
        put_item(draft, rules,
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
    describe_shared_reason(draft, record, object->rules);
    json_t *rules = record->rules ? parsed(draft, record->rules, "[", "]") : NULL;
    if (rules && json_array_extend(object->rules, rules))
        draft->failed = true;
    json_decref(rules);
}

static void describe_members(struct draft *draft, const struct record *record, json_t *schema)
{
    struct object object = {json_array(), json_object(), json_array()};
    put(draft, schema, "required", object.required);
    put(draft, schema, "properties", object.properties);
    describe_fields(draft, record, &object);
    if (json_array_size(object.rules))
        put(draft, schema, "allOf", object.rules);
    else
        json_decref(object.rules);
}

static json_t *describe_object(struct draft *draft, const struct record *record)
{
    json_t *schema = json_object();
    if (record->about)
        put_text(draft, schema, "description", record->about);
    put(draft, schema, "type", json_string("object"));
    if (record->closed)
        put(draft, schema, "additionalProperties", json_false());
    describe_members(draft, record, schema);
    return schema;
}

enum { LINE_COLUMNS = 118 };

/* For people who read it: what fits a line stands in one. */
static void print(struct draft *draft, const json_t *value, size_t indent, const char *key, FILE *stream)
{
    char *line = json_dumps(value, JSON_ENCODE_ANY);
    size_t before = indent + (key ? strlen(key) + 4 : 0), i;
    bool array = json_is_array(value),
         fits = !line || before + strlen(line) < LINE_COLUMNS || json_is_string(value);
    const char *name, *comma = "";
    json_t *each;
    draft->failed |= !line;
    fprintf(stream, "%*s", (int)indent, "");
    if (key)
        fprintf(stream, "\"%s\": ", key);
    fputs(!line ? "" : fits ? line : array ? "[" : "{", stream);
    free(line);
    if (fits)
        return;
    json_array_foreach(value, i, each)
    {
        fprintf(stream, "%s\n", comma);
        print(draft, each, indent + 1, NULL, stream);
        comma = ",";
    }
    json_object_foreach((json_t *)value, name, each)
    {
        fprintf(stream, "%s\n", comma);
        print(draft, each, indent + 1, name, stream);
        comma = ",";
    }
    fprintf(stream, "\n%*s%s", (int)indent, "", array ? "]" : "}");
}

int record_schema(const struct record *record, FILE *stream, struct error *error)
{
    struct draft draft = {.failed = false};
    json_t *schema = json_object(), *object = describe_object(&draft, record);
    const char *name = record->fields[0].text;
    put_text(&draft, schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put(&draft, schema, "$id",
        json_sprintf("%.*s-%s.schema.json", (int)strcspn(name, "/"), name, strchr(name, '/') + 1));
    put_text(&draft, schema, "title", name);
    draft.failed |= json_object_update(schema, object) != 0;
    json_decref(object);
    if (!draft.failed)
        print(&draft, schema, 0, NULL, stream);
    fputc('\n', stream);
    json_decref(schema);
    return draft.failed ? error_set(error, ENOMEM, "not enough memory for a schema") : 0;
}
