#include "report/findings_list.h"

#include "report/finding_text.h"
#include "report/text.h"

#include <string.h>

enum { CLEAN_BYTES = 3 * FINDING_VALUE_BYTES, SOURCE_COLUMNS = 8, TITLE_COLUMNS_MOST = 44 };

struct list {
    const struct findings *findings;
    FILE *stream;
    const struct report_style *style;
    bool verbose;
    unsigned title_columns;
};

static bool is_shown(const struct list *list, const struct finding *finding)
{
    return list->verbose || !finding->detail;
}

static size_t clean_title(
    const struct finding *finding, const struct report_style *style, char clean[static CLEAN_BYTES])
{
    char title[FINDING_VALUE_BYTES];
    finding_title(finding, title);
    text_clean(title, style->utf8 ? TEXT_UTF8 : TEXT_ASCII, clean, CLEAN_BYTES);
    return text_columns(clean);
}

/* As wide as the widest title, but leaving most of the line to the values. */
static unsigned title_columns(const struct list *list)
{
    char clean[CLEAN_BYTES];
    size_t most = list->style->columns ? list->style->columns * 9 / 20 : TITLE_COLUMNS_MOST, widest = 0;
    for (size_t i = 0; i < list->findings->count; i++) {
        size_t columns = clean_title(&list->findings->items[i], list->style, clean);
        if (is_shown(list, &list->findings->items[i]) && columns > widest && columns <= most)
            widest = columns;
    }
    return (unsigned)widest;
}

/* What stands in front of the value; a title that is too long for its column has lines of its own before. */
static void start_row(const struct list *list, const struct finding *finding, char *first, size_t size)
{
    char clean[CLEAN_BYTES];
    size_t columns = clean_title(finding, list->style, clean);
    if (columns > list->title_columns) {
        text_paragraph(list->stream, "  ", clean, list->style);
        columns = 0;
        clean[0] = 0;
    }
    snprintf(first, size, "  %s%*s  %-*s  ", clean, (int)(list->title_columns - columns), "", SOURCE_COLUMNS,
        finding_source_name(finding->source));
}

static void write_value(const struct list *list, const struct finding *finding)
{
    char first[CLEAN_BYTES + 128], value[FINDING_VALUE_BYTES], interval[FINDING_VALUE_BYTES];
    char text[2 * FINDING_VALUE_BYTES + 8];
    finding_value(finding, list->style, value);
    finding_interval(finding, list->style, interval);
    snprintf(text, sizeof text, "%s%s%s%s", value, interval[0] ? " [" : "", interval, interval[0] ? "]" : "");
    start_row(list, finding, first, sizeof first);
    text_paragraph(list->stream, first, text, list->style);
}

static void write_remark(const struct list *list, const struct finding *finding)
{
    char remark[FINDING_REMARK_BYTES];
    bool asked = list->verbose || (finding->source == FINDING_JUDGED && finding->value.known);
    finding_remark(finding, remark);
    if (!asked || !remark[0])
        return;
    fputs(style_on(list->style, INK_FAINT), list->stream);
    text_paragraph(list->stream, "      ", remark, list->style);
    fputs(style_off(list->style, INK_FAINT), list->stream);
}

static void write_finding(const struct list *list, const struct finding *finding)
{
    enum ink ink = finding->value.known ? INK_PLAIN : INK_FAINT;
    fputs(style_on(list->style, ink), list->stream);
    write_value(list, finding);
    fputs(style_off(list->style, ink), list->stream);
    write_remark(list, finding);
}

static void write_section(const struct list *list, enum finding_section section)
{
    bool any = false;
    for (size_t i = 0; i < list->findings->count; i++) {
        const struct finding *finding = &list->findings->items[i];
        if (finding->section != section || !is_shown(list, finding))
            continue;
        if (!any)
            fprintf(list->stream, "%s%s%s\n\n", style_on(list->style, INK_HEADING),
                finding_section_title(section), style_off(list->style, INK_HEADING));
        any = true;
        write_finding(list, finding);
    }
    if (any)
        fputc('\n', list->stream);
}

static void write_left_out(const struct list *list)
{
    size_t count = 0;
    char text[80];
    for (size_t i = 0; i < list->findings->count; i++)
        count += !is_shown(list, &list->findings->items[i]);
    if (!count)
        return;
    snprintf(text, sizeof text, "%zu detail%s left out here: --verbose tells all.", count,
        count == 1 ? " is" : "s are");
    fputs(style_on(list->style, INK_FAINT), list->stream);
    text_paragraph(list->stream, "", text, list->style);
    fprintf(list->stream, "%s\n", style_off(list->style, INK_FAINT));
}

void findings_list_write(
    const struct findings *findings, FILE *stream, const struct report_style *style, bool verbose)
{
    struct list list = {findings, stream, style, verbose, 0};
    list.title_columns = title_columns(&list);
    for (enum finding_section section = 0; section < FINDING_SECTIONS; section++)
        write_section(&list, section);
    write_left_out(&list);
}
