#include "report/view_list.h"

#include "record/json_draft.h"

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

static json_t *item_json(struct draft *draft, const struct list_item *item)
{
    const struct monitor_facts *facts = item->facts;
    json_t *object = json_object(), *quirks = facts ? json_array() : NULL;
    put_text(draft, object, "name", item->name);
    put_text(draft, object, "summary", item->summary);
    if (!facts)
        return object;
    bool usable = facts->usable;
    put(draft, object, "usable", json_boolean(usable));
    put(draft, object, "reason", usable ? json_null() : draft_text(draft, facts->reason));
    put(draft, object, "technique",
        usable ? draft_text(draft, technique_name(facts->technique)) : json_null());
    put(draft, object, "technique_proof", usable ? draft_text(draft, facts->technique_proof) : json_null());
    put(draft, object, "provider",
        facts->provider.known ? draft_text(draft, facts->provider.text) : json_null());
    put(draft, object, "syscall_privilege",
        facts->syscall_privilege >= 0 ? json_integer(facts->syscall_privilege) : json_null());
    for (size_t i = 0; i < facts->quirk_count; i++)
        put_item(draft, quirks, draft_text(draft, facts->quirks[i]));
    put(draft, object, "quirks", quirks);
    return object;
}

json_t *list_json(const struct list_part *parts, size_t count)
{
    struct draft draft = {0};
    json_t *object = json_object();
    put_text(&draft, object, "schema", "vcost.list/1");
    for (size_t part = 0; part < count; part++) {
        json_t *array = json_array();
        for (size_t i = 0; i < parts[part].count; i++)
            put_item(&draft, array, item_json(&draft, &parts[part].items[i]));
        put(&draft, object, parts[part].name, array);
    }
    if (!draft.failed)
        return object;
    json_decref(object);
    return NULL;
}
