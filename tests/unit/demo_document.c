#include "demo_document.h"

#include <math.h>
#include <stdlib.h>

enum { SIZES = 37 };

static double size_of(size_t i)
{
    return floor(exp2(12 + (double)i / 2) / 64) * 64;
}

/* A made-up memory: three caches and what lies behind them. */
static double latency_of(double bytes)
{
    static const double caches[][2] = {{32 << 10, 3}, {1 << 20, 10}, {32 << 20, 110}};
    double ns = 1.1;
    for (size_t i = 0; i < 3; i++)
        ns += caches[i][1] / (1 + pow(caches[i][0] / bytes, 3));
    return ns;
}

static double slowdown_of(double bytes)
{
    return 1.001 + 0.09 / (1 + pow(0x1p25 / bytes, 2)) + 0.004 * sin(log2(bytes) * 5);
}

static double length_of(size_t i)
{
    return i % 11 == 10 ? 0.5 : 0.004 + 0.012 * fabs(sin((double)i * 1.7));
}

static void say_first(struct document *document, const char *word)
{
    document->title = document_text(document, "vcost chase on %s", word);
    document_say(document, BLOCK_CONCLUSION, "Memory access in a guest costs up to 9 %% here.");
    document_say(document, BLOCK_FACT, "Guest: KVM with shadow paging. CPU: %s. Linux 6.18.", word);
    document_say(document, BLOCK_FACT, "At 31 of 37 working sets guest and native agree within 3 %%.");
    document_say(document, BLOCK_FACT, "At 6 working sets this run cannot tell: run again, or --time 300.");
    document_say(document, BLOCK_WARNING,
        "Native here is itself a KVM guest: the machine below (%s) is part of the baseline.", word);
}

static void add_curve_table(struct document *document, const char *word)
{
    const struct column columns[] = {
        {.key = "working_set", .head = "working set", .unit = UNIT_BYTES},
        {.key = "native", .head = "ns", .block = "native", .unit = UNIT_NS, .bare = true},
        {.key = "ns", .block = word, .unit = UNIT_NS, .bare = true},
        {.key = "slowdown", .block = word, .unit = UNIT_CHANGE, .interval = true},
    };
    struct table *table = document_table(document, "slowdown",
        document_text(document, "pointer chase, %s: ns per access", word), columns, 4, SIZES);
    for (size_t i = 0; table && i < SIZES; i++) {
        double bytes = size_of(i), ns = latency_of(bytes), ratio = slowdown_of(bytes), length = length_of(i);
        table_number(table, i, 0, bytes);
        table_number(table, i, 1, ns);
        table_number(table, i, 2, ns * ratio);
        table_interval(table, i, 3, ratio, ratio - length, ratio + length);
        if (ratio - length > 1)
            table_at(table, i, 3)->tone = TONE_SLOWER;
    }
    table_at(table, 20, 2)->mark = "~";
    table_at(table, 20, 2)->why = word;
    *table_at(table, 21, 3) = (struct value){.unit = UNIT_CHANGE,
        .number = NAN,
        .low = NAN,
        .high = NAN,
        .why = "one placement bears no interval"};
}

static void add_curve(struct document *document, struct chart *chart, const char *name, double factor)
{
    struct chart_series *series = chart_series(document, chart, name, SIZES);
    for (size_t i = 0; series && i < SIZES; i++) {
        double bytes = size_of(i), change = 1 + (slowdown_of(bytes) - 1) * factor;
        struct chart_point *point = &series->points[i];
        *point = (struct chart_point){bytes, change, change - length_of(i), change + length_of(i), NULL};
        if (i == 25)
            point->y = NAN;
        if (i == 28)
            point->mark = "noisy";
    }
}

static void add_charts(struct document *document, const char *word)
{
    struct chart *chart = document_chart(document, CHART_LINES, "slowdown", "Slowdown over native");
    if (!chart)
        return;
    chart->x = (struct chart_axis){.label = "working set (bytes)", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "slowdown over native", .unit = UNIT_CHANGE, .least = 0.02};
    chart->rule = 1;
    chart->caption = "Bands: 95 % intervals of the ratio, made over placements.";
    add_curve(document, chart, word, 1);
    add_curve(document, chart, "kvm (nested) 2M/2M", 0.3);
    chart_mark(document, chart, MARK_MEASURED, 32 << 10, 46336, "L1d");
    chart_mark(document, chart, MARK_MEASURED, 741376, 1 << 20, "L2");
    chart_mark(document, chart, MARK_REPORTED, 32 << 10, 32 << 10, word);
    chart_mark(document, chart, MARK_REPORTED, 32 << 20, 32 << 20, "L3");
    chart = document_chart(document, CHART_LINES, "latency", word);
    if (!chart)
        return;
    chart->x = (struct chart_axis){.label = "working set (bytes)", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "ns per access", .unit = UNIT_NS, .scale = SCALE_LOG};
    chart->stamp = "too disturbed to tell";
    for (size_t c = 0; c < 2; c++) {
        struct chart_series *series = chart_series(document, chart, c ? "kvm (shadow)" : "native", SIZES);
        for (size_t i = 0; series && i < SIZES; i++) {
            series->points[i].x = size_of(i);
            series->points[i].y = latency_of(size_of(i)) * (c ? slowdown_of(size_of(i)) : 1);
        }
        if (series)
            series->baseline = !c;
    }
}

