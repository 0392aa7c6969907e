#include "report/view_domain.h"

#include "base/size.h"
#include "measure/statistics.h"
#include "report/format.h"
#include "report/view_timeline.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const char *state_of(const struct domain_report *report)
{
    return report->ending[0]   ? report->ending
           : report->awaits[0] ? "awaited"
                               : portable_phases[report->phase];
}

void view_domains(const struct domain_list *list, struct document *document)
{
    static const struct column columns[] = {
        {.key = "name", .unit = UNIT_TEXT},
        {.key = "state", .unit = UNIT_TEXT},
        {.key = "workload", .unit = UNIT_TEXT},
        {.key = "memory", .unit = UNIT_BYTES},
        {.key = "vcpus", .head = "CPUs", .unit = UNIT_COUNT},
        {.key = "done", .unit = UNIT_COUNT, .drop = 2},
        {.key = "pace", .head = "a second", .unit = UNIT_COUNT},
        {.key = "latency", .head = "each", .unit = UNIT_NS, .drop = 3},
        {.key = "large", .head = "2 MiB pages", .unit = UNIT_SHARE, .drop = 4},
        {.key = "pid", .head = "process", .unit = UNIT_TEXT, .drop = 1},
    };
    document->title = "vcost domain list";
    if (!list->count) {
        document_say(document, BLOCK_CONCLUSION, "No domain of yours runs.");
        return;
    }
    struct table *table =
        document_table(document, "domains", NULL, columns, sizeof columns / sizeof columns[0], list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct domain_report *report = &list->reports[i];
        table_text(table, i, 0, report->name);
        table_text(table, i, 1, state_of(report));
        table_text(table, i, 2, portable_workloads[report->workload].name);
        table_number(table, i, 3, (double)report->memory_bytes);
        table_number(table, i, 4, report->cpus);
        table_number(table, i, 5, (double)report->done);
        table_number(table, i, 6, isnan(report->pace) ? NAN : round(report->pace));
        table_number(table, i, 7, report->has_stats ? report->stats.recent.ns_median : NAN);
        table_number(
            table, i, 8, report->has_stats ? report->stats.large_bytes / report->stats.resident_bytes : NAN);
        table_text(table, i, 9, document_text(document, "%" PRIu64, report->pid));
    }
}

static void say_ending(const struct domain_report *report, struct document *document)
{
    const char *unit = portable_workloads[report->workload].unit;
    const struct formatted done = format_count(report->done);
    if (report->checksum[0] && !report->wrong)
        document_say(document, BLOCK_CONCLUSION, "%s is done: %s %s, checksum %s.", report->name, done.text,
            unit, report->checksum);
    else if (report->checksum[0])
        document_say(document, BLOCK_CONCLUSION,
            "%s is done, and wrong: of its pages %" PRIu64 " are not what was written.", report->name,
            report->wrong);
    else
        document_say(document, BLOCK_CONCLUSION, "%s is %s, after %s %s.", report->name, state_of(report),
            done.text, unit);
}

/* With what was recorded brought in behind it, against without, as it was when that was recorded. */
static void say_brought(const struct domain_report *report, struct document *document)
{
    const double with = report->working_set_ms, without = report->working_set_without_ms;
    if (isnan(report->brought_held_ms))
        return;
    if (isnan(report->brought_back_ms))
        document_say(
            document, BLOCK_FACT, "What was recorded is being brought in behind it, or could not be.");
    else
        document_say(document, BLOCK_FACT,
            "What was recorded was all there after %s of work behind it, for which it was held for %s in "
            "all.",
            format_figure(UNIT_NS, report->brought_back_ms * 1e6, 0).text,
            format_figure(UNIT_NS, report->brought_held_ms * 1e6, 0).text);
    if (!isnan(with) && !isnan(without))
        document_say(document, BLOCK_FACT,
            "Without that, when it was recorded, the working set was back after %s: %s.",
            format_figure(UNIT_NS, without * 1e6, 0).text,
            with < without ? document_text(document, "now it took %.0f %% less", 100 * (1 - with / without))
                           : "it gained nothing here");
}

