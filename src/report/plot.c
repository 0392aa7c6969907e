#include "report/plot.h"

#include "report/axis.h"
#include "result/baseline.h"
#include "report/canvas.h"
#include "report/format.h"
#include "report/marks.h"
#include "report/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    ROWS = 13,
    CURVES_MAX = 8,
    LABEL_COLUMNS = 9 /* of the y axis, with the axis itself */,
    MARGIN_DOTS = 2,
    WHISKERS_MAX = 2 /* curves with whiskers: more are not to be told apart */
};

/* Where a value of a point stands, in the plot's own scale; NAN: nowhere. */
typedef double (*plot_value)(const struct curve_point *point);

/* What the two plots differ in. */
struct plot_kind {
    const char *title;
    plot_value value, low, high; /* low, high: the ends of the whisker */
    bool (*shows)(const struct curve *curve);
    double (*scale)(double value); /* what is linear on the y axis */
    struct formatted (*label)(double tick);
    bool rule_at_zero;
};

struct plot {
    const struct plot_kind *kind;
    const struct report_style *style;
    const struct curve *curves[CURVES_MAX];
    size_t points[CURVES_MAX]; /* how many points each curve has */
    size_t curve_count, left_out;
    struct axis x, y;
    struct canvas *canvas;
    unsigned width; /* of the canvas, in characters */
    struct marks marks;
};

static const char *const markers[2][CURVES_MAX] = {
    {"o", "x", "*", "+", "#", "@", "%", "&"},
    {"●", "▲", "■", "◆", "○", "△", "□", "◇"},
};

/* --- the two kinds --- */

static double slowdown_value(const struct curve_point *point)
{
    return point_compared(point) ? slowdown_percent(point->against->ratio) : NAN;
}

static double slowdown_low(const struct curve_point *point)
{
    return point_interval(point) ? slowdown_percent(point->against->low) : NAN;
}

static double slowdown_high(const struct curve_point *point)
{
    return point_interval(point) ? slowdown_percent(point->against->high) : NAN;
}

static double latency_value(const struct curve_point *point)
{
    return point_measured(point) && point->cell->median > 0 ? point->cell->median : NAN;
}

static double no_value(const struct curve_point *point)
{
    (void)point;
    return NAN;
}

static double identity(double value)
{
    return value;
}

static bool is_compared(const struct curve *curve)
{
    return curve->compared;
}

static bool always(const struct curve *curve)
{
    (void)curve;
    return true;
}

static const struct plot_kind slowdown_kind = {"slowdown over native", slowdown_value, slowdown_low,
                                  slowdown_high, is_compared, identity, format_percent_tick, true},
                              latency_kind = {"latency in ns per access", latency_value, no_value, no_value,
                                  always, log, format_number_tick, false};

/* --- geometry --- */

/* Dots from the left; a single working set stands in the middle. */
static int x_dot(const struct plot *plot, double bytes)
{
    double low = log2(plot->x.range.low), high = log2(plot->x.range.high);
    double room = plot->width * CANVAS_DOTS_X - 1 - 2 * MARGIN_DOTS;
    double share = high > low ? (log2(bytes) - low) / (high - low) : 0.5;
    return MARGIN_DOTS + (int)lround(share * room);
}

/* Dots from the top; may lie outside. */
static int y_dot(const struct plot *plot, double value)
{
    double (*scale)(double) = plot->kind->scale;
    double low = scale(plot->y.range.low), high = scale(plot->y.range.high);
    double share = (high - scale(value)) / (high - low);
    return (int)lround(fmax(-1, fmin(2, share)) * (ROWS * CANVAS_DOTS_Y - 1));
}

static int column_of(const struct plot *plot, const struct curve_point *point)
{
    return x_dot(plot, (double)point->working_set_bytes) / CANVAS_DOTS_X;
}

static int row_of(const struct plot *plot, double value)
{
    int dot = y_dot(plot, value);
    return dot < 0 ? -1 : dot / CANVAS_DOTS_Y;
}

/* --- drawing --- */

