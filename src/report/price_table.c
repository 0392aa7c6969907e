#include "report/price_table.h"

#include "report/format.h"
#include "report/grid.h"
#include "report/markdown_text.h"
#include "report/price_row.h"
#include "report/text.h"
#include "report/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which rows a table holds. */
typedef bool row_filter(const struct price *price);

static bool has_extra(const struct price *price)
{
    return isfinite(price->extra) && !price_over_event(price);
}

static bool has_extra_over_event(const struct price *price)
{
    return isfinite(price->extra) && price_over_event(price);
}

static bool has_figure_only(const struct price *price)
{
    return !isfinite(price->extra) && price_measured(price);
}

static const enum price_column compared_columns[] = {PRICE_EVENT, PRICE_UNIT, PRICE_NATIVE, PRICE_GUEST,
    PRICE_EXTRA, PRICE_INTERVAL, PRICE_EXITS, PRICE_MARKS};
static const enum price_column held_columns[] = {PRICE_EVENT, PRICE_UNIT, PRICE_BASELINE, PRICE_NATIVE,
    PRICE_GUEST, PRICE_EXTRA_EVENT, PRICE_INTERVAL, PRICE_MARKS};
static const enum price_column figure_columns[] = {
    PRICE_EVENT, PRICE_UNIT, PRICE_NATIVE, PRICE_GUEST, PRICE_MARKS};

struct price_section {
    const char *title;
    row_filter *filter;
    const enum price_column *columns;
    size_t column_count;
};

static const struct price_section sections[] = {
    {"what costs over native, the dearest first", has_extra, compared_columns,
        sizeof compared_columns / sizeof compared_columns[0]},
    {"what costs over another event at the same place, the dearest first", has_extra_over_event, held_columns,
        sizeof held_columns / sizeof held_columns[0]},
    {"what has nothing to be held against here, the dearest first", has_figure_only, figure_columns,
        sizeof figure_columns / sizeof figure_columns[0]},
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

static size_t count_rows(const struct prices *prices, row_filter *filter)
{
    size_t count = 0;
    for (size_t i = 0; i < prices->count; i++)
        count += filter(&prices->rows[i]);
    return count;
}

/* ---- terminal ---- */

static enum ink ink_of(enum price_column column, const struct price *price)
{
    if (column == PRICE_MARKS)
        return INK_WARNING;
    if ((column != PRICE_EXTRA && column != PRICE_EXTRA_EVENT) || !price->against || !isfinite(price->low))
        return INK_PLAIN;
    return price->low > 0 ? INK_SLOWER : price->high < 0 ? INK_FASTER : INK_PLAIN;
}

/* The grid aligns to the right; names read better to the left. */
static void pad_names(struct grid *grid)
{
    unsigned width = 0;
    for (size_t row = 0; row < grid->rows; row++) {
        unsigned columns = (unsigned)text_columns(grid_at(grid, row, 0)->text);
        width = columns > width ? columns : width;
    }
    for (size_t row = 0; row < grid->rows; row++) {
        struct grid_cell *cell = grid_at(grid, row, 0);
        size_t length = strlen(cell->text), columns = text_columns(cell->text);
        for (; columns < width && length + 1 < sizeof cell->text; columns++)
            cell->text[length++] = ' ';
        cell->text[length] = '\0';
    }
}

static void put(struct grid_cell *cell, const char *text, enum ink ink, const struct report_style *style)
{
    text_clean(text, style->utf8 ? TEXT_UTF8 : TEXT_ASCII, cell->text, sizeof cell->text);
    cell->ink = ink;
}

static void fill(struct grid *grid, const struct prices *prices, const struct price_section *section,
    const struct report_style *style)
{
    char text[PRICE_TEXT_BYTES];
    for (size_t c = 0; c < section->column_count; c++) {
        size_t row = 0;
        price_head(section->columns[c], prices, text);
        put(grid_at(grid, row++, c), text, INK_FAINT, style);
        for (size_t i = 0; i < prices->count; i++) {
            if (!section->filter(&prices->rows[i]))
                continue;
            price_text(section->columns[c], &prices->rows[i], style, text);
            put(grid_at(grid, row++, c), text, ink_of(section->columns[c], &prices->rows[i]), style);
        }
    }
    pad_names(grid);
    grid->gaps[section->column_count - 1] = 1;
    grid_measure(grid);
}

static int write_section(const struct prices *prices, const struct price_section *section, FILE *stream,
    const struct report_style *style, struct error *error)
{
    struct grid grid;
    size_t rows = count_rows(prices, section->filter);
    if (!rows)
        return 0;
    if (grid_create(&grid, section->column_count, rows + 1))
        return error_set(error, ENOMEM, "not enough memory to write the price list");
    fill(&grid, prices, section, style);
    fprintf(
        stream, "%s%s%s\n\n", style_on(style, INK_HEADING), section->title, style_off(style, INK_HEADING));
    for (size_t row = 0; row < grid.rows; row++)
        grid_row_write(&grid, row, 1, section->column_count, stream, style);
    fputc('\n', stream);
    grid_free(&grid);
    return 0;
}

/* ---- what is to be said about rows ---- */

typedef const char *row_remark(const struct price *price);

static const char *missing_reason(const struct price *price)
{
    if (price_measured(price))
        return NULL;
    const struct result_cell *cell = price->guest ? price->guest : price->native;
    return cell ? cell_reason(cell) : NULL;
}

static const char *guest_note(const struct price *price)
{
    if (price->guest && price->guest->note[0])
        return price->guest->note;
    return price->native && price->native->note[0] ? price->native->note : NULL;
}

/* Why one of two places has no figure though the other has. */
static const char *half_missing(const struct price *price)
{
    if (!price_measured(price) || !price->guest || !price->native)
        return NULL;
    if (!isfinite(price->guest->median))
        return cell_reason(price->guest);
    return isfinite(price->native->median) ? NULL : cell_reason(price->native);
}

static const struct {
    const char *title;
    row_remark *remark;
} remarks[] = {
    {"Notes:", guest_note},
    {"Measured at one place only:", half_missing},
    {"Not measured:", missing_reason},
};

static bool told_before(const struct prices *prices, row_remark *remark, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        const char *other = remark(&prices->rows[i]);
        if (other && !strcmp(other, remark(&prices->rows[at])))
            return true;
    }
    return false;
}