static void say_restored(const struct domain_report *report, struct document *document)
{
    if (isnan(report->first_instruction_ms))
        return;
    document_say(document, BLOCK_FACT, "Restored (%s): first instruction after %s.", report->mode,
        format_figure(UNIT_NS, report->first_instruction_ms * 1e6, 0).text);
    if (isnan(report->working_set_ms))
        document_say(document, BLOCK_FACT, "Working set back: %s.",
            report->pace_before > 0 ? "not yet" : "not known, as the pace before it was saved is not");
    else
        document_say(document, BLOCK_FACT,
            "Working set back after %s (nine tenths of the pace before it was saved).",
            format_figure(UNIT_NS, report->working_set_ms * 1e6, 0).text);
    say_brought(report, document);
    if (!isnan(report->clock_jump_ms))
        document_say(document, BLOCK_FACT,
            "Clock: %s; its time-stamp counter went %s by %s when it came back, seen from inside.",
            report->clock, report->clock_jump_ms < 0 ? "back" : "on",
            format_figure(UNIT_NS, fabs(report->clock_jump_ms) * 1e6, 0).text);
    if (report->memory_checked[0])
        document_say(document, BLOCK_FACT, "Memory verified against the file: %s.", report->memory_checked);
}

/* What its pages are is what was obtained, not what was asked for. */
static void say_stats(const struct domain_report *report, struct document *document)
{
    const struct domain_stats *stats = &report->stats;
    const char *unit = portable_workloads[report->workload].unit;
    uint64_t small, large;
    if (!isnan(stats->recent.ns_median))
        document_say(document, BLOCK_FACT,
            "Each of its %s took %s (median; slowest 1 %% of samples: %s) in the last second that it ran.",
            unit, format_figure(UNIT_NS, stats->recent.ns_median, 0).text,
            format_figure(UNIT_NS, stats->recent.ns_p99, 0).text);
    if (!isnan(stats->resident_bytes))
        document_say(document, BLOCK_FACT, "Resident: %s, of that %s in pages of 2 MiB.",
            format_size((uint64_t)stats->resident_bytes).text,
            format_size((uint64_t)stats->large_bytes).text);
    if (counters_get(&stats->counters, "pages_4k", &small) &&
        counters_get(&stats->counters, "pages_2m", &large))
        document_say(document, BLOCK_FACT,
            "Mapped for the guest: %s by pages of 2 MiB, %s by pages of 4 KiB.",
            format_size(large * 2 * MIB).text, format_size(small * 4 * KIB).text);
}

/* Memory that follows a domain, as either end has it. */
static void say_follow(const struct follow_told *told, struct document *document)
{
    if (told->stage != FOLLOW_ALL) {
        document_say(document, BLOCK_FACT, "Memory that follows: %s pages of %s are missing after %s (%s).",
            format_count(told->left).text, format_count(told->pages).text, format_seconds(told->seconds).text,
            follow_stages[told->stage]);
        return;
    }
    document_say(document, BLOCK_FACT,
        "All memory was there %s after it was handed over (%s pages had followed).",
        format_seconds(told->seconds).text, format_count(told->pages).text);
    if (told->faults)
        document_say(document, BLOCK_FACT,
            "%s of them were waited for: %s each (median; the longest %s), from the guest's fault until the "
            "page was there.",
            format_count(told->faults).text, format_figure(UNIT_NS, told->median_us * 1e3, 0).text,
            format_figure(UNIT_NS, told->longest_us * 1e3, 0).text);
}

