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

struct plot {
    const struct chart *chart;
    FILE *stream;
    bool bars;
    struct axis across, upward;      /* curves: x and y; bars: the values, none */
    double left, right, top, bottom; /* of the plotted area */
    double row;                      /* bars: the height of a category */
    const char *crosses;             /* what they mean; NULL: there are none */
};

/* ---- texts ---- */

/* The room for text: too much for what is not clean, never too little. */
static double letters(const char *text)
{
    return text ? (double)text_columns(text) * LETTER : 0;
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
    const struct plot *plot, const struct chart_series *series, const struct chart_point *point)
{
    enum unit unit = plot->chart->y.unit;
    struct formatted low, high, place;
    const struct value value = {.unit = unit, .number = point->y, .low = point->low, .high = point->high};
    markup(plot->stream, "<title>%s · %s: %s", place_of(plot->chart, point, &place), series->name,
        figure_of(plot->chart, point).text);
    if (chart_has_interval(plot->chart, point) &&
        format_ends(&value, &(struct column){.unit = unit}, &low, &high))
        markup(plot->stream, " (95 %% interval %s … %s)", low.text, high.text);
    markup(plot->stream, "%s%s</title>", point->mark ? ", " : "", point->mark);
}

/* In words, for those who do not see it. */
static void describe(const struct plot *plot, const char *stamp)
{
    const struct chart *chart = plot->chart;
    markup(plot->stream, "%s%s%s, %s.", stamp, stamp ? ". " : "", chart->y.label,
        plot->bars ? "bars" : "curves");
    for (size_t i = 0; i < chart->series_count; i++) {
        const struct chart_series *series = &chart->series[i];
        const struct chart_point *least = NULL, *most = NULL;
        struct formatted from, to;
        size_t count = 0;
        for (const struct chart_point *point = NULL; (point = chart_next(chart, series, point)); count++) {
            least = !least || point->y < least->y ? point : least;
            most = !most || point->y > most->y ? point : most;
        }
        markup(plot->stream, " %s: %zu value%s", series->name, count, count == 1 ? "" : "s");
        if (count)
            markup(plot->stream, ", least %s at %s, most %s at %s", figure_of(chart, least).text,
                place_of(chart, least, &from), figure_of(chart, most).text, place_of(chart, most, &to));
        markup(plot->stream, ".");
    }
}

/* ---- where things stand ---- */

/* Along an axis from 0 to 1, its ends for what lies outside; the lower one for what has no place. */
static double share_of(const struct axis *axis, double value)
{
    return fmin(fmax(axis_place(axis, value), 0), 1);
}

static double x_of(const struct plot *plot, double value)
{
    return plot->left + (plot->right - plot->left) * share_of(&plot->across, value);
}

static double y_of(const struct plot *plot, double value)
{
    return plot->bottom - (plot->bottom - plot->top) * share_of(&plot->upward, value);
}

/* False if there is no value that could be drawn. */
static bool make_axes(struct plot *plot)
{
    const struct chart *chart = plot->chart;
    struct span x, y;
    if (!chart_ranges(chart, true, &x, &y))
        return false;
    if (plot->bars) {
        axis_make(&chart->y, y, 7, &plot->across);
        return true;
    }
    axis_make(&chart->x, x, 11, &plot->across);
    axis_make(&chart->y, y, chart->y.scale == SCALE_LINEAR ? 7 : 10, &plot->upward);
    if (chart->x.scale == SCALE_LOG2) { /* so that no point stands on the edge */
        plot->across.range.low /= 1.25;
        plot->across.range.high *= 1.25;
    }
    return true;
}

static const char *meaning_of_crosses(const struct chart *chart)
{
    const char *mark = NULL;
    for (size_t i = 0; i < chart->series_count && chart->kind == CHART_LINES; i++)
        for (size_t k = 0; k < chart->series[i].count; k++) {
            const char *next = chart->series[i].points[k].mark;
            if (mark && next && strcmp(mark, next) != 0)
                return "remarkable: each says why";
            mark = next ? next : mark;
        }
    return mark;
}

static double legend_x(size_t entry)
{
    return EDGE + LEGEND_WIDTH * (double)(entry % 2);
}

static double legend_y(size_t entry)
{
    size_t line = entry / 2;
    return 4 + LINE * ((double)line + 0.5);
}

