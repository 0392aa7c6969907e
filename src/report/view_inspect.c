#include "report/view_inspect.h"

#include "report/format.h"
#include "base/clean.h"
#include "report/view_finding.h"
#include "report/view_run.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- findings ---- */

enum { FINDING_TITLE, FINDING_KNOWN, FINDING_FOUND, FINDING_REMARK, FINDING_COLUMNS };

/* How it was found and how sure that is: "CPUID leaf 4; a hypervisor may make it up"; NULL: nobody says. */
static const char *remark_of(const struct finding *finding, struct document *document)
{
    bool both = finding->how[0] && finding->sure[0];
    return finding->how[0] || finding->sure[0]
               ? document_text(document, "%s%s%s", finding->how, both ? "; " : "", finding->sure)
               : NULL;
}

static void add_section(
    const struct findings *findings, enum finding_section section, struct document *document)
{
    static const struct column columns[FINDING_COLUMNS] = {
        [FINDING_TITLE] = {.key = "finding", .head = "", .unit = UNIT_TEXT},
        [FINDING_KNOWN] = {.key = "how it is known", .head = "", .unit = UNIT_TEXT},
        [FINDING_FOUND] = {.key = "value", .head = "", .unit = UNIT_TEXT, .interval = true},
        [FINDING_REMARK] = {.key = "how it was found", .unit = UNIT_TEXT, .below = true},
    };
    size_t rows = 0, row = 0;
    for (size_t i = 0; i < findings->count; i++)
        rows += findings->items[i].section == section;
    if (!rows)
        return;
    struct table *table = document_table(document, finding_section_name(section),
        finding_section_title(section), columns, FINDING_COLUMNS, rows);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->section != section)
            continue;
        struct value *remark = table_at(table, row, FINDING_REMARK);
        remark->text = remark_of(finding, document);
        remark->tone = TONE_FAINT;
        remark->detail = finding->source != FINDING_JUDGED || !finding->value.known;
        table_text(table, row, FINDING_TITLE, finding_heading(finding, &document->pool));
        table_text(table, row, FINDING_KNOWN, finding_source_name(finding->source));
        finding_fill(finding, table_at(table, row, FINDING_FOUND), &document->pool);
        table_at(table, row++, FINDING_TITLE)->detail = finding->detail;
    }
}

/* For files: "value" is a number in base units, true or false, or words, as "unit" says; "text" are more
 * words to a number. What is not known is empty, and "reason" says why. */
static void add_findings_for_files(const struct findings *findings, struct document *document)
{
    enum { NAME, KEY, SECTION, SOURCE, UNIT, VALUE, LOW, HIGH, REASON, TEXT, COLUMNS };
    static const struct column columns[COLUMNS] = {{.key = "name"}, {.key = "key"}, {.key = "section"},
        {.key = "source"}, {.key = "unit"}, {.key = "value"}, {.key = "low"}, {.key = "high"},
        {.key = "reason"}, {.key = "text"}};
    struct table *table = document_table(document, "findings", NULL, columns, COLUMNS, findings->count);
    if (!table)
        return;
    table->readers = TABLE_FOR_FILES;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool known = finding->value.known, has = finding_has_number(finding);
        bool words = finding->unit == UNIT_TEXT;
        const char *reason = finding->value.text[0] ? finding->value.text : "not told";
        table_text(table, i, NAME, finding->name);
        table_text(table, i, KEY, finding->key);
        table_text(table, i, SECTION, finding_section_name(finding->section));
        table_text(table, i, SOURCE, finding_source_name(finding->source));
        table_text(table, i, UNIT, unit_name(finding->unit));
        table_text(table, i, REASON, !known ? reason : words || has ? NULL : "its number is none");
        table_text(table, i, TEXT, has ? finding->value.text : NULL);
        if (words && known)
            table_text(table, i, VALUE, finding->value.text);
        if (!has)
            continue;
        for (size_t column = VALUE; column <= HIGH; column++)
            table_at(table, i, column)->unit = finding->unit;
        table_number(table, i, VALUE, finding->number);
        table_number(table, i, LOW, finding->low);
        table_number(table, i, HIGH, finding->high);
    }
}

/* ---- lines of memory: packed side by side, scattered, one in each page ---- */

static const struct line_curve {
    const char *head;
    enum chase_order order;
    uint64_t page_bytes;
} line_curves[] = {
    {"packed", CHASE_PACKED, 2 << 20},
    {"scattered", CHASE_SCATTERED, 2 << 20},
    {"in 4K pages", CHASE_LINE_PER_PAGE, 4096},
    {"in 2M pages", CHASE_LINE_PER_PAGE, 2 << 20},
};
enum { LINE_CURVES = sizeof line_curves / sizeof *line_curves, LINE_ROWS_MAX = 14 };

