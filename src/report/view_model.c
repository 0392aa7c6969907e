#include "report/view_model.h"

#include "record/record.h"
#include "report/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the machines ---- */

void view_machines(struct document *document)
{
    static const struct column columns[] = {
        {.key = "name", .head = "--on", .unit = UNIT_TEXT},
        {.key = "summary", .head = "machine", .unit = UNIT_TEXT},
    };
    size_t count = 0;
    while (machine_preset(count).name)
        count++;
    document->title = "vcost model list";
    document_say(document, BLOCK_SENTENCE,
        "Machines that vcost simulates. What is said of them is modelled, not measured; their files say "
        "where each figure is from.");
    struct table *table = document_table(document, "machines", NULL, columns, 2, count);
    for (size_t i = 0; i < count; i++) {
        table_text(table, i, 0, machine_preset(i).choice);
        table_text(table, i, 1, machine_preset(i).summary);
    }
}

/* ---- one translation ---- */

/* Whose tables the first access walks: those of the shadow under agile paging, too, as nothing has changed.
 */
static const char *const walked_tables[MODEL_TECHNIQUES] = {
    [MODEL_NATIVE] = "program",
    [MODEL_DIRECT] = "guest",
    [MODEL_SHADOW] = "shadow",
    [MODEL_NESTED] = "guest",
    [MODEL_AGILE] = "shadow",
};

static const char *tables_of(const struct model_trace *trace, const struct walk_step *step)
{
    return step->host ? "host" : walked_tables[trace->config.technique];
}

static bool walks_two(const struct model_trace *trace)
{
    bool two = false;
    for (size_t i = 0; i < trace->step_count; i++)
        two |= trace->steps[i].host;
    return two;
}

static const char *served_by(struct document *doc, const struct model_trace *trace, unsigned level)
{
    return level > trace->cache_levels ? "memory" : document_text(doc, "L%u", level);
}

static void add_steps(const struct model_trace *trace, struct document *doc)
{
    static const struct column columns[] = {
        {.key = "step", .head = "#", .unit = UNIT_COUNT},
        {.key = "tables", .head = "tables", .unit = UNIT_TEXT},
        {.key = "level", .head = "level", .unit = UNIT_COUNT},
        {.key = "at", .head = "entry at", .unit = UNIT_TEXT},
        {.key = "entry", .head = "entry", .unit = UNIT_TEXT, .drop = 1},
        {.key = "served_by", .head = "served by", .unit = UNIT_TEXT},
        {.key = "cycles", .head = "cycles", .unit = UNIT_COUNT},
    };
    struct table *table =
        document_table(doc, "steps", "Entries that are read", columns, 7, trace->step_count);
    for (size_t i = 0; i < trace->step_count; i++) {
        const struct walk_step *step = &trace->steps[i];
        table_number(table, i, 0, (double)(i + 1));
        table_text(table, i, 1, document_text(doc, "%s%s", step->host ? "  " : "", tables_of(trace, step)));
        table_number(table, i, 2, step->level);
        table_text(table, i, 3, document_text(doc, "0x%" PRIx64, step->at));
        table_text(table, i, 4, document_text(doc, "0x%" PRIx64, step->entry));
        table_text(table, i, 5, served_by(doc, trace, step->served));
        table_number(table, i, 6, step->cycles);
    }
}

/* A box for each entry, and one for the data at last. */
static void add_boxes(const struct model_trace *trace, struct document *doc, struct chart *chart)
{
    unsigned most = 0;
    uint64_t data = 0;
    double column = 0;
    for (size_t i = 0; i < trace->step_count; i++)
        most = trace->steps[i].host && trace->steps[i].level > most ? trace->steps[i].level : most;
    for (size_t i = 0; i < trace->step_count; i++) {
        const struct walk_step *step = &trace->steps[i];
        double row = step->host ? most - step->level : most;
        chart->series[step->host].points[i] = (struct chart_point){column, row, (double)i, NAN,
            document_text(doc, "%zu  %s %u\n0x%" PRIx64 "\n%s, %u cycles", i + 1, tables_of(trace, step),
                step->level, step->at, served_by(doc, trace, step->served), step->cycles)};
        column += !step->host;
    }
    for (unsigned i = BUCKET_DATA; i < BUCKET_TLB; i++)
        data += trace->account.bucket[i];
    chart->series[2].points[0] = (struct chart_point){column, most, (double)trace->step_count, NAN,
        document_text(doc, "%zu  data\n0x%" PRIx64 "\n%" PRIu64 " cycles", trace->step_count + 1,
            trace->address, data)};
}

