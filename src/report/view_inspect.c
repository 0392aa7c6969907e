#include "report/view_inspect.h"

#include "report/format.h"
#include "report/view_run.h"
#include "result/curves.h"

#include <math.h>
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

static const char *machine_text(const struct result *result, struct document *document)
{
    const struct findings *findings = &result->findings;
    const char *kind = view_run_guest(result, document);
    enum answer guest = answer_of(findings, "guest"), leaves = answer_of(findings, "cpuid-exit");
    if (guest == ANSWER_UNKNOWN)
        return "What is below this machine this run cannot tell";
    if (guest == ANSWER_YES)
        return document_text(document, "A %s", kind ? kind : "guest");
    return leaves == ANSWER_YES
               ? "A guest whose hypervisor hides itself: CPUID names none, but leaves this machine"
           : leaves == ANSWER_NO ? "Bare metal: CPUID names no hypervisor, and does not leave this machine"
                                 : "No hypervisor below that CPUID names";
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

static void say_large_pages(const struct findings *findings, struct document *document)
{
    const struct finding *cost = findings_find(findings, "splinter-cost", NULL);
    const struct column column = {.unit = UNIT_NS, .rounded = true};
    struct formatted low, high;
    if (answer_of(findings, "splintered") != ANSWER_YES || !cost || !finding_has_number(cost))
        return;
    const struct value value = {
        .unit = cost->unit, .number = cost->number, .low = cost->low, .high = cost->high};
    const char *figure = format_value(&document->pool, &value, &column);
    if (format_ends(&value, &column, &low, &high))
        figure = document_text(document, "%s (%s to %s)", figure, low.text, high.text);
    document_say(document, BLOCK_FACT,
        "Large pages that are splintered cost %s more for each scattered access: ask for a machine that "
        "is backed by large pages.",
        figure);
}

static void say_fresh_memory(const struct findings *findings, struct document *document)
{
    const struct remedy *large = significant_remedy(findings, "keep-large");
    const struct remedy *remedy = large ? large : significant_remedy(findings, "keep-small");
    if (remedy)
        document_say(document, BLOCK_FACT,
            "Fresh memory costs more: the first touch of a page of %s takes %s, %s if it was in use a "
            "moment ago. Keep memory, or touch it before it is needed.",
            large ? "2 MiB" : "4 KiB", format_figure(UNIT_NS, remedy->with_ns, 0).text,
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
    struct listing texts[] = {{.between = "; ", .most = SIZE_MAX}, {.between = "; ", .most = SIZE_MAX}};
    if (steal && finding_has_number(steal)) {
        bool any = steal->number >= share_least;
        listing_add(&texts[any],
            any ? document_text(document, "others take %s of this CPU's time",
                      format_figure(UNIT_SHARE, steal->number, 0).text)
                : "no time is stolen",
            document);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum answer answer = answer_of(findings, rows[i].name);
        bool yes = answer == ANSWER_YES;
        if (answer != ANSWER_UNKNOWN)
            listing_add(&texts[yes], yes ? rows[i].yes : rows[i].no, document);
    }
    for (size_t bad = 2; bad-- > 0;)
        if (texts[bad].count)
            document_say(document, BLOCK_FACT, "%s.", view_capital(document, texts[bad].text));
}

/* What was looked for and not found out: "a, b (reason); c (reason)". */
static void say_undecided(const struct findings *findings, struct document *document)
{
    const struct finding *exits = findings_find(findings, "cpuid-exit", NULL);
    struct listing list = {.between = "; ", .most = 12}, names = {.between = ", ", .most = 12};
    const char *reason = NULL;
    for (size_t i = 0; i <= findings->count; i++) {
        const struct finding *finding = i < findings->count ? &findings->items[i] : NULL;
        if (finding && (finding->value.known || finding->detail || finding->source == FINDING_TOLD))
            continue;
        if (reason && (!finding || strcmp(reason, finding->value.text) != 0)) {
            listing_add(
                &list, document_text(document, "%s (%s)", listing_text(&names, document), reason), document);
            names.count = 0;
            names.text = NULL;
        }
        if (finding) {
            listing_add(&names, finding_heading(finding, &document->pool), document);
            reason = finding->value.text;
        }
    }
    if (exits && exits->value.known && strcasestr(exits->value.text, "or several"))
        listing_add(&list,
            "whether the hypervisor is itself a guest (CPUID takes as long as one level or several would)",
            document);
    if (list.count)
        document_say(document, BLOCK_FACT, "Not decided: %s.", listing_text(&list, document));
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
enum { FINDING_VALUES = 10 };

static void describe_finding(const struct finding *finding, struct file_value values[static FINDING_VALUES])
{
    bool known = finding->value.known, has = finding_has_number(finding);
    bool words = finding->unit == UNIT_TEXT;
    const char *text = finding->value.text, *reason = text[0] ? text : "not told";
    const struct file_value all[FINDING_VALUES] = {
        FILE_WORDS("name", finding->name),
        FILE_WORDS("key", finding->key),
        FILE_WORDS("section", finding_section_name(finding->section)),
        FILE_WORDS("source", finding_source_name(finding->source)),
        FILE_WORDS("unit", unit_name(finding->unit)),
        has ? FILE_FIGURE("value", finding->unit, finding->number)
            : FILE_WORDS("value", words && known ? text : NULL),
        FILE_FIGURE("low", finding->unit, has ? finding->low : NAN),
        FILE_FIGURE("high", finding->unit, has ? finding->high : NAN),
        FILE_WORDS("reason", !known         ? reason
                             : words || has ? NULL
                                            : "its number is none"),
        FILE_WORDS("text", has ? text : NULL),
    };
    memcpy(values, all, sizeof all);
}

static void add_findings_for_files(const struct findings *findings, struct document *document)
{
    static const struct finding any;
    struct file_value values[FINDING_VALUES];
    describe_finding(&any, values);
    struct table *table = view_file_table(document, "findings", values, FINDING_VALUES, findings->count);
    for (size_t i = 0; i < findings->count; i++) {
        describe_finding(&findings->items[i], values);
        view_file_row(table, i, values, FINDING_VALUES);
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
enum { LINE_CURVES = sizeof line_curves / sizeof *line_curves };

/* The native curve of that kind at as many lines; NULL: not measured. */
static const struct result_cell *line_cell(
    const struct curves *curves, const struct line_curve *kind, uint64_t bytes)
{
    for (size_t c = 0; c < curves->count; c++) {
        const struct curve *curve = curves->all[c];
        if (!curve->native || curve->group->shape.order != kind->order ||
            curve->host_page_bytes != kind->page_bytes)
            continue;
        for (size_t i = 0; i < curve->group->working_set_count; i++)
            if (curve->points[i].working_set_bytes == bytes && point_measured(&curve->points[i]))
                return curve->points[i].cell;
    }
    return NULL;
}

/* How many lines, one a page, a working set has. */
static double lines_of(uint64_t bytes)
{
    uint64_t lines = bytes / CHASE_PAGE_BYTES;
    return (double)lines;
}

static void draw_lines(const struct curves *curves, const struct curve_group *rows, struct document *document)
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
        for (size_t i = 0; i < rows->working_set_count; i++) {
            const struct result_cell *cell = line_cell(curves, &line_curves[c], rows->working_sets[i]);
            if (!cell)
                continue;
            if (!series &&
                !(series = chart_series(document, chart, line_curves[c].head, rows->working_set_count)))
                return;
            series->points[i] = (struct chart_point){.x = lines_of(rows->working_sets[i]),
                .y = cell->median,
                .low = cell->low,
                .high = cell->high};
        }
    }
}

/* Every so many lines, so that they fit and the last is one of them. */
static void add_lines(const struct result *result, struct document *document)
{
    enum { ROWS_MAX = 14 };
    struct column columns[1 + LINE_CURVES] = {{.key = "lines", .unit = UNIT_COUNT}};
    const struct curve_group *rows = NULL;
    struct curves curves;
    curves_arrange(result, &document->pool, &curves);
    for (size_t i = 0; i < curves.count && !rows; i++)
        if (curves.all[i]->native && curves.all[i]->group->shape.order == CHASE_LINE_PER_PAGE)
            rows = curves.all[i]->group;
    size_t count = rows ? rows->working_set_count : 0, step = (count + ROWS_MAX - 1) / ROWS_MAX;
    if (!count)
        return;
    for (size_t c = 0; c < LINE_CURVES; c++)
        columns[1 + c] = (struct column){.key = line_curves[c].head, .unit = UNIT_NS, .bare = true};
    document_say(
        document, BLOCK_HEADING, "lines packed, scattered, and one in each page of 4 KiB: ns per access");
    struct table *table =
        document_table(document, "lines", NULL, columns, 1 + LINE_CURVES, (count - 1) / step + 1);
    for (size_t i = (count - 1) % step, row = 0; i < count; i += step, row++) {
        table_number(table, row, 0, lines_of(rows->working_sets[i]));
        for (size_t c = 0; c < LINE_CURVES; c++) {
            const struct result_cell *cell = line_cell(&curves, &line_curves[c], rows->working_sets[i]);
            table_number(table, row, 1 + c, cell ? cell->median : NAN);
        }
    }
    view_drop_empty(table);
    draw_lines(&curves, rows, document);
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
        document_say(document, BLOCK_ITEM, "%s.", view_capital(document, remedy->cost));
        if (has_figures(remedy))
            document_say(document, BLOCK_MORE, "%s: %s; %s: %s; a difference of %s (%s).",
                view_capital(document, remedy->with_what), format_figure(UNIT_NS, remedy->with_ns, 0).text,
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
    add_remedies(findings, document);
    for (enum finding_section section = 0; section < FINDING_SECTIONS; section++)
        add_section(&result->findings, section, document);
    add_lines(result, document);
    view_rounds(result, document);
    view_run_method(result, document);
    add_findings_for_files(&result->findings, document);
}
