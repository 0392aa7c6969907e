#include "report/openmetrics.h"

#include "report/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct metric {
    const char *family, *help;
    const char *labels; /* "of=\"L2 4K\"", or "" */
    double value;
};

/* All that is to be written: families in the order in which they come up first. */
struct metrics {
    struct pool pool; /* owns everything */
    struct metric *items;
    size_t count, room;
};

/* ---- collecting ---- */

/* Labels with one more; an empty one is one that is not there. A value is valid UTF-8 without control
 * characters, whatever it comes from. */
static const char *with_label(struct metrics *metrics, const char *labels, const char *name, const char *text)
{
    static const struct report_style utf8 = {.utf8 = true};
    const char *clean = text_cleaned(&metrics->pool, text, &utf8);
    char *escaped = pool_room(&metrics->pool, 2 * strlen(clean) + 1, 1), *to = escaped;
    if (!text[0] || !escaped)
        return labels;
    for (; *clean; clean++) {
        if (*clean == '\\' || *clean == '"')
            *to++ = '\\';
        *to++ = *clean;
    }
    return pool_format(&metrics->pool, "%s%s%s=\"%s\"", labels, labels[0] ? "," : "", name, escaped);
}

/* Adds one, unless it has no value, or its family has one with these labels already: two of them would make
 * the whole file invalid. */
static void add_metric(
    struct metrics *metrics, const char *family, const char *help, const char *labels, double value)
{
    static const struct report_style ascii = {.utf8 = false};
    for (size_t i = 0; i < metrics->count; i++)
        if (!strcmp(metrics->items[i].family, family) && !strcmp(metrics->items[i].labels, labels))
            return;
    struct metric *items = isfinite(value) ? pool_grow(&metrics->pool, metrics->items, metrics->count,
                                                 &metrics->room, sizeof *items)
                                           : NULL;
    if (!items)
        return;
    char *text = (char *)text_cleaned(&metrics->pool, help, &ascii);
    for (char *c = text; *c; c++) /* quotes in a HELP are escaped in one of the two formats only */
        if (*c == '"' || *c == '\\')
            *c = '\'';
    metrics->items = items;
    items[metrics->count++] = (struct metric){family, text, labels, value};
}

/* By unit: what ends a family's name, and how many of its base unit one is. */
static const struct {
    const char *suffix;
    double factor;
} base_units[UNITS] = {
    [UNIT_YES_NO] = {"", 1},
    [UNIT_NS] = {"_seconds", 1e-9},
    [UNIT_BYTES] = {"_bytes", 1},
    [UNIT_COUNT] = {"", 1},
    [UNIT_SHARE] = {"_ratio", 1},
    [UNIT_RATIO] = {"_ratio", 1},
    [UNIT_CHANGE] = {"_ratio", 1},
};

/* "vcost_cache_reach_low_bytes": a number, and the ends of its interval, which are families of their own. A
 * name that ends in its unit ("balloon-bytes") does not get it twice. */
