#include "report/view_inspect.h"

#include "report/format.h"
#include "report/view_finding.h"
#include "report/view_run.h"
#include "result/baseline.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the conclusion ---- */

enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };

/* Of a yes-or-no; not known if nobody looked. */
static enum answer answer_of(const struct findings *findings, const char *name)
{
    const struct finding *finding = findings_find(findings, name, NULL);
    if (!finding || finding->unit != UNIT_YES_NO || !finding_has_number(finding))
        return ANSWER_UNKNOWN;
    return finding->number > 0 ? ANSWER_YES : ANSWER_NO;
}

/* All of its figures are known. */
static bool has_figures(const struct remedy *remedy)
{
    return isfinite(remedy->with_ns) && isfinite(remedy->without_ns) && isfinite(remedy->more_ns);
}

/* Of those whose cost is significant; NULL: there is none of that name. */
static const struct remedy *significant_remedy(const struct findings *findings, const char *name)
{
    for (size_t i = 0; i < findings->remedy_count; i++) {
        const struct remedy *remedy = &findings->remedies[i];
        if (!strcmp(remedy->name, name) && has_figures(remedy) && remedy->low > 0)
            return remedy;
    }
    return NULL;
}

/* A time as a sentence has it: no more digits than its interval bears, which follows if wanted. */
static const char *figure_text(struct document *document, const struct finding *finding, bool with_interval)
{
    const struct column column = {.unit = UNIT_NS, .rounded = true};
    const struct value value = {
        .unit = finding->unit, .number = finding->number, .low = finding->low, .high = finding->high};
    struct formatted low, high;
    const char *text = format_value(&document->pool, &value, &column);
    return with_interval && format_ends(&value, &column, &low, &high)
               ? document_text(document, "%s (%s to %s)", text, low.text, high.text)
               : text;
}

static const char *machine_text(const struct result *result, struct document *document)
{
    const struct findings *findings = &result->findings;
    char kind[BASELINE_BYTES];
    enum answer leaves = answer_of(findings, "cpuid-exit");
    if (answer_of(findings, "guest") == ANSWER_UNKNOWN)
        return "What is below this machine this run cannot tell";
    if (answer_of(findings, "guest") == ANSWER_NO)
        return leaves == ANSWER_YES
                   ? "A guest whose hypervisor hides itself: CPUID names none, but leaves this machine"
               : leaves == ANSWER_NO
                   ? "Bare metal: CPUID names no hypervisor, and does not leave this machine"
                   : "No hypervisor below that CPUID names";
    if (!baseline_guest(&result->host, kind))
        snprintf(kind, sizeof kind, "guest");
    return document_text(document, "A %s", kind);
}

/* Large pages bring something over small ones and something less than whole ones would: how much of it, in
 * tenths; 0: nothing is known. */
static unsigned tenths_brought(const struct findings *findings)
{
    const struct remedy *large = significant_remedy(findings, "large-pages"),
                        *backing = significant_remedy(findings, "backing");
    if (!large || !backing || !(large->with_ns > backing->without_ns))
        return 0;
    double share = (large->with_ns - large->without_ns) / (large->with_ns - backing->without_ns);
    return share > 0 && share < 1 ? (unsigned)lround(10 * share) : 0;
}

static const char *large_pages_text(const struct findings *findings, struct document *document)
{
    const struct finding *found = findings_find(findings, "splintered", NULL);
    unsigned tenths = tenths_brought(findings);
    if (!found)
        return "";
    switch (answer_of(findings, "splintered")) {
    case ANSWER_NO:
        return "; its large pages are whole";
    case ANSWER_YES:
        return document_text(document, "; its large pages are %ssplintered from below%s",
            strcasestr(found->value.text, "partly") ? "partly " : "",
            tenths ? document_text(document, " and bring about %u %% of what they should", 10 * tenths) : "");
    default:
        return "; whether its large pages are whole this run cannot tell";
    }
}

/* ---- the facts ---- */

/* What is found is said in halves of sentences; here one begins. */
static const char *capitalized(const char *text, struct document *document)
{
    return text[0] ? document_text(document, "%c%s", toupper((unsigned char)text[0]), text + 1) : text;
}

