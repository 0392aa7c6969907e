#include "report/openmetrics.h"

#include "report/text.h"
#include "result/tool.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FAMILY_BYTES = 80, HELP_BYTES = 256, LABELS_BYTES = 1536 };

struct metric {
    char family[FAMILY_BYTES], help[HELP_BYTES];
    char labels[LABELS_BYTES]; /* "{of=\"L2 4K\"}", or "" */
    double value;
};

/* All that is to be written: families in the order in which they come up first. */
struct metrics {
    struct metric *items;
    size_t count;
    bool failed;
};

/* ---- texts ---- */

static void append_escaped(char *to, size_t size, const char *text)
{
    size_t used = strlen(to);
    for (; *text && used + 3 < size; text++) {
        if (*text == '\\' || *text == '"')
            to[used++] = '\\';
        to[used++] = *text;
    }
    to[used] = 0;
}

/* Adds a label; an empty one is one that is not there. A value is valid UTF-8 without control
 * characters whatever it comes from, and bounded so that three of them fit. */
static void add_label(char labels[static LABELS_BYTES], const char *name, const char *text)
{
    char clean[LABELS_BYTES / 8];
    size_t used = strlen(labels);
    if (!text[0])
        return;
    text_clean(text, TEXT_UTF8, clean, sizeof clean);
    if (used)
        used--; /* the brace */
    snprintf(labels + used, LABELS_BYTES - used, "%s%s=\"", used ? "," : "{", name);
    append_escaped(labels, LABELS_BYTES - 3, clean);
    strcat(labels, "\"}");
}

/* Quotes in a HELP are escaped in one of the two formats only. */
static void set_help(struct metric *metric, const char *help)
{
    text_clean(help, TEXT_ASCII, metric->help, sizeof metric->help);
    for (char *c = metric->help; *c; c++)
        if (*c == '"' || *c == '\\')
            *c = '\'';
}

/* ---- collecting ---- */

/* The first that is written of a family with these labels; two of them would make the whole file invalid. */
static bool is_there(const struct metrics *metrics, const struct metric *metric)
{
    for (size_t i = 0; i < metrics->count; i++)
        if (!strcmp(metrics->items[i].family, metric->family) &&
            !strcmp(metrics->items[i].labels, metric->labels))
            return true;
    return false;
}

static void add(struct metrics *metrics, const struct metric *metric)
{
    if (!isfinite(metric->value) || is_there(metrics, metric))
        return;
    struct metric *grown = reallocarray(metrics->items, metrics->count + 1, sizeof *grown);
    if (!grown) {
        metrics->failed = true;
        return;
    }
    metrics->items = grown;
    grown[metrics->count++] = *metric;
}

static void add_plain(struct metrics *metrics, const char *family, const char *help, double value)
{
    struct metric metric = {.value = value};
    snprintf(metric.family, sizeof metric.family, "%s", family);
    set_help(&metric, help);
    add(metrics, &metric);
}

/* By unit: what ends a family's name, and how many of its base unit one is. */
static const struct {
    const char *suffix;
    double factor;
} units[UNITS] = {
    [UNIT_YES_NO] = {"", 1},
    [UNIT_NS] = {"_seconds", 1e-9},
    [UNIT_BYTES] = {"_bytes", 1},
    [UNIT_COUNT] = {"", 1},
    [UNIT_SHARE] = {"_ratio", 1},
    [UNIT_RATIO] = {"_ratio", 1},
    [UNIT_CHANGE] = {"_ratio", 1},
};

