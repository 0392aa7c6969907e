#include "report/canvas.h"

#include <stdlib.h>

struct canvas_cell {
    char symbol[5];     /* a character; "": none, but */
    unsigned char dots; /* bits as in Unicode's braille block, U+2800 + dots */
    unsigned char color;
};

struct canvas {
    int width, height;
    struct canvas_cell cells[];
};

struct canvas *canvas_create(struct pool *pool, unsigned width, unsigned height)
{
    struct canvas *canvas =
        pool_room(pool, 1, sizeof *canvas + (size_t)width * height * sizeof canvas->cells[0]);
    if (canvas) {
        canvas->width = (int)width;
        canvas->height = (int)height;
    }
    return canvas;
}

static struct canvas_cell *cell_at(struct canvas *canvas, int column, int row)
{
    if (column < 0 || column >= canvas->width || row < 0 || row >= canvas->height)
        return NULL;
    return &canvas->cells[row * canvas->width + column];
}

static void draw_dot(struct canvas *canvas, int x, int y, unsigned color)
{
    static const unsigned char bits[CANVAS_DOTS_Y][CANVAS_DOTS_X] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    struct canvas_cell *cell = x < 0 || y < 0 ? NULL : cell_at(canvas, x / CANVAS_DOTS_X, y / CANVAS_DOTS_Y);
    if (!cell)
        return;
    cell->symbol[0] = 0;
    cell->dots |= bits[y % CANVAS_DOTS_Y][x % CANVAS_DOTS_X];
    cell->color = (unsigned char)color;
}

void canvas_line(struct canvas *canvas, int x0, int y0, int x1, int y1, unsigned color)
{
    int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);
    for (int i = 0; i <= steps; i++) {
        double share = steps ? (double)i / steps : 0;
        draw_dot(canvas, (int)(x0 + share * (x1 - x0) + 0.5), (int)(y0 + share * (y1 - y0) + 0.5), color);
    }
}

void canvas_symbol(struct canvas *canvas, int column, int row, const char *symbol, unsigned color)
{
    struct canvas_cell *cell = cell_at(canvas, column, row);
    if (!cell)
        return;
    snprintf(cell->symbol, sizeof cell->symbol, "%s", symbol);
    cell->color = (unsigned char)color;
}

void canvas_text(struct canvas *canvas, int column, int row, const char *text, unsigned color)
{
    for (size_t bytes; *text; text += bytes) {
        char symbol[5];
        for (bytes = 1; ((unsigned char)text[bytes] & 0xc0) == 0x80;)
            bytes++;
        snprintf(symbol, sizeof symbol, "%.*s", (int)bytes, text);
        canvas_symbol(canvas, column++, row, symbol, color);
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

static bool is_blank(const struct canvas_cell *cell)
{
    return cell->symbol[0] ? cell->symbol[0] == ' ' : !cell->dots;
}

void canvas_row_write(
    const struct canvas *canvas, unsigned row, FILE *stream, const struct report_style *style)
{
    const struct canvas_cell *cells = &canvas->cells[row * (unsigned)canvas->width];
    int used = canvas->width;
    while (used && is_blank(&cells[used - 1]))
        used--;
    for (const struct canvas_cell *cell = cells; cell < cells + used; cell++) {
        if (!cell->symbol[0] && !cell->dots) {
            fputc(' ', stream);
            continue;
        }
        fputs(canvas_color_on(style, cell->color), stream);
        if (cell->symbol[0] || !style->utf8)
            fputs(cell->symbol[0] ? cell->symbol : ".", stream);
        else
            fprintf(stream, "\xe2%c%c", 0xa0 | cell->dots >> 6, 0x80 | (cell->dots & 0x3f));
        fputs(canvas_color_off(style), stream);
    }
}
