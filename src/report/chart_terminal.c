#include "report/chart_terminal.h"

#include "report/axis.h"
#include "report/canvas.h"
#include "report/format.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

enum {
    ROWS = 13,
    SERIES_MAX = 8,
    LABEL_COLUMNS = 9, /* of the y axis, with the axis itself */
    MARGIN_DOTS = 2,
    WHISKERS_MAX = 2, /* series with whiskers: more are not to be told apart */
    Y_TICKS = 6,
    Y_TICKS_LOG = 7,
    STAMP_ROW = 1,
    BAR_COLUMNS_LEAST = 10
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
    struct canvas *canvas;
    unsigned columns, width; /* of all, of the canvas */
};

static const char *const markers[2][SERIES_MAX] = {
    {"o", "x", "*", "+", "#", "@", "%", "&"},
    {"●", "▲", "■", "◆", "○", "△", "□", "◇"},
};
static const char *const fills[2][SERIES_MAX] = {
    {"#", "=", "*", "+", "o", "x", "%", "&"},
    {"█", "▒", "▓", "░", "▚", "▤", "▥", "▦"},
};

static unsigned color_of(const struct plot *plot, size_t index)
{
    return plot->series[index]->baseline ? CANVAS_NEUTRAL : (unsigned)index;
}

/* One of two symbols, as the reader's codeset allows. */
static const char *either(const struct plot *plot, const char *utf8, const char *ascii)
{
    return plot->style->utf8 ? utf8 : ascii;
}

/* ---- what stands above and below a picture ---- */

static const char *cut_text(const struct plot *plot, const char *text, size_t columns)
{
    size_t size = 3 * strlen(text) + 1;
    char *clean = pool_room(plot->pool, size, 1);
    if (!clean)
        return "";
    text_clean(text, plot->style->utf8 ? TEXT_UTF8 : TEXT_ASCII, clean, size);
    text_cut(clean, columns, plot->style);
    return clean;
}

static void write_line(const struct plot *plot, const char *first, const char *text, enum ink ink)
{
    fputs(style_on(plot->style, ink), plot->stream);
    text_wrap(plot->stream, first, text_cleaned(plot->pool, text, plot->style), plot->columns);
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
        fprintf(plot->stream, "  %s%s%s %s\n", canvas_color_on(plot->style, color_of(plot, i)), symbols[i],
            canvas_color_off(plot->style), cut_text(plot, plot->series[i]->name, plot->columns - 4));
    if (plot->left_out)
        fprintf(plot->stream, "  %zu more in the table\n", plot->left_out);
}

static void choose_series(struct plot *plot)
{
    for (size_t i = 0; i < plot->chart->series_count; i++) {
        const struct chart_series *series = &plot->chart->series[i];
        size_t point = 0;
        while (point < series->count && !chart_has(plot->chart, &series->points[point]))
            point++;
        if (point == series->count)
            continue;
        if (plot->count < SERIES_MAX)
            plot->series[plot->count++] = series;
        else
            plot->left_out++;
    }
}

/* ---- lines ---- */

static int x_dot(const struct plot *plot, double x)
{
    double room = plot->width * CANVAS_DOTS_X - 1 - 2 * MARGIN_DOTS;
    return MARGIN_DOTS + (int)lround(fmax(-1, fmin(2, axis_place(&plot->x, x))) * room);
}

/* Dots from the top; may lie outside. */
static int y_dot(const struct plot *plot, double y)
{
    double share = 1 - axis_place(&plot->y, y);
    return (int)lround(fmax(-1, fmin(2, share)) * (ROWS * CANVAS_DOTS_Y - 1));
}

static int column_of(const struct plot *plot, double x)
{
    return x_dot(plot, x) / CANVAS_DOTS_X;
}

static int row_of(const struct plot *plot, double y)
{
    int dot = y_dot(plot, y);
    return dot < 0 ? -1 : dot / CANVAS_DOTS_Y;
}

