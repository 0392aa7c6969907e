#include "report/finding_text.h"
#include "report/findings_lines.h"
#include "report/findings_remedies.h"
#include "report/findings_report.h"
#include "report/format.h"
#include "report/markdown_text.h"
#include "report/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- findings ---- */

enum { COLUMNS = 4 };

static void write_row(const struct finding *finding, FILE *stream)
{
    char title[FINDING_VALUE_BYTES], value[FINDING_VALUE_BYTES], interval[FINDING_VALUE_BYTES];
    finding_title(finding, title);
    finding_value(finding, &markdown_style, value);
    finding_interval(finding, &markdown_style, interval);
    const char *const cells[COLUMNS] = {title, value, interval, finding_source_name(finding->source)};
    markdown_row(stream, cells, COLUMNS);
}

static void write_heading(const char *title, FILE *stream)
{
    fputs("### ", stream);
    markdown_text(stream, title);
    fputs("\n\n", stream);
}

/* Below a table: how what is judged in it was judged. */
static void write_remarks(const struct findings *findings, enum finding_section section, FILE *stream)
{
    bool any = false;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        char title[FINDING_VALUE_BYTES], remark[FINDING_REMARK_BYTES];
        char text[FINDING_VALUE_BYTES + FINDING_REMARK_BYTES + 8];
        finding_title(finding, title);
        finding_remark(finding, remark);
        if (finding->section != section || finding->source != FINDING_JUDGED || !remark[0])
            continue;
        any = true;
        snprintf(text, sizeof text, "%s: %s", title, remark);
        fputs("- ", stream);
        markdown_text(stream, text);
        fputc('\n', stream);
    }
    if (any)
        fputc('\n', stream);
}

static void write_section(const struct findings *findings, enum finding_section section, FILE *stream)
{
    static const char *const heads[COLUMNS] = {"finding", "value", "interval", "how it is known"};
    bool any = false;
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].section != section)
            continue;
        if (!any) {
            write_heading(finding_section_title(section), stream);
            markdown_row(stream, heads, COLUMNS);
            markdown_rule(stream, COLUMNS);
        }
        any = true;
        write_row(&findings->items[i], stream);
    }
    if (any)
        fputc('\n', stream);
    write_remarks(findings, section, stream);
}

/* ---- the curves ---- */

static void write_lines(const struct lines_table *table, FILE *stream)
{
    const char *cells[1 + LINES_COLUMNS_MAX] = {"lines"};
    write_heading(lines_title, stream);
    memcpy((void *)(cells + 1), (const void *)table->heads, table->columns * sizeof *cells);
    markdown_row(stream, cells, table->columns + 1);
    markdown_rule(stream, table->columns + 1);
    for (size_t row = 0; row < table->rows; row++) {
        struct formatted texts[1 + LINES_COLUMNS_MAX];
        texts[0] = format_count(table->lines[row]);
        for (size_t i = 0; i < table->columns; i++)
            texts[i + 1] = format_ns(table->ns[row][i]);
        for (size_t i = 0; i <= table->columns; i++)
            cells[i] = texts[i].text;
        markdown_row(stream, cells, table->columns + 1);
    }
    fputc('\n', stream);
}

/* ---- what to change ---- */

static void write_remedies(const struct findings *findings, FILE *stream)
{
    write_heading(remedies_title, stream);
    for (size_t i = 0; i < findings->remedy_count; i++) {
        char cost[REMEDY_TEXT_BYTES], figures[REMEDY_TEXT_BYTES], text[3 * REMEDY_TEXT_BYTES];
        remedy_cost(&findings->remedies[i], cost);
        remedy_figures(&findings->remedies[i], &markdown_style, figures);
        snprintf(text, sizeof text, "%s %s To change: %s.", cost, figures, findings->remedies[i].change);
        fprintf(stream, "%zu. ", i + 1);
        markdown_text(stream, text);
        fputc('\n', stream);
    }
    if (!findings->remedy_count)
        fprintf(stream, "%s\n", remedies_none);
    fputc('\n', stream);
}

static int write_run(const struct result *result, FILE *stream, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return error_errno(error, errno, "cannot write the summary");
    summary_run(result, memory, &markdown_style);
    int rc = fclose(memory) ? error_set(error, ENOMEM, "not enough memory to write the summary") : 0;
    if (rc == 0)
        markdown_items(stream, text);
    free(text);
    return rc;
}

int findings_report_markdown(const struct result *result, FILE *stream, struct error *error)
{
    struct lines_table table;
    int rc = lines_table_make(result, &table, error);
    if (rc < 0)
        return rc;
    for (enum finding_section section = 0; section < FINDING_SECTIONS; section++)
        write_section(&result->findings, section, stream);
    if (table.rows)
        write_lines(&table, stream);
    write_remedies(&result->findings, stream);
    return write_run(result, stream, error);
}
