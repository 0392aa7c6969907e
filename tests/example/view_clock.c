#include "clock_command.h"
#include "report/format.h"

static void add_table(const struct clock_cost *cost, struct document *document)
{
    static const struct column columns[] = {
        {.key = "readings", .head = "in a row", .unit = UNIT_COUNT},
        {.key = "ns", .head = "each", .unit = UNIT_NS, .interval = true, .rounded = true},
    };
    struct table *table = document_table(document, "batches", "Time of a reading", columns, 2, cost->count);
    for (size_t i = 0; i < cost->count; i++) {
        const struct clock_batch *batch = &cost->batches[i];
        table_number(table, i, 0, (double)batch->readings);
        table_interval(table, i, 1, batch->ns, batch->low, batch->high);
    }
}

static void add_chart(const struct clock_cost *cost, struct document *document)
{
    struct chart *chart = document_chart(document, CHART_LINES, "batches", "Time of a reading");
    struct chart_series *series = chart_series(document, chart, "CLOCK_MONOTONIC", cost->count);
    if (!series)
        return;
    chart->x = (struct chart_axis){.label = "readings in a row", .unit = UNIT_COUNT, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "ns per reading", .unit = UNIT_NS};
    for (size_t i = 0; i < cost->count; i++) {
        const struct clock_batch *batch = &cost->batches[i];
        series->points[i] =
            (struct chart_point){(double)batch->readings, batch->ns, batch->low, batch->high, NULL};
    }
}

void view_clock(const struct clock_cost *cost, struct document *document)
{
    const struct clock_batch *largest = &cost->batches[cost->count - 1];
    document->title = "vcost clock";
    document_say(document, BLOCK_CONCLUSION, "Reading the clock costs %s here.",
        format_figure(UNIT_NS, largest->ns, 0).text);
    add_table(cost, document);
    add_chart(cost, document);
}