static void draw_lines(struct plot *plot, size_t index)
{
    const struct chart_series *series = plot->series[index];
    for (size_t i = 1; i < series->count; i++) {
        const struct chart_point *a = &series->points[i - 1], *b = &series->points[i];
        if (chart_has(plot->chart, a) && chart_has(plot->chart, b))
            canvas_line(plot->canvas, x_dot(plot, a->x), y_dot(plot, a->y), x_dot(plot, b->x),
                y_dot(plot, b->y), color_of(plot, index));
    }
}

/* Whiskers of two series stand side by side. There are none where there is no room for that, nor on a
 * logarithmic axis: in a picture of so few rows they are all but points. */
static bool room_for_whiskers(const struct plot *plot, size_t index)
{
    const struct chart_series *series = plot->series[index];
    if (plot->count > WHISKERS_MAX || plot->chart->y.scale != SCALE_LINEAR)
        return false;
    for (size_t i = 1; i < series->count; i++)
        if (column_of(plot, series->points[i].x) - column_of(plot, series->points[i - 1].x) <=
            (int)plot->count)
            return false;
    return true;
}

/* The intervals of a series; an end beyond the picture becomes an arrow. How many there are. */
static size_t draw_whiskers(struct plot *plot, size_t index)
{
    const struct chart_series *series = plot->series[index];
    unsigned color = color_of(plot, index);
    size_t drawn = 0;
    for (size_t i = 0; room_for_whiskers(plot, index) && i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        if (!chart_has_interval(plot->chart, point))
            continue;
        int column = column_of(plot, point->x) + (int)index;
        int top = row_of(plot, point->high), bottom = row_of(plot, point->low);
        for (int row = top; row <= bottom; row++)
            canvas_symbol(plot->canvas, column, row, either(plot, "│", "|"), color);
        if (top < 0)
            canvas_symbol(plot->canvas, column, 0, either(plot, "↑", "^"), color);
        if (bottom >= ROWS)
            canvas_symbol(plot->canvas, column, ROWS - 1, either(plot, "↓", "v"), color);
        drawn++;
    }
    return drawn;
}

static void draw_markers(struct plot *plot, size_t index)
{
    const struct chart_series *series = plot->series[index];
    for (size_t i = 0; i < series->count; i++)
        if (chart_has(plot->chart, &series->points[i]))
            canvas_symbol(plot->canvas, column_of(plot, series->points[i].x),
                row_of(plot, series->points[i].y), markers[plot->style->utf8][index], color_of(plot, index));
}

/* From what lies below to what lies on top. True if there are intervals. */
static bool draw(struct plot *plot)
{
    size_t whiskers = 0;
    int rule = isfinite(plot->chart->rule) ? row_of(plot, plot->chart->rule) : -1;
    for (unsigned column = 0; column < plot->width; column++)
        canvas_symbol(plot->canvas, (int)column, rule, either(plot, "┄", "-"), CANVAS_NEUTRAL);
    for (size_t i = 0; i < plot->count; i++)
        draw_lines(plot, i);
    for (size_t i = 0; i < plot->count; i++)
        whiskers += draw_whiskers(plot, i);
    for (size_t i = plot->count; i-- > 0;)
        draw_markers(plot, i);
    if (plot->stamp[0]) {
        const char *text = pool_format(plot->pool, " %s ", cut_text(plot, plot->stamp, plot->width - 4));
        int column = (int)(plot->width - text_columns(text)) / 2;
        canvas_text(plot->canvas, column, STAMP_ROW, text, CANVAS_WARNING);
    }
    return whiskers > 0;
}

/* Each row of the canvas, with its tick if there is one. */
static void write_canvas(const struct plot *plot)
{
    for (int row = 0; row < ROWS; row++) {
        const char *label = "";
        for (size_t i = plot->y.tick_count; i-- > 0;)
            if (row_of(plot, plot->y.ticks[i]) == row)
                label =
                    cut_text(plot, format_tick(&plot->chart->y, plot->y.ticks[i]).text, LABEL_COLUMNS - 1);
        fprintf(plot->stream, "%*s%s%s", LABEL_COLUMNS - 1 - (int)text_columns(label), "", label,
            label[0] ? either(plot, "┤", "+") : either(plot, "│", "|"));
        canvas_row_write(plot->canvas, (unsigned)row, plot->stream, plot->style);
        fputc('\n', plot->stream);
    }
}