static const struct {
    const char *name;
    double native, guest, low, high;
} prices[] = {{"halt-wake", NAN, 63200, 57500, 74600}, {"shootdown", NAN, 47100, 38700, 51800},
    {"timer", NAN, 40400, 39400, 42100}, {"page-fault", 1120, 19500, 19100, 20700},
    {"divide-by-zero", NAN, 7640, 7520, 7770}, {"cpuid", 3610, 3630, 3580, 3680},
    {"first-touch-2m-fresh", 4320000, NAN, NAN, NAN}, {"retouch-pages-exit/1M", NAN, 3890, 3000, 4900},
    {"rdtsc", 23.1, 22.9, 22.5, 23.2}, {"call-return", 1.17, 1.17, 1.15, 1.19}};
enum { PRICES = sizeof prices / sizeof *prices };

static void add_prices(struct document *document, const char *word)
{
    const struct column columns[] = {{.key = "event", .unit = UNIT_TEXT}, {.key = "native", .unit = UNIT_NS},
        {.key = "kvm", .unit = UNIT_NS, .interval = true},
        {.key = "about", .head = "what it is", .unit = UNIT_TEXT, .below = true}};
    document_say(document, BLOCK_HEADING, "What leaving the guest costs");
    struct table *table =
        document_table(document, "prices", "prices, the most expensive first", columns, 4, PRICES);
    struct chart *chart = document_chart(document, CHART_BARS, "prices", "Prices in the guest and natively");
    struct chart_series *native = chart_series(document, chart, "native", PRICES);
    struct chart_series *guest = chart_series(document, chart, "kvm (shadow)", PRICES);
    native = chart ? &chart->series[0] : native;
    const char **names = pool_room(&document->pool, PRICES, sizeof *names);
    if (!table || !native || !guest || !names)
        return;
    chart->y = (struct chart_axis){.label = "time each (logarithmic)", .unit = UNIT_NS, .scale = SCALE_LOG};
    chart->categories = names;
    chart->category_count = PRICES;
    native->baseline = true;
    for (size_t i = 0; i < PRICES; i++) {
        names[i] = i == 3 ? word : prices[i].name;
        table_text(table, i, 0, names[i]);
        table_number(table, i, 1, prices[i].native);
        table_interval(table, i, 2, prices[i].guest, prices[i].low, prices[i].high);
        table_text(table, i, 3, i % 2 ? word : "what it takes until the next instruction");
        native->points[i] = (struct chart_point){(double)i, prices[i].native, NAN, NAN, NULL};
        guest->points[i] =
            (struct chart_point){(double)i, prices[i].guest, prices[i].low, prices[i].high, NULL};
    }
}

static void add_changes(struct document *document)
{
    struct chart *chart = document_chart(document, CHART_BARS, "changes", "Changes since last week");
    struct chart_series *series = chart_series(document, chart, "change", 5);
    static const char *const which[] = {"64 KiB", "1 MiB", "16 MiB", "256 MiB", "1 GiB"};
    const char **names = pool_room(&document->pool, 5, sizeof *names);
    if (!series || !names)
        return;
    chart->categories = names;
    chart->category_count = 5;
    chart->y = (struct chart_axis){.label = "change", .unit = UNIT_CHANGE, .least = 0.02};
    chart->rule = 1;
    for (size_t i = 0; i < 5; i++) {
        double ratio = 0.97 + 0.03 * (double)i;
        names[i] = which[i];
        series->points[i] =
            (struct chart_point){(double)i, ratio, ratio - 0.02, ratio + (i == 2 ? 2 : 0.02), NULL};
    }
}