static bool is_native_chase(const struct cell *cell, enum chase_order order)
{
    return !cell->event.name && !strcmp(cell->monitor, "native") && cell->chase.order == order;
}

/* NULL: not measured. */
static const struct result_cell *line_cell(
    const struct result *result, const struct line_curve *curve, uint64_t bytes)
{
    for (size_t i = 0; i < result->cell_count; i++) {
        const struct cell *cell = &result->cells[i].cell;
        if (is_native_chase(cell, curve->order) && cell->host_page_bytes == curve->page_bytes &&
            cell->chase.working_set_bytes == bytes)
            return &result->cells[i];
    }
    return NULL;
}

static int compare_bytes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The working sets of line-per-page, ascending, each once. Returns how many. */
static size_t lines_measured(const struct result *result, struct document *document, uint64_t **bytes)
{
    size_t count = 0, kept = 0;
    uint64_t *all = pool_room(&document->pool, result->cell_count, sizeof *all);
    for (size_t i = 0; all && i < result->cell_count; i++)
        if (is_native_chase(&result->cells[i].cell, CHASE_LINE_PER_PAGE))
            all[count++] = result->cells[i].cell.chase.working_set_bytes;
    if (count)
        qsort(all, count, sizeof *all, compare_bytes);
    for (size_t i = 0; i < count; i++)
        if (!kept || all[kept - 1] != all[i])
            all[kept++] = all[i];
    *bytes = all;
    return kept;
}

/* Every so many lines, so that they fit and the last is one of them; curves that were not measured are left
 * out. */
static void add_lines(const struct result *result, struct document *document)
{
    struct column columns[1 + LINE_CURVES] = {{.key = "lines", .unit = UNIT_COUNT}};
    const struct line_curve *curves[LINE_CURVES];
    uint64_t *bytes;
    size_t count = lines_measured(result, document, &bytes), used = 0, row = 0;
    size_t step = (count + LINE_ROWS_MAX - 1) / LINE_ROWS_MAX, first = step ? (count - 1) % step : 0;
    for (size_t c = 0; c < LINE_CURVES; c++) {
        bool any = false;
        for (size_t i = first; i < count; i += step) {
            const struct result_cell *cell = line_cell(result, &line_curves[c], bytes[i]);
            any |= cell && isfinite(cell->median);
        }
        if (!any)
            continue;
        curves[used++] = &line_curves[c];
        columns[used] = (struct column){.key = line_curves[c].head, .unit = UNIT_NS, .bare = true};
    }
    if (!used)
        return;
    struct table *table = document_table(document, "lines",
        "lines packed, scattered, and one in each page of 4 KiB: ns per access", columns, 1 + used,
        (count - first + step - 1) / step);
    for (size_t i = first; i < count; i += step, row++) {
        table_number(table, row, 0, (double)(bytes[i] / CHASE_PAGE_BYTES));
        for (size_t c = 0; c < used; c++) {
            const struct result_cell *cell = line_cell(result, curves[c], bytes[i]);
            table_number(table, row, 1 + c, cell ? cell->median : NAN);
        }
    }
}

/* ---- what to change ---- */

/* The parts of a remedy are halves of sentences; each begins one here. */
static const char *capitalized(const char *text, struct document *document)
{
    return text[0] ? document_text(document, "%c%s", toupper((unsigned char)text[0]), text + 1) : text;
}

static void add_remedies(const struct findings *findings, struct document *document)
{
    document_say(document, BLOCK_HEADING, "What costs most here and what to change");
    for (size_t i = 0; i < findings->remedy_count; i++) {
        const struct remedy *remedy = &findings->remedies[i];
        const char *interval = "without an interval, which may be chance";
        if (isfinite(remedy->low) && isfinite(remedy->high))
            interval = document_text(document, "95 %% interval %s … %s", format_extra(remedy->low, NULL).text,
                format_extra(remedy->high, NULL).text);
        document_say(document, BLOCK_ITEM, "%s.", capitalized(remedy->cost, document));
        document_say(document, BLOCK_MORE, "%s: %s; %s: %s; a difference of %s (%s).",
            capitalized(remedy->with_what, document), format_time(remedy->with_ns, NULL).text,
            remedy->without_what, format_time(remedy->without_ns, NULL).text,
            format_extra(remedy->more_ns, NULL).text, interval);
        document_say(document, BLOCK_MORE, "To change: %s.", remedy->change);
    }
    if (!findings->remedy_count)
        document_say(document, BLOCK_SENTENCE,
            "Nothing that was measured here costs more than it would without its cause.");
}

/* ---- the rounds of --watch ---- */

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

/* Intervals hold what placements of one round differ by; from round to round a little more is nothing new. */
static const double drift_least = 1.1;

