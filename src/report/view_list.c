#include "report/view_list.h"

#include "record/record.h"
#include "report/view_parts.h"

void view_list(const struct list_part *parts, size_t count, struct document *doc)
{
    static const struct column columns[] = {{.key = "name", .head = "", .unit = UNIT_TEXT},
        {.key = "summary", .head = "", .unit = UNIT_TEXT}, {.key = "here", .unit = UNIT_TEXT, .below = true}};
    doc->title = "vcost list";
    for (const struct list_part *part = parts; part < parts + count; part++) {
        bool any = false;
        for (size_t i = 0; i < part->count; i++)
            any |= part->items[i].facts != NULL;
        struct table *table = document_table(doc, part->name, part->name, columns, any ? 3 : 2, part->count);
        for (size_t row = 0; row < part->count; row++) {
            const struct monitor_facts *facts = part->items[row].facts;
            struct listing text = {.doc = doc, .between = "; "};
            table_text(table, row, 0, part->items[row].name);
            table_text(table, row, 1, part->items[row].summary);
            if (!facts)
                continue;
            if (facts->usable)
                listing_add(&text, "%s paging (%s); provider: %s", technique_name(facts->technique),
                    facts->technique_proof, facts->provider.text);
            else
                listing_add(&text, "cannot be used: %s", facts->reason);
            if (facts->usable && facts->syscall_privilege >= 0)
                listing_add(
                    &text, "SYSCALL in a guest leads to privilege level %d", facts->syscall_privilege);
            for (size_t i = 0; facts->usable && i < facts->quirk_count; i++)
                listing_add(&text, "%s", facts->quirks[i]);
            table_text(table, row, 2, text.text);
        }
    }
}

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