/* The article's figure 1: a column for each of the guest's entries, below the host's that lead to it. */
static void add_picture(const struct model_trace *trace, struct document *doc)
{
    const char *walked = walked_tables[trace->config.technique];
    struct chart *chart = document_chart(doc, CHART_STEPS, "walk",
        document_text(doc, "one translation on %s, %s, entry by entry (modelled)",
            trace->config.machine->name, model_technique_names[trace->config.technique]));
    const char *const names[] = {
        document_text(doc, "the %s%s tables", walked, strcmp(walked, "shadow") ? "'s" : ""),
        "the host's tables", "the access itself"};
    for (size_t i = 0; i < 3; i++)
        if (!chart_series(doc, chart, names[i], i < 2 ? trace->step_count : 1))
            return;
    add_boxes(trace, doc, chart);
    if (walks_two(trace))
        chart->caption = "Columns: each entry of the guest's tables, and the data at last, stands at a guest "
                         "physical address, which the entries of the host's tables above it translate.";
}

/* A bucket by the name of what was walked: "shadow tables level 1". */
static const char *part_name(const struct model_trace *trace, unsigned bucket, struct document *doc)
{
    if (bucket < BUCKET_GUEST || bucket >= BUCKET_HOST)
        return bucket_name(bucket);
    return document_text(
        doc, "%s tables level %u", walked_tables[trace->config.technique], 1 + bucket - BUCKET_GUEST);
}

static void add_account(const struct model_trace *trace, struct document *doc)
{
    static const struct column columns[] = {
        {.key = "bucket", .head = "cycles for", .unit = UNIT_TEXT},
        {.key = "cycles", .head = "cycles", .unit = UNIT_COUNT},
    };
    size_t used = 0, row = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        used += trace->account.bucket[i] != 0;
    struct table *table = document_table(doc, "account", "Where the cycles went", columns, 2, used + 1);
    for (unsigned i = 0; i < BUCKETS; i++)
        if (trace->account.bucket[i]) {
            table_text(table, row, 0, part_name(trace, i, doc));
            table_number(table, row++, 1, (double)trace->account.bucket[i]);
        }
    table_text(table, row, 0, "in all");
    table_number(table, row, 1, (double)trace->account.cycles);
}

void view_trace(const struct model_trace *trace, struct document *document)
{
    const struct model_config *config = &trace->config;
    bool native = config->technique == MODEL_NATIVE;
    document->title = "vcost model walk";
    document_say(document, BLOCK_CONCLUSION,
        "%s, %s: the first access to 0x%" PRIx64 " reads %zu entr%s of page tables, %" PRIu64
        " cycles with the access itself (modelled).",
        config->machine->name, model_technique_names[config->technique], trace->address, trace->step_count,
        trace->step_count == 1 ? "y" : "ies", trace->account.cycles);
    if (native)
        document_say(document, BLOCK_FACT, "Pages of %s; all caches were empty.",
            format_size(config->guest_page).text);
    else
        document_say(document, BLOCK_FACT, "Pages of %s in the guest, %s below it; all caches were empty.",
            format_size(config->guest_page).text, format_size(config->host_page).text);
    add_picture(trace, document);
    add_steps(trace, document);
    add_account(trace, document);
}

/* ---- as JSON ---- */

static void put_address(struct draft *draft, json_t *object, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "0x%" PRIx64, value);
    put_text(draft, object, key, text);
}

static void write_step(struct draft *draft, json_t *object, const void *base)
{
    const struct walk_step *step = base;
    put_address(draft, object, "at", step->at);
    put_address(draft, object, "entry", step->entry);
}

static const struct field step_fields[] = {
    {"", FIELD_HOOK, .hook = &(const struct field_hook){.write = write_step}},
    {"level", FIELD_COUNT, FIELD_AT(struct walk_step, level)},
    {"served_by_level", FIELD_COUNT, FIELD_AT(struct walk_step, served)},
    {"cycles", FIELD_COUNT, FIELD_AT(struct walk_step, cycles)},
};
static const struct record step_record = {"step", sizeof(struct walk_step), RECORD_FIELDS(step_fields)};

static void write_trace(struct draft *draft, json_t *object, const void *base)
{
    const struct model_trace *trace = base;
    json_t *account = json_object(), *steps = json_array();
    put_text(draft, object, "machine", trace->config.machine->name);
    put_text(draft, object, "technique", model_technique_names[trace->config.technique]);
    put_address(draft, object, "address", trace->address);
    for (unsigned i = 0; i < BUCKETS; i++)
        if (trace->account.bucket[i])
            put(draft, account, bucket_name(i), json_integer((json_int_t)trace->account.bucket[i]));
    put(draft, object, "cycles", account);
    for (size_t i = 0; i < trace->step_count; i++) {
        json_t *step = record_object(draft, &step_record, &trace->steps[i]);
        put_text(draft, step, "tables", tables_of(trace, &trace->steps[i]));
        put_item(draft, steps, step);
    }
    put(draft, object, "steps", steps);
}

static const struct field trace_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.walk/1"},
    {"", FIELD_HOOK, .hook = &(const struct field_hook){.write = write_trace}},
    {"guest_page_bytes", FIELD_COUNT, FIELD_AT(struct model_trace, config.guest_page)},
    {"host_page_bytes", FIELD_COUNT, FIELD_AT(struct model_trace, config.host_page)},
};
const struct record trace_record = {"walk", sizeof(struct model_trace), RECORD_FIELDS(trace_fields)};
