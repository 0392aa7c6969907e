/* Lines are drawn on a canvas of characters: curves in braille dots (or '.'), and symbols and texts on top of
 * them. What is drawn later lies on top; what lies outside of the canvas is left out. */
#include "report/format.h"
#include "report/formats.h"
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
    struct writing *writing;
    struct drawn {
        const struct chart_series *series;
        const char *symbol, *color;
    } drawn[SERIES_MAX];
    size_t count, left_out;
    struct axis x, y;
    int columns;        /* of all */
    struct cell *cells; /* the canvas: ALL_ROWS of so many */
};

static const char *const symbols[CHART_MAP][2][SERIES_MAX] = {
    [CHART_LINES] = {{"o", "x", "*", "+", "#", "@", "%", "&"}, {"●", "▲", "■", "◆", "○", "△", "□", "◇"}},
    [CHART_BARS] = {{"#", "=", "*", "+", "o", "x", "%", "&"}, {"█", "▒", "▓", "░", "▚", "▤", "▥", "▦"}},
};

/* One of two symbols, as the reader's codeset allows. */
static const char *either(const struct plot *plot, const char *utf8, const char *ascii)
{
    return plot->writing->style->utf8 ? utf8 : ascii;
}

static const char *color_off(const char *color)
{
    return color[0] ? "\033[0m" : "";
}

static int columns_of(const char *clean)
{
    return (int)text_columns(clean);
}

static const char *cut_text(const struct plot *plot, const char *text, int columns)
{
    char *clean = text_cleaned(&plot->writing->pool, text, plot->writing->style);
    text_cut(clean, (size_t)columns, plot->writing->style);
    return clean;
}

static void write_legend(const struct plot *plot)
{
    for (size_t i = 0; i < plot->count; i++)
        fprintf(plot->writing->stream, "  %s%s%s %s\n", plot->drawn[i].color, plot->drawn[i].symbol,
            color_off(plot->drawn[i].color), cut_text(plot, plot->drawn[i].series->name, plot->columns - 4));
    if (plot->left_out)
        fprintf(plot->writing->stream, "  %zu more in the table\n", plot->left_out);
}

/* ---- the canvas ---- */

/* NULL outside. */
static struct cell *cell_at(const struct plot *plot, int column, int row)
{
    bool inside = column >= 0 && column < plot->columns && row >= 0 && row < ALL_ROWS;
    return inside ? &plot->cells[row * plot->columns + column] : NULL;
}