void view_domain(const struct domain_report *report, struct document *document)
{
    document->title = "vcost domain";
    say_ending(report, document);
    if (report->awaits[0])
        document_say(document, BLOCK_FACT, "It does not run here yet: it waits for %s.", report->awaits);
    if (report->sentence[0])
        document_say(document, BLOCK_WARNING, "%s.", report->sentence);
    if (report->moves && report->moved.sentence[0])
        document_say(document, BLOCK_WARNING, "%s.", report->moved.sentence);
    document_say(document, BLOCK_FACT, "%s on %u virtual CPU%s of %s, %s of memory, process %" PRIu64 ".",
        portable_workloads[report->workload].name, report->cpus, report->cpus > 1 ? "s" : "", report->monitor,
        format_size(report->memory_bytes).text, report->pid);
    if (!isnan(report->stall_ms))
        document_say(document, BLOCK_FACT, "It stood still for %s when it was saved, cloned or resized last.",
            format_figure(UNIT_NS, report->stall_ms * 1e6, 0).text);
    if (!isnan(report->given_back_bytes))
        document_say(document, BLOCK_FACT,
            "When it was resized last, %s of what it had in memory went back (counted).",
            format_size((uint64_t)report->given_back_bytes).text);
    if (report->added_writes)
        document_say(document, BLOCK_FACT,
            "Of memory that came later its workload uses %s; it has written there %s times, and checks that "
            "at its end, or when it gives it up.",
            format_size(report->added_bytes).text, format_count(report->added_writes).text);
    if (!isnan(report->pace))
        document_say(document, BLOCK_FACT, "Pace: %s %s a second.", format_count((uint64_t)report->pace).text,
            portable_workloads[report->workload].unit);
    if (report->nodes[0])
        document_say(document, BLOCK_FACT, "Its memory, counted: %s.", report->nodes);
    if (!isnan(report->locked_bytes))
        document_say(document, BLOCK_FACT, "Locked in memory, counted: %s.",
            format_size((uint64_t)report->locked_bytes).text);
    if (report->has_stats)
        say_stats(report, document);
    say_restored(report, document);
    if (report->follows)
        say_follow(&report->follow, document);
    if (!isnan(report->longest_pause_ms))
        document_say(document, BLOCK_FACT, "Longest jump of its time-stamp counter, seen from inside: %s%s.",
            format_figure(UNIT_NS, report->longest_pause_ms * 1e6, 0).text,
            report->backwards ? "; it also went back" : "");
    if (report->generation[0])
        document_say(document, BLOCK_FACT, "Generation ID %s%s.", report->generation,
            report->generation_seen[0] && strcmp(report->generation, report->generation_seen) != 0
                ? " (its workload has not looked yet)"
                : "");
}

/* ---- a migration ---- */

static void add_downtime(const struct moved_told *told, struct document *document)
{
    static const struct column columns[] = {
        {.key = "part", .unit = UNIT_TEXT},
        {.key = "time", .unit = UNIT_NS},
        {.key = "what", .head = "what it is", .unit = UNIT_TEXT, .drop = 1},
    };
    const struct {
        const char *name;
        double ms;
        const char *what;
    } parts[] = {
        {"stopping", told->stopping_ms, "until no virtual CPU was in the guest"},
        {"last pass", told->last_pass_ms, "the pages that were left"},
        {"state", told->state_ms, "registers, MSRs, vector state taken out"},
        {"sending", told->send_ms, "the state through the link, and the answer"},
        {"creating", told->create_ms, "there: the state put into the machine"},
        {"starting", told->start_ms, "handed over, until it ran there"},
        {"all", told->downtime_ms, "by the source's clock"},
    };
    struct table *table =
        document_table(document, "downtime", "Downtime", columns, 3, sizeof parts / sizeof parts[0]);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        table_text(table, i, 0, parts[i].name);
        table_number(table, i, 1, parts[i].ms * 1e6);
        table_text(table, i, 2, parts[i].what);
    }
}

/* A command can be long. */
static const char *to_of(const struct moved_told *told, struct document *document)
{
    enum { SHOWN = 50 };
    return strlen(told->to) > SHOWN ? document_text(document, "%.*s…", SHOWN, told->to) : told->to;
}

