/* The layout is ours, in pixels from the left top: texts are given the room that their letters may need, so
 * that nothing overlaps whatever the names are. */
#include "report/chart_svg.h"

#include "report/axis.h"
#include "report/document.h"
#include "report/format.h"
#include "report/markup.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

enum {
    EDGE = 16,        /* that nothing but the names of axes comes near */
    LEFT = 84,        /* of the plotted area, for labels of ticks */
    NAMES_MOST = 240, /* the room for names of categories */
    VALUES = 96,      /* the room for values beside bars */
    PLOT_HEIGHT = 280,
    LINE = 18, /* of text */
    LEGEND_SAMPLE = 30,
    LEGEND_WIDTH = (CHART_SVG_WIDTH - EDGE) / 2, /* of an entry: there are two in a line */
    BAR = 9,
    LETTER = 7, /* the room for one, which is more than it needs */
    PALETTE = 6,
    SHAPES = 5,
    DASHES = 3,
    STAMP_MOST = 70
};

static const struct report_style utf8 = {.utf8 = true};

/* Around a point: circle, triangle, square, diamond, triangle down. */
static const char *const shapes[SHAPES] = {"m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z",
    "m0-4.6l4.4 7.8h-8.8z", "m-3.3-3.3h6.6v6.6h-6.6z", "m0-4.8l4.8 4.8-4.8 4.8-4.8-4.8z",
    "m0 4.6l4.4-7.8h-8.8z"};

struct drawing {
    const struct chart *chart;
    FILE *stream;
    bool bars;
    bool empty;                      /* there is no value that could be drawn */
    struct axis x, y;                /* y is the axis of the values, which lies for bars */
    double left, right, top, bottom; /* of the plotted area */
    double row;                      /* bars: the height of a category */
    char crosses[96];                /* what they mean: "noisy, interrupted"; "": there are none */
};

/* ---- where things stand ---- */

/* From 0 to 1 along an axis, its ends for what lies outside; the lower one for what has no place. */
static double share_of(const struct axis *axis, double value)
{
    return fmin(fmax(axis_place(axis, value), 0), 1);
}

static double x_of(const struct drawing *drawing, double x)
{
    return drawing->left + (drawing->right - drawing->left) * share_of(&drawing->x, x);
}

/* Along the axis of the values: upwards, for bars to the right. */
static double value_of(const struct drawing *drawing, double value)
{
    double share = share_of(&drawing->y, value);
    return drawing->bars ? drawing->left + (drawing->right - drawing->left) * share
                         : drawing->bottom - (drawing->bottom - drawing->top) * share;
}

static void make_axes(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct span x, y;
    drawing->empty = !chart_ranges(chart, true, &x, &y);
    if (drawing->empty)
        return;
    axis_make(&chart->x, x, 11, &drawing->x);
    axis_make(&chart->y, y, drawing->bars || chart->y.scale == SCALE_LINEAR ? 7 : 10, &drawing->y);
    if (chart->x.scale == SCALE_LOG2) { /* so that no point stands on the edge */
        drawing->x.range.low /= 1.25;
        drawing->x.range.high *= 1.25;
    }
}

static double letters(const char *text)
{
    return text ? (double)text_columns(text) * LETTER
                : 0; /* what is not clean gets too much room, never too little */
}

static void lay_out_names(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    double longest = 0;
    for (size_t i = 0; i < chart->category_count; i++)
        longest = fmax(longest, letters(chart->categories[i]));
    drawing->left = fmin(longest, NAMES_MOST) + EDGE;
    if (chart->series_count == 1)
        drawing->right -= VALUES;
    drawing->row = fmax(BAR * (double)chart->series_count + 8, LINE + 2);
}

static void name_crosses(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    char *text = drawing->crosses;
    for (size_t i = 0; i < chart->series_count && !drawing->bars; i++)
        for (size_t k = 0; k < chart->series[i].count; k++) {
            const char *mark = chart->series[i].points[k].mark;
            size_t used = strlen(text);
            if (mark && !strstr(text, mark) && used + strlen(mark) + 3 < sizeof drawing->crosses)
                snprintf(text + used, sizeof drawing->crosses - used, "%s%s", used ? ", " : "", mark);
        }
}

static size_t legend_entries(const struct drawing *drawing)
{
    return drawing->chart->series_count + (drawing->crosses[0] != 0);
}