static void draw_lines(struct plot *plot, size_t index)
{
    const struct curve *curve = plot->curves[index];
    for (size_t i = 1; i < plot->points[index]; i++) {
        const struct curve_point *a = &curve->points[i - 1], *b = &curve->points[i];
        double from = plot->kind->value(a), to = plot->kind->value(b);
        if (isfinite(from) && isfinite(to))
            canvas_line(plot->canvas, x_dot(plot, (double)a->working_set_bytes), y_dot(plot, from),
                x_dot(plot, (double)b->working_set_bytes), y_dot(plot, to), (unsigned)index);
    }
}

/* One interval; an end beyond the picture becomes an arrow. */
static void draw_whisker(struct plot *plot, const struct curve_point *point, int column, unsigned color)
{
    double low = plot->kind->low(point), high = plot->kind->high(point);
    if (!isfinite(low) || !isfinite(high))
        return;
    bool utf8 = plot->style->utf8;
    int top = row_of(plot, high), bottom = row_of(plot, low);
    bool above = top < 0, below = bottom >= ROWS;
    top = above ? 0 : top;
    bottom = below ? ROWS - 1 : bottom;
    for (int row = top; row <= bottom; row++)
        canvas_symbol(plot->canvas, column, row, utf8 ? "│" : "|", LAYER_WHISKER, color);
    if (above)
        canvas_symbol(plot->canvas, column, 0, utf8 ? "↑" : "^", LAYER_END, color);
    if (below)
        canvas_symbol(plot->canvas, column, ROWS - 1, utf8 ? "↓" : "v", LAYER_END, color);
}

/* Columns between the two nearest working sets of a curve. */
static int least_distance(const struct plot *plot, size_t index)
{
    int least = (int)plot->width;
    for (size_t i = 1; i < plot->points[index]; i++) {
        int distance = column_of(plot, &plot->curves[index]->points[i]) -
                       column_of(plot, &plot->curves[index]->points[i - 1]);
        if (distance < least)
            least = distance;
    }
    return least;
}

/* Whiskers of several curves stand side by side; where there is no room for that there are none. */
static bool room_for_whiskers(const struct plot *plot, size_t index)
{
    return plot->curve_count <= WHISKERS_MAX && least_distance(plot, index) > (int)plot->curve_count;
}

static void draw_whiskers(struct plot *plot, size_t index)
{
    int shift = (int)index - ((int)plot->curve_count - 1) / 2;
    if (!room_for_whiskers(plot, index))
        return;
    for (size_t i = 0; i < plot->points[index]; i++) {
        const struct curve_point *point = &plot->curves[index]->points[i];
        draw_whisker(plot, point, column_of(plot, point) + shift, (unsigned)index);
    }
}

static void draw_markers(struct plot *plot, size_t index)
{
    for (size_t i = 0; i < plot->points[index]; i++) {
        const struct curve_point *point = &plot->curves[index]->points[i];
        double value = plot->kind->value(point);
        if (isfinite(value))
            canvas_symbol(plot->canvas, column_of(plot, point), row_of(plot, value),
                markers[plot->style->utf8][index], LAYER_MARKER, (unsigned)index);
    }
}

static void draw(struct plot *plot)
{
    if (plot->kind->rule_at_zero)
        for (unsigned column = 0; column < plot->width; column++)
            canvas_symbol(plot->canvas, (int)column, row_of(plot, 0), plot->style->utf8 ? "┄" : "-",
                LAYER_RULE, CANVAS_NEUTRAL);
    for (size_t i = 0; i < plot->curve_count; i++)
        draw_lines(plot, i);
    for (size_t i = 0; i < plot->curve_count; i++)
        draw_whiskers(plot, i);
    for (size_t i = plot->curve_count; i-- > 0;)
        draw_markers(plot, i);
}

/* --- what stands around the canvas --- */

static void write_title(const struct plot *plot, const struct result *result, FILE *stream)
{
    char note[BASELINE_BYTES], title[256];
    baseline_note(&result->host, note);
    snprintf(
        title, sizeof title, "%s%s%s%s", plot->kind->title, note[0] ? " (" : "", note, note[0] ? ")" : "");
    fputs(style_on(plot->style, INK_HEADING), stream);
    text_paragraph(stream, "", title, plot->style);
    fputs(style_off(plot->style, INK_HEADING), stream);
}

