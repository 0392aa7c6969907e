#include "report/view_model.h"

#include "record/record.h"
#include "report/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

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
        "where each "
        "figure is from.");
    struct table *table = document_table(document, "machines", NULL, columns, 2, count);
    for (size_t i = 0; i < count; i++) {
        table_text(table, i, 0, machine_preset(i).choice);
        table_text(table, i, 1, machine_preset(i).summary);
    }
}

/* ---- one translation ---- */

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
        table_text(table, i, 1, step->host ? "  host" : "guest");
        table_number(table, i, 2, step->level);
        table_text(table, i, 3, document_text(doc, "0x%" PRIx64, step->at));
        table_text(table, i, 4, document_text(doc, "0x%" PRIx64, step->entry));
        table_text(table, i, 5, served_by(doc, trace, step->served));
        table_number(table, i, 6, step->cycles);
    }
}

/* The article's figure 1: a column for each of the guest's entries, below the host's that lead to it. */
static void add_picture(const struct model_trace *trace, struct document *doc)
{
    static const char *const names[] = {"the guest's tables", "the host's tables", "the access itself"};
    bool native = trace->config.technique == MODEL_NATIVE;
    unsigned most = 0;
    double column = 0, row = 0;
    struct chart *chart = document_chart(doc, CHART_STEPS, "walk",
        document_text(doc, "one translation on %s, %s, entry by entry (modelled)",
            trace->config.machine->name, model_technique_names[trace->config.technique]));
    for (size_t i = 0; i < 3; i++)
        if (!chart_series(doc, chart, names[i], i < 2 ? trace->step_count : 1))
            return;
    if (native)
        chart->series[0].name = "page tables";
    for (size_t i = 0; i < trace->step_count; i++)
        most = trace->steps[i].host && trace->steps[i].level > most ? trace->steps[i].level : most;
    for (size_t i = 0; i < trace->step_count; i++) {
        const struct walk_step *step = &trace->steps[i];
        row = step->host ? most - step->level : most;
        chart->series[step->host].points[i] = (struct chart_point){column, row, (double)i, NAN,
            document_text(doc, "%zu  %s %u\n0x%" PRIx64 "\n%s, %u cycles", i + 1,
                native       ? "level"
                : step->host ? "host"
                             : "guest",
                step->level, step->at, served_by(doc, trace, step->served), step->cycles)};
        column += !step->host;
    }
    uint64_t data = 0;
    for (unsigned i = BUCKET_DATA; i < BUCKET_TLB; i++)
        data += trace->account.bucket[i];
    chart->series[2].points[0] = (struct chart_point){column, most, (double)trace->step_count, NAN,
        document_text(doc, "%zu  data\n0x%" PRIx64 "\n%" PRIu64 " cycles", trace->step_count + 1,
            trace->address, data)};
    chart->x.label = "entries of the guest's tables";
    chart->y.label = "entries of the host's tables";
    if (!native)
        chart->caption = "Columns: each entry of the guest's tables, and the data at last, stands at a guest "
                         "physical address, which the entries of the host's tables above it translate.";
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
            table_text(table, row, 0, bucket_name(i));
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

static const char *dimension_of(const void *base)
{
    return ((const struct walk_step *)base)->host ? "host" : "guest";
}

static void put_address(struct draft *draft, json_t *object, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "0x%" PRIx64, value);
    put_text(draft, object, key, text);
}

static void write_step(struct draft *draft, json_t *object, const void *base)
{
    const struct walk_step *step = base;
    put_text(draft, object, "tables", dimension_of(base));
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
    json_t *account = json_object();
    put_text(draft, object, "machine", trace->config.machine->name);
    put_text(draft, object, "technique", model_technique_names[trace->config.technique]);
    put_address(draft, object, "address", trace->address);
    for (unsigned i = 0; i < BUCKETS; i++)
        if (trace->account.bucket[i])
            put(draft, account, bucket_name(i), json_integer((json_int_t)trace->account.bucket[i]));
    put(draft, object, "cycles", account);
}

static const struct field trace_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.walk/1"},
    {"", FIELD_HOOK, .hook = &(const struct field_hook){.write = write_trace}},
    {"guest_page_bytes", FIELD_COUNT, FIELD_AT(struct model_trace, config.guest_page)},
    {"host_page_bytes", FIELD_COUNT, FIELD_AT(struct model_trace, config.host_page)},
    {"steps", FIELD_LIST, FIELD_ITEMS(struct model_trace, steps, step_count), .of = &step_record},
};
const struct record trace_record = {"walk", sizeof(struct model_trace), RECORD_FIELDS(trace_fields)};