static void say_large_pages(const struct findings *findings, struct document *document)
{
    const struct finding *cost = findings_find(findings, "splinter-cost", NULL);
    if (answer_of(findings, "splintered") == ANSWER_YES && cost && finding_has_number(cost))
        document_say(document, BLOCK_FACT,
            "Large pages that are splintered cost %s more for each scattered access: ask for a machine that "
            "is backed "
            "by large pages.",
            figure_text(document, cost, true));
}

static void say_fresh_memory(const struct findings *findings, struct document *document)
{
    const struct remedy *large = significant_remedy(findings, "keep-large"),
                        *small = significant_remedy(findings, "keep-small");
    const struct remedy *remedy = large ? large : small;
    if (remedy)
        document_say(document, BLOCK_FACT,
            "Fresh memory costs more: the first touch of a page of %s takes %s, %s if it was in use a "
            "moment ago. Keep "
            "memory, or touch it before it is needed.",
            remedy == large ? "2 MiB" : "4 KiB", format_figure(UNIT_NS, remedy->with_ns, 0).text,
            format_figure(UNIT_NS, remedy->without_ns, 0).text);
}

/* What is as it should be, each in a few words, and what is not. */
static void say_yes_and_no(const struct findings *findings, struct document *document)
{
    static const struct {
        const char *name, *no, *yes;
    } rows[] = {
        {"clock-slow", "the clock is read without a system call", "the clock is read by system call"},
        {"rdtsc-exit", "the time-stamp counter is read without leaving this machine",
            "reading the time-stamp counter leaves this machine"},
        {"hidden-numa", "no NUMA is hidden",
            "NUMA is hidden: some memory is farther away than this machine knows"},
    };
    static const double share_least = 0.001; /* less is a tick of the clock now and then */
    const struct finding *steal = findings_find(findings, "steal", NULL);
    const char *texts[] = {"", ""};
    if (steal && finding_has_number(steal)) {
        bool any = steal->number >= share_least;
        texts[any] = any ? document_text(document, "others take %s of this CPU's time",
                               format_figure(UNIT_SHARE, steal->number, 0).text)
                         : "no time is stolen";
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum answer answer = answer_of(findings, rows[i].name);
        const char **text = &texts[answer == ANSWER_YES];
        if (answer != ANSWER_UNKNOWN)
            *text = document_text(document, "%s%s%s", *text, (*text)[0] ? "; " : "",
                answer == ANSWER_YES ? rows[i].yes : rows[i].no);
    }
    for (size_t bad = 2; bad-- > 0;)
        if (texts[bad][0])
            document_say(document, BLOCK_FACT, "%s.", capitalized(texts[bad], document));
}

/* What was looked for and not found out: "a, b (reason); c (reason)". */
static void say_undecided(const struct findings *findings, struct document *document)
{
    enum { NAMED = 12 };
    const struct finding *exits = findings_find(findings, "cpuid-exit", NULL);
    const char *list = "", *reason = NULL;
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->value.known || finding->detail || finding->source == FINDING_TOLD || count++ >= NAMED)
            continue;
        bool again = reason && !strcmp(reason, finding->value.text);
        if (reason && !again)
            list = document_text(document, "%s (%s)", list, reason);
        list = document_text(document, "%s%s%s", list,
            !reason ? ""
            : again ? ", "
                    : "; ",
            finding_heading(finding, &document->pool));
        reason = finding->value.text;
    }
    if (reason)
        list = document_text(document, "%s (%s)", list, reason);
    if (count > NAMED)
        list = document_text(document, "%s; and %zu more", list, count - NAMED);
    if (exits && exits->value.known && strcasestr(exits->value.text, "or several"))
        list = document_text(document,
            "%s%swhether the hypervisor is itself a guest (CPUID takes as long as one level or several "
            "would)",
            list, list[0] ? "; " : "");
    if (list[0])
        document_say(document, BLOCK_FACT, "Not decided: %s.", list);
}

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
    static const char *const sources[FINDING_SOURCES] = {
        [FINDING_TOLD] = "reported", [FINDING_MEASURED] = "measured", [FINDING_JUDGED] = "judged"};
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
        table_text(table, row, FINDING_KNOWN, sources[finding->source]);
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