static bool has_whiskers(const struct plot *plot)
{
    for (size_t i = 0; i < plot->curve_count; i++)
        for (size_t k = 0; k < plot->points[i]; k++)
            if (isfinite(plot->kind->low(&plot->curves[i]->points[k])) && room_for_whiskers(plot, i))
                return true;
    return false;
}

static void write_legend(const struct plot *plot, FILE *stream)
{
    for (size_t i = 0; i < plot->curve_count; i++) {
        char first[64], clean[128];
        snprintf(first, sizeof first, "  %s%s%s ", canvas_color_on(plot->style, (unsigned)i),
            markers[plot->style->utf8][i], canvas_color_off(plot->style));
        text_clean(plot->curves[i]->name, plot->style->utf8 ? TEXT_UTF8 : TEXT_ASCII, clean, sizeof clean);
        text_cut(clean, style_plot_columns(plot->style) - 4, plot->style);
        fprintf(stream, "%s%s\n", first, clean);
    }
    if (has_whiskers(plot))
        fprintf(stream, "  %s 95 %% interval\n", plot->style->utf8 ? "│" : "|");
    if (plot->left_out)
        fprintf(stream, "  %zu more in the table\n", plot->left_out);
}

/* The tick whose row this is; NAN: none. */
static double tick_of_row(const struct plot *plot, int row)
{
    for (size_t i = 0; i < plot->y.tick_count; i++)
        if (row_of(plot, plot->y.ticks[i]) == row)
            return plot->y.ticks[i];
    return NAN;
}

static void write_row(const struct plot *plot, int row, FILE *stream)
{
    double tick = tick_of_row(plot, row);
    bool ticked = isfinite(tick), utf8 = plot->style->utf8;
    const char *axis = ticked ? (utf8 ? "┤" : "+") : (utf8 ? "│" : "|");
    fprintf(stream, "%*s%s", LABEL_COLUMNS - 1, ticked ? plot->kind->label(tick).text : "", axis);
    canvas_row_write(plot->canvas, (unsigned)row, stream, plot->style);
    fputc('\n', stream);
}

static bool is_tick_column(const struct plot *plot, unsigned column)
{
    for (size_t i = 0; i < plot->x.tick_count; i++)
        if ((unsigned)x_dot(plot, plot->x.ticks[i]) / CANVAS_DOTS_X == column)
            return true;
    return false;
}

static void write_x_axis(const struct plot *plot, FILE *stream)
{
    bool utf8 = plot->style->utf8;
    fprintf(stream, "%*s%s", LABEL_COLUMNS - 1, "", utf8 ? "└" : "+");
    for (unsigned column = 0; column < plot->width; column++) {
        bool tick = is_tick_column(plot, column);
        fputs(utf8 ? (tick ? "┬" : "─") : (tick ? "+" : "-"), stream);
    }
    fputc('\n', stream);
}

/* Labels are centred under their ticks and kept inside the width and apart from each other. */
static void write_x_labels(const struct plot *plot, FILE *stream)
{
    unsigned at = 0, end = LABEL_COLUMNS + plot->width;
    for (size_t i = 0; i < plot->x.tick_count; i++) {
        struct formatted label = format_size_short((uint64_t)plot->x.ticks[i]);
        unsigned length = (unsigned)strlen(label.text);
        unsigned column = LABEL_COLUMNS + (unsigned)x_dot(plot, plot->x.ticks[i]) / CANVAS_DOTS_X;
        unsigned start = column - length / 2;
        start = start + length > end ? end - length : start;
        if (at && start < at + 1)
            continue;
        fprintf(stream, "%*s%s", (int)(start - at), "", label.text);
        at = start + length;
    }
    fputc('\n', stream);
}

static void write_x_name(const struct plot *plot, FILE *stream)
{
    static const char name[] = "working set (bytes)";
    fprintf(stream, "%*s%s\n\n", (int)(LABEL_COLUMNS + (plot->width - sizeof name + 1) / 2), "", name);
}

/* --- marks: what was measured and what CPUID tells, a row each --- */

/* A row that is filled from the left: a pointer at its size, and its name after it. */
struct mark_row {
    const char *title, *pointer;
    unsigned at; /* columns written; 0: none, not even the title */
};

