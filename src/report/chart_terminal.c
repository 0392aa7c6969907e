/* Lines are drawn on a canvas of characters: curves in braille dots (or '.'), and symbols and texts on top of
 * them. What is drawn later lies on top; what lies outside of the canvas is left out. */
#include "report/chart_terminal.h"

#include "report/axis.h"
#include "report/format.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS = 13, /* of the picture itself; below it: */
    TICKS_ROW = ROWS /* the x axis, the labels of its ticks, */,
    LABELS_ROW,
    MEASURED_ROW, /* marks of two kinds, */
    REPORTED_ROW,
    NAME_ROW, /* and what is on the axis */
    ALL_ROWS,
    COLUMNS_LEAST = 40,
    LABEL_COLUMNS = 9, /* of the y axis, with the axis itself */
    DOTS_X = 2,        /* in one character */
    DOTS_Y = 4,
    MARGIN_DOTS = 2,
    SERIES_MAX = 8,
    WHISKERS_MAX = 2, /* series with whiskers: more are not to be told apart */
    Y_TICKS = 6,
    Y_TICKS_LOG = 7,
    STAMP_ROW = 1,
    BAR_COLUMNS_LEAST = 10
};

struct cell {
    char symbol[5];     /* a character; "": none, but */
    unsigned char dots; /* bits as in Unicode's braille block, U+2800 + dots */
    const char *color;  /* the sequence that switches it on; "": none; NULL: nothing is drawn */
};

struct plot {
    const struct chart *chart;
    const char *stamp; /* "": none */
    FILE *stream;
    const struct report_style *style;
    struct pool *pool;
    const struct chart_series *series[SERIES_MAX]; /* those that are drawn */
    size_t count, left_out;
    struct axis x, y;
    int columns;        /* of all */
    struct cell *cells; /* the canvas: ALL_ROWS of so many */
};

static const char *const markers[2][SERIES_MAX] = {
    {"o", "x", "*", "+", "#", "@", "%", "&"},
    {"●", "▲", "■", "◆", "○", "△", "□", "◇"},
};
static const char *const fills[2][SERIES_MAX] = {
    {"#", "=", "*", "+", "o", "x", "%", "&"},
    {"█", "▒", "▓", "░", "▚", "▤", "▥", "▦"},
};

/* One of two symbols, as the reader's codeset allows. */
static const char *either(const struct plot *plot, const char *utf8, const char *ascii)
{
    return plot->style->utf8 ? utf8 : ascii;
}

/* The sequence that switches a series' colour on; "" without colour. */
static const char *color_of(const struct plot *plot, size_t index)
{
    static const char *const colors[] = {
        "\033[36m", "\033[33m", "\033[35m", "\033[32m", "\033[34m", "\033[31m"};
    if (plot->series[index]->baseline)
        return style_on(plot->style, INK_FAINT);
    return plot->style->color ? colors[index % (sizeof colors / sizeof *colors)] : "";
}

static const char *color_off(const char *color)
{
    return color[0] ? "\033[0m" : "";
}

/* ---- texts ---- */

static int columns_of(const char *clean)
{
    return (int)text_columns(clean);
}

static const char *cut_text(const struct plot *plot, const char *text, int columns)
{
    char *clean = pool_room(plot->pool, 3 * strlen(text) + 1, 1);
    if (!clean)
        return "";
    text_clean(text, plot->style->utf8 ? TEXT_UTF8 : TEXT_ASCII, clean, 3 * strlen(text) + 1);
    text_cut(clean, (size_t)columns, plot->style);
    return clean;
}

static void write_line(const struct plot *plot, const char *first, const char *text, enum ink ink)
{
    fputs(style_on(plot->style, ink), plot->stream);
    text_wrap(plot->stream, first, text_cleaned(plot->pool, text, plot->style), (unsigned)plot->columns);
    fputs(style_off(plot->style, ink), plot->stream);
}

/* The title names what is on the y axis. */
static void write_title(const struct plot *plot)
{
    const char *title = plot->chart->title ? plot->chart->title : plot->chart->name;
    const char *label = plot->chart->y.label;
    if (label && !strstr(title, label))
        title = pool_format(plot->pool, "%s, %s", title, label);
    write_line(plot, "", title, INK_HEADING);
}