/* From the top downwards: the legend, the names of marks, the plot, and below it its axis. */
static void lay_out(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    drawing->left = LEFT;
    drawing->right = CHART_SVG_WIDTH - EDGE;
    make_axes(drawing);
    name_crosses(drawing);
    if (drawing->bars)
        lay_out_names(drawing);
    drawing->top =
        12 + LINE * (double)((legend_entries(drawing) + 1) / 2) + (chart->mark_count ? 2 * LINE : 0);
    drawing->bottom =
        drawing->top + (drawing->bars ? drawing->row * fmax((double)chart->category_count, 1) : PLOT_HEIGHT);
}

/* ---- pieces ---- */

static void put_line(
    const struct drawing *drawing, const char *class, double x1, double y1, double x2, double y2)
{
    markup(drawing->stream, "<path class=\"%s\" d=\"M%f %fL%f %f\"/>\n", class, x1, y1, x2, y2);
}

/* Through the whole plot, at a value. */
static void put_line_at(const struct drawing *drawing, const char *class, double value)
{
    double at = value_of(drawing, value);
    if (drawing->bars)
        put_line(drawing, class, at, drawing->top, at, drawing->bottom);
    else
        put_line(drawing, class, drawing->left, at, drawing->right, at);
}

/* Text, cut at `columns`; y is its middle. */
static void put_text(FILE *stream, const char *class, double x, double y, const char *text, unsigned columns)
{
    char clean[512];
    text_clean(text ? text : "", TEXT_UTF8, clean, sizeof clean);
    text_cut(clean, columns, &utf8);
    markup(stream, "<text class=\"%s\" x=\"%f\" y=\"%f\">%s</text>\n", class, x, y + 4, clean);
}

double chart_svg_lines(
    FILE *stream, const char *text, const char *class, double x, double y, unsigned columns)
{
    struct pool pool = {0};
    for (const char *rest = text_cleaned(&pool, text, &utf8); *rest; y += LINE) {
        size_t length = text_line(rest, columns);
        put_text(stream, class, x, y + LINE / 2.0, pool_format(&pool, "%.*s", (int)length, rest), columns);
        rest += length;
        rest += strspn(rest, " ");
    }
    pool_free(&pool);
    return y;
}

static void put_cross(const struct drawing *drawing, double x, double y)
{
    markup(drawing->stream, "<path class=\"n\" d=\"M%f %fm-4.5-4.5l9 9m0-9l-9 9\"/>\n", x, y);
}

/* How many there are of a series' kind before it, baselines or others: this decides how it is drawn. */
static size_t number_of(const struct chart *chart, size_t index)
{
    size_t before = 0;
    for (size_t i = 0; i < index; i++)
        before += chart->series[i].baseline == chart->series[index].baseline;
    return before;
}

static void open_series(const struct drawing *drawing, size_t index, const char *class)
{
    static const char *const dashes[DASHES] = {"", " d1", " d2"};
    size_t number = number_of(drawing->chart, index);
    if (drawing->chart->series[index].baseline)
        markup(drawing->stream, "<g class=\"sb%s %s\">\n", dashes[number % DASHES], class);
    else
        markup(drawing->stream, "<g class=\"s%zu%s %s\">\n", number % PALETTE,
            dashes[number / PALETTE % DASHES], class);
}

static struct formatted figure_of(const struct chart *chart, const struct chart_point *point)
{
    return format_figure(chart->y.unit, point->y, 0);
}

/* Where a point stands along the chart: "4 KiB", the name of a category. */
static const char *place_of(
    const struct chart *chart, const struct chart_point *point, struct formatted *formatted)
{
    *formatted = format_figure(chart->x.unit, point->x, 0);
    return chart->kind == CHART_BARS ? chart->categories[(size_t)point->x] : formatted->text;
}

/* What is told of a point, on hover. */
static void put_told(
    const struct drawing *drawing, const struct chart_series *series, const struct chart_point *point)
{
    const struct chart *chart = drawing->chart;
    const struct column column = {.unit = chart->y.unit};
    const struct value value = {
        .unit = chart->y.unit, .number = point->y, .low = point->low, .high = point->high};
    struct formatted low, high, place;
    if (point->text) {
        markup(drawing->stream, "<title>%s</title>", point->text);
        return;
    }
    markup(drawing->stream, "<title>%s · %s: %s", place_of(chart, point, &place), series->name,
        figure_of(chart, point).text);
    if (chart_has_interval(chart, point) && format_ends(&value, &column, &low, &high))
        markup(drawing->stream, " (95 %% interval %s … %s)", low.text, high.text);
    markup(drawing->stream, "%s%s</title>", point->mark ? ", " : "", point->mark);
}

/* ---- curves ---- */

