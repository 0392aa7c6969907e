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

static bool is_over_native(const struct price *price)
{
    return isfinite(price->over[OVER_NATIVE].ns);
}

static bool is_over_event(const struct price *price)
{
    return isfinite(price->over[OVER_EVENT].ns);
}

static bool is_alone(const struct price *price)
{
    return !is_over_native(price) && !is_over_event(price) && price_cell(price);
}

struct price_section {
    const char *title;
    row_filter *filter;
    enum price_over over;
    enum price_column columns[PRICE_COLUMNS];
    size_t column_count;
};

static const struct price_section sections[] = {
    {"what costs over native, the dearest first", is_over_native, OVER_NATIVE,
        {PRICE_EVENT, PRICE_UNIT, PRICE_NATIVE, PRICE_GUEST, PRICE_EXTRA, PRICE_INTERVAL, PRICE_EXITS,
            PRICE_MARKS},
        8},
    {"what costs over another event at the same place, the dearest first", is_over_event, OVER_EVENT,
        {PRICE_EVENT, PRICE_BASELINE, PRICE_NATIVE, PRICE_GUEST, PRICE_EXTRA, PRICE_INTERVAL, PRICE_MARKS},
        7},
    {"what has nothing to be held against here, the dearest first", is_alone, OVER_NATIVE,
        {PRICE_EVENT, PRICE_UNIT, PRICE_NATIVE, PRICE_GUEST, PRICE_MARKS}, 5},
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

static size_t count_rows(const struct prices *prices, row_filter *filter)
{
    size_t count = 0;
    for (size_t i = 0; i < prices->count; i++)
        count += filter(&prices->rows[i]);
    return count;
}

/* Sorts for a section, and copies it without the columns in which no row has anything. */
static struct price_section section_of(struct prices *prices, size_t index)
{
    struct price_section section = sections[index];
    char text[PRICE_TEXT_BYTES];
    prices_sort(prices, section.over);
    section.column_count = 0;
    for (size_t c = 0; c < sections[index].column_count; c++) {
        bool used = false;
        for (size_t i = 0; i < prices->count && !used; i++) {
            price_text(sections[index].columns[c], section.over, &prices->rows[i], &markdown_style, text);
            used = section.filter(&prices->rows[i]) && text[0] && strcmp(text, "-") != 0;
        }
        if (used)
            section.columns[section.column_count++] = sections[index].columns[c];
    }
    return section;
}

/* ---- terminal ---- */

static enum ink ink_of(enum price_column column, const struct price_extra *extra)
{
    if (column == PRICE_MARKS)
        return INK_WARNING;
    if (column != PRICE_EXTRA || !isfinite(extra->low))
        return INK_PLAIN;
    return extra->low > 0 ? INK_SLOWER : extra->high < 0 ? INK_FASTER : INK_PLAIN;
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
        price_head(section->columns[c], section->over, prices, text);
        put(grid_at(grid, row++, c), text, INK_FAINT, style);
        for (size_t i = 0; i < prices->count; i++) {
            if (!section->filter(&prices->rows[i]))
                continue;
            const struct price *price = &prices->rows[i];
            price_text(section->columns[c], section->over, price, style, text);
            put(grid_at(grid, row++, c), text, ink_of(section->columns[c], &price->over[section->over]),
                style);
        }
    }
    pad_names(grid);
    if (section->columns[section->column_count - 1] == PRICE_MARKS)
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
    if (price_cell(price))
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
    if (!price_cell(price) || !price->guest || !price->native)
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

int price_table_write(
    struct prices *prices, FILE *stream, const struct report_style *style, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; i < SECTIONS && rc == 0; i++) {
        struct price_section section = section_of(prices, i);
        rc = write_section(prices, &section, stream, style, error);
    }
    if (rc < 0)
        return rc;
    prices_sort(prices, OVER_NATIVE);
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
            price_text(section->columns[c], section->over, price, &markdown_style, texts[c]);
        else
            price_head(section->columns[c], section->over, prices, texts[c]);
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

int price_markdown_write(struct prices *prices, FILE *stream, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; i < SECTIONS; i++) {
        struct price_section section = section_of(prices, i);
        write_markdown_section(&section, prices, stream);
    }
    prices_sort(prices, OVER_NATIVE);
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