/* From the top downwards: the legend, the names of marks, the plot, and below it its axis. */
static void lay_out(struct plot *plot)
{
    const struct chart *chart = plot->chart;
    double names = 0, height = PLOT_HEIGHT;
    plot->crosses = meaning_of_crosses(chart);
    plot->left = LEFT;
    plot->right = CHART_SVG_WIDTH - EDGE;
    if (plot->bars) {
        for (size_t i = 0; i < chart->category_count; i++)
            names = fmax(names, letters(chart->categories[i]));
        plot->left = fmin(names, NAMES_MOST) + EDGE;
        plot->right -= chart->series_count == 1 ? VALUES : 0;
        plot->row = fmax(BAR * (double)chart->series_count + 8, LINE + 2);
        height = plot->row * fmax((double)chart->category_count, 1);
    }
    size_t lines = (chart->series_count + (plot->crosses != NULL) + 1) / 2 + (chart->mark_count ? 2 : 0);
    plot->top = 12 + LINE * (double)lines;
    plot->bottom = plot->top + height;
}

/* ---- pieces ---- */

static void put_line(const struct plot *plot, const char *class, double x1, double y1, double x2, double y2)
{
    markup(plot->stream, "<path class=\"%s\" d=\"M%f %fL%f %f\"/>\n", class, x1, y1, x2, y2);
}

static void put_rectangle(
    const struct plot *plot, const char *class, double x, double y, double width, double height)
{
    markup(plot->stream, "<rect class=\"%s\" x=\"%f\" y=\"%f\" width=\"%f\" height=\"%f\"/>\n", class, x, y,
        width, height);
}

/* Lines through the whole plot, at a value. */
static void put_upright(const struct plot *plot, const char *class, double value)
{
    put_line(plot, class, x_of(plot, value), plot->top, x_of(plot, value), plot->bottom);
}

static void put_level(const struct plot *plot, const char *class, double value)
{
    put_line(plot, class, plot->left, y_of(plot, value), plot->right, y_of(plot, value));
}

static void put_cross(const struct plot *plot, double x, double y)
{
    markup(plot->stream, "<path class=\"n\" d=\"M%f %fm-4.5-4.5l9 9m0-9l-9 9\"/>\n", x, y);
}

/* How many there are of a series' kind before it, baselines or others: this decides how it is drawn. */
static size_t number_of(const struct chart *chart, size_t index)
{
    size_t before = 0;
    for (size_t i = 0; i < index; i++)
        before += chart->series[i].baseline == chart->series[index].baseline;
    return before;
}

/* ---- curves ---- */

/* A band where intervals follow each other, a line where one stands alone. */
static void put_intervals(const struct plot *plot, const struct chart_series *series)
{
    const struct chart_point *end = series->points + series->count, *next;
    markup(plot->stream, "<path class=\"b\" d=\"");
    for (const struct chart_point *first = series->points; first < end; first = next + 1) {
        const char *go = "M";
        for (next = first; next < end && chart_has_interval(plot->chart, next); next++, go = "L")
            markup(plot->stream, "%s%f %f", go, x_of(plot, next->x), y_of(plot, next->high));
        for (const struct chart_point *point = next; point-- > first;)
            markup(plot->stream, "L%f %f", x_of(plot, point->x), y_of(plot, point->low));
        markup(plot->stream, next > first ? "z" : "");
    }
    markup(plot->stream, "\"/>\n");
}

static void put_curve(const struct plot *plot, const struct chart_series *series)
{
    const struct chart_point *last = NULL, *point;
    markup(plot->stream, "<path class=\"l\" d=\"");
    for (; (point = chart_next(plot->chart, series, last)); last = point)
        markup(plot->stream, "%s%f %f", last && point == last + 1 ? "L" : "M", x_of(plot, point->x),
            y_of(plot, point->y));
    markup(plot->stream, "\"/>\n");
}

/* The points but for those that cover the one before; what is remarkable about one is crossed. */
static void put_points(const struct plot *plot, const struct chart_series *series, const char *shape)
{
    double last_x = -HUGE_VAL, last_y = 0;
    for (const struct chart_point *point = NULL; (point = chart_next(plot->chart, series, point));) {
        double x = x_of(plot, point->x), y = y_of(plot, point->y);
        if (fabs(x - last_x) < 1.5 && fabs(y - last_y) < 1.5)
            continue;
        last_x = x;
        last_y = y;
        markup(plot->stream, "<path d=\"M%f %f%s\">", x, y, shape);
        put_told(plot, series, point);
        markup(plot->stream, "</path>\n");
        if (point->mark)
            put_cross(plot, x, y);
    }
}

/* ---- bars ---- */

