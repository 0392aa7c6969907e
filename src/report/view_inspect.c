#include "report/views.h"

#include "report/format.h"
#include "report/view_parts.h"
#include "result/curves.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static bool begins_with_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return !strncasecmp(text, word, length) && !isalnum((unsigned char)text[length]);
}

/* Two sizes that were measured, and the reach is between them: no confidence interval. */
static bool is_bracket(const struct finding *finding)
{
    bool reach = !strcmp(finding->name, "tlb-reach") || !strcmp(finding->name, "cache-reach");
    return reach && isfinite(finding->low) && isfinite(finding->high);
}

struct value finding_value(const struct finding *finding, struct pool *pool)
{
    const char *words = finding->value.text;
    struct value value = {.text = words, .number = NAN, .low = NAN, .high = NAN};
    bool yes_no = finding->unit == UNIT_YES_NO;
    if (!finding->value.known) {
        value.text = pool_format(pool, "cannot tell: %s", words[0] ? words : "no reason is given");
        value.tone = TONE_FAINT;
        return value;
    }
    /* "partly" stands in the place of "yes", and "no: what there is instead" says it itself; other words are
     * more to it. */
    if (finding->unit == UNIT_TEXT ||
        (yes_no && (begins_with_word(words, "partly") ||
                       begins_with_word(words, finding->number > 0 ? "yes" : "no"))))
        return value;
    if (is_bracket(finding)) {
        value.text =
            pool_format(pool, "between %s and %s", format_figure(finding->unit, finding->low, 0).text,
                format_figure(finding->unit, finding->high, 0).text);
        return value;
    }
    return (struct value){.unit = finding->unit,
        .number = finding->number,
        .low = yes_no ? NAN : finding->low,
        .high = yes_no ? NAN : finding->high,
        .text = words[0] ? words : NULL};
}

const char *finding_phrase(const struct finding *finding, struct pool *pool)
{
    const struct value value = finding_value(finding, pool);
    return format_value(pool, &value, &(struct column){.unit = UNIT_TEXT});
}

const char *tripped_phrase(const struct tripping *tripping, struct pool *pool)
{
    const struct finding *finding = tripping->finding;
    char label[FINDING_NAME_BYTES + FINDING_KEY_BYTES];
    if (!finding)
        return pool_format(
            pool, "%s: there is no %s here", tripping->threshold->text, tripping->threshold->name);
    const struct value value = finding_value(finding, pool);
    finding_label(finding, label);
    if (tripping->unknown)
        return pool_format(pool, "--fail-on %s cannot be judged here: %s", tripping->threshold->text,
            finding->value.known ? "its number is none" : finding->value.text);
    const char *says =
        pool_format(pool, "%s: %s is %s", tripping->threshold->text, label, finding_phrase(finding, pool));
    return isfinite(value.low) && isfinite(value.high) ? pool_format(pool, "%s (interval %s … %s)", says,
                                                             format_figure(value.unit, value.low, 0).text,
                                                             format_figure(value.unit, value.high, 0).text)
                                                       : says;
}

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

