#include "report/view_linked.h"

#include "base/size.h"
#include "event/event_kind.h"
#include "report/format.h"
#include "report/view_parts.h"

#include <string.h>

#define FRESH "kernel-touch-fresh"
#define WRITTEN "kernel-touch-written"

/* ---- cells ---- */

static bool is_linked(const struct result_cell *cell)
{
    const struct event *event = event_of(&cell->cell.workload) ? event_find(cell_workload(cell)) : NULL;
    return event && event->group == EVENT_LINKED;
}

static bool is_native(const struct result_cell *cell)
{
    return !strcmp(cell->cell.monitor, "native");
}

static bool is_of(const struct result_cell *cell, const char *event)
{
    return is_linked(cell) && !strcmp(cell_workload(cell), event);
}

bool linked_is_emulated(const struct result *result, const struct result_cell *cell)
{
    const struct monitor_facts *facts = result_monitor(result, cell->cell.monitor);
    return is_linked(cell) && facts && facts->syscall_privilege > 0;
}

static const struct result_metric *find_metric(const struct result_cell *cell, const char *name)
{
    for (size_t i = 0; i < cell->metric_count; i++)
        if (!strcmp(cell->metrics[i].name, name))
            return &cell->metrics[i];
    return NULL;
}

/* The first cell of a runner's is the one by which it is known here. */
static bool is_first_of_runner(const struct result *result, const struct result_cell *cell)
{
    for (const struct result_cell *other = result->cells; other < cell; other++)
        if (!strcmp(other->cell.monitor, cell->cell.monitor) && is_linked(other))
            return false;
    return is_linked(cell);
}

/* ---- sentences ---- */

static const char *time_of(struct document *doc, const struct result_cell *cell)
{
    return view_time(doc, cell->median, cell->low, cell->high, false);
}

/* "67.8 µs alone and 680 ns among 512" of a runner; NULL: one of the two is missing. */
static const char *two_batches(
    const struct result *result, const char *monitor, bool words, struct document *doc)
{
    const struct result_cell *least = NULL, *most = NULL;
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (!is_of(cell, FRESH) || strcmp(cell->cell.monitor, monitor) != 0 || cell_unlike(cell) ||
            linked_is_emulated(result, cell))
            continue;
        uint64_t size = workload_size(&cell->cell.workload);
        least = !least || size < workload_size(&least->cell.workload) ? cell : least;
        most = !most || size > workload_size(&most->cell.workload) ? cell : most;
    }
    if (!least || least == most)
        return NULL;
    uint64_t pages = workload_size(&most->cell.workload) / (4 * KIB);
    return words ? document_text(doc, "%s by itself and %s among %llu", time_of(doc, least),
                       time_of(doc, most), (unsigned long long)pages)
                 : document_text(doc, "%s and %s", time_of(doc, least), time_of(doc, most));
}

const char *linked_conclusion(const struct result *result, struct document *doc)
{
    struct listing list = {.doc = doc, .between = ", "};
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (is_native(cell) || !is_first_of_runner(result, cell))
            continue;
        const char *text = two_batches(result, cell->cell.monitor, !list.count, doc);
        if (text)
            listing_add(&list, "%s with %s", text, cell->cell.monitor);
    }
    if (!list.count)
        return NULL;
    const char *native = two_batches(result, "native", false, doc);
    if (native)
        listing_add(&list, "%s natively", native);
    return document_text(doc, "a fresh page costs %s", list.text);
}

/* The least of a runner's cells: what interrupts makes it no shorter. */
static double least_metric(const struct result *result, const char *monitor, const char *name)
{
    double least = NAN;
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        const struct result_metric *metric = is_linked(cell) ? find_metric(cell, name) : NULL;
        if (metric && !strcmp(cell->cell.monitor, monitor))
            least = fmin(least, metric->value);
    }
    return least;
}