static void write_legend(const struct plot *plot, const char *const *symbols)
{
    for (size_t i = 0; i < plot->count; i++)
        fprintf(plot->stream, "  %s%s%s %s\n", color_of(plot, i), symbols[i], color_off(color_of(plot, i)),
            cut_text(plot, plot->series[i]->name, plot->columns - 4));
    if (plot->left_out)
        fprintf(plot->stream, "  %zu more in the table\n", plot->left_out);
}

static void choose_series(struct plot *plot)
{
    for (size_t i = 0; i < plot->chart->series_count; i++) {
        const struct chart_series *series = &plot->chart->series[i];
        if (!chart_next(plot->chart, series, NULL))
            continue;
        if (plot->count < SERIES_MAX)
            plot->series[plot->count++] = series;
        else
            plot->left_out++;
    }
}

/* ---- the canvas ---- */

static struct cell *cell_at(const struct plot *plot, int column, int row)
{
    bool inside = column >= 0 && column < plot->columns && row >= 0 && row < ALL_ROWS;
    return inside ? &plot->cells[row * plot->columns + column] : NULL;
}

/* A character, a UTF-8 string of one column. */
static void put_symbol(const struct plot *plot, int column, int row, const char *symbol, const char *color)
{
    struct cell *cell = cell_at(plot, column, row);
    if (!cell)
        return;
    snprintf(cell->symbol, sizeof cell->symbol, "%s", symbol);
    cell->color = color;
}

/* Clean text from a column on. */
static void put_text(const struct plot *plot, int column, int row, const char *text, const char *color)
{
    for (size_t bytes; *text; text += bytes) {
        char symbol[5];
        for (bytes = 1; ((unsigned char)text[bytes] & 0xc0) == 0x80;)
            bytes++;
        snprintf(symbol, sizeof symbol, "%.*s", (int)bytes, text);
        put_symbol(plot, column++, row, symbol, color);
    }
}

/* A line between two points in dots, from the left top. */
static void put_line(const struct plot *plot, int x0, int y0, int x1, int y1, const char *color)
{
    static const unsigned char bits[DOTS_Y][DOTS_X] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);
    for (int i = 0; i <= steps; i++) {
        double share = steps ? (double)i / steps : 0;
        int x = (int)(x0 + share * (x1 - x0) + 0.5), y = (int)(y0 + share * (y1 - y0) + 0.5);
        struct cell *cell = cell_at(plot, x / DOTS_X, y / DOTS_Y);
        if (!cell)
            continue;
        cell->symbol[0] = 0;
        cell->dots |= bits[y % DOTS_Y][x % DOTS_X];
        cell->color = color;
    }
}

/* Rows without blanks at their ends, but those that are empty. */
static void write_canvas(const struct plot *plot)
{
    for (int row = 0; row < ALL_ROWS; row++) {
        const struct cell *cell = cell_at(plot, 0, row), *end = cell + plot->columns;
        while (end > cell && (!end[-1].color || end[-1].symbol[0] == ' '))
            end--;
        bool any = end > cell;
        for (; cell < end; cell++) {
            const char *color = cell->color ? cell->color : "";
            const char *symbol = cell->symbol[0] ? cell->symbol : cell->dots ? "." : " ";
            fputs(color, plot->stream);
            if (symbol[0] == '.' && cell->dots && plot->style->utf8)
                fprintf(plot->stream, "\xe2%c%c", 0xa0 | cell->dots >> 6, 0x80 | (cell->dots & 0x3f));
            else
                fputs(symbol, plot->stream);
            fputs(color_off(color), plot->stream);
        }
        fputs(any ? "\n" : "", plot->stream);
    }
}

/* ---- lines ---- */

static int x_dot(const struct plot *plot, double x)
{
    int room = (plot->columns - LABEL_COLUMNS) * DOTS_X - 1 - 2 * MARGIN_DOTS;
    return LABEL_COLUMNS * DOTS_X + MARGIN_DOTS +
           (int)lround(fmax(-1, fmin(2, axis_place(&plot->x, x))) * room);
}