/* "entries of the TLB (L2 4K)" */
static const char *heading_of(const struct finding *finding, struct document *doc)
{
    const char *title = finding->title ? finding->title : finding->name;
    return finding->key[0] ? document_text(doc, "%s (%s)", title, finding->key) : title;
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

static void conclude(const struct result *result, struct document *doc)
{
    static const char *const hides[] = {[ANSWER_UNKNOWN] = "No hypervisor below that CPUID names",
        [ANSWER_NO] = "Bare metal: CPUID names no hypervisor, and does not leave this machine",
        [ANSWER_YES] = "A guest whose hypervisor hides itself: CPUID names none, but leaves this machine"};
    static const char *const large[] = {
        [ANSWER_UNKNOWN] = "; whether its large pages are whole this run cannot tell",
        [ANSWER_NO] = "; its large pages are whole",
        [ANSWER_YES] = "; its large pages are "};
    const struct findings *findings = &result->findings;
    const struct finding *found = findings_find(findings, "splintered", NULL);
    enum answer guest = answer_of(findings, "guest"), splintered = answer_of(findings, "splintered");
    const char *kind = view_run_guest(result, doc);
    unsigned tenths = tenths_brought(findings);
    if (guest == ANSWER_UNKNOWN)
        document_say(doc, BLOCK_CONCLUSION, "What is below this machine this run cannot tell");
    else if (guest == ANSWER_YES)
        document_say(doc, BLOCK_CONCLUSION, "A %s", kind ? kind : "guest");
    else
        document_say(doc, BLOCK_CONCLUSION, "%s", hides[answer_of(findings, "cpuid-exit")]);
    if (found)
        view_add(doc, "%s", large[splintered]);
    if (found && splintered == ANSWER_YES)
        view_add(doc, "%ssplintered from below", strcasestr(found->value.text, "partly") ? "partly " : "");
    if (splintered == ANSWER_YES && tenths)
        view_add(doc, " and bring about %u %% of what they should", 10 * tenths);
    view_add(doc, "%s.", view_run_incomplete(result, doc));
}

static void say_memory(const struct findings *findings, struct document *doc)
{
    const struct finding *cost = findings_find(findings, "splinter-cost", NULL);
    if (answer_of(findings, "splintered") == ANSWER_YES && cost && finding_has_number(cost)) {
        const struct column column = {.unit = UNIT_NS, .rounded = true};
        const struct value value = {
            .unit = cost->unit, .number = cost->number, .low = cost->low, .high = cost->high};
        struct formatted low, high;
        document_say(doc, BLOCK_FACT, "Large pages that are splintered cost %s",
            format_value(&doc->pool, &value, &column));
        if (format_ends(&value, &column, &low, &high))
            view_add(doc, " (%s to %s)", low.text, high.text);
        view_add(doc, " more for each scattered access: ask for a machine that is backed by large pages.");
    }
    const struct remedy *large = significant_remedy(findings, "keep-large");
    const struct remedy *remedy = large ? large : significant_remedy(findings, "keep-small");
    if (remedy)
        document_say(doc, BLOCK_FACT,
            "Fresh memory costs more: the first touch of a page of %s takes %s, %s if it was in use a "
            "moment ago. Keep memory, or touch it before it is needed.",
            large ? "2 MiB" : "4 KiB", format_figure(UNIT_NS, remedy->with_ns, 0).text,
            format_figure(UNIT_NS, remedy->without_ns, 0).text);
}

/* What is as it should be, each in a few words, and what is not. */
static void say_yes_and_no(const struct findings *findings, struct document *doc)
{
    static const struct {
        const char *name, *no_yes[2];
    } rows[] = {
        {"clock-slow", {"the clock is read without a system call", "the clock is read by system call"}},
        {"rdtsc-exit", {"the time-stamp counter is read without leaving this machine",
                           "reading the time-stamp counter leaves this machine"}},
        {"hidden-numa",
            {"no NUMA is hidden", "NUMA is hidden: some memory is farther away than this machine knows"}},
    };
    static const double share_least = 0.001; /* less is a tick of the clock now and then */
    const struct finding *steal = findings_find(findings, "steal", NULL);
    struct listing no = {.doc = doc, .between = "; "}, yes = no;
    if (steal && finding_has_number(steal) && steal->number < share_least)
        listing_add(&no, "no time is stolen");
    else if (steal && finding_has_number(steal))
        listing_add(
            &yes, "others take %s of this CPU's time", format_figure(UNIT_SHARE, steal->number, 0).text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum answer answer = answer_of(findings, rows[i].name);
        if (answer != ANSWER_UNKNOWN)
            listing_add(answer == ANSWER_YES ? &yes : &no, "%s", rows[i].no_yes[answer == ANSWER_YES]);
    }
    if (yes.count)
        document_say(doc, BLOCK_FACT, "%s.", view_capital(doc, yes.text));
    if (no.count)
        document_say(doc, BLOCK_FACT, "%s.", view_capital(doc, no.text));
}

/* What was looked for and not found out: "a, b (reason); c (reason)". */
static void say_undecided(const struct findings *findings, struct document *doc)
{
    const struct finding *exits = findings_find(findings, "cpuid-exit", NULL), *last = NULL;
    struct listing list = {.doc = doc, .between = "; ", .most = 12}, names = {0};
    for (size_t i = 0; i <= findings->count; i++) {
        const struct finding *finding = i < findings->count ? &findings->items[i] : NULL;
        if (finding && (finding->value.known || finding->detail || finding->source == FINDING_TOLD))
            continue;
        if (last && (!finding || strcmp(last->value.text, finding->value.text) != 0)) {
            listing_add(&list, "%s (%s)", listing_text(&names), last->value.text);
            names.count = 0;
        }
        if (!names.count)
            names = (struct listing){.doc = doc, .between = ", ", .most = 12};
        if (finding)
            listing_add(&names, "%s", heading_of(finding, doc));
        last = finding;
    }
    if (exits && exits->value.known && strcasestr(exits->value.text, "or several"))
        listing_add(&list,
            "whether the hypervisor is itself a guest (CPUID takes as long as one level or several would)");
    if (list.count)
        document_say(doc, BLOCK_FACT, "Not decided: %s.", listing_text(&list));
}

static void add_remedies(const struct findings *findings, struct document *doc)
{
    document_say(doc, BLOCK_HEADING, "What costs most here and what to change");
    for (size_t i = 0; i < findings->remedy_count; i++) {
        const struct remedy *remedy = &findings->remedies[i];
        document_say(doc, BLOCK_ITEM, "%s.", view_capital(doc, remedy->cost));
        if (has_figures(remedy)) {
            document_say(doc, BLOCK_MORE, "%s: %s; %s: %s; a difference of %s (",
                view_capital(doc, remedy->with_what), format_figure(UNIT_NS, remedy->with_ns, 0).text,
                remedy->without_what, format_figure(UNIT_NS, remedy->without_ns, 0).text,
                format_figure(UNIT_NS, remedy->more_ns, FORMAT_SIGN).text);
            if (isfinite(remedy->low) && isfinite(remedy->high))
                view_add(doc, "95 %% interval %s … %s).",
                    format_figure(UNIT_NS, remedy->low, FORMAT_SIGN).text,
                    format_figure(UNIT_NS, remedy->high, FORMAT_SIGN).text);
            else
                view_add(doc, "without an interval, which may be chance).");
        }
        document_say(doc, BLOCK_MORE, "To change: %s.", remedy->change);
    }
    if (!findings->remedy_count)
        document_say(doc, BLOCK_SENTENCE,
            "Nothing that was measured here costs more than it would without its cause.");
}

/* ---- findings ---- */

enum { FINDING_TITLE, FINDING_KNOWN, FINDING_FOUND, FINDING_REMARK, FINDING_COLUMNS };

static void add_section(const struct findings *findings, enum finding_section section, struct document *doc)
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
    struct table *table = document_table(
        doc, finding_sections[section].name, finding_sections[section].title, columns, FINDING_COLUMNS, rows);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->section != section)
            continue;
        struct value *remark = table_at(table, row, FINDING_REMARK);
        const char *how = finding->how, *sure = finding->sure;
        if (how[0] || sure[0]) /* "CPUID leaf 4; a hypervisor may make it up" */
            remark->text = document_text(doc, "%s%s%s", how, how[0] && sure[0] ? "; " : "", sure);
        remark->tone = TONE_FAINT;
        remark->detail = finding->source != FINDING_JUDGED || !finding->value.known;
        table_text(table, row, FINDING_TITLE, heading_of(finding, doc));
        table_text(table, row, FINDING_KNOWN, sources[finding->source]);
        *table_at(table, row, FINDING_FOUND) = finding_value(finding, &doc->pool);
        table_at(table, row++, FINDING_TITLE)->detail = finding->detail;
    }
}

