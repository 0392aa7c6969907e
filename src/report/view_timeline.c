#include "report/view_timeline.h"

#include "report/format.h"

#include <math.h>
#include <string.h>

/* ---- the numbers ---- */

static struct formatted ms(double milliseconds)
{
    return format_figure(UNIT_NS, milliseconds * 1e6, 0);
}

/* What is lost of less than a hundredth is not told from what a pace varies by. */
void view_costs(const struct timeline_costs *costs, enum timeline_kind kind, struct document *document)
{
    if (costs->missing[0])
        document_say(document, BLOCK_FACT, "What it cost the program is not known: %s.", costs->missing);
    else if (kind != TIMELINE_MIGRATION) {
        if (!isnan(costs->stopped_ms))
            document_say(document, BLOCK_FACT, "The program saw itself stand still for %s.",
                ms(costs->stopped_ms).text);
    } else if (isnan(costs->stall_ms))
        document_say(document, BLOCK_FACT,
            "What it cost the program while it was sent is not known: it had not run for long enough "
            "%s.",
            isnan(costs->pace_before) ? "before" : "meanwhile");
    else if (costs->stall_share < -0.05)
        document_say(document, BLOCK_FACT,
            "While it was sent it ran faster than before (%s of that pace): what it lost is not known, as it "
            "had not reached its usual pace yet, or was disturbed.",
            format_figure(UNIT_SHARE, costs->pace_moving / costs->pace_before, 0).text);
    else if (costs->stall_share < 0.01)
        document_say(document, BLOCK_FACT,
            "While it was sent the program ran at its pace before (%s): what it lost cannot be told from "
            "nothing.",
            format_figure(UNIT_SHARE, costs->pace_moving / costs->pace_before, 0).text);
    else
        document_say(document, BLOCK_FACT,
            "While it was sent it ran at %s of its pace before: %s of %s were lost, besides the "
            "downtime%s%s. Its longest pause was %s, in %s (before: %s).",
            format_figure(UNIT_SHARE, costs->pace_moving / costs->pace_before, 0).text,
            ms(costs->stall_ms).text, format_seconds(costs->moving_seconds).text,
            isnan(costs->waited_ms) ? ""
                                    : document_text(document, "; for %s it had no CPU, as others had it",
                                          ms(costs->waited_ms).text),
            costs->stolen_ms > 0 ? document_text(document, "; a hypervisor took %s of this machine's CPUs",
                                       ms(costs->stolen_ms).text)
                                 : "",
            ms(costs->longest_moving_ms).text, costs->longest_moving_in, ms(costs->longest_before_ms).text);
    if (!isnan(costs->back_ms))
        document_say(document, BLOCK_FACT, "Its pace was back %s after it ran again.",
            costs->back_ms > 0 ? ms(costs->back_ms).text : "within 10 ms");
}

void view_costs_table(
    const struct timeline_costs *costs, enum timeline_kind kind, const char *unit, struct document *document)
{
    const struct column columns[] = {
        {.key = "when", .unit = UNIT_TEXT},
        {.key = "pace", .head = document_text(document, "%s a second", unit), .unit = UNIT_COUNT},
        {.key = "longest_pause", .head = "longest pause", .unit = UNIT_NS},
        {.key = "large", .head = "host 2 MiB pages", .unit = UNIT_SHARE},
        {.key = "guest_large", .head = "guest 2 MiB pages", .unit = UNIT_SHARE},
        {.key = "faults", .head = "page faults", .unit = UNIT_COUNT},
    };
    const struct {
        const char *name;
        double pace, longest, large, guest_large, faults;
    } rows[] = {
        {"before", costs->pace_before, costs->longest_before_ms, costs->large_before,
            costs->guest_large_before, NAN},
        {"pre-copy", costs->pace_moving, costs->longest_moving_ms, costs->large_moving,
            costs->guest_large_moving, costs->faults_moving},
        {"after", costs->pace_after, costs->longest_after_ms, costs->large_after, costs->guest_large_after,
            costs->faults_after},
    };
    const bool sent = kind == TIMELINE_MIGRATION; /* else nothing goes on between before and after */
    struct table *table = document_table(document, "program", "What it cost the program", columns,
        sizeof columns / sizeof columns[0], sizeof rows / sizeof rows[0] - !sent);
    for (size_t i = 0, row = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i == 1 && !sent)
            continue;
        table_text(table, row, 0, rows[i].name);
        table_number(table, row, 1, round(rows[i].pace));
        table_number(table, row, 2, rows[i].longest * 1e6);
        table_number(table, row, 3, rows[i].large);
        table_number(table, row, 4, rows[i].guest_large);
        table_number(table, row++, 5, rows[i].faults);
    }
    document_say(document, BLOCK_NOTE,
        "Measured inside, by the program's own clock. Pages: shares of what is mapped, the least while it "
        "was sent.");
}