static void say_nulls(const struct result *result, const char *monitor, struct document *doc)
{
    static const struct {
        const char *name, *title;
    } nulls[] = {{"null_hypercall", "hypercall"}, {"null_trap", "trap"}, {"null_fault", "page fault"}};
    struct listing list = {.doc = doc, .between = ", "};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        double ns = least_metric(result, monitor, nulls[i].name);
        if (isfinite(ns))
            listing_add(&list, "a %s %s", nulls[i].title, format_figure(UNIT_NS, ns, 0).text);
    }
    if (list.count)
        document_say(doc, BLOCK_FACT, "To %s and back for nothing (the transport): %s.", monitor, list.text);
}

static void say_emulated(const struct result *result, const char *monitor, struct document *doc)
{
    double instruction = least_metric(result, monitor, "instruction");
    const char *each = isfinite(instruction) ? document_text(doc, ", %s an instruction",
                                                   format_figure(UNIT_NS, instruction, 0).text)
                                             : "";
    document_say(doc, BLOCK_FACT,
        "%s emulates its guest's kernel here%s: its rows kernel-… show the emulator more than the technique.",
        monitor, each);
}

void linked_say(const struct result *result, struct document *doc)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (is_native(cell) || !is_first_of_runner(result, cell))
            continue;
        if (linked_is_emulated(result, cell))
            say_emulated(result, cell->cell.monitor, doc);
        else
            say_nulls(result, cell->cell.monitor, doc);
    }
}

/* ---- the table ---- */

enum { EVENT, MONITOR, TIME, FIGURES };

static const struct {
    const char *metric;
    struct column column;
} figures[] = {
    {"transport", {.key = "transport", .unit = UNIT_NS, .rounded = true}},
    {"work", {.key = "work", .unit = UNIT_NS, .rounded = true}},
    {"mapping", {.key = "mapping", .head = "of it mapping", .unit = UNIT_NS, .rounded = true, .drop = 1}},
    {"emulation", {.key = "emulation", .head = "emulated", .unit = UNIT_NS, .rounded = true}},
    {"hypercalls", {.key = "hypercalls", .unit = UNIT_COUNT, .drop = 3}},
    {"traps", {.key = "traps", .unit = UNIT_COUNT, .drop = 4}},
    {"faults_hidden", {.key = "hidden", .unit = UNIT_COUNT, .drop = 5}},
    {"faults_true", {.key = "true", .unit = UNIT_COUNT, .drop = 6}},
    {"table_stores", {.key = "stores", .unit = UNIT_COUNT, .drop = 7}},
    {"pages_filled", {.key = "filled", .unit = UNIT_COUNT, .drop = 8}},
    {"pages_torn_down", {.key = "torn_down", .head = "torn down", .unit = UNIT_COUNT, .drop = 9}},
};
enum { METRICS = sizeof figures / sizeof figures[0], COLUMNS = FIGURES + METRICS };

static bool is_told(const struct result_cell *cell)
{
    return is_linked(cell) && cell->metric_count && !cell_unlike(cell);
}

static void fill_row(const struct result_cell *cell, struct table *table, size_t row, struct document *doc)
{
    const uint64_t bytes = workload_size(&cell->cell.workload);
    table_text(table, row, EVENT,
        bytes ? document_text(doc, "%s/%s", cell_workload(cell), format_size_short(bytes).text)
              : cell_workload(cell));
    table_text(table, row, MONITOR, cell->cell.monitor);
    table_interval(table, row, TIME, cell->median, cell->low, cell->high);
    for (size_t i = 0; i < METRICS; i++) {
        const struct result_metric *metric = find_metric(cell, figures[i].metric);
        struct value *value = table_at(table, row, FIGURES + i);
        if (!metric)
            continue;
        if (figures[i].column.unit == UNIT_NS)
            table_interval(table, row, FIGURES + i, metric->value, metric->low, metric->high);
        else
            value->number = round(100 * metric->value) / 100;
        value->why = metric->reason;
    }
}