void view_moved(
    const struct domain_report *report, const struct timeline_told *timeline, struct document *document)
{
    const struct moved_told *told = &report->moved;
    document->title = "vcost domain migrate";
    bool lost = told->has_costs && told->costs.stall_share >= 0.01;
    if (told->stage == MOVED_DONE)
        document_say(document, BLOCK_CONCLUSION, "%s runs at %s: it stood still for %s%s%s.", report->name,
            to_of(told, document), format_figure(UNIT_NS, told->downtime_ms * 1e6, 0).text,
            lost ? ", and had lost " : "",
            lost ? document_text(document, "%s before, while it was sent",
                       format_figure(UNIT_NS, told->costs.stall_ms * 1e6, 0).text)
                 : "");
    else if (told->stage == MOVED_CHECKED)
        document_say(document, BLOCK_CONCLUSION, "%s could run at %s; nothing was moved.", report->name,
            to_of(told, document));
    else if (told->stage == MOVED_FAILED)
        document_say(
            document, BLOCK_CONCLUSION, "%s was not moved, and is %s here.", report->name, state_of(report));
    else
        document_say(document, BLOCK_CONCLUSION, "%s: %s.", report->name, moved_stages[told->stage]);
    if (told->has_costs)
        view_costs(&told->costs, TIMELINE_MIGRATION, document);
    if (told->stage == MOVED_DONE)
        add_downtime(told, document);
    if (told->has_costs)
        view_costs_table(
            &told->costs, TIMELINE_MIGRATION, portable_workloads[report->workload].unit, document);
    if (told->post_copy && told->stage >= MOVED_FOLLOWS && told->stage != MOVED_FAILED)
        say_follow(&told->follow, document);
    if (told->passes || told->post_copy)
        document_say(document, BLOCK_FACT,
            "%s through the link in %s, %" PRIu64 " pass%s: %s pages, and %s of zeros that were only told.",
            format_size(told->bytes_sent).text, format_seconds(told->seconds).text, told->passes,
            told->passes == 1 ? "" : "es", format_count(told->pages_sent).text,
            format_count(told->zeros).text);
    if (told->throttle_percent)
        document_say(document, BLOCK_FACT,
            "It wrote faster than the link took it, and was slowed down: its virtual CPUs were held for up "
            "to %" PRIu64 " %% of the time, %s in all.",
            told->throttle_percent, format_seconds(told->throttled_ms / 1e3).text);
    if (!isnan(told->look_ms))
        document_say(document, BLOCK_FACT, "To look what it has it was stopped once before, for %s.",
            format_figure(UNIT_NS, told->look_ms * 1e6, 0).text);
    if (timeline)
        view_timeline(timeline, document);
}

/* ---- clones ---- */

static double median_bytes(const struct forked *forked)
{
    double bytes[FORKED_MAX];
    size_t count = 0;
    for (size_t i = 0; i < forked->count; i++)
        if (!isnan(forked->bytes[i]))
            bytes[count++] = forked->bytes[i];
    return count ? statistics_median(bytes, count) : NAN;
}

static void say_source(const struct forked_source *source, struct document *document)
{
    document_say(document, BLOCK_FACT,
        "The domain that runs stood still for %s; none of its memory was copied.",
        format_figure(UNIT_NS, source->stall_ms * 1e6, 0).text);
    if (!isnan(source->private_bytes))
        document_say(document, BLOCK_FACT,
            "Of what is shared it copies each page of 4 KiB before it writes there: %s is its own 0.6 s "
            "later.",
            format_size((uint64_t)source->private_bytes).text);
    if (source->large_before > 0 && !isnan(source->large_after))
        document_say(document, BLOCK_FACT, "Behind large pages it has %s, and had %s before.",
            format_size((uint64_t)source->large_after).text,
            format_size((uint64_t)source->large_before).text);
    if (!isnan(source->pace_before) && !isnan(source->pace_after))
        document_say(document, BLOCK_FACT, "Its pace then, beside the clones, was %.0f %% of that before.",
            100 * source->pace_after / source->pace_before);
}

