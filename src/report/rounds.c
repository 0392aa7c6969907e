#include "report/rounds.h"

#include "report/finding_text.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

/* What of a round is shown. */
static const struct column {
    const char *name, *key, *head;
    int width;
} columns[] = {
    {"splintered", "", "splintered", 10},
    {"cpuid", "", "CPUID", 8},
    {"steal", "", "steal", 7},
    {"first-touch", "4K fresh", "4K fresh", 8},
    {"first-touch", "2M fresh", "2M fresh", 8},
    {"clock-vdso", "", "clock", 8},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* Without the words that a yes or no has, but for those that take its place ("partly"). */
static void write_value(
    const struct finding *finding, const struct report_style *style, char text[static FINDING_VALUE_BYTES])
{
    if (finding && finding_has_number(finding))
        finding_value(finding, style, text);
    else
        snprintf(text, FINDING_VALUE_BYTES, "-");
}

/* Intervals hold what placements of one round differ by; from round to round a little more is nothing new. */
static const double ratio_least = 1.1;

static bool same_verdict(const struct finding *before, const struct finding *after)
{
    return before->number == after->number && !strcmp(before->value.text, after->value.text);
}

bool rounds_differ(const struct finding *before, const struct finding *after)
{
    if (!before || !after || !finding_has_number(before) || !finding_has_number(after))
        return false;
    if (before->unit == UNIT_YES_NO)
        return !same_verdict(before, after);
    double ratio = after->number / before->number;
    bool apart = after->low > before->high || after->high < before->low; /* false: an end is not known */
    return apart && fmax(ratio, 1 / ratio) > ratio_least;
}

static const struct finding *first_of(const struct result *result, const struct finding *finding)
{
    return finding ? findings_find(&result->findings, finding->name, finding->key) : NULL;
}

static void write_head(FILE *stream, const struct report_style *style)
{
    fprintf(stream, "\n%s%-8s", style_on(style, INK_HEADING), "time");
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(stream, "  %*s ", columns[i].width, columns[i].head);
    fprintf(stream, "%s\n", style_off(style, INK_HEADING));
}

/* The time of day in "2026-11-24T12:31:02Z". */
static const char *time_of_day(const char *started)
{
    const char *t = strchr(started, 'T');
    return t ? t + 1 : started;
}

void rounds_write_line(const struct result *result, FILE *stream, const struct report_style *style)
{
    const struct result_round *round = &result->rounds[result->round_count - 1];
    if (result->round_count == 1)
        write_head(stream, style);
    fprintf(stream, "%-8.8s", time_of_day(round->started));
    for (size_t i = 0; i < COLUMNS; i++) {
        const struct finding *finding = findings_find(&round->findings, columns[i].name, columns[i].key);
        bool differs = rounds_differ(first_of(result, finding), finding);
        char value[FINDING_VALUE_BYTES];
        write_value(finding, style, value);
        int blanks = columns[i].width - (int)text_columns(value);
        fprintf(stream, "  %*s%s%s%s%s", blanks > 0 ? blanks : 0, "",
            differs ? style_on(style, INK_WARNING) : "", value, differs ? "*" : " ",
            differs ? style_off(style, INK_WARNING) : "");
    }
    fputc('\n', stream);
}

/* How often a finding of the inspection was another one in the rounds; *last: the last round's, if known. */
static size_t count_differences(
    const struct result *result, const struct finding *before, const struct finding **last)
{
    size_t count = 0;
    *last = NULL;
    for (size_t i = 0; i < result->round_count; i++) {
        const struct finding *after = findings_find(&result->rounds[i].findings, before->name, before->key);
        count += rounds_differ(before, after);
        if (after && finding_has_number(after))
            *last = after;
    }
    return count;
}

static bool write_drift_of(
    const struct result *result, const struct finding *before, FILE *stream, const struct report_style *style)
{
    const struct finding *last;
    size_t count = before->cheap ? count_differences(result, before, &last) : 0;
    if (!count || !last)
        return false;
    char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES], first_value[FINDING_VALUE_BYTES],
        last_value[FINDING_VALUE_BYTES];
    char sentence[2 * FINDING_VALUE_BYTES + 256];
    finding_label(before, label);
    write_value(before, style, first_value);
    write_value(last, style, last_value);
    snprintf(sentence, sizeof sentence,
        "%s: %s at the inspection, clearly another in %zu of %zu rounds, %s in the last.", label, first_value,
        count, result->round_count, last_value);
    text_paragraph(stream, "* ", sentence, style);
    return true;
}

void rounds_write_drift(const struct result *result, FILE *stream, const struct report_style *style)
{
    bool any = false;
    if (!result->round_count)
        return;
    fputc('\n', stream);
    for (size_t i = 0; i < result->findings.count; i++)
        any |= write_drift_of(result, &result->findings.items[i], stream, style);
    if (!any)
        text_paragraph(stream, "", "Nothing has drifted beyond its interval since the inspection.", style);
}