/* ---- the pictures ---- */

static const char time_axis[] = "time, from when it was asked for";

static void add_phases(const struct timeline_told *told, struct document *document, struct chart *chart)
{
    double stop = timeline_told_mark(told, TIMELINE_STOP), runs = timeline_told_mark(told, TIMELINE_RUNS),
           end = timeline_told_mark(told, TIMELINE_END);
    double first = told->bucket_count ? told->buckets[0].seconds - told->step_seconds / 2 : 0;
    const bool restored = told->kind == TIMELINE_RESTORE, sent = told->kind == TIMELINE_MIGRATION;
    chart->x = (struct chart_axis){.label = time_axis, .unit = UNIT_NS};
    chart_mark(document, chart, MARK_PHASE, first * 1e9, 0, restored ? "before it was saved" : "before");
    if (sent)
        chart_mark(document, chart, MARK_PHASE, 0, (isnan(stop) ? end : stop) * 1e9,
            "pre-copy: runs, memory is sent");
    if (isnan(runs))
        return;
    chart_mark(document, chart, MARK_STOP, stop * 1e9, runs * 1e9,
        document_text(document, "stands still: %s", ms((runs - stop) * 1e3).text));
    chart_mark(document, chart, MARK_PHASE, runs * 1e9, end * 1e9,
        restored ? "restored"
        : sent   ? "after: runs there"
                 : "after");
}

/* "before 8,187, while it was sent 5,102, after 8,666": what is known of three figures, as the title goes on.
 */
static const char *title_of(const struct timeline_told *told, struct document *document, const char *what,
    enum unit unit, double before, double moving, double after)
{
    const struct {
        const char *name;
        double figure;
    } parts[] = {{"before", before}, {"while it was sent", told->kind == TIMELINE_MIGRATION ? moving : NAN},
        {"after", after}};
    const char *title = what, *between = ": ";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!isnan(parts[i].figure)) {
            title = document_text(document, "%s%s%s %s", title, between, parts[i].name,
                format_figure(unit, parts[i].figure, 0).text);
            between = ", ";
        }
    return title;
}

static struct chart *begin_chart(
    const struct timeline_told *told, struct document *document, const char *name, const char *title)
{
    struct chart *chart = document_chart(document, CHART_LINES, name, title);
    if (chart)
        add_phases(told, document, chart);
    return chart;
}

/* One figure of each step of time. */
static void add_series(const struct timeline_told *told, struct document *document, struct chart *chart,
    const char *name, double (*figure)(const struct timeline_bucket *bucket))
{
    struct chart_series *series = chart_series(document, chart, name, told->bucket_count);
    if (!series)
        return;
    series->fine = true;
    for (size_t i = 0; i < told->bucket_count; i++) {
        series->points[i].x = told->buckets[i].seconds * 1e9;
        series->points[i].y = figure(&told->buckets[i]);
    }
}

static double mean_ns(const struct timeline_bucket *bucket)
{
    return bucket->ns_mean;
}

static double mean_pace(const struct timeline_bucket *bucket)
{
    return 1e9 / bucket->ns_mean;
}

static double median_ns(const struct timeline_bucket *bucket)
{
    return bucket->ns_median;
}

static double p99_ns(const struct timeline_bucket *bucket)
{
    return bucket->ns_p99;
}

static double median_pace(const struct timeline_bucket *bucket)
{
    return 1e9 / bucket->ns_median;
}

static double slow_pace(const struct timeline_bucket *bucket)
{
    return 1e9 / bucket->ns_p99;
}

static double longest_ns(const struct timeline_bucket *bucket)
{
    return bucket->longest_ms * 1e6;
}

