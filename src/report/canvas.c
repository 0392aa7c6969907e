#include "report/canvas.h"

#include <stdlib.h>

struct canvas_cell {
    unsigned char dots; /* bits as in Unicode's braille block, U+2800 + dots */
    unsigned char layer, color;
    char symbol[5]; /* a character; "": none */
};

struct canvas {
    int width, height;
    struct canvas_cell cells[];
};

struct canvas *canvas_create(unsigned width, unsigned height)
{
    struct canvas *canvas = calloc(1, sizeof *canvas + (size_t)width * height * sizeof canvas->cells[0]);
    if (canvas) {
        canvas->width = (int)width;
        canvas->height = (int)height;
    }
    return canvas;
}

void canvas_free(struct canvas *canvas)
{
    free(canvas);
}

static struct canvas_cell *cell_at(struct canvas *canvas, int column, int row)
{
    if (column < 0 || column >= canvas->width || row < 0 || row >= canvas->height)
        return NULL;
    return &canvas->cells[row * canvas->width + column];
}

static void dot(struct canvas *canvas, int x, int y, unsigned color)
{
    static const unsigned char bits[CANVAS_DOTS_Y][CANVAS_DOTS_X] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    struct canvas_cell *cell = x < 0 || y < 0 ? NULL : cell_at(canvas, x / CANVAS_DOTS_X, y / CANVAS_DOTS_Y);
    if (!cell)
        return;
    cell->dots |= bits[y % CANVAS_DOTS_Y][x % CANVAS_DOTS_X];
    if (cell->layer <= LAYER_RULE)
        cell->color = (unsigned char)color;
}

void canvas_line(struct canvas *canvas, int x0, int y0, int x1, int y1, unsigned color)
{
    int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);
    for (int i = 0; i <= steps; i++) {
        double share = steps ? (double)i / steps : 0;
        dot(canvas, (int)(x0 + share * (x1 - x0) + 0.5), (int)(y0 + share * (y1 - y0) + 0.5), color);
    }
}

void canvas_symbol(
    struct canvas *canvas, int column, int row, const char *symbol, enum canvas_layer layer, unsigned color)
{
    struct canvas_cell *cell = cell_at(canvas, column, row);
    if (!cell || cell->layer > layer)
        return;
    snprintf(cell->symbol, sizeof cell->symbol, "%s", symbol);
    cell->layer = (unsigned char)layer;
    if (layer > LAYER_RULE || !cell->dots)
        cell->color = (unsigned char)color;
}

void canvas_text(struct canvas *canvas, int column, int row, const char *text, unsigned color)
{
    while (*text) {
        size_t bytes = 1;
        while (((unsigned char)text[bytes] & 0xc0) == 0x80)
            bytes++;
        char symbol[5];
        snprintf(symbol, sizeof symbol, "%.*s", (int)bytes, text);
        canvas_symbol(canvas, column++, row, symbol, LAYER_TEXT, color);
        text += bytes;
    }
}

static const char *const colors[] = {"\033[36m", "\033[33m", "\033[35m", "\033[32m", "\033[34m", "\033[31m"};

const char *canvas_color_on(const struct report_style *style, unsigned color)
{
    if (!style->color)
        return "";
    if (color == CANVAS_NEUTRAL || color == CANVAS_WARNING)
        return style_on(style, color == CANVAS_NEUTRAL ? INK_FAINT : INK_WARNING);
    return colors[color % (sizeof colors / sizeof *colors)];
}

const char *canvas_color_off(const struct report_style *style)
{
    return style->color ? "\033[0m" : "";
}

/* What stands in a cell: its symbol, or its dots. */
static void glyph(const struct canvas_cell *cell, const struct report_style *style, char out[5])
{
    bool symbol = cell->symbol[0] && (cell->layer > LAYER_RULE || !cell->dots);
    if (symbol)
        snprintf(out, 5, "%s", cell->symbol);
    else if (!cell->dots)
        snprintf(out, 5, " ");
    else if (style->utf8)
        snprintf(out, 5, "\xe2%c%c", 0xa0 | cell->dots >> 6, 0x80 | (cell->dots & 0x3f));
    else
        snprintf(out, 5, ".");
}

/* A blank shown on top of dots is one as well. */
static int used_columns(const struct canvas *canvas, const struct canvas_cell *cells)
{
    int used = canvas->width;
    while (used && (cells[used - 1].symbol[0] ? cells[used - 1].symbol[0] == ' ' : !cells[used - 1].dots))
        used--;
    return used;
}

void canvas_row_write(
    const struct canvas *canvas, unsigned row, FILE *stream, const struct report_style *style)
{
    const struct canvas_cell *cells = &canvas->cells[row * (unsigned)canvas->width];
    int used = used_columns(canvas, cells);
    for (int column = 0; column < used; column++) {
        char text[5];
        bool drawn = cells[column].symbol[0] || cells[column].dots;
        glyph(&cells[column], style, text);
        fprintf(stream, "%s%s%s", drawn ? canvas_color_on(style, cells[column].color) : "", text,
            drawn ? canvas_color_off(style) : "");
    }
}
