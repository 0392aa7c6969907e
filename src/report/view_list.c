#include "report/view_list.h"

#include "record/record.h"

/* What KVM, or another monitor, is here: below its name on a terminal, elsewhere a column. */
static const char *facts_text(const struct monitor_facts *facts, struct document *document)
{
    if (!facts->usable)
        return document_text(document, "cannot be used: %s", facts->reason);
    const char *text = document_text(document, "%s paging (%s); provider: %s",
        technique_name(facts->technique), facts->technique_proof, facts->provider.text);
    if (facts->syscall_privilege >= 0)
        text = document_text(
            document, "%s; SYSCALL in a guest leads to privilege level %d", text, facts->syscall_privilege);
    for (size_t i = 0; i < facts->quirk_count; i++)
        text = document_text(document, "%s; %s", text, facts->quirks[i]);
    return text;
}

void view_list(const struct list_part *parts, size_t count, struct document *document)
{
    static const struct column columns[] = {{.key = "name", .head = "", .unit = UNIT_TEXT},
        {.key = "summary", .head = "", .unit = UNIT_TEXT}, {.key = "here", .unit = UNIT_TEXT, .below = true}};
    document->title = "vcost list";
    for (size_t part = 0; part < count; part++) {
        bool facts = false;
        for (size_t i = 0; i < parts[part].count; i++)
            facts |= parts[part].items[i].facts != NULL;
        struct table *table = document_table(
            document, parts[part].name, parts[part].name, columns, facts ? 3 : 2, parts[part].count);
        for (size_t row = 0; row < parts[part].count; row++) {
            const struct list_item *item = &parts[part].items[row];
            table_text(table, row, 0, item->name);
            table_text(table, row, 1, item->summary);
            if (item->facts)
                table_text(table, row, 2, facts_text(item->facts, document));
        }
    }
}

/* ---- for programs ---- */

#define AT(member) FIELD_AT(struct monitor_facts, member)

static const char *why_unusable(const void *base)
{
    const struct monitor_facts *facts = base;
    return facts->usable ? NULL : facts->reason;
}

static const struct field facts_fields[] = {
    {"usable", FIELD_FLAG, AT(usable)},
    {"reason", FIELD_REASON, .why = why_unusable},
    {"technique", FIELD_ENUM, FIELD_PLAIN, AT(technique), FIELD_NAMES(technique_names), .other = -1U,
        .why = why_unusable},
    {"technique_proof", FIELD_TEXT, FIELD_PLAIN, AT(technique_proof), .why = why_unusable},
    {"provider", FIELD_FACT, FIELD_PLAIN, AT(provider)},
    {"syscall_privilege", FIELD_COUNT, FIELD_PLAIN, AT(syscall_privilege), .other = -1U,
        .missing = "could not be told"},
    {"quirks", FIELD_LIST, FIELD_ITEMS(struct monitor_facts, quirks, quirk_count)},
};
static const struct record facts_record = {
    "monitor", sizeof(struct monitor_facts), RECORD_FIELDS(facts_fields)};

static void write_facts(struct draft *draft, json_t *object, const void *base)
{
    const struct list_item *item = base;
    json_t *facts = item->facts ? record_object(draft, &facts_record, item->facts) : NULL;
    draft->failed |= facts && json_object_update(object, facts) != 0;
    json_decref(facts);
}

static const struct field item_fields[] = {
    {"name", FIELD_STRING, FIELD_AT(struct list_item, name)},
    {"summary", FIELD_STRING, FIELD_AT(struct list_item, summary)},
    {"", FIELD_HOOK, .hook = &(const struct field_hook){.write = write_facts}},
};
static const struct record item_record = {"item", sizeof(struct list_item), RECORD_FIELDS(item_fields)};

int list_json(const struct list_part *parts, size_t count, json_t **json, struct error *error)
{
    struct field fields[1 + LIST_PARTS_MAX] = {{"schema", FIELD_CONSTANT, .text = "vcost.list/1"}};
    const struct record lists = {"lists", .fields = fields, .field_count = 1 + count};
    for (size_t i = 0; i < count; i++)
        fields[1 + i] = (struct field){parts[i].name, FIELD_LIST,
            .offset = i * sizeof *parts + offsetof(struct list_part, items),
            .count_offset = i * sizeof *parts + offsetof(struct list_part, count), .of = &item_record};
    return record_write(&lists, parts, json, error);
}