/* Clean text from a column on. */
static void put(const struct plot *plot, int column, int row, const char *text, const char *color)
{
    for (size_t bytes; *text; text += bytes) {
        struct cell *cell = cell_at(plot, column++, row);
        for (bytes = 1; ((unsigned char)text[bytes] & 0xc0) == 0x80;)
            bytes++;
        if (!cell)
            continue;
        snprintf(cell->symbol, sizeof cell->symbol, "%.*s", (int)bytes, text);
        cell->color = color;
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
    FILE *stream = plot->writing->stream;
    for (int row = 0; row < ALL_ROWS; row++) {
        const struct cell *cell = cell_at(plot, 0, row), *end = cell + plot->columns;
        while (end > cell && (!end[-1].color || end[-1].symbol[0] == ' '))
            end--;
        const char *last = end > cell ? "\n" : "";
        for (; cell < end; cell++) {
            const char *color = cell->color ? cell->color : "";
            char braille[] = {'\xe2', (char)(0xa0 | cell->dots >> 6), (char)(0x80 | (cell->dots & 0x3f)), 0};
            const char *dots = cell->dots ? either(plot, braille, ".") : " ";
            fprintf(stream, "%s%s%s", color, cell->symbol[0] ? cell->symbol : dots, color_off(color));
        }
        fputs(last, stream);
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
    return (y_dot(plot, y) + ROWS * DOTS_Y) / DOTS_Y - ROWS; /* rounded down above the picture too */
}

static void draw_curve(const struct plot *plot, const struct drawn *drawn)
{
    const struct chart_point *from = chart_next(plot->chart, drawn->series, NULL), *to;
    for (; (to = chart_next(plot->chart, drawn->series, from)); from = to)
        if (to == from + 1)
            put_line(plot, x_dot(plot, from->x), y_dot(plot, from->y), x_dot(plot, to->x), y_dot(plot, to->y),
                drawn->color);
}

/* The intervals of a series; an end beyond the picture becomes an arrow. True if there are any. Those of two
 * series stand side by side. There are none where there is no room for that, nor on a logarithmic axis: in a
 * picture of so few rows they are all but points. */
static bool draw_whiskers(const struct plot *plot, size_t index)
{
    const struct chart_series *series = plot->drawn[index].series;
    const char *color = plot->drawn[index].color;
    bool any = false;
    if (plot->count > WHISKERS_MAX || plot->chart->y.scale != SCALE_LINEAR)
        return false;
    for (size_t i = 1; i < series->count; i++)
        if (column_of(plot, series->points[i].x) - column_of(plot, series->points[i - 1].x) <=
            (int)plot->count)
            return false;
    for (const struct chart_point *point = NULL; (point = chart_next(plot->chart, series, point));) {
        if (!chart_has_interval(plot->chart, point))
            continue;
        int column = column_of(plot, point->x) + (int)index;
        int top = row_of(plot, point->high), bottom = row_of(plot, point->low);
        for (int row = top; row <= bottom && row < ROWS; row++)
            put(plot, column, row, either(plot, "│", "|"), color);
        if (top < 0)
            put(plot, column, 0, either(plot, "↑", "^"), color);
        if (bottom >= ROWS)
            put(plot, column, ROWS - 1, either(plot, "↓", "v"), color);
        any = true;
    }
    return any;
}

static void draw_y_axis(const struct plot *plot)
{
    for (int row = 0; row < ROWS; row++)
        put(plot, LABEL_COLUMNS - 1, row, either(plot, "│", "|"), "");
    for (size_t i = plot->y.tick_count; i-- > 0;) {
        const char *label =
            cut_text(plot, format_tick(&plot->chart->y, plot->y.ticks[i]).text, LABEL_COLUMNS - 1);
        int row = row_of(plot, plot->y.ticks[i]);
        put(plot, LABEL_COLUMNS - 1 - columns_of(label), row, label, "");
        put(plot, LABEL_COLUMNS - 1, row, either(plot, "┤", "+"), "");
    }
    for (int column = LABEL_COLUMNS; isfinite(plot->chart->rule) && column < plot->columns; column++)
        put(plot, column, row_of(plot, plot->chart->rule), either(plot, "┄", "-"),
            style_on(plot->writing->style, INK_FAINT));
}

/* Labels are centred under their ticks and kept inside the width and apart from each other. */
static void draw_x_axis(const struct plot *plot)
{
    int at = 0, room = plot->columns - LABEL_COLUMNS;
    put(plot, LABEL_COLUMNS - 1, TICKS_ROW, either(plot, "└", "+"), "");
    for (int column = LABEL_COLUMNS; column < plot->columns; column++)
        put(plot, column, TICKS_ROW, either(plot, "─", "-"), "");
    for (size_t i = 0; i < plot->x.tick_count; i++) {
        const char *label =
            cut_text(plot, format_tick(&plot->chart->x, plot->x.ticks[i]).text, LABEL_COLUMNS);
        int column = column_of(plot, plot->x.ticks[i]), start = column - columns_of(label) / 2;
        put(plot, column, TICKS_ROW, either(plot, "┬", "+"), "");
        if (start + columns_of(label) > plot->columns)
            start = plot->columns - columns_of(label);
        if (at && start < at + 1)
            continue;
        put(plot, start, LABELS_ROW, label, "");
        at = start + columns_of(label);
    }
    const char *name = plot->chart->x.label ? plot->chart->x.label : "";
    if (plot->chart->x.unit == UNIT_BYTES && !strstr(name, "bytes"))
        name = pool_format(&plot->writing->pool, "%s (bytes)", name);
    name = cut_text(plot, name, room);
    put(plot, LABEL_COLUMNS + (room - columns_of(name)) / 2, NAME_ROW, name, "");
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
        const char *label = text_cleaned(&plot->writing->pool, mark->label, plot->writing->style);
        int column = column_of(plot, mark->from), end = column + 1 + columns_of(label);
        if (column < at + (at > 0) || end > plot->columns)
            continue;
        put(plot, 0, row, title, "");
        put(plot, column, row, pointer, "");
        put(plot, column + 1, row, label, "");
        at = end;
    }
}

static void write_lines(const struct plot *plot, const char *stamp)
{
    bool whiskers = false;
    write_legend(plot);
    draw_y_axis(plot);
    for (size_t i = 0; i < plot->count; i++)
        draw_curve(plot, &plot->drawn[i]);
    for (size_t i = 0; i < plot->count && !plot->chart->stacked; i++)
        whiskers |= draw_whiskers(plot, i);
    for (size_t i = plot->count; i-- > 0;)
        for (const struct chart_point *p = NULL;
             !plot->drawn[i].series->fine && (p = chart_next(plot->chart, plot->drawn[i].series, p));)
            put(plot, column_of(plot, p->x), row_of(plot, p->y), plot->drawn[i].symbol, plot->drawn[i].color);
    draw_x_axis(plot);
    draw_marks(plot, MARK_PHASE, MEASURED_ROW, "phases", either(plot, "▲", "^"));
    draw_marks(plot, MARK_STOP, REPORTED_ROW, "", either(plot, "△", "'"));
    draw_marks(plot, MARK_MEASURED, MEASURED_ROW, "measured", either(plot, "▲", "^"));
    draw_marks(plot, MARK_REPORTED, REPORTED_ROW, "CPUID", either(plot, "△", "'"));
    if (stamp && stamp[0]) {
        int room = plot->columns - LABEL_COLUMNS - 2;
        const char *text = cut_text(plot, stamp, room - 2);
        put(plot, LABEL_COLUMNS + (room - columns_of(text)) / 2, STAMP_ROW,
            pool_format(&plot->writing->pool, " %s ", text), style_on(plot->writing->style, INK_WARNING));
    }
    if (whiskers)
        fprintf(plot->writing->stream, "  %s 95 %% interval\n", either(plot, "│", "|"));
    write_canvas(plot);
}

/* ---- bars ---- */

static const struct chart_point *point_of(const struct plot *plot, size_t index, size_t category)
{
    const struct chart_point *point = NULL;
    do
        point = chart_next(plot->chart, plot->drawn[index].series, point);
    while (point && point->x != (double)category);
    return point;
}

/* "63.2 µs", "63.2 µs ~" */
static const char *bar_text(const struct plot *plot, const struct chart_point *point)
{
    const struct formatted figure = format_figure(plot->chart->y.unit, point ? point->y : NAN, 0);
    const char *mark = point && point->mark ? point->mark : NULL;
    const char *text =
        pool_format(&plot->writing->pool, "%s%s%s", figure.text, mark ? " " : "", mark ? mark : "");
    return text_cleaned(&plot->writing->pool, text, plot->writing->style);
}

/* For each category a bar of each series that has one, a line without if none has. */
static void write_bars(const struct plot *plot, const char *stamp)
{
    const struct chart *chart = plot->chart;
    FILE *stream = plot->writing->stream;
    double from = axis_place(&plot->y, chart_bar_start(chart, plot->y.range));
    int names = 0, texts = 0;
    for (size_t i = 0; i < chart->category_count; i++) {
        names = (int)fmax(names, columns_of(cut_text(plot, chart->categories[i], plot->columns / 3)));
        for (size_t k = 0; k < plot->count; k++)
            texts = (int)fmax(texts, columns_of(bar_text(plot, point_of(plot, k, i))));
    }
    if (stamp && stamp[0])
        paragraph_terminal(plot->writing, (unsigned)plot->columns, "  ", stamp, INK_WARNING);
    if (plot->count > 1)
        write_legend(plot);
    if (chart->y.scale != SCALE_LINEAR && !(chart->caption && strstr(chart->caption, "logarithmic")))
        fputs("  bars are logarithmic\n", stream);
    int width = (int)fmax(plot->columns - (names + 2 + 1 + texts), BAR_COLUMNS_LEAST);
    for (size_t i = 0; i < chart->category_count; i++) {
        const char *name = cut_text(plot, chart->categories[i], plot->columns / 3);
        bool any = false;
        for (size_t k = 0; k < plot->count; k++) {
            const struct chart_point *point = point_of(plot, k, i);
            if (!point && (any || k + 1 < plot->count))
                continue;
            any = true;
            fprintf(stream, "%s%*s  ", name, names - columns_of(name), "");
            name = "";
            double to = point ? axis_place(&plot->y, point->y) : from;
            int start = (int)lround(fmin(from, to) * width), end = (int)lround(fmax(from, to) * width);
            fprintf(stream, "%*s%s", start, "", plot->drawn[k].color);
            for (int column = start; column < end; column++)
                fputs(plot->drawn[k].symbol, stream);
            fprintf(stream, "%s%s%s\n", color_off(plot->drawn[k].color), end > start ? " " : "",
                bar_text(plot, point));
        }
    }
}

/* ---- */

void chart_terminal(struct writing *writing, const struct chart *chart, const char *stamp)
{
    static const char *const colors[] = {
        "\033[36m", "\033[33m", "\033[35m", "\033[32m", "\033[34m", "\033[31m"};
    struct plot plot = {.chart = chart, .writing = writing, .columns = STYLE_COLUMNS_USUAL};
    const char *title = chart->title ? chart->title : chart->name;
    bool linear = chart->y.scale == SCALE_LINEAR;
    struct span x, y;
    if (chart->kind == CHART_STEPS) {
        chart_steps_terminal(writing, chart);
        return;
    }
    if (chart->kind == CHART_MAP) {
        chart_map_terminal(writing, chart);
        return;
    }
    if (writing->style->columns)
        plot.columns = (int)fmax(writing->style->columns, COLUMNS_LEAST);
    if (chart->y.label && !strstr(title, chart->y.label))
        title = pool_format(&writing->pool, "%s, %s", title, chart->y.label);
    paragraph_terminal(writing, (unsigned)plot.columns, "", title, INK_HEADING);
    plot.cells = pool_room(&writing->pool, (size_t)plot.columns * ALL_ROWS, sizeof *plot.cells);
    if (!plot.cells || !chart_ranges(chart, linear, &x, &y))
        return;
    for (size_t i = 0; i < chart->series_count; i++) {
        const struct chart_series *series = &chart->series[i];
        const char *color =
            writing->style->color ? colors[plot.count % (sizeof colors / sizeof *colors)] : "";
        if (!chart_next(chart, series, NULL))
            continue;
        if (plot.count == SERIES_MAX)
            plot.left_out++;
        else
            plot.drawn[plot.count] =
                (struct drawn){series, symbols[chart->kind][writing->style->utf8][plot.count],
                    series->baseline ? style_on(writing->style, INK_FAINT) : color};
        plot.count += plot.count < SERIES_MAX;
    }
    stamp = chart->stamp ? chart->stamp : stamp;
    axis_make(&chart->x, x, (unsigned)(plot.columns - LABEL_COLUMNS) / 6, &plot.x);
    axis_make(&chart->y, y, linear ? 6 : 7, &plot.y);
    plot.y.range = chart->kind == CHART_BARS ? y : plot.y.range;
    (chart->kind == CHART_BARS ? write_bars : write_lines)(&plot, stamp);
    if (chart->caption)
        paragraph_terminal(writing, (unsigned)plot.columns, "", chart->caption, INK_FAINT);
}