/* How many lines, one a page, a working set has. */
static double lines_of(uint64_t bytes)
{
    uint64_t lines = bytes / CHASE_PAGE_BYTES;
    return (double)lines;
}

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

static void add_curves(
    const struct result *result, const uint64_t *bytes, size_t count, struct document *document)
{
    struct chart *chart = document_chart(document, CHART_LINES, "lines", "Time of an access");
    if (!chart)
        return;
    chart->x = (struct chart_axis){.label = "lines", .unit = UNIT_COUNT, .scale = SCALE_LOG2};
    chart->y = (struct chart_axis){.label = "ns per access", .unit = UNIT_NS, .scale = SCALE_LOG};
    chart->caption =
        "Where a curve steps up a cache or TLB ends; where lines in pages of 2 MiB rise as those in "
        "pages of 4 KiB do, large pages are splintered from below.";
    for (size_t c = 0; c < LINE_CURVES; c++) {
        struct chart_series *series = NULL;
        for (size_t i = 0; i < count; i++) {
            const struct result_cell *cell = line_cell(result, &line_curves[c], bytes[i]);
            if (!cell || !isfinite(cell->median))
                continue;
            if (!series && !(series = chart_series(document, chart, line_curves[c].head, count)))
                return;
            series->points[i] = (struct chart_point){
                .x = lines_of(bytes[i]), .y = cell->median, .low = cell->low, .high = cell->high};
        }
    }
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
    document_say(
        document, BLOCK_HEADING, "lines packed, scattered, and one in each page of 4 KiB: ns per access");
    struct table *table =
        document_table(document, "lines", NULL, columns, 1 + used, (count - first + step - 1) / step);
    for (size_t i = first; i < count; i += step, row++) {
        table_number(table, row, 0, lines_of(bytes[i]));
        for (size_t c = 0; c < used; c++) {
            const struct result_cell *cell = line_cell(result, curves[c], bytes[i]);
            table_number(table, row, 1 + c, cell ? cell->median : NAN);
        }
    }
    add_curves(result, bytes, count, document);
}

/* ---- what to change ---- */

static void add_remedies(const struct findings *findings, struct document *document)
{
    document_say(document, BLOCK_HEADING, "What costs most here and what to change");
    for (size_t i = 0; i < findings->remedy_count; i++) {
        const struct remedy *remedy = &findings->remedies[i];
        const char *interval = "without an interval, which may be chance";
        if (isfinite(remedy->low) && isfinite(remedy->high))
            interval = document_text(document, "95 %% interval %s … %s",
                format_figure(UNIT_NS, remedy->low, FORMAT_SIGN).text,
                format_figure(UNIT_NS, remedy->high, FORMAT_SIGN).text);
        document_say(document, BLOCK_ITEM, "%s.", capitalized(remedy->cost, document));
        if (has_figures(remedy))
            document_say(document, BLOCK_MORE, "%s: %s; %s: %s; a difference of %s (%s).",
                capitalized(remedy->with_what, document), format_figure(UNIT_NS, remedy->with_ns, 0).text,
                remedy->without_what, format_figure(UNIT_NS, remedy->without_ns, 0).text,
                format_figure(UNIT_NS, remedy->more_ns, FORMAT_SIGN).text, interval);
        document_say(document, BLOCK_MORE, "To change: %s.", remedy->change);
    }
    if (!findings->remedy_count)
        document_say(document, BLOCK_SENTENCE,
            "Nothing that was measured here costs more than it would without its cause.");
}

/* ---- all of it ---- */

void view_inspect(const struct result *result, struct document *document)
{
    const struct findings *findings = &result->findings;
    view_run_title(result, document);
    document_say(document, BLOCK_CONCLUSION, "%s%s%s.", machine_text(result, document),
        large_pages_text(findings, document), view_run_incomplete(result, document));
    view_run_machine(result, document);
    say_large_pages(findings, document);
    say_fresh_memory(findings, document);
    say_yes_and_no(findings, document);
    say_undecided(findings, document);
    view_run_today(result, document);
    add_remedies(findings, document);
    for (enum finding_section section = 0; section < FINDING_SECTIONS; section++)
        add_section(&result->findings, section, document);
    add_lines(result, document);
    view_rounds(result, document);
    view_run_method(result, document);
    add_findings_for_files(&result->findings, document);
}