/* A band where intervals follow each other, a whisker where one stands alone. */
static void put_intervals(const struct drawing *drawing, const struct chart_series *series)
{
    const struct chart_point *end = series->points + series->count, *last;
    for (const struct chart_point *first = series->points; first < end; first = last + 1) {
        for (last = first; last < end && chart_has_interval(drawing->chart, last);)
            last++;
        if (last == first + 1)
            put_line(drawing, "w", x_of(drawing, first->x), value_of(drawing, first->low),
                x_of(drawing, first->x), value_of(drawing, first->high));
        if (last <= first + 1)
            continue;
        markup(drawing->stream, "<path class=\"b\" d=\"");
        for (const struct chart_point *point = first; point < last; point++)
            markup(drawing->stream, "%s%f %f", point == first ? "M" : "L", x_of(drawing, point->x),
                value_of(drawing, point->high));
        for (const struct chart_point *point = last; point-- > first;)
            markup(drawing->stream, "L%f %f", x_of(drawing, point->x), value_of(drawing, point->low));
        markup(drawing->stream, "z\"/>\n");
    }
}

static void put_curve(const struct drawing *drawing, const struct chart_series *series)
{
    const char *go = "M";
    markup(drawing->stream, "<path class=\"l\" d=\"");
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        bool there = chart_has(drawing->chart, point);
        if (there)
            markup(drawing->stream, "%s%f %f", go, x_of(drawing, point->x), value_of(drawing, point->y));
        go = there ? "L" : "M";
    }
    markup(drawing->stream, "\"/>\n");
}

/* The points but for those that cover the one before; what is remarkable about one is crossed. */
static void put_points(const struct drawing *drawing, const struct chart_series *series, const char *shape)
{
    double last_x = -HUGE_VAL, last_y = 0;
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        double x = x_of(drawing, point->x), y = value_of(drawing, point->y);
        if (!chart_has(drawing->chart, point) || (fabs(x - last_x) < 1.5 && fabs(y - last_y) < 1.5))
            continue;
        last_x = x;
        last_y = y;
        markup(drawing->stream, "<path d=\"M%f %f%s\">", x, y, shape);
        put_told(drawing, series, point);
        markup(drawing->stream, "</path>\n");
        if (point->mark)
            put_cross(drawing, x, y);
    }
}

static void put_curves(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < chart->series_count; i++) {
        open_series(drawing, i, "i");
        put_intervals(drawing, &chart->series[i]);
        markup(drawing->stream, "</g>\n");
    }
    for (size_t i = 0; i < chart->series_count; i++) {
        open_series(drawing, i, "p");
        put_curve(drawing, &chart->series[i]);
        put_points(drawing, &chart->series[i], shapes[number_of(chart, i) % SHAPES]);
        markup(drawing->stream, "</g>\n");
    }
}

/* ---- bars ---- */

/* The line of an interval; an end that is cut at the edge has no cap. */
static void put_whisker(const struct drawing *drawing, const struct chart_point *point, double middle)
{
    double low = value_of(drawing, point->low), high = value_of(drawing, point->high);
    markup(drawing->stream, "<path class=\"w\" d=\"M%f %fH%f", low, middle, high);
    if (low > drawing->left)
        markup(drawing->stream, "M%f %fv6", low, middle - 3);
    if (high < drawing->right)
        markup(drawing->stream, "M%f %fv6", high, middle - 3);
    markup(drawing->stream, "\"/>\n");
}

static void put_bar(const struct drawing *drawing, size_t index, const struct chart_point *point)
{
    const struct chart *chart = drawing->chart;
    double thick = chart->series_count == 1 ? BAR + 3 : BAR - 1;
    double middle = drawing->top + drawing->row * (floor(point->x) + 0.5) +
                    BAR * ((double)index - ((double)chart->series_count - 1) / 2);
    double from = value_of(drawing, chart_bar_start(chart, drawing->y.range));
    double to = value_of(drawing, point->y);
    markup(drawing->stream, "<g><rect x=\"%f\" y=\"%f\" width=\"%f\" height=\"%f\"/>", fmin(from, to),
        middle - thick / 2, fmax(fabs(to - from), 1), thick);
    put_told(drawing, &chart->series[index], point);
    if (chart_has_interval(chart, point))
        put_whisker(drawing, point, middle);
    markup(drawing->stream, "</g>\n");
    if (chart->series_count == 1) {
        char text[80];
        snprintf(text, sizeof text, "%s %.20s", figure_of(chart, point).text, point->mark ? point->mark : "");
        put_text(drawing->stream, "v", CHART_SVG_WIDTH - 4, middle, text, VALUES / LETTER + 2);
    }
}