static void write_x_axis(const struct plot *plot)
{
    fprintf(plot->stream, "%*s%s", LABEL_COLUMNS - 1, "", either(plot, "└", "+"));
    for (unsigned column = 0; column < plot->width; column++) {
        bool tick = false;
        for (size_t i = 0; i < plot->x.tick_count; i++)
            tick |= (unsigned)column_of(plot, plot->x.ticks[i]) == column;
        fputs(tick ? either(plot, "┬", "+") : either(plot, "─", "-"), plot->stream);
    }
    fputc('\n', plot->stream);
}

/* Labels are centred under their ticks and kept inside the width and apart from each other. */
static void write_x_labels(const struct plot *plot)
{
    unsigned at = 0;
    for (size_t i = 0; i < plot->x.tick_count; i++) {
        const char *label =
            cut_text(plot, format_tick(&plot->chart->x, plot->x.ticks[i]).text, LABEL_COLUMNS);
        unsigned length = (unsigned)text_columns(label);
        unsigned start = LABEL_COLUMNS + (unsigned)column_of(plot, plot->x.ticks[i]) - length / 2;
        start = start + length > plot->columns ? plot->columns - length : start;
        if (at && start < at + 1)
            continue;
        fprintf(plot->stream, "%*s%s", (int)(start - at), "", label);
        at = start + length;
    }
    fputc('\n', plot->stream);
}

static void write_x_name(const struct plot *plot)
{
    const char *label = plot->chart->x.label ? plot->chart->x.label : "";
    if (plot->chart->x.unit == UNIT_BYTES && !strstr(label, "bytes"))
        label = pool_format(plot->pool, "%s (bytes)", label);
    label = cut_text(plot, label, plot->width);
    if (label[0])
        fprintf(plot->stream, "%*s%s\n",
            (int)(LABEL_COLUMNS + (plot->width - (unsigned)text_columns(label)) / 2), "", label);
}

/* A line with the marks of one kind, each a pointer with its name. One for which there is no room, or that
 * lies outside, is left out; no line without any. */
static void write_marks(
    const struct plot *plot, enum chart_mark_kind kind, const char *title, const char *pointer)
{
    unsigned at = 0;
    for (size_t i = 0; i < plot->chart->mark_count; i++) {
        const struct chart_mark *mark = &plot->chart->marks[i];
        if (mark->kind != kind || mark->from < plot->x.range.low || mark->from > plot->x.range.high)
            continue;
        const char *label = text_cleaned(plot->pool, mark->label, plot->style);
        unsigned column = LABEL_COLUMNS + (unsigned)column_of(plot, mark->from);
        unsigned end = column + 1 + (unsigned)text_columns(label);
        if (column < at + (at > 0) || end > plot->columns)
            continue;
        if (!at)
            at = (unsigned)fprintf(plot->stream, "%-*s", LABEL_COLUMNS, title);
        fprintf(plot->stream, "%*s%s%s", (int)(column - at), "", pointer, label);
        at = end;
    }
    if (at)
        fputc('\n', plot->stream);
}

static void write_lines(struct plot *plot)
{
    write_legend(plot, markers[plot->style->utf8]);
    plot->canvas = canvas_create(plot->pool, plot->width, ROWS);
    if (!plot->canvas)
        return;
    if (draw(plot))
        fprintf(plot->stream, "  %s 95 %% interval\n", either(plot, "│", "|"));
    write_canvas(plot);
    write_x_axis(plot);
    write_x_labels(plot);
    write_marks(plot, MARK_MEASURED, "measured", either(plot, "▲", "^"));
    write_marks(plot, MARK_REPORTED, "CPUID", either(plot, "△", "'"));
    write_x_name(plot);
}

/* ---- bars ---- */