/* Dots from the top; may lie outside. */
static int y_dot(const struct plot *plot, double y)
{
    double share = 1 - axis_place(&plot->y, y);
    return (int)lround(fmax(-1, fmin(2, share)) * (ROWS * DOTS_Y - 1));
}

static int column_of(const struct plot *plot, double x)
{
    return x_dot(plot, x) / DOTS_X;
}

static int row_of(const struct plot *plot, double y)
{
    int dot = y_dot(plot, y);
    return dot < 0 ? -1 : dot / DOTS_Y;
}

static void draw_curve(const struct plot *plot, size_t index)
{
    const struct chart_series *series = plot->series[index];
    const struct chart_point *from = chart_next(plot->chart, series, NULL), *to;
    for (; (to = chart_next(plot->chart, series, from)); from = to)
        if (to == from + 1)
            put_line(plot, x_dot(plot, from->x), y_dot(plot, from->y), x_dot(plot, to->x), y_dot(plot, to->y),
                color_of(plot, index));
}

/* Whiskers of two series stand side by side. There are none where there is no room for that, nor on a
 * logarithmic axis: in a picture of so few rows they are all but points. */
static bool room_for_whiskers(const struct plot *plot, const struct chart_series *series)
{
    if (plot->count > WHISKERS_MAX || plot->chart->y.scale != SCALE_LINEAR)
        return false;
    for (size_t i = 1; i < series->count; i++)
        if (column_of(plot, series->points[i].x) - column_of(plot, series->points[i - 1].x) <=
            (int)plot->count)
            return false;
    return true;
}

/* The intervals of a series; an end beyond the picture becomes an arrow. True if there are any. */
static bool draw_whiskers(const struct plot *plot, size_t index)
{
    const struct chart_series *series = plot->series[index];
    const char *color = color_of(plot, index);
    bool any = false;
    if (!room_for_whiskers(plot, series))
        return false;
    for (const struct chart_point *point = NULL; (point = chart_next(plot->chart, series, point));) {
        if (!chart_has_interval(plot->chart, point))
            continue;
        int column = column_of(plot, point->x) + (int)index;
        int top = row_of(plot, point->high), bottom = row_of(plot, point->low);
        for (int row = top; row <= bottom && row < ROWS; row++)
            put_symbol(plot, column, row, either(plot, "│", "|"), color);
        if (top < 0)
            put_symbol(plot, column, 0, either(plot, "↑", "^"), color);
        if (bottom >= ROWS)
            put_symbol(plot, column, ROWS - 1, either(plot, "↓", "v"), color);
        any = true;
    }
    return any;
}

static void draw_markers(const struct plot *plot, size_t index)
{
    const char *marker = markers[plot->style->utf8][index];
    for (const struct chart_point *point = NULL;
         (point = chart_next(plot->chart, plot->series[index], point));)
        put_symbol(plot, column_of(plot, point->x), row_of(plot, point->y), marker, color_of(plot, index));
}

static void draw_y_axis(const struct plot *plot)
{
    for (int row = 0; row < ROWS; row++)
        put_symbol(plot, LABEL_COLUMNS - 1, row, either(plot, "│", "|"), "");
    for (size_t i = plot->y.tick_count; i-- > 0;) {
        struct formatted tick = format_tick(&plot->chart->y, plot->y.ticks[i]);
        const char *label = cut_text(plot, tick.text, LABEL_COLUMNS - 1);
        int row = row_of(plot, plot->y.ticks[i]);
        put_text(plot, LABEL_COLUMNS - 1 - columns_of(label), row, label, "");
        put_symbol(plot, LABEL_COLUMNS - 1, row, either(plot, "┤", "+"), "");
    }
    for (int column = LABEL_COLUMNS; isfinite(plot->chart->rule) && column < plot->columns; column++)
        put_symbol(plot, column, row_of(plot, plot->chart->rule), either(plot, "┄", "-"),
            style_on(plot->style, INK_FAINT));
}