bool view_round_differs(const struct finding *before, const struct finding *after)
{
    if (!before || !after || !finding_has_number(before) || !finding_has_number(after))
        return false;
    if (before->unit == UNIT_YES_NO)
        return before->number != after->number || strcmp(before->value.text, after->value.text) != 0;
    double ratio = after->number / before->number;
    bool apart = after->low > before->high || after->high < before->low; /* false: an end is not known */
    return apart && fmax(ratio, 1 / ratio) > drift_least;
}

/* What a round found, and whether that is another thing than the inspection found; NULL: nothing. */
static const struct finding *round_finding(const struct result *result, const struct result_round *round,
    const struct round_column *column, bool *differs)
{
    const struct finding *found = findings_find(&round->findings, column->name, column->key);
    if (!found || !finding_has_number(found))
        return NULL;
    *differs = view_round_differs(findings_find(&result->findings, found->name, found->key), found);
    return found;
}

/* The time of day in "2026-11-24T12:31:02Z". */
static const char *time_of_day(const struct result_round *round, struct document *document)
{
    const char *t = strchr(round->started, 'T');
    return document_text(document, "%.8s", t ? t + 1 : round->started);
}

void view_round(const struct result *result, struct document *document)
{
    const struct result_round *round = &result->rounds[result->round_count - 1];
    const char *head = "time    ", *line = document_text(document, "%-8s", time_of_day(round, document));
    for (size_t i = 0; i < ROUND_COLUMNS; i++) {
        bool differs = false;
        const struct finding *found = round_finding(result, round, &round_columns[i], &differs);
        const char *text = found ? finding_phrase(found, &document->pool) : "-";
        int width = round_columns[i].width, blanks = width - (int)text_columns(text);
        head = document_text(document, "%s  %*s ", head, width, round_columns[i].head);
        line = document_text(
            document, "%s  %*s%s%s", line, blanks > 0 ? blanks : 0, "", text, differs ? "*" : " ");
    }
    if (result->round_count == 1)
        document_say(document, BLOCK_SENTENCE, "%s", head);
    document_say(document, BLOCK_SENTENCE, "%s", line);
}

static void add_rounds(const struct result *result, struct document *document)
{
    struct column columns[1 + ROUND_COLUMNS] = {{.key = "time", .unit = UNIT_TEXT}};
    if (!result->round_count)
        return;
    for (size_t i = 0; i < ROUND_COLUMNS; i++)
        columns[1 + i] = (struct column){.key = round_columns[i].head, .unit = UNIT_NS};
    struct table *table = document_table(
        document, "rounds", "What was measured again since", columns, 1 + ROUND_COLUMNS, result->round_count);
    for (size_t row = 0; row < result->round_count; row++) {
        table_text(table, row, 0, time_of_day(&result->rounds[row], document));
        for (size_t i = 0; i < ROUND_COLUMNS; i++) {
            bool differs = false;
            struct value *value = table_at(table, row, 1 + i);
            const struct finding *found =
                round_finding(result, &result->rounds[row], &round_columns[i], &differs);
            if (found)
                finding_fill(found, value, &document->pool);
            value->mark = differs ? "*" : NULL;
            value->tone = differs ? TONE_WARNING : TONE_PLAIN;
        }
    }
    view_drift(result, document);
}

/* How often a finding of the inspection was another one in the rounds; *last: the last round's, if known. */
static size_t count_drift(
    const struct result *result, const struct finding *before, const struct finding **last)
{
    size_t count = 0;
    *last = NULL;
    for (size_t i = 0; i < result->round_count; i++) {
        const struct finding *after = findings_find(&result->rounds[i].findings, before->name, before->key);
        count += view_round_differs(before, after);
        if (after && finding_has_number(after))
            *last = after;
    }
    return count;
}

void view_drift(const struct result *result, struct document *document)
{
    bool any = false;
    for (size_t i = 0; i < result->findings.count; i++) {
        const struct finding *before = &result->findings.items[i], *last;
        char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES];
        size_t count = before->cheap ? count_drift(result, before, &last) : 0;
        if (!count)
            continue;
        any = true;
        finding_label(before, label);
        document_say(document, BLOCK_NOTE,
            "* %s: %s at the inspection, clearly another in %zu of %zu rounds, %s in the last.", label,
            finding_phrase(before, &document->pool), count, result->round_count,
            finding_phrase(last, &document->pool));
    }
    if (!any && result->round_count)
        document_say(
            document, BLOCK_SENTENCE, "Nothing has drifted beyond its interval since the inspection.");
}

/* ---- all of it ---- */

void view_inspect(const struct result *result, struct document *document)
{
    view_run_title(result, document);
    view_run_machine(result, document);
    for (enum finding_section section = 0; section < FINDING_SECTIONS; section++)
        add_section(&result->findings, section, document);
    add_lines(result, document);
    add_remedies(&result->findings, document);
    view_run_below(result, document);
    view_run_method(result, document);
    add_rounds(result, document);
    add_findings_for_files(&result->findings, document);
}