static const struct chart_point *point_of(const struct plot *plot, size_t index, size_t category)
{
    const struct chart_series *series = plot->series[index];
    for (size_t i = 0; i < series->count; i++)
        if (series->points[i].x == (double)category && chart_has(plot->chart, &series->points[i]))
            return &series->points[i];
    return NULL;
}

/* "63.2 µs", "63.2 µs ~" */
static const char *bar_text(const struct plot *plot, const struct chart_point *point)
{
    const char *text = format_figure(plot->chart->y.unit, point ? point->y : NAN, 0).text;
    if (point && point->mark)
        text = pool_format(plot->pool, "%s %s", text, point->mark);
    return text_cleaned(plot->pool, text, plot->style);
}

static void write_bar(const struct plot *plot, size_t index, const struct chart_point *point)
{
    double from = axis_place(&plot->y, chart_bar_start(plot->chart, plot->y.range));
    double to = point ? axis_place(&plot->y, point->y) : from;
    unsigned start = (unsigned)lround(fmin(from, to) * plot->width);
    unsigned end = (unsigned)lround(fmax(from, to) * plot->width);
    fprintf(plot->stream, "%*s%s", (int)start, "", canvas_color_on(plot->style, color_of(plot, index)));
    for (unsigned i = start; i < end; i++)
        fputs(fills[plot->style->utf8][index], plot->stream);
    fprintf(plot->stream, "%s%s%s\n", canvas_color_off(plot->style), end > start ? " " : "",
        bar_text(plot, point));
}

/* A bar for each series that has one, a line without if none has. */
static void write_category(const struct plot *plot, size_t category, unsigned names)
{
    const char *name = cut_text(plot, plot->chart->categories[category], plot->columns / 3);
    bool any = false;
    for (size_t k = 0; k < plot->count; k++) {
        const struct chart_point *point = point_of(plot, k, category);
        if (!point && (any || k + 1 < plot->count))
            continue;
        any = true;
        fprintf(plot->stream, "%s%*s  ", name, (int)(names - text_columns(name)), "");
        write_bar(plot, k, point);
        name = "";
    }
}

static void write_bars(struct plot *plot)
{
    const struct chart *chart = plot->chart;
    size_t names = 0, texts = 0;
    for (size_t i = 0; i < chart->category_count; i++) {
        size_t columns = text_columns(cut_text(plot, chart->categories[i], plot->columns / 3));
        names = columns > names ? columns : names;
        for (size_t k = 0; k < plot->count; k++) {
            columns = text_columns(bar_text(plot, point_of(plot, k, i)));
            texts = columns > texts ? columns : texts;
        }
    }
    size_t taken = names + 2 + 1 + texts;
    plot->width =
        plot->columns > taken + BAR_COLUMNS_LEAST ? plot->columns - (unsigned)taken : BAR_COLUMNS_LEAST;
    if (plot->stamp[0])
        write_line(plot, "  ", plot->stamp, INK_WARNING);
    if (plot->count > 1)
        write_legend(plot, fills[plot->style->utf8]);
    if (chart->y.scale != SCALE_LINEAR && !(chart->caption && strstr(chart->caption, "logarithmic")))
        fputs("  bars are logarithmic\n", plot->stream);
    for (size_t i = 0; i < chart->category_count; i++)
        write_category(plot, i, (unsigned)names);
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
    plot.columns = style_plot_columns(style);
    plot.width = plot.columns - LABEL_COLUMNS;
    choose_series(&plot);
    write_title(&plot);
    if (!chart_ranges(chart, linear, &x, &y))
        return;
    if (chart->kind == CHART_BARS) {
        plot.y = (struct axis){.of = &chart->y, .range = y};
        write_bars(&plot);
    } else {
        axis_make(&chart->x, x, plot.width / 6, &plot.x);
        axis_make(&chart->y, y, linear ? Y_TICKS : Y_TICKS_LOG, &plot.y);
        write_lines(&plot);
    }
    if (chart->caption)
        write_line(&plot, "", chart->caption, INK_FAINT);
}
