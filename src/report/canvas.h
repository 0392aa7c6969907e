/* A small picture made of characters: lines in braille dots (or '.'), and symbols on top of them. */
#ifndef VCOST_REPORT_CANVAS_H
#define VCOST_REPORT_CANVAS_H

#include "base/pool.h"
#include "report/style.h"

#include <stdio.h>

enum { CANVAS_DOTS_X = 2, CANVAS_DOTS_Y = 4 }; /* dots in one character */

struct canvas;

/* width * height characters, empty, in the pool. NULL without memory. */
struct canvas *canvas_create(struct pool *pool, unsigned width, unsigned height);

/* What is drawn later lies on top; what lies outside is left out. `color` counts curves. */

/* A line between two points in dots, from the left top. */
void canvas_line(struct canvas *canvas, int x0, int y0, int x1, int y1, unsigned color);

/* A character at a column and row: a UTF-8 string of one column. */
void canvas_symbol(struct canvas *canvas, int column, int row, const char *symbol, unsigned color);

/* Clean text from a column on. */
void canvas_text(struct canvas *canvas, int column, int row, const char *text, unsigned color);

/* Writes one row without a newline; blanks at its end are not written. */
void canvas_row_write(
    const struct canvas *canvas, unsigned row, FILE *stream, const struct report_style *style);

/* The terminal sequence of a curve's colour, "" without colour; and the one that ends it. Static. */
const char *canvas_color_on(const struct report_style *style, unsigned color);
const char *canvas_color_off(const struct report_style *style);

/* The colour of rules and axes, and of warnings. */
enum { CANVAS_WARNING = 254, CANVAS_NEUTRAL = 255 };

#endif