static void say_rest(struct document *document, const char *word)
{
    document_say(document, BLOCK_HEADING, "What to change: %s", word);
    document_say(document, BLOCK_ITEM, "The host backs large pages with small ones (%s).", word);
    document_say(document, BLOCK_MORE, "To change: ask for memory that is backed by large pages. %s", word);
    document_say(document, BLOCK_ITEM, "Each first touch of a page is a fault of its own.");
    document_say(document, BLOCK_MORE, "To change: let the kernel prepare memory in one go.");
    document_details(document, true);
    document_say(document, BLOCK_HEADING, "How it was measured");
    document_say(document, BLOCK_SENTENCE, "592 samples, 84 more were disturbed and taken again, %s.", word);
    document_say(document, BLOCK_NOTE, "Of 37 comparisons 2 would miss the truth by chance alone, %s.", word);
    const struct column columns[] = {
        {.key = "fact", .unit = UNIT_TEXT}, {.key = "value", .unit = UNIT_TEXT, .interval = true}};
    struct table *table = document_table(document, "machine", NULL, columns, 2, 4);
    static const char *const facts[] = {"memory", "fork and exit", "NUMA nodes", "this machine is a guest"};
    for (size_t i = 0; table && i < 4; i++)
        table_text(table, i, 0, facts[i]);
    *table_at(table, 0, 1) =
        (struct value){UNIT_BYTES, 0x1p34, NAN, NAN, NULL, NULL, NULL, TONE_PLAIN, false};
    *table_at(table, 1, 1) =
        (struct value){UNIT_NS, 164e3, 162e3, 172e3, NULL, NULL, NULL, TONE_PLAIN, false};
    *table_at(table, 2, 1) = (struct value){UNIT_COUNT, 1, NAN, NAN, NULL, NULL, NULL, TONE_PLAIN, false};
    *table_at(table, 3, 1) = (struct value){UNIT_YES_NO, 1, NAN, NAN, word, NULL, NULL, TONE_PLAIN, false};
    document_details(document, false);
}

void demo_document(struct document *document, const char *word)
{
    say_first(document, word);
    add_curve_table(document, word);
    document_say(document, BLOCK_NOTE, "~ noisy: %s", word);
    add_charts(document, word);
    add_prices(document, word);
    add_changes(document);
    say_rest(document, word);
    document->json =
        "{ \"schema\": \"vcost.result/1\",\n  \"command\": [\"vcost\", \"</script><b>\\\"\\\\\"],\n"
        "  \"text\": \"\u2028 a \u2029\" }\n";
}

/* As long as a result's cells are. */
static const char *many_cells(struct document *document, size_t count)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fputs("{\"schema\": \"vcost.result/1\", \"cells\": [", stream);
    for (size_t i = 0; i < count; i++) {
        fprintf(stream,
            "%s\n  {\"id\": \"chase/kvm/random/%zu/64/4096/4096\", \"label\": \"kvm (shadow, PVM)\", ",
            i ? "," : "", 4096 + 64 * i);
        fprintf(stream, "\"proof\": \"host (small): smaps: 1048576 KiB resident\", \"samples\": [");
        for (size_t k = 0; k < 8; k++)
            fprintf(stream,
                "%s\n    {\"value\": %.10g, \"round\": %zu, \"placement\": %zu, \"disturbed\": null}",
                k ? "," : "", 1 + fmod((double)(i * 8 + k) * 0.61803398875, 1), k % 4, k / 4);
        fputs("]}", stream);
    }
    fputs("\n]}\n", stream);
    fclose(stream);
    const char *kept = document_text(document, "%s", text);
    free(text);
    return kept;
}

void demo_many_rows(struct document *document, size_t rows)
{
    const struct column columns[] = {{.key = "working_set", .unit = UNIT_BYTES},
        {.key = "native", .unit = UNIT_NS, .bare = true}, {.key = "ns", .unit = UNIT_NS, .bare = true},
        {.key = "slowdown", .unit = UNIT_CHANGE, .interval = true}};
    struct table *table = document_table(document, "many", "many rows", columns, 4, rows);
    struct chart *chart = document_chart(document, CHART_LINES, "many", "many points");
    chart_series(document, chart, "native", rows);
    chart_series(document, chart, "kvm", rows);
    if (!table || !chart || chart->series_count != 2)
        return;
    chart->x = (struct chart_axis){.label = "working set", .unit = UNIT_BYTES, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "ns per access", .unit = UNIT_NS, .scale = SCALE_LOG};
    document->json = many_cells(document, rows);
    for (size_t i = 0; i < rows; i++) {
        double bytes = 4096 + 64.0 * (double)i, ns = latency_of(bytes), ratio = slowdown_of(bytes);
        table_number(table, i, 0, bytes);
        table_number(table, i, 1, ns);
        table_number(table, i, 2, ns * ratio);
        table_interval(table, i, 3, ratio, ratio - 0.01, ratio + 0.01);
        chart->series[0].points[i] = (struct chart_point){bytes, ns, ns * 0.99, ns * 1.01, NULL};
        chart->series[1].points[i] = (struct chart_point){bytes, ns * ratio, ns, ns * 1.2, NULL};
    }
}
