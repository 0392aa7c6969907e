#include "report/views.h"

#include "base/clean.h"
#include "report/format.h"

#include <math.h>
#include <string.h>

/* What of a round is shown. */
static const struct round_column {
    const char *name, *key, *head;
    int width; /* of the line that is written while it runs */
} round_columns[] = {
    {"splintered", "", "splintered", 10},
    {"cpuid", "", "CPUID", 8},
    {"steal", "", "steal", 7},
    {"first-touch", "4K fresh", "4K fresh", 8},
    {"first-touch", "2M fresh", "2M fresh", 8},
    {"clock-vdso", "", "clock", 8},
};
enum { ROUND_COLUMNS = sizeof round_columns / sizeof *round_columns };

static bool round_differs(const struct finding *before, const struct finding *after)
{
    /* Intervals hold what placements of one round differ by; from round to round a little more is nothing
     * new. */
    static const double drift_least = 1.1;
    if (!before || !after || !finding_has_number(before) || !finding_has_number(after))
        return false;
    if (before->unit == UNIT_YES_NO)
        return before->number != after->number || strcmp(before->value.text, after->value.text) != 0;
    double ratio = after->number / before->number;
    bool apart = after->low > before->high || after->high < before->low; /* false: an end is not known */
    return apart && fmax(ratio, 1 / ratio) > drift_least;
}

/* What a round found, marked where that is another thing than the inspection found. */
static struct value round_value(const struct result *result, const struct result_round *round,
    const struct round_column *column, struct document *doc)
{
    const struct finding *found = findings_find(&round->findings, column->name, column->key);
    struct value value = {.unit = UNIT_NS, .number = NAN, .low = NAN, .high = NAN};
    if (found && finding_has_number(found))
        value = finding_value(found, &doc->pool);
    if (found && round_differs(findings_find(&result->findings, found->name, found->key), found)) {
        value.mark = "*";
        value.tone = TONE_WARNING;
    }
    return value;
}

/* The time of day in "2026-11-24T12:31:02Z". */
static const char *time_of_day(const struct result_round *round, struct document *doc)
{
    const char *t = strchr(round->started, 'T');
    return document_text(doc, "%.8s", t ? t + 1 : round->started);
}

void view_round(const struct result *result, struct document *doc)
{
    const struct result_round *round = &result->rounds[result->round_count - 1];
    const char *head = "time    ", *line = document_text(doc, "%-8s", time_of_day(round, doc));
    for (size_t i = 0; i < ROUND_COLUMNS; i++) {
        struct value value = round_value(result, round, &round_columns[i], doc);
        const char *text = format_value(&doc->pool, &value, &(struct column){.unit = UNIT_NS});
        int width = round_columns[i].width, blanks = width - (int)text_columns(text);
        head = document_text(doc, "%s  %*s ", head, width, round_columns[i].head);
        line = document_text(
            doc, "%s  %*s%s%s", line, blanks > 0 ? blanks : 0, "", text, value.mark ? "*" : " ");
    }
    if (result->round_count == 1)
        document_say(doc, BLOCK_SENTENCE, "%s", head);
    document_say(doc, BLOCK_SENTENCE, "%s", line);
}

void view_rounds(const struct result *result, struct document *doc)
{
    struct column columns[1 + ROUND_COLUMNS] = {{.key = "time", .unit = UNIT_TEXT}};
    if (!result->round_count)
        return;
    for (size_t i = 0; i < ROUND_COLUMNS; i++)
        columns[1 + i] = (struct column){.key = round_columns[i].head, .unit = UNIT_NS};
    struct table *table = document_table(
        doc, "rounds", "What was measured again since", columns, 1 + ROUND_COLUMNS, result->round_count);
    for (size_t row = 0; row < result->round_count; row++) {
        table_text(table, row, 0, time_of_day(&result->rounds[row], doc));
        for (size_t i = 0; i < ROUND_COLUMNS; i++)
            *table_at(table, row, 1 + i) = round_value(result, &result->rounds[row], &round_columns[i], doc);
    }
    view_drift(result, doc);
}

void view_drift(const struct result *result, struct document *doc)
{
    bool any = false;
    for (size_t i = 0; i < result->findings.count; i++) {
        const struct finding *before = &result->findings.items[i], *last = NULL; /* that is known */
        char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES];
        size_t count = 0;
        for (size_t k = 0; k < result->round_count; k++) {
            const struct finding *after =
                findings_find(&result->rounds[k].findings, before->name, before->key);
            count += round_differs(before, after);
            last = after && finding_has_number(after) ? after : last;
        }
        if (!count)
            continue;
        any = true;
        finding_label(before, label);
        document_say(doc, BLOCK_NOTE,
            "* %s: %s at the inspection, clearly another in %zu of %zu rounds, %s in the last.", label,
            finding_phrase(before, &doc->pool), count, result->round_count, finding_phrase(last, &doc->pool));
    }
    if (!any && result->round_count)
        document_say(doc, BLOCK_SENTENCE, "Nothing has drifted beyond its interval since the inspection.");
}