void view_forked(const struct forked *forked, struct document *document)
{
    double ms[FORKED_MAX];
    memcpy(ms, forked->ms, sizeof ms);
    document->title = "vcost domain fork";
    if (forked->count < forked->asked)
        document_say(document, BLOCK_WARNING, "Stopped by the user: %zu of %zu clones were started, and run.",
            forked->count, forked->asked);
    document_say(document, BLOCK_CONCLUSION, "%zu clone%s: first instruction after %s each (median).",
        forked->count, forked->count > 1 ? "s" : "",
        format_figure(UNIT_NS, statistics_median(ms, forked->count) * 1e6, 0).text);
    if (!isnan(median_bytes(forked)))
        document_say(document, BLOCK_FACT,
            "Each has %s for itself (median; smaps, a moment after it began to run).",
            format_size((uint64_t)median_bytes(forked)).text);
    if (forked->available_bytes >= 0)
        document_say(document, BLOCK_FACT, "The machine's available memory fell by %s for each.",
            format_size((uint64_t)forked->available_bytes).text);
    else
        document_say(document, BLOCK_FACT,
            "The machine's available memory rose meanwhile: other programs gave some back.");
    if (forked->mode[0])
        document_say(document, BLOCK_FACT, "How they have their memory: %s.", forked->mode);
    if (forked->live)
        say_source(&forked->source, document);
    document_say(
        document, BLOCK_FACT, "They are called %s-1 to %s-%zu.", forked->name, forked->name, forked->count);
}

static const struct field each_fields[] = {{NULL, FIELD_REAL, .size = sizeof(double)}};
static const struct record each_record = {"ms", sizeof(double), RECORD_FIELDS(each_fields)};
static const struct field bytes_fields[] = {{NULL, FIELD_REAL, .size = sizeof(double)}};
static const struct record bytes_record = {"bytes", sizeof(double), RECORD_FIELDS(bytes_fields)};
#define AT(member) FIELD_AT(struct forked_source, member)
static const struct field source_fields[] = {
    {"stall_ms", FIELD_REAL, AT(stall_ms), .missing = "it did not say"},
    {"pace_before", FIELD_REAL, AT(pace_before), .missing = "it has not run for long enough"},
    {"pace_after", FIELD_REAL, AT(pace_after), .missing = "it does not run any more"},
    {"large_bytes_before", FIELD_REAL, AT(large_before), .missing = "it has ended"},
    {"large_bytes_after", FIELD_REAL, AT(large_after), .missing = "it has ended"},
    {"private_bytes", FIELD_REAL, AT(private_bytes), .missing = "it has ended"},
};
#undef AT
static const struct record source_record = {
    "source", sizeof(struct forked_source), RECORD_FIELDS(source_fields)};
static const struct field forked_fields[] = {
    {"schema", FIELD_CONSTANT, .text = "vcost.forked/1"},
    {"name", FIELD_TEXT, FIELD_AT(struct forked, name)},
    {"asked", FIELD_COUNT, FIELD_AT(struct forked, asked)},
    {"first_instruction_ms", FIELD_LIST, FIELD_ITEMS(struct forked, ms, count), .of = &each_record},
    {"private_bytes", FIELD_LIST, FIELD_ITEMS(struct forked, bytes, count), .of = &bytes_record},
    {"available_bytes_each", FIELD_REAL, FIELD_AT(struct forked, available_bytes)},
    {"mode", FIELD_TEXT, FIELD_AT(struct forked, mode), .missing = "they did not say"},
    {"source", FIELD_RECORD, FIELD_MAYBE, FIELD_AT(struct forked, source),
        .count_offset = offsetof(struct forked, live), .of = &source_record,
        .missing = "it was forked from a file"},
};
const struct record forked_record = {"forked", sizeof(struct forked), RECORD_FIELDS(forked_fields)};
