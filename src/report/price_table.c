#include "report/price_table.h"

#include "report/grid.h"
#include "report/price_remarks.h"
#include "report/price_section.h"
#include "report/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

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
            if (!section->holds(&prices->rows[i]))
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

static int make_grid(struct grid *grid, const struct prices *prices, const struct price_section *section,
    const struct report_style *style)
{
    int rc = grid_create(grid, section->column_count, price_section_rows(section, prices) + 1);
    if (rc == 0)
        fill(grid, prices, section, style);
    return rc;
}

/* What can be done without where the terminal is narrow, the least wanted first. */
static const enum price_column dispensable[] = {PRICE_UNIT, PRICE_EXITS, PRICE_BASELINE, PRICE_INTERVAL};

/* A grid that fits the terminal, as far as that can be. */
static int fit_grid(struct grid *grid, const struct prices *prices, struct price_section *section,
    const struct report_style *style)
{
    int rc = make_grid(grid, prices, section, style);
    for (size_t i = 0; rc == 0 && i < sizeof dispensable / sizeof dispensable[0]; i++) {
        if (!style->columns || grid_width(grid, 0, section->column_count) <= style->columns)
            break;
        price_section_drop(section, dispensable[i]);
        grid_free(grid);
        rc = make_grid(grid, prices, section, style);
    }
    return rc;
}

static int write_section(const struct prices *prices, struct price_section *section, FILE *stream,
    const struct report_style *style, struct error *error)
{
    struct grid grid;
    if (!price_section_rows(section, prices))
        return 0;
    if (fit_grid(&grid, prices, section, style))
        return error_set(error, ENOMEM, "not enough memory to write the price list");
    fprintf(
        stream, "%s%s%s\n\n", style_on(style, INK_HEADING), section->title, style_off(style, INK_HEADING));
    for (size_t row = 0; row < grid.rows; row++)
        grid_row_write(&grid, row, 1, section->column_count, stream, style);
    fputc('\n', stream);
    grid_free(&grid);
    return 0;
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
    for (size_t i = 0; i < PRICE_SECTIONS && rc == 0; i++) {
        struct price_section section = price_section_of(prices, i);
        rc = write_section(prices, &section, stream, style, error);
    }
    if (rc < 0)
        return rc;
    prices_sort(prices, OVER_NATIVE);
    fputs(style_on(style, INK_FAINT), stream);
    write_legend(stream, style);
    price_remarks_write(prices, stream, style);
    fputs(style_off(style, INK_FAINT), stream);
    return 0;
}