/* The line of an interval; an end that is cut at the edge has no cap. */
static void put_whisker(const struct plot *plot, const struct chart_point *point, double middle)
{
    double low = x_of(plot, point->low), high = x_of(plot, point->high);
    put_line(plot, "w", low, middle, high, middle);
    if (low > plot->left)
        put_line(plot, "w", low, middle - 3, low, middle + 3);
    if (high < plot->right)
        put_line(plot, "w", high, middle - 3, high, middle + 3);
}

static void put_bars(const struct plot *plot, size_t index)
{
    const struct chart *chart = plot->chart;
    const struct chart_series *series = &chart->series[index];
    double thick = chart->series_count == 1 ? BAR + 3 : BAR - 1;
    double first =
        plot->top + (plot->row - BAR * (double)chart->series_count + BAR) / 2 + BAR * (double)index;
    double from = x_of(plot, chart_bar_start(chart, plot->across.range));
    for (const struct chart_point *point = NULL; (point = chart_next(chart, series, point));) {
        double to = x_of(plot, point->y), middle = first + plot->row * floor(point->x);
        markup(plot->stream, "<g>");
        put_rectangle(plot, "o", fmin(from, to), middle - thick / 2, fmax(fabs(to - from), 1), thick);
        put_told(plot, series, point);
        if (chart_has_interval(chart, point))
            put_whisker(plot, point, middle);
        markup(plot->stream, "</g>\n");
        char text[80];
        snprintf(text, sizeof text, "%s %.20s", figure_of(chart, point).text, point->mark ? point->mark : "");
        if (chart->series_count == 1)
            put_text(plot->stream, "e", CHART_SVG_WIDTH - 4, middle, text, VALUES / LETTER + 2);
    }
}

/* ---- what stands around them ---- */

static void put_across_axis(const struct plot *plot)
{
    const struct axis *axis = &plot->across;
    for (size_t i = 0; i < axis->tick_count; i++) {
        put_upright(plot, "g", axis->ticks[i]);
        put_text(plot->stream, "t m", x_of(plot, axis->ticks[i]), plot->bottom + 12,
            format_tick(axis->of, axis->ticks[i]).text, 20);
    }
    put_text(plot->stream, "m", (plot->left + plot->right) / 2, plot->bottom + 34, axis->of->label, 90);
}

/* Of bars, the names of their categories. */
static void put_upward_axis(const struct plot *plot)
{
    const struct axis *axis = &plot->upward;
    double middle = (plot->top + plot->bottom) / 2;
    for (size_t i = 0; i < plot->chart->category_count; i++)
        put_text(plot->stream, "e", plot->left - 8, plot->top + plot->row * ((double)i + 0.5),
            plot->chart->categories[i], NAMES_MOST / LETTER);
    if (plot->bars)
        return;
    for (size_t i = 0; i < axis->tick_count; i++) {
        put_level(plot, "g", axis->ticks[i]);
        put_text(plot->stream, "t e", plot->left - 8, y_of(plot, axis->ticks[i]),
            format_tick(axis->of, axis->ticks[i]).text, 20);
    }
    markup(plot->stream, "<g transform=\"rotate(-90 %d %f)\">", EDGE, middle);
    put_text(plot->stream, "m", EDGE, middle, axis->of->label, PLOT_HEIGHT / LETTER);
    markup(plot->stream, "</g>\n");
}

/* A row of marks of a kind: lines or bands over the plot, their names above it while there is room. */
static void put_marks(
    const struct plot *plot, enum chart_mark_kind kind, const char *title, const char *class, double y)
{
    const struct span *range = &plot->across.range;
    double free_from = plot->left - 4;
    bool any = false;
    markup(plot->stream, "<g class=\"%s\">\n", class);
    for (size_t i = 0; i < plot->chart->mark_count; i++) {
        const struct chart_mark *mark = &plot->chart->marks[i];
        if (mark->kind != kind || !(mark->to > range->low && mark->from < range->high))
            continue;
        double from = x_of(plot, mark->from), to = x_of(plot, mark->to), x = (from + to) / 2;
        char name[80]; /* "L2 1M": a step is at the last size before it */
        snprintf(name, sizeof name, "%.60s %s", mark->label ? mark->label : "",
            format_tick(&plot->chart->x, mark->from).text);
        markup(plot->stream, "<g><title>%s (%s)</title>", name, title);
        put_rectangle(plot, "o", from, plot->top, fmax(to - from, 1), plot->bottom - plot->top);
        markup(plot->stream, "</g>\n");
        any = true;
        double half = letters(name) * 0.45;
        if (x - half < free_from || x + half > CHART_SVG_WIDTH)
            continue;
        put_text(plot->stream, "m", x, y, name, 40);
        free_from = x + half + 4;
    }
    put_text(plot->stream, "e", plot->left - 8, y, any ? title : "", 12);
    markup(plot->stream, "</g>\n");
}