/* Labels are centred under their ticks and kept inside the width and apart from each other. */
static void draw_x_axis(const struct plot *plot)
{
    int at = 0;
    put_symbol(plot, LABEL_COLUMNS - 1, TICKS_ROW, either(plot, "└", "+"), "");
    for (int column = LABEL_COLUMNS; column < plot->columns; column++)
        put_symbol(plot, column, TICKS_ROW, either(plot, "─", "-"), "");
    for (size_t i = 0; i < plot->x.tick_count; i++) {
        struct formatted tick = format_tick(&plot->chart->x, plot->x.ticks[i]);
        const char *label = cut_text(plot, tick.text, LABEL_COLUMNS);
        int column = column_of(plot, plot->x.ticks[i]), start = column - columns_of(label) / 2;
        put_symbol(plot, column, TICKS_ROW, either(plot, "┬", "+"), "");
        if (start + columns_of(label) > plot->columns)
            start = plot->columns - columns_of(label);
        if (at && start < at + 1)
            continue;
        put_text(plot, start, LABELS_ROW, label, "");
        at = start + columns_of(label);
    }
    const char *name = plot->chart->x.label ? plot->chart->x.label : "";
    if (plot->chart->x.unit == UNIT_BYTES && !strstr(name, "bytes"))
        name = pool_format(plot->pool, "%s (bytes)", name);
    name = cut_text(plot, name, plot->columns - LABEL_COLUMNS);
    put_text(
        plot, LABEL_COLUMNS + (plot->columns - LABEL_COLUMNS - columns_of(name)) / 2, NAME_ROW, name, "");
}

/* The marks of one kind, each a pointer with its name. One for which there is no room, or that lies outside,
 * is left out; no title without any. */
static void draw_marks(
    const struct plot *plot, enum chart_mark_kind kind, int row, const char *title, const char *pointer)
{
    int at = 0;
    for (size_t i = 0; i < plot->chart->mark_count; i++) {
        const struct chart_mark *mark = &plot->chart->marks[i];
        if (mark->kind != kind || mark->from < plot->x.range.low || mark->from > plot->x.range.high)
            continue;
        const char *label = text_cleaned(plot->pool, mark->label, plot->style);
        int column = column_of(plot, mark->from), end = column + 1 + columns_of(label);
        if (column < at + (at > 0) || end > plot->columns)
            continue;
        put_text(plot, 0, row, title, "");
        put_symbol(plot, column, row, pointer, "");
        put_text(plot, column + 1, row, label, "");
        at = end;
    }
}

static void write_lines(struct plot *plot)
{
    bool whiskers = false;
    write_legend(plot, markers[plot->style->utf8]);
    plot->cells = pool_room(plot->pool, (size_t)plot->columns * ALL_ROWS, sizeof *plot->cells);
    if (!plot->cells)
        return;
    draw_y_axis(plot);
    for (size_t i = 0; i < plot->count; i++)
        draw_curve(plot, i);
    for (size_t i = 0; i < plot->count; i++)
        whiskers |= draw_whiskers(plot, i);
    for (size_t i = plot->count; i-- > 0;)
        draw_markers(plot, i);
    draw_x_axis(plot);
    draw_marks(plot, MARK_MEASURED, MEASURED_ROW, "measured", either(plot, "▲", "^"));
    draw_marks(plot, MARK_REPORTED, REPORTED_ROW, "CPUID", either(plot, "△", "'"));
    if (plot->stamp[0]) {
        const char *text = cut_text(plot, plot->stamp, plot->columns - LABEL_COLUMNS - 4);
        int column = LABEL_COLUMNS + (plot->columns - LABEL_COLUMNS - 2 - columns_of(text)) / 2;
        put_text(plot, column, STAMP_ROW, pool_format(plot->pool, " %s ", text),
            style_on(plot->style, INK_WARNING));
    }
    if (whiskers)
        fprintf(plot->stream, "  %s 95 %% interval\n", either(plot, "│", "|"));
    write_canvas(plot);
}

/* ---- bars ---- */

static const struct chart_point *point_of(const struct plot *plot, size_t index, size_t category)
{
    const struct chart_point *point = NULL;
    do
        point = chart_next(plot->chart, plot->series[index], point);
    while (point && point->x != (double)category);
    return point;
}