/* "vcost_cache_reach_low_bytes". A name that ends in its unit ("balloon-bytes") does not get it twice. */
static void set_family(
    struct metric *metric, const char *prefix, const char *name, const char *end, enum unit unit)
{
    const char *suffix = units[unit].suffix;
    char *family = metric->family;
    snprintf(family, sizeof metric->family, "vcost_%s%s", prefix, name);
    for (char *c = family; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    size_t length = strlen(family), tail = strlen(suffix);
    if (length > tail && !strcmp(family + length - tail, suffix))
        length -= tail;
    snprintf(family + length, sizeof metric->family - length, "%s%s", end, suffix);
}

/* A number with its interval. */
struct figure {
    const char *prefix, *name, *help;
    const char *label, *label_value;
    enum unit unit;
    double value, low, high;
};

static void add_figure(struct metrics *metrics, const struct figure *figure)
{
    const struct {
        const char *end, *help;
        double value;
    } parts[] = {
        {"", "", figure->value},
        {"_low", ": low end of the interval", figure->low},
        {"_high", ": high end of the interval", figure->high},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct metric metric = {.value = parts[i].value * units[figure->unit].factor};
        char help[HELP_BYTES];
        set_family(&metric, figure->prefix, figure->name, parts[i].end, figure->unit);
        snprintf(help, sizeof help, "%.180s%s", figure->help, parts[i].help);
        set_help(&metric, help);
        add_label(metric.labels, figure->label, figure->label_value);
        add(metrics, &metric);
    }
}

static void add_number(struct metrics *metrics, const struct finding *finding)
{
    bool yes_no = finding->unit == UNIT_YES_NO;
    if (!finding_has_number(finding))
        return;
    add_figure(metrics, &(struct figure){
                            .prefix = "",
                            .name = finding->name,
                            .help = finding->title ? finding->title : finding->name,
                            .label = "of",
                            .label_value = finding->key,
                            .unit = finding->unit,
                            .value = yes_no ? finding->number > 0 : finding->number,
                            .low = yes_no ? NAN : finding->low,
                            .high = yes_no ? NAN : finding->high,
                        });
}

static void add_words(struct metrics *metrics, const struct finding *finding)
{
    struct metric metric = {.family = "vcost_finding_info", .value = 1};
    bool words = finding->unit == UNIT_TEXT || finding->unit == UNIT_YES_NO;
    if (!finding->value.known || !words || !finding->value.text[0])
        return;
    set_help(&metric, "what was found in words");
    add_label(metric.labels, "name", finding->name);
    add_label(metric.labels, "of", finding->key);
    add_label(metric.labels, "value", finding->value.text);
    add(metrics, &metric);
}

static void add_remedy(struct metrics *metrics, const struct remedy *remedy)
{
    add_figure(metrics, &(struct figure){
                            .prefix = "remedy_",
                            .name = "cost",
                            .help = "what each operation costs more than without the cause",
                            .label = "name",
                            .label_value = remedy->name,
                            .unit = UNIT_NS,
                            .value = remedy->more_ns,
                            .low = remedy->low,
                            .high = remedy->high,
                        });
}

/* Seconds since 1970 of "2025-11-24T06:00:00+01:00" (RFC 3339); NAN where it is none. */
static double seconds_of(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    double fraction = 0;
    int hours = 0, minutes = 0;
    char sign = 0;
    if (!rest)
        return NAN;
    if (*rest == '.') {
        char *end;
        fraction = strtod(rest, &end);
        rest = end;
    }
    if (*rest != 'Z' && sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3)
        return NAN;
    double offset = (sign == '-' ? -60.0 : 60.0) * (60 * hours + minutes);
    return (double)timegm(&tm) + fraction - offset;
}

static void add_run(struct metrics *metrics, const struct result *result)
{
    size_t unknown = 0;
    struct metric build = {.family = "vcost_build_info", .value = 1};
    for (size_t i = 0; i < result->findings.count; i++)
        unknown += !result->findings.items[i].value.known;
    add_plain(metrics, "vcost_inspect_timestamp_seconds", "when the inspection started, since 1970",
        seconds_of(result->started));
    add_plain(metrics, "vcost_inspect_duration_seconds", "how long the inspection took", result->seconds);
    add_plain(metrics, "vcost_inspect_complete", "0 if the inspection was stopped early", result->complete);
    add_plain(metrics, "vcost_inspect_unknown_findings",
        "findings that could not be had here, and are left out", (double)unknown);
    set_help(&build, "which vcost inspected");
    add_label(build.labels, "version", this_tool.version);
    add(metrics, &build);
}

/* ---- writing ---- */

static bool is_first_of_family(const struct metrics *metrics, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (!strcmp(metrics->items[i].family, metrics->items[at].family))
            return false;
    return true;
}

static void write_family(const struct metrics *metrics, size_t first, FILE *stream)
{
    const char *family = metrics->items[first].family;
    fprintf(stream, "# HELP %s %s\n# TYPE %s gauge\n", family, metrics->items[first].help, family);
    for (size_t i = first; i < metrics->count; i++)
        if (!strcmp(metrics->items[i].family, family))
            fprintf(stream, "%s%s %.15g\n", family, metrics->items[i].labels, metrics->items[i].value);
}

int openmetrics_write(const struct result *result, FILE *stream, struct error *error)
{
    struct metrics metrics = {0};
    add_run(&metrics, result);
    for (size_t i = 0; i < result->findings.count; i++)
        add_number(&metrics, &result->findings.items[i]);
    for (size_t i = 0; i < result->findings.count; i++)
        add_words(&metrics, &result->findings.items[i]);
    for (size_t i = 0; i < result->findings.remedy_count; i++)
        add_remedy(&metrics, &result->findings.remedies[i]);
    for (size_t i = 0; !metrics.failed && i < metrics.count; i++)
        if (is_first_of_family(&metrics, i))
            write_family(&metrics, i, stream);
    if (!metrics.failed)
        fputs("# EOF\n", stream);
    free(metrics.items);
    return metrics.failed ? error_set(error, ENOMEM, "not enough memory to write the metrics") : 0;
}