/* Writes a mark; one for which there is no room, or that lies outside, is left out. */
static void write_mark(
    const struct plot *plot, struct mark_row *row, double bytes, const char *name, FILE *stream)
{
    if (bytes < plot->x.range.low || bytes > plot->x.range.high)
        return;
    unsigned column = LABEL_COLUMNS + (unsigned)x_dot(plot, bytes) / CANVAS_DOTS_X;
    unsigned columns = 1 + (unsigned)strlen(name);
    if (column < row->at + (row->at > 0) || column + columns > LABEL_COLUMNS + plot->width)
        return;
    if (!row->at)
        row->at = (unsigned)fprintf(stream, "%-*s", LABEL_COLUMNS, row->title);
    fprintf(stream, "%*s%s%s", (int)(column - row->at), "", row->pointer, name);
    row->at = column + columns;
}

static void end_marks(const struct mark_row *row, FILE *stream)
{
    if (row->at)
        fputc('\n', stream);
}

/* Only under the latencies, where the steps are seen. Measured marks point at the last size below a step. */
static void write_marks(const struct plot *plot, FILE *stream)
{
    bool utf8 = plot->style->utf8;
    struct mark_row measured = {"measured", utf8 ? "▲" : "^", 0}, told = {"CPUID", utf8 ? "△" : "'", 0};
    if (plot->kind != &latency_kind)
        return;
    for (size_t i = 0; i < plot->marks.measured_count; i++)
        write_mark(plot, &measured, plot->marks.measured[i].bytes.low,
            mark_name(plot->marks.measured[i].reach), stream);
    end_marks(&measured, stream);
    for (size_t i = 0; i < plot->marks.told.count; i++)
        write_mark(plot, &told, plot->marks.told.levels[i].working_set_bytes, plot->marks.told.levels[i].name,
            stream);
    end_marks(&told, stream);
}

/* --- */

static void choose_curves(struct plot *plot, const struct curves *curves)
{
    for (size_t g = 0; g < curves->group_count; g++)
        for (size_t c = 0; c < curves->groups[g].curve_count; c++) {
            const struct curve *curve = &curves->groups[g].curves[c];
            if (!plot->kind->shows(curve))
                continue;
            if (plot->curve_count == CURVES_MAX) {
                plot->left_out++;
                continue;
            }
            plot->points[plot->curve_count] = curves->groups[g].working_set_count;
            plot->curves[plot->curve_count++] = curve;
        }
}

static int write_plot(struct plot *plot, const struct result *result, FILE *stream, struct error *error)
{
    plot->canvas = canvas_create(plot->width, ROWS);
    if (!plot->canvas)
        return error_set(error, ENOMEM, "not enough memory to draw the plot");
    draw(plot);
    write_title(plot, result, stream);
    write_legend(plot, stream);
    for (int row = 0; row < ROWS; row++)
        write_row(plot, row, stream);
    write_x_axis(plot, stream);
    write_x_labels(plot, stream);
    write_marks(plot, stream);
    write_x_name(plot, stream);
    canvas_free(plot->canvas);
    return 0;
}

/* What both plots share; false if there is nothing to draw. */
static bool prepare(struct plot *plot, const struct curves *curves, struct report_style *style)
{
    struct span bytes;
    style->columns = style_plot_columns(style);
    plot->style = style;
    plot->width = style->columns - LABEL_COLUMNS;
    choose_curves(plot, curves);
    if (!plot->curve_count || !curves_working_sets(curves, &bytes))
        return false;
    axis_sizes(bytes, plot->width / 6, &plot->x);
    return true;
}

int plot_slowdown(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error)
{
    struct plot plot = {.kind = &slowdown_kind};
    struct report_style within = *style;
    struct span percent;
    if (!prepare(&plot, curves, &within) || !curves_slowdowns(curves, &percent))
        return 0;
    axis_linear(percent, 2, 6, &plot.y);
    return write_plot(&plot, result, stream, error);
}

int plot_latency(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error)
{
    struct plot plot = {.kind = &latency_kind};
    struct report_style within = *style;
    struct span ns;
    if (!prepare(&plot, curves, &within) || !curves_latencies(curves, &ns))
        return 0;
    axis_log(ns, 7, &plot.y);
    marks_make(result, curves, &plot.marks);
    return write_plot(&plot, result, stream, error);
}