/* "cpuid, pio-user: reason": all rows with the same remark together. */
static void write_remark(const struct prices *prices, row_remark *remark, size_t at, FILE *stream,
    const struct report_style *style)
{
    char text[1024];
    size_t used = 0;
    const char *said = remark(&prices->rows[at]);
    for (size_t i = at; i < prices->count; i++) {
        const char *other = remark(&prices->rows[i]);
        if (other && !strcmp(other, said) && used + 80 < sizeof text / 2)
            used += (size_t)snprintf(
                text + used, sizeof text - used, "%s%s", used ? ", " : "", prices->rows[i].name);
    }
    snprintf(text + used, sizeof text - used, ": %s", said);
    text_paragraph(stream, "  ", text, style);
}

static void write_remarks(
    const struct prices *prices, size_t kind, FILE *stream, const struct report_style *style)
{
    bool any = false;
    for (size_t i = 0; i < prices->count; i++) {
        if (!remarks[kind].remark(&prices->rows[i]) || told_before(prices, remarks[kind].remark, i))
            continue;
        if (!any)
            fprintf(stream, "%s\n", remarks[kind].title);
        any = true;
        write_remark(prices, remarks[kind].remark, i, stream, style);
    }
    if (any)
        fputc('\n', stream);
}

static void write_legend(FILE *stream, const struct report_style *style)
{
    text_paragraph(stream, "",
        "~ noisy;  ! interrupted;  exits: from the guest to KVM, for each event, preparation included",
        style);
    fputc('\n', stream);
}

int price_table_write(const struct result *result, const struct prices *prices, FILE *stream,
    const struct report_style *style, struct error *error)
{
    int rc = 0;
    (void)result;
    for (size_t i = 0; i < SECTIONS && rc == 0; i++)
        rc = write_section(prices, &sections[i], stream, style, error);
    if (rc < 0)
        return rc;
    fputs(style_on(style, INK_FAINT), stream);
    write_legend(stream, style);
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++)
        write_remarks(prices, i, stream, style);
    fputs(style_off(style, INK_FAINT), stream);
    return 0;
}

/* ---- Markdown ---- */

static void write_markdown_row(
    const struct price_section *section, const struct prices *prices, const struct price *price, FILE *stream)
{
    char texts[PRICE_COLUMNS][PRICE_TEXT_BYTES];
    const char *cells[PRICE_COLUMNS];
    for (size_t c = 0; c < section->column_count; c++) {
        if (price)
            price_text(section->columns[c], price, &markdown_style, texts[c]);
        else
            price_head(section->columns[c], prices, texts[c]);
        cells[c] = texts[c];
    }
    markdown_row(stream, cells, section->column_count);
}

static void write_markdown_section(
    const struct price_section *section, const struct prices *prices, FILE *stream)
{
    if (!count_rows(prices, section->filter))
        return;
    fprintf(stream, "### %s\n\n", section->title);
    write_markdown_row(section, prices, NULL, stream);
    markdown_rule(stream, section->column_count);
    for (size_t i = 0; i < prices->count; i++)
        if (section->filter(&prices->rows[i]))
            write_markdown_row(section, prices, &prices->rows[i], stream);
    fputc('\n', stream);
}

int price_markdown_write(const struct prices *prices, FILE *stream, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; i < SECTIONS; i++)
        write_markdown_section(&sections[i], prices, stream);
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return error_errno(error, errno, "cannot write the notes");
    for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++)
        write_remarks(prices, i, memory, &markdown_style);
    int rc = fclose(memory) ? error_set(error, ENOMEM, "not enough memory to write the notes") : 0;
    if (rc == 0)
        markdown_items(stream, text);
    free(text);
    return rc;
}