static void add_figure(struct metrics *metrics, const char *name, const char *help, const char *labels,
    enum unit unit, const double figure[3])
{
    static const struct {
        const char *end, *help;
    } parts[] = {{"", ""}, {"_low", ": low end of the interval"}, {"_high", ": high end of the interval"}};
    const char *suffix = base_units[unit].suffix;
    char *family = (char *)pool_format(&metrics->pool, "vcost_%s", name);
    size_t length = strlen(family), tail = strlen(suffix);
    for (char *c = family; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    if (length > tail && !strcmp(family + length - tail, suffix))
        length -= tail;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add_metric(metrics,
            pool_format(&metrics->pool, "%.*s%s%s", (int)length, family, parts[i].end, suffix),
            pool_format(&metrics->pool, "%s%s", help, parts[i].help), labels,
            figure[i] * base_units[unit].factor);
}

static void add_number(struct metrics *metrics, const struct finding *finding)
{
    bool yes_no = finding->unit == UNIT_YES_NO;
    const double figure[] = {yes_no ? finding->number > 0 : finding->number, yes_no ? NAN : finding->low,
        yes_no ? NAN : finding->high};
    if (finding_has_number(finding))
        add_figure(metrics, finding->name, finding->title ? finding->title : finding->name,
            with_label(metrics, "", "of", finding->key), finding->unit, figure);
}

static void add_words(struct metrics *metrics, const struct finding *finding)
{
    bool words = finding->unit == UNIT_TEXT || finding->unit == UNIT_YES_NO;
    const char *labels =
        with_label(metrics, with_label(metrics, "", "name", finding->name), "of", finding->key);
    if (finding->value.known && words && finding->value.text[0])
        add_metric(metrics, "vcost_finding_info", "what was found in words",
            with_label(metrics, labels, "value", finding->value.text), 1);
}

/* Seconds since 1970 of "2025-11-24T06:00:00.5+01:00" (RFC 3339); NAN where it is none. */
static double seconds_of(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    char *end = (char *)rest;
    double fraction = rest && *rest == '.' ? strtod(rest, &end) : 0;
    if (!rest || !strptime(end, "%z", &tm))
        return NAN;
    double offset = (double)tm.tm_gmtoff; /* which timegm() sets to 0 */
    return (double)timegm(&tm) + fraction - offset;
}

static void add_run(struct metrics *metrics, const struct result *result)
{
    size_t unknown = 0;
    for (size_t i = 0; i < result->findings.count; i++)
        unknown += !result->findings.items[i].value.known;
    const struct metric all[] = {
        {"vcost_inspect_timestamp_seconds", "when the inspection started, since 1970", "",
            seconds_of(result->started)},
        {"vcost_inspect_duration_seconds", "how long the inspection took", "", result->seconds},
        {"vcost_inspect_complete", "0 if the inspection was stopped early", "", result->complete},
        {"vcost_inspect_unknown_findings", "findings that could not be had here, and are left out", "",
            (double)unknown},
        {"vcost_build_info", "which vcost inspected",
            with_label(metrics, "", "version", result_tool(result)->version), 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        add_metric(metrics, all[i].family, all[i].help, all[i].labels, all[i].value);
}

/* ---- writing ---- */

/* All of a family together, where its first one stands. */
static void write_family(const struct metrics *metrics, size_t first, FILE *stream)
{
    const char *family = metrics->items[first].family;
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric *metric = &metrics->items[i];
        bool labels = metric->labels[0];
        if (strcmp(metric->family, family) != 0)
            continue;
        if (i < first)
            return;
        if (i == first)
            fprintf(stream, "# HELP %s %s\n# TYPE %s gauge\n", family, metric->help, family);
        fprintf(stream, "%s%s%s%s %.15g\n", family, labels ? "{" : "", metric->labels, labels ? "}" : "",
            metric->value);
    }
}

int openmetrics_write(const struct result *result, FILE *stream, struct error *error)
{
    const struct findings *findings = &result->findings;
    struct metrics metrics = {0};
    add_run(&metrics, result);
    for (size_t i = 0; i < findings->count; i++)
        add_number(&metrics, &findings->items[i]);
    for (size_t i = 0; i < findings->count; i++)
        add_words(&metrics, &findings->items[i]);
    for (size_t i = 0; i < findings->remedy_count; i++) {
        const struct remedy *remedy = &findings->remedies[i];
        add_figure(&metrics, "remedy_cost", "what each operation costs more than without the cause",
            with_label(&metrics, "", "name", remedy->name), UNIT_NS,
            (const double[]){remedy->more_ns, remedy->low, remedy->high});
    }
    bool failed = metrics.pool.failed;
    for (size_t i = 0; !failed && i < metrics.count; i++)
        write_family(&metrics, i, stream);
    if (!failed)
        fputs("# EOF\n", stream);
    pool_free(&metrics.pool);
    return failed ? error_set(error, ENOMEM, "not enough memory to write the metrics") : 0;
}