static void put_bars(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < chart->category_count; i++)
        put_text(drawing->stream, "e", drawing->left - 8, drawing->top + drawing->row * ((double)i + 0.5),
            chart->categories[i], NAMES_MOST / LETTER);
    for (size_t i = 0; i < chart->series_count; i++) {
        open_series(drawing, i, "f");
        for (size_t k = 0; k < chart->series[i].count; k++)
            if (chart_has(chart, &chart->series[i].points[k]))
                put_bar(drawing, i, &chart->series[i].points[k]);
        markup(drawing->stream, "</g>\n");
    }
    if (chart->y.scale != SCALE_LINEAR)
        put_line_at(drawing, "a", drawing->y.range.low);
}

/* ---- what stands around them ---- */

static void put_value_axis(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < drawing->y.tick_count; i++) {
        double value = drawing->y.ticks[i], at = value_of(drawing, value);
        struct formatted text = format_tick(&chart->y, value);
        put_line_at(drawing, "g", value);
        if (drawing->bars)
            put_text(drawing->stream, "t m", at, drawing->bottom + 12, text.text, 20);
        else
            put_text(drawing->stream, "t e", drawing->left - 8, at, text.text, 20);
    }
    if (!isnan(chart->rule))
        put_line_at(drawing, "z", chart->rule);
}

static void put_x_axis(const struct drawing *drawing)
{
    put_line(drawing, "a", drawing->left, drawing->bottom, drawing->right, drawing->bottom);
    for (size_t i = 0; i < drawing->x.tick_count; i++) {
        double x = x_of(drawing, drawing->x.ticks[i]);
        put_line(drawing, "a", x, drawing->bottom, x, drawing->bottom - 5);
        put_text(drawing->stream, "t m", x, drawing->bottom + 14,
            format_tick(&drawing->chart->x, drawing->x.ticks[i]).text, 20);
    }
}

static void put_labels(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    double x = (drawing->left + drawing->right) / 2, y = (drawing->top + drawing->bottom) / 2;
    put_text(
        drawing->stream, "m", x, drawing->bottom + 34, drawing->bars ? chart->y.label : chart->x.label, 90);
    if (drawing->bars)
        return;
    markup(drawing->stream, "<g transform=\"rotate(-90 %d %f)\">", EDGE, y);
    put_text(drawing->stream, "m", EDGE, y, chart->y.label, PLOT_HEIGHT / LETTER);
    markup(drawing->stream, "</g>\n");
}

/* A row of marks of a kind: lines or bands over the plot, their names above it while there is room. */
static void put_marks(
    const struct drawing *drawing, enum chart_mark_kind kind, const char *title, const char *class, double y)
{
    const struct span *range = &drawing->x.range;
    double free_from = drawing->left - 4;
    bool any = false;
    markup(drawing->stream, "<g class=\"%s\">\n", class);
    for (size_t i = 0; i < drawing->chart->mark_count; i++) {
        const struct chart_mark *mark = &drawing->chart->marks[i];
        if (mark->kind != kind || !(mark->to > range->low && mark->from < range->high))
            continue;
        double from = x_of(drawing, mark->from), to = x_of(drawing, mark->to), x = (from + to) / 2;
        char name[80]; /* "L2 1M": a step is at the last size before it */
        snprintf(name, sizeof name, "%.60s %s", mark->label ? mark->label : "",
            format_tick(&drawing->chart->x, mark->from).text);
        markup(drawing->stream,
            "<rect x=\"%f\" y=\"%f\" width=\"%f\" height=\"%f\"><title>%s (%s)</title></rect>\n", from,
            drawing->top, fmax(to - from, 1), drawing->bottom - drawing->top, name, title);
        any = true;
        double half = letters(name) * 0.45;
        if (x - half < free_from || x + half > CHART_SVG_WIDTH)
            continue;
        put_text(drawing->stream, "m", x, y, name, 40);
        free_from = x + half + 4;
    }
    if (any)
        put_text(drawing->stream, "e", drawing->left - 8, y, title, 12);
    markup(drawing->stream, "</g>\n");
}

