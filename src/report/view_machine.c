/* A simulated machine: each of its figures, with where it is from. */
#include "report/view_model.h"

#include "record/record.h"
#include "report/format.h"
#include "report/view_parts.h"

#include <inttypes.h>
#include <string.h>

struct figure {
    const char *part, *name, *value, *source;
};

struct figures {
    struct document *doc;
    struct figure *items;
    size_t count, room;
};

static void add_figure(struct figures *figures, struct figure figure)
{
    struct figure *items =
        pool_grow(&figures->doc->pool, figures->items, figures->count, &figures->room, sizeof *items);
    if (!items)
        return;
    figures->items = items;
    items[figures->count++] = figure;
}

static bool is_size(const char *name)
{
    static const char *const sizes[] = {"bytes", "page", "pages"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!strcmp(name, sizes[i]))
            return true;
    return false;
}

static const char *value_text(struct document *doc, const char *name, const json_t *value)
{
    struct listing list = {.doc = doc, .between = ", "};
    const json_t *item;
    size_t i;
    if (json_is_string(value))
        return document_text(doc, "%s", json_string_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (json_is_integer(value) && is_size(name))
        return document_text(doc, "%s", format_size((uint64_t)json_integer_value(value)).text);
    if (json_is_integer(value))
        return document_text(doc, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_number(value))
        return document_text(doc, "%g", json_number_value(value));
    if (!json_is_array(value))
        return "none";
    json_array_foreach(value, i, item) listing_add(&list, "%s", value_text(doc, name, item));
    return listing_text(&list);
}

/* "caches 2", "tlbs 1", "memory" and, inside another, "nested tlb". Machines are three deep. */
static void add_part(struct figures *figures, const char *part, const json_t *object)
{
    const json_t *sources = json_object_get(object, "sources"), *value, *item;
    const char *name;
    json_object_foreach((json_t *)object, name, value)
    {
        const char *inside = document_text(figures->doc, "%s%s%s", part, part[0] ? " " : "", name);
        const char *source = json_string_value(json_object_get(sources, name));
        size_t i;
        if (source)
            add_figure(figures,
                (struct figure){part[0] ? part : "machine", document_text(figures->doc, "%s", name),
                    value_text(figures->doc, name, value), document_text(figures->doc, "%s", source)});
        else if (json_is_object(value) && value != sources)
            add_part(figures, inside, value);
        else if (json_is_array(value))
            json_array_foreach(value, i, item)
                add_part(figures, document_text(figures->doc, "%s %zu", inside, i + 1), item);
    }
}

static bool is_assumed(const struct figure *figure)
{
    return !strncmp(figure->source, "assumed", strlen("assumed"));
}

static void read_figures(const struct machine *machine, struct document *doc, struct figures *figures)
{
    struct error error;
    json_t *json = NULL;
    *figures = (struct figures){.doc = doc};
    if (record_write(&machine_record, machine, &json, &error) < 0) {
        doc->pool.failed = true;
        return;
    }
    add_part(figures, "", json);
    json_decref(json);
}

static void say_machine(const struct machine *machine, const struct figures *figures, struct document *doc)
{
    size_t assumed = 0;
    for (size_t i = 0; i < figures->count; i++)
        assumed += is_assumed(&figures->items[i]);
    doc->title = "vcost model show";
    document_say(doc, BLOCK_CONCLUSION, "%s: %s, %u, at %.4g GHz.", machine->name, machine->summary,
        machine->year, machine->ghz);
    document_say(doc, BLOCK_FACT,
        "%zu of its %zu figures are assumed. What is simulated with them is modelled.", assumed,
        figures->count);
    document_say(doc, BLOCK_FACT, "%s paging in hardware%s.%s", machine->has_nested ? "Nested" : "No nested",
        machine->tags.guests ? "; TLBs tagged by guest" : "",
        machine->file ? document_text(doc, " File: %s, SHA-256 %s.", machine->file, machine->sha256) : "");
}

/* Of a machine that was fitted what was not is another's, and a detail. */
static void add_figures(const struct figures *figures, bool fitted, struct document *doc)
{
    static const struct column columns[] = {
        {.key = "part", .head = "part", .unit = UNIT_TEXT},
        {.key = "figure", .head = "figure", .unit = UNIT_TEXT},
        {.key = "value", .head = "value", .unit = UNIT_TEXT},
        {.key = "source", .head = "where it is from", .unit = UNIT_TEXT},
    };
    struct table *table = document_table(doc, "figures", NULL, columns, 4, figures->count);
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->items[i];
        bool again = !fitted && i && !strcmp(figure->part, figures->items[i - 1].part);
        table_text(table, i, 0, again ? "" : figure->part);
        table_at(table, i, 0)->detail = fitted && is_assumed(figure);
        table_text(table, i, 1, figure->name);
        table_text(table, i, 2, figure->value);
        table_text(table, i, 3, figure->source);
    }
}

void view_machine(const struct machine *machine, struct document *doc)
{
    struct figures figures;
    read_figures(machine, doc, &figures);
    say_machine(machine, &figures, doc);
    add_figures(&figures, false, doc);
}

void view_fitted(const struct fitted *fitted, struct document *doc)
{
    struct figures figures;
    read_figures(fitted->machine, doc, &figures);
    say_machine(fitted->machine, &figures, doc);
    doc->title = "vcost model fit";
    document_say(doc, BLOCK_FACT,
        "Fitted on %zu working sets of a native chase in random order with pages of 4 KiB: median error "
        "%.1f %%, most %.1f %%. All else is as %s has it. What it predicts of other curves: vcost model "
        "validate.",
        fitted->points, 100 * fitted->median, 100 * fitted->most, fitted->like);
    add_figures(&figures, true, doc);
}
