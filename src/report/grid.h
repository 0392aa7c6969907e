/* A table of text with aligned columns, for a terminal. */
#ifndef VCOST_REPORT_GRID_H
#define VCOST_REPORT_GRID_H

#include "report/style.h"

#include <stddef.h>
#include <stdio.h>

enum { GRID_TEXT_BYTES = 48 };

struct grid_cell {
    char text[GRID_TEXT_BYTES]; /* clean (text.h) */
    enum ink ink;
};

struct grid {
    size_t columns, rows;
    struct grid_cell *cells; /* rows * columns, owned; row by row */
    unsigned *gaps;          /* blanks in front of each column, owned */
    unsigned
        *widths; /* of each column, without its gap; owned; grid_measure sets them, they may be raised then */
};

/* All cells empty, all gaps 2 except for the first. 0 or -ENOMEM; grid_free() releases it. */
int grid_create(struct grid *grid, size_t columns, size_t rows);
void grid_free(struct grid *grid);

struct grid_cell *grid_at(const struct grid *grid, size_t row, size_t column);

/* Makes each column as wide as its widest cell. */
void grid_measure(struct grid *grid);

/* Width of columns first … last-1 with the gaps between them. */
unsigned grid_width(const struct grid *grid, size_t first, size_t last);

/* Writes column 0 and columns first … last-1 of a row, each cell aligned to the right, without blanks at the
 * end. */
void grid_row_write(const struct grid *grid, size_t row, size_t first, size_t last, FILE *stream,
    const struct report_style *style);

/* A heading over columns first … last-1, which has its own width. */
struct grid_span {
    size_t first, last;
    char text[80];
    bool ruled; /* in the middle of a rule that shows what it covers; otherwise aligned to the right */
};

/* Makes the first column of the span wider where the span is narrower than its text. */
void grid_span_fit(struct grid *grid, const struct grid_span *span);

/* Writes a line of those spans (ascending) that lie in columns 0 and first … last-1. */
void grid_spans_write(const struct grid *grid, const struct grid_span *spans, size_t count, size_t first,
    size_t last, FILE *stream, const struct report_style *style);

#endif