/* "63.2 µs", "63.2 µs ~" */
static const char *bar_text(const struct plot *plot, const struct chart_point *point)
{
    const char *text = format_figure(plot->chart->y.unit, point ? point->y : NAN, 0).text;
    if (point && point->mark)
        text = pool_format(plot->pool, "%s %s", text, point->mark);
    return text_cleaned(plot->pool, text, plot->style);
}

static const char *category_name(const struct plot *plot, size_t category)
{
    return cut_text(plot, plot->chart->categories[category], plot->columns / 3);
}

static void write_bar(const struct plot *plot, size_t index, const struct chart_point *point, int width)
{
    double from = axis_place(&plot->y, chart_bar_start(plot->chart, plot->y.range));
    double to = point ? axis_place(&plot->y, point->y) : from;
    int start = (int)lround(fmin(from, to) * width), end = (int)lround(fmax(from, to) * width);
    fprintf(plot->stream, "%*s%s", start, "", color_of(plot, index));
    for (int i = start; i < end; i++)
        fputs(fills[plot->style->utf8][index], plot->stream);
    fprintf(plot->stream, "%s%s%s\n", color_off(color_of(plot, index)), end > start ? " " : "",
        bar_text(plot, point));
}

/* A bar for each series that has one, a line without if none has. */
static void write_category(const struct plot *plot, size_t category, int names, int width)
{
    const char *name = category_name(plot, category);
    bool any = false;
    for (size_t k = 0; k < plot->count; k++) {
        const struct chart_point *point = point_of(plot, k, category);
        if (!point && (any || k + 1 < plot->count))
            continue;
        any = true;
        fprintf(plot->stream, "%s%*s  ", name, names - columns_of(name), "");
        write_bar(plot, k, point, width);
        name = "";
    }
}

static void write_bars(const struct plot *plot)
{
    const struct chart *chart = plot->chart;
    int names = 0, texts = 0;
    for (size_t i = 0; i < chart->category_count; i++) {
        names = (int)fmax(names, columns_of(category_name(plot, i)));
        for (size_t k = 0; k < plot->count; k++)
            texts = (int)fmax(texts, columns_of(bar_text(plot, point_of(plot, k, i))));
    }
    if (plot->stamp[0])
        write_line(plot, "  ", plot->stamp, INK_WARNING);
    if (plot->count > 1)
        write_legend(plot, fills[plot->style->utf8]);
    if (chart->y.scale != SCALE_LINEAR && !(chart->caption && strstr(chart->caption, "logarithmic")))
        fputs("  bars are logarithmic\n", plot->stream);
    int width = (int)fmax(plot->columns - (names + 2 + 1 + texts), BAR_COLUMNS_LEAST);
    for (size_t i = 0; i < chart->category_count; i++)
        write_category(plot, i, names, width);
}

/* ---- */

bool chart_terminal_has(const struct chart *chart)
{
    struct span span;
    return chart_ranges(chart, false, &span, &span);
}

void chart_terminal(const struct chart *chart, const char *stamp, FILE *stream,
    const struct report_style *style, struct pool *pool)
{
    struct plot plot = {.chart = chart, .stream = stream, .style = style, .pool = pool};
    bool linear = chart->y.scale == SCALE_LINEAR;
    struct span x, y;
    plot.stamp = chart->stamp ? chart->stamp : stamp ? stamp : "";
    plot.columns = !style->columns ? STYLE_COLUMNS_USUAL : (int)fmax(style->columns, COLUMNS_LEAST);
    choose_series(&plot);
    write_title(&plot);
    if (!chart_ranges(chart, linear, &x, &y))
        return;
    if (chart->kind == CHART_BARS) {
        plot.y = (struct axis){.of = &chart->y, .range = y};
        write_bars(&plot);
    } else {
        axis_make(&chart->x, x, (unsigned)(plot.columns - LABEL_COLUMNS) / 6, &plot.x);
        axis_make(&chart->y, y, linear ? Y_TICKS : Y_TICKS_LOG, &plot.y);
        write_lines(&plot);
    }
    if (chart->caption)
        write_line(&plot, "", chart->caption, INK_FAINT);
}