/* For files: "value" is a number in base units, true or false, or words, as "unit" says; "text" are more
 * words to a number. What is not known is empty, and "reason" says why. */
static void add_findings_for_files(const struct findings *findings, struct document *doc)
{
    static const struct finding any;
    struct table *table = NULL;
    for (size_t i = 0; i <= findings->count; i++) { /* the first one makes the table */
        const struct finding *finding = i ? &findings->items[i - 1] : &any;
        bool known = finding->value.known, has = finding_has_number(finding);
        bool words = finding->unit == UNIT_TEXT;
        const char *text = finding->value.text, *reason = words || has ? NULL : "its number is none";
        const struct file_value values[] = {
            FILE_WORDS("name", finding->name),
            FILE_WORDS("key", finding->key),
            FILE_WORDS("section", finding_sections[finding->section].name),
            FILE_WORDS("source", finding_source_names[finding->source]),
            FILE_WORDS("unit", unit_name(finding->unit)),
            has ? FILE_FIGURE("value", finding->unit, finding->number)
                : FILE_WORDS("value", words && known ? text : NULL),
            FILE_FIGURE("low", finding->unit, has ? finding->low : NAN),
            FILE_FIGURE("high", finding->unit, has ? finding->high : NAN),
            FILE_WORDS("reason", known     ? reason
                                 : text[0] ? text
                                           : "not told"),
            FILE_WORDS("text", has ? text : NULL),
        };
        size_t count = sizeof values / sizeof *values;
        if (i)
            view_file_row(table, i - 1, values, count);
        else
            table = view_file_table(doc, "findings", values, count, findings->count);
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

/* In the chart all of them; in the table every so many, so that they fit and the last is one of them. */
static void add_lines(const struct result *result, struct document *doc)
{
    enum { ROWS_MAX = 14 };
    struct column columns[1 + LINE_CURVES] = {{.key = "lines", .unit = UNIT_COUNT}};
    const struct curve_group *rows = NULL;
    struct curves curves;
    curves_arrange(result, &doc->pool, &curves);
    for (size_t i = 0; i < curves.count && !rows; i++)
        if (curves.all[i]->native && curves.all[i]->group->shape.order == CHASE_LINE_PER_PAGE)
            rows = curves.all[i]->group;
    size_t count = rows ? rows->working_set_count : 0, step = (count + ROWS_MAX - 1) / ROWS_MAX;
    if (!count)
        return;
    for (size_t c = 0; c < LINE_CURVES; c++)
        columns[1 + c] = (struct column){.key = line_curves[c].head, .unit = UNIT_NS, .bare = true};
    document_say(doc, BLOCK_HEADING, "lines packed, scattered, and one in each page of 4 KiB: ns per access");
    struct table *table =
        document_table(doc, "lines", NULL, columns, 1 + LINE_CURVES, (count - 1) / step + 1);
    struct chart *chart = document_chart(doc, CHART_LINES, "lines", "Time of an access");
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
            const struct result_cell *cell = line_cell(&curves, &line_curves[c], rows->working_sets[i]);
            uint64_t lines = rows->working_sets[i] / CHASE_PAGE_BYTES; /* one a page */
            bool in_table = (count - 1 - i) % step == 0;
            if (in_table)
                table_number(table, i / step, 0, (double)lines);
            if (in_table && cell)
                table_number(table, i / step, 1 + c, cell->median);
            if (cell && !series)
                series = chart_series(doc, chart, line_curves[c].head, count);
            if (cell && series)
                series->points[i] =
                    (struct chart_point){(double)lines, cell->median, cell->low, cell->high, NULL};
        }
    }
    view_drop_empty(table);
}

void view_inspect(const struct result *result, struct document *doc)
{
    const struct findings *findings = &result->findings;
    view_run_title(result, doc);
    conclude(result, doc);
    view_run_machine(result, doc);
    say_memory(findings, doc);
    say_yes_and_no(findings, doc);
    say_undecided(findings, doc);
    add_remedies(findings, doc);
    for (enum finding_section section = 0; section < FINDING_SECTIONS; section++)
        add_section(findings, section, doc);
    add_lines(result, doc);
    view_rounds(result, doc);
    view_run_method(result, doc);
    add_findings_for_files(findings, doc);
}