void linked_add_table(const struct result *result, struct document *doc)
{
    struct column columns[COLUMNS] = {
        [EVENT] = {.key = "event", .unit = UNIT_TEXT},
        [MONITOR] = {.key = "monitor", .head = "with", .unit = UNIT_TEXT},
        [TIME] = {.key = "time", .head = "each", .unit = UNIT_NS, .rounded = true},
    };
    size_t rows = 0, row = 0;
    for (size_t i = 0; i < METRICS; i++)
        columns[FIGURES + i] = figures[i].column;
    for (size_t i = 0; i < result->cell_count; i++)
        rows += is_told(&result->cells[i]);
    if (!rows)
        return;
    struct table *table = document_table(doc, "transport",
        "A guest's kernel: the way to the monitor, and the work there", columns, COLUMNS, rows);
    for (size_t i = 0; i < result->cell_count; i++)
        if (is_told(&result->cells[i]))
            fill_row(&result->cells[i], table, row++, doc);
    view_drop_empty(table);
    document_say(doc, BLOCK_NOTE,
        "transport: hand-overs, as often as they were counted, at what one takes for nothing in the same "
        "sample (the signal and both ways); work: the rest, validation, synchronization, mapping, and the "
        "guest's kernel itself; emulated: at least, instructions that the monitor emulated at what one of a "
        "loop takes; counts: of each event, exact, or there is no figure");
}

/* ---- the picture ---- */

/* A line for each runner and each of the two rows that has anything to draw. */
static void add_line(const struct result *result, const struct result_cell *first, const char *event,
    const char *name, struct chart **chart, struct document *doc)
{
    enum { POINTS = 16 };
    const struct result_cell *cells[POINTS];
    size_t count = 0;
    for (size_t i = 0; i < result->cell_count && count < POINTS; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (is_of(cell, event) && !strcmp(cell->cell.monitor, first->cell.monitor) && !cell_unlike(cell) &&
            cell->median > 0)
            cells[count++] = cell;
    }
    if (count < 2)
        return;
    if (!*chart)
        *chart = document_chart(doc, CHART_LINES, "batches",
            "Cost of a fresh page by how many the guest's kernel enters at once");
    struct chart_series *series = *chart ? chart_series(doc, *chart, name, count) : NULL;
    if (!series)
        return;
    series->baseline = is_native(first);
    for (size_t i = 0; i < count; i++)
        series->points[i] = (struct chart_point){(double)workload_size(&cells[i]->cell.workload) / (4 * KIB),
            cells[i]->median, cells[i]->low, cells[i]->high, NULL};
}

static bool each_is_emulated(const struct result *result)
{
    for (size_t i = 0; i < result->setting_count; i++)
        if (!strcmp(result->settings[i].name, "sync"))
            return !strcmp(result->settings[i].value, "write");
    return false;
}

static const char *line_name(
    const struct result *result, const struct result_cell *cell, struct document *doc)
{
    if (is_native(cell))
        return "native, populated";
    if (linked_is_emulated(result, cell))
        return document_text(doc, "%s, its kernel emulated", cell->cell.monitor);
    if (!strcmp(cell->cell.monitor, "shadow"))
        return each_is_emulated(result) ? "shadow, each store emulated" : "shadow, lazy";
    return cell->technique == TECHNIQUE_DIRECT
               ? document_text(doc, "%s, a hypercall for each batch", cell->cell.monitor)
               : cell->cell.monitor;
}

void linked_add_chart(const struct result *result, struct document *doc)
{
    struct chart *chart = NULL;
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct result_cell *cell = &result->cells[i];
        if (!is_first_of_runner(result, cell))
            continue;
        add_line(result, cell, FRESH, line_name(result, cell, doc), &chart, doc);
        if (!is_native(cell) && !each_is_emulated(result))
            add_line(result, cell, WRITTEN, "shadow, each store emulated", &chart, doc);
    }
    if (!chart)
        return;
    chart->x = (struct chart_axis){"pages at once", UNIT_COUNT, SCALE_LOG2, 0};
    chart->y = (struct chart_axis){"time of a page", UNIT_NS, SCALE_LOG, 0};
    chart->rule = NAN;
    chart->caption =
        "What paravirtualization wins by asking for many pages at once, and shadow paging by being "
        "lazy; populated: natively the kernel is asked for as many (MADV_POPULATE_WRITE).";
}