static void draw_work(const struct timeline_told *told, struct document *document)
{
    const struct timeline_costs *costs = &told->costs;
    const char *unit = portable_workloads[told->workload].unit;
    bool writes = told->workload == PORTABLE_WRITER;
    const char *title =
        writes ? title_of(told, document, "Writes a second", UNIT_COUNT, round(costs->pace_before),
                     round(costs->pace_moving), round(costs->pace_after))
               : title_of(told, document, document_text(document, "Time for each of its %s", unit), UNIT_NS,
                     1e9 * told->cpus / costs->pace_before, 1e9 * told->cpus / costs->pace_moving,
                     1e9 * told->cpus / costs->pace_after);
    struct chart *chart = begin_chart(told, document, "work", title);
    if (!chart)
        return;
    chart->y = writes
                   ? (struct chart_axis){.label = "writes a second", .unit = UNIT_COUNT, .scale = SCALE_LOG}
                   : (struct chart_axis){.label = "time for each", .unit = UNIT_NS, .scale = SCALE_LOG};
    add_series(told, document, chart, "all (mean)", writes ? mean_pace : mean_ns);
    add_series(told, document, chart, "median", writes ? median_pace : median_ns);
    add_series(told, document, chart, "slowest 1 %", writes ? slow_pace : p99_ns);
    chart->caption =
        "Of samples that the program takes itself, each over a quarter of a millisecond or more.";
}

static void draw_pauses(const struct timeline_told *told, struct document *document)
{
    const struct timeline_costs *costs = &told->costs;
    struct chart *chart = begin_chart(told, document, "pauses",
        title_of(told, document, "Longest pause of the program", UNIT_NS, costs->longest_before_ms * 1e6,
            costs->longest_moving_ms * 1e6, costs->longest_after_ms * 1e6));
    if (!chart)
        return;
    chart->y = (struct chart_axis){.label = "longest pause", .unit = UNIT_NS, .scale = SCALE_LOG};
    add_series(told, document, chart, "from one look at its clock to the next", longest_ns);
    chart->caption = "In each step of time; also across the stop, as the program sees it.";
}

static void draw_pages(const struct timeline_told *told, struct document *document)
{
    const struct timeline_costs *costs = &told->costs;
    struct chart *chart = begin_chart(told, document, "pages",
        title_of(told, document, "Pages of 2 MiB for the guest", UNIT_SHARE, costs->guest_large_before,
            costs->guest_large_moving, costs->guest_large_after));
    struct chart_series *host =
        chart ? chart_series(document, chart, "host's mapping (smaps)", told->look_count) : NULL;
    struct chart_series *guest =
        host ? chart_series(document, chart, "what the CPU walks for the guest", told->look_count) : NULL;
    if (!guest)
        return;
    double large = 0;
    host = &chart->series[0];
    guest = &chart->series[1];
    for (size_t i = 0; i < told->look_count; i++) {
        const struct timeline_look *look = &told->looks[i];
        host->points[i].x = guest->points[i].x = look->seconds * 1e9;
        host->points[i].y = look->large_bytes / look->resident_bytes;
        large = fmax(large, host->points[i].y);
        guest->points[i].y = 512 * look->guest_large / (512 * look->guest_large + look->guest_small);
    }
    chart->y = (struct chart_axis){.label = "share of what is mapped", .unit = UNIT_SHARE};
    chart->rule = large > 0.5 ? 0 : 1; /* the axis is to go from 0 to 100 % */
    host->fine = guest->fine = true;
}

void view_timeline(const struct timeline_told *told, struct document *document)
{
    draw_work(told, document);
    draw_pauses(told, document);
    draw_pages(told, document);
}

void view_timeline_alone(const struct timeline_told *told, struct document *document)
{
    const bool restored = told->kind == TIMELINE_RESTORE;
    double still = timeline_told_mark(told, TIMELINE_RUNS) - timeline_told_mark(told, TIMELINE_STOP);
    document->title = restored ? "vcost domain restore" : "vcost domain save";
    if (!isnan(still))
        document_say(document, BLOCK_CONCLUSION,
            restored ? "%s goes on: first instruction after %s." : "%s was saved: it stood still for %s.",
            told->name, ms(still * 1e3).text);
    view_costs(&told->costs, told->kind, document);
    view_costs_table(&told->costs, told->kind, portable_workloads[told->workload].unit, document);
    view_timeline(told, document);
}