static void put_legend(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < legend_entries(drawing); i++) {
        bool cross = i == chart->series_count;
        double x = EDGE + LEGEND_WIDTH * (double)(i % 2), y = 4 + LINE * ((double)(i / 2) + 0.5);
        double middle = x + LEGEND_SAMPLE / 2.0;
        if (!cross)
            open_series(drawing, i, drawing->bars ? "f" : "p");
        if (cross)
            put_cross(drawing, middle, y);
        else if (drawing->bars)
            markup(drawing->stream, "<rect x=\"%f\" y=\"%f\" width=\"%d\" height=\"%d\"/></g>\n", x,
                y - BAR / 2.0, LEGEND_SAMPLE, BAR);
        else
            markup(drawing->stream, "<path class=\"l\" d=\"M%f %fh%d\"/><path d=\"M%f %f%s\"/></g>\n", x, y,
                LEGEND_SAMPLE, middle, y, shapes[number_of(chart, i) % SHAPES]);
        put_text(drawing->stream, "k", x + LEGEND_SAMPLE + 8, y,
            cross ? drawing->crosses : chart->series[i].name, (LEGEND_WIDTH - LEGEND_SAMPLE - 8) / LETTER);
    }
}

static void put_plot(const struct drawing *drawing)
{
    markup(drawing->stream, "<rect class=\"area\" x=\"%f\" y=\"%f\" width=\"%f\" height=\"%f\"/>\n",
        drawing->left, drawing->top, drawing->right - drawing->left, drawing->bottom - drawing->top);
    put_value_axis(drawing);
    if (drawing->bars) {
        put_bars(drawing);
        return;
    }
    put_x_axis(drawing);
    put_marks(drawing, MARK_MEASURED, "measured", "mm", drawing->top - 1.5 * LINE);
    put_marks(drawing, MARK_REPORTED, "reported", "mr", drawing->top - 0.5 * LINE);
    put_curves(drawing);
}

/* Why the picture must not be trusted as it is, where nobody can cut it off. */
static void put_stamp(const struct drawing *drawing, const char *stamp)
{
    double x = (drawing->left + drawing->right) / 2, y = (drawing->top + drawing->bottom) / 2;
    double columns = fmax(1, fmin((double)text_columns(stamp), STAMP_MOST));
    markup(drawing->stream, "<g class=\"stamp\" font-size=\"%f\" transform=\"rotate(-8 %f %f)\">",
        fmin(1.55 * (drawing->right - drawing->left) / columns, 40), x, y);
    put_text(drawing->stream, "m", x, y, stamp, STAMP_MOST);
    markup(drawing->stream, "</g>\n");
}

/* In words, for those who do not see it. */
static void describe(const struct drawing *drawing, const char *stamp)
{
    const struct chart *chart = drawing->chart;
    markup(drawing->stream, "%s%s%s, %s.", stamp, stamp ? ". " : "", chart->y.label,
        drawing->bars ? "bars" : "curves");
    for (size_t i = 0; i < chart->series_count; i++) {
        const struct chart_point *least = NULL, *most = NULL;
        struct formatted from, to;
        size_t count = 0;
        for (size_t k = 0; k < chart->series[i].count; k++) {
            const struct chart_point *point = &chart->series[i].points[k];
            if (!chart_has(chart, point))
                continue;
            count++;
            least = !least || point->y < least->y ? point : least;
            most = !most || point->y > most->y ? point : most;
        }
        markup(drawing->stream, " %s: %zu value%s", chart->series[i].name, count, count == 1 ? "" : "s");
        if (count)
            markup(drawing->stream, ", least %s at %s, most %s at %s", figure_of(chart, least).text,
                place_of(chart, least, &from), figure_of(chart, most).text, place_of(chart, most, &to));
        markup(drawing->stream, ".");
    }
}

double chart_svg(const struct chart *chart, size_t number, double top, const char *stamp, FILE *stream)
{
    struct drawing drawing = {.chart = chart, .stream = stream, .bars = chart->kind == CHART_BARS};
    lay_out(&drawing);
    double height = drawing.bottom + 24 + LINE + 2;
    if (chart->stamp)
        stamp = chart->stamp;
    markup(stream,
        "<svg class=\"chart\" viewBox=\"0 0 %d %f\" y=\"%f\" width=\"%d\" height=\"%f\" role=\"img\" "
        "aria-label=\"%s\" aria-describedby=\"chart-%zu-text\">\n<desc id=\"chart-%zu-text\">",
        CHART_SVG_WIDTH, height, top, CHART_SVG_WIDTH, height, chart->title ? chart->title : chart->y.label,
        number, number);
    describe(&drawing, stamp);
    markup(stream, "</desc>\n");
    put_legend(&drawing);
    put_labels(&drawing);
    if (drawing.empty)
        put_text(stream, "m", (drawing.left + drawing.right) / 2, (drawing.top + drawing.bottom) / 2,
            "no value is known", 40);
    else
        put_plot(&drawing);
    if (stamp)
        put_stamp(&drawing, stamp);
    markup(stream, "</svg>\n");
    return top + height;
}
