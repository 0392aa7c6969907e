#include "report/grid.h"

#include "report/text.h"

#include <errno.h>
#include <stdlib.h>

int grid_create(struct grid *grid, size_t columns, size_t rows)
{
    *grid = (struct grid){
        .columns = columns,
        .rows = rows,
        .cells = calloc(columns * rows, sizeof *grid->cells),
        .gaps = calloc(columns, sizeof *grid->gaps),
        .widths = calloc(columns, sizeof *grid->widths),
    };
    if (!grid->cells || !grid->gaps || !grid->widths) {
        grid_free(grid);
        return -ENOMEM;
    }
    for (size_t i = 1; i < columns; i++)
        grid->gaps[i] = 2;
    return 0;
}

void grid_free(struct grid *grid)
{
    free(grid->cells);
    free(grid->gaps);
    free(grid->widths);
    *grid = (struct grid){0};
}

struct grid_cell *grid_at(const struct grid *grid, size_t row, size_t column)
{
    return &grid->cells[row * grid->columns + column];
}

void grid_measure(struct grid *grid)
{
    for (size_t column = 0; column < grid->columns; column++) {
        grid->widths[column] = 0;
        for (size_t row = 0; row < grid->rows; row++) {
            unsigned width = (unsigned)text_columns(grid_at(grid, row, column)->text);
            if (width > grid->widths[column])
                grid->widths[column] = width;
        }
    }
}

unsigned grid_width(const struct grid *grid, size_t first, size_t last)
{
    unsigned width = 0;
    for (size_t column = first; column < last; column++)
        width += grid->widths[column] + (column > first ? grid->gaps[column] : 0);
    return width;
}

/* Where the text of a row's columns first … last-1 ends. */
static size_t text_end(const struct grid *grid, size_t row, size_t first, size_t last)
{
    while (last > first && !grid_at(grid, row, last - 1)->text[0])
        last--;
    return last;
}

static void cell_write(
    const struct grid *grid, size_t row, size_t column, FILE *stream, const struct report_style *style)
{
    const struct grid_cell *cell = grid_at(grid, row, column);
    unsigned blanks = grid->gaps[column] + grid->widths[column] - (unsigned)text_columns(cell->text);
    fprintf(stream, "%*s%s%s%s", (int)blanks, "", style_on(style, cell->ink), cell->text,
        style_off(style, cell->ink));
}

void grid_row_write(const struct grid *grid, size_t row, size_t first, size_t last, FILE *stream,
    const struct report_style *style)
{
    size_t end = text_end(grid, row, first, last);
    cell_write(grid, row, 0, stream, style);
    for (size_t column = first; column < end; column++)
        cell_write(grid, row, column, stream, style);
    fputc('\n', stream);
}

void grid_span_fit(struct grid *grid, const struct grid_span *span)
{
    unsigned width = grid_width(grid, span->first, span->last), text = (unsigned)text_columns(span->text);
    if (text > width)
        grid->widths[span->first] += text - width;
}

static void rule_write(unsigned columns, FILE *stream, const struct report_style *style)
{
    while (columns-- > 0)
        fputs(style->utf8 ? "─" : "-", stream);
}

static void span_write(const struct grid *grid, const struct grid_span *span, unsigned blanks, FILE *stream,
    const struct report_style *style)
{
    unsigned room = grid_width(grid, span->first, span->last) - (unsigned)text_columns(span->text);
    bool ruled = span->ruled && room >= 4;
    fprintf(stream, "%*s%s", (int)(blanks + (ruled ? 0 : room)), "", style_on(style, INK_HEADING));
    if (ruled)
        rule_write(room / 2 - 1, stream, style);
    fprintf(stream, "%s%s%s", ruled ? " " : "", span->text, ruled ? " " : "");
    if (ruled)
        rule_write(room - room / 2 - 1, stream, style);
    fputs(style_off(style, INK_HEADING), stream);
}

void grid_spans_write(const struct grid *grid, const struct grid_span *spans, size_t count, size_t first,
    size_t last, FILE *stream, const struct report_style *style)
{
    unsigned blanks = 0;
    size_t column = 0; /* up to where blanks or text were accounted for */
    for (size_t i = 0; i < count; i++) {
        if (spans[i].first != 0 && (spans[i].first < first || spans[i].last > last))
            continue;
        for (; column < spans[i].first; column++)
            if (column == 0 || column >= first)
                blanks += grid->gaps[column] + grid->widths[column];
        span_write(grid, &spans[i], blanks + grid->gaps[column], stream, style);
        blanks = 0;
        column = spans[i].last;
    }
    fputc('\n', stream);
}