static void put_legend_name(const struct plot *plot, size_t entry, const char *name)
{
    put_text(plot->stream, "", legend_x(entry) + LEGEND_SAMPLE + 8, legend_y(entry), name,
        (LEGEND_WIDTH - LEGEND_SAMPLE - 8) / LETTER);
}

static void put_series(const struct plot *plot, size_t index)
{
    static const char *const dashes[DASHES] = {"", " d1", " d2"};
    const struct chart_series *series = &plot->chart->series[index];
    size_t number = number_of(plot->chart, index);
    double x = legend_x(index), y = legend_y(index);
    if (series->baseline)
        markup(plot->stream, "<g class=\"sb%s", dashes[number % DASHES]);
    else
        markup(plot->stream, "<g class=\"s%zu%s", number % PALETTE, dashes[number / PALETTE % DASHES]);
    markup(plot->stream, plot->bars ? " f\">\n" : " p\">\n");
    put_legend_name(plot, index, series->name);
    if (plot->bars) {
        put_rectangle(plot, "o", x, y - BAR / 2.0, LEGEND_SAMPLE, BAR);
        put_bars(plot, index);
    } else {
        put_line(plot, "l", x, y, x + LEGEND_SAMPLE, y);
        markup(plot->stream, "<path d=\"M%f %f%s\"/>\n", x + LEGEND_SAMPLE / 2.0, y, shapes[number % SHAPES]);
        put_intervals(plot, series);
        put_curve(plot, series);
        put_points(plot, series, shapes[number % SHAPES]);
    }
    markup(plot->stream, "</g>\n");
}

static void put_plot(const struct plot *plot)
{
    size_t count = plot->chart->series_count;
    put_rectangle(plot, "area", plot->left, plot->top, plot->right - plot->left, plot->bottom - plot->top);
    put_across_axis(plot);
    put_upward_axis(plot);
    if (!isnan(plot->chart->rule) && plot->bars)
        put_upright(plot, "z", plot->chart->rule);
    else if (!isnan(plot->chart->rule))
        put_level(plot, "z", plot->chart->rule);
    put_marks(plot, MARK_MEASURED, "measured", "mm", plot->top - 1.5 * LINE);
    put_marks(plot, MARK_REPORTED, "reported", "mr", plot->top - 0.5 * LINE);
    for (size_t i = 0; i < count; i++)
        put_series(plot, i);
    if (plot->crosses) {
        put_legend_name(plot, count, plot->crosses);
        put_cross(plot, legend_x(count) + LEGEND_SAMPLE / 2.0, legend_y(count));
    }
}

/* Why the picture must not be trusted as it is, where nobody can cut it off. */
static void put_stamp(const struct plot *plot, const char *stamp)
{
    double x = (plot->left + plot->right) / 2, y = (plot->top + plot->bottom) / 2;
    double columns = fmax(1, fmin((double)text_columns(stamp), STAMP_MOST));
    markup(plot->stream, "<g class=\"stamp\" font-size=\"%f\" transform=\"rotate(-8 %f %f)\">",
        fmin(1.55 * (plot->right - plot->left) / columns, 40), x, y);
    put_text(plot->stream, "m", x, y, stamp, STAMP_MOST);
    markup(plot->stream, "</g>\n");
}

double chart_svg(const struct chart *chart, size_t number, double top, const char *stamp, FILE *stream)
{
    struct plot plot = {.chart = chart, .stream = stream, .bars = chart->kind == CHART_BARS};
    stamp = chart->stamp ? chart->stamp : stamp;
    bool any = make_axes(&plot);
    lay_out(&plot);
    double height = plot.bottom + 24 + LINE + 2;
    markup(stream,
        "<svg class=\"chart\" viewBox=\"0 0 %d %f\" y=\"%f\" width=\"%d\" height=\"%f\" role=\"img\" "
        "aria-label=\"%s\" aria-describedby=\"chart-%zu-text\">\n<desc id=\"chart-%zu-text\">",
        CHART_SVG_WIDTH, height, top, CHART_SVG_WIDTH, height, chart->title ? chart->title : chart->y.label,
        number, number);
    describe(&plot, stamp);
    markup(stream, "</desc>\n");
    if (any)
        put_plot(&plot);
    else
        put_text(
            stream, "m", (plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2, "no value is known", 40);
    if (stamp)
        put_stamp(&plot, stamp);
    markup(stream, "</svg>\n");
    return top + height;
}
