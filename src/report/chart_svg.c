/* The layout is ours, in pixels from the left top: texts are given the room that their letters may need, so
 * that nothing overlaps whatever the names are. There is no reference to anything outside, and no style
 * attribute, which a page's Content-Security-Policy would refuse. */
#include "report/format.h"
#include "report/formats.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

enum {
    EDGE = 16,        /* that nothing but the names of axes comes near */
    LEFT = 84,        /* of the plotted area, for labels of ticks */
    NAMES_MOST = 240, /* the room for names of categories */
    VALUES = 96,      /* the room for values beside bars */
    PLOT_HEIGHT = 280,
    LINE = 18,                                   /* of text */
    LEGEND_NAME = 38,                            /* behind a sample of 30 */
    LEGEND_WIDTH = (CHART_SVG_WIDTH - EDGE) / 2, /* of an entry: there are two in a line */
    BAR = 9,
    LETTER = 7, /* the room for one, which is more than it needs */
    PALETTE = 6,
    SHAPES = 5,
    STAMP_MOST = 70
};

/* Around a point: circle, triangle, square, diamond, triangle down. */
static const char *const shapes[SHAPES] = {"m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z",
    "m0-4.6l4.4 7.8h-8.8z", "m-3.3-3.3h6.6v6.6h-6.6z", "m0-4.8l4.8 4.8-4.8 4.8-4.8-4.8z",
    "m0 4.6l4.4-7.8h-8.8z"};

static const char cross[] = "m-4.5-4.5l9 9m0-9l-9 9", bar_sample[] = "m-15-4.5h30v9h-30z";

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

/* Text, cut at `columns`; y is its middle. */
static void put_text(FILE *stream, const char *class, double x, double y, const char *text, unsigned columns)
{
    char clean[512];
    text_clean(text ? text : "", TEXT_UTF8, clean, sizeof clean);
    text_cut(clean, columns, &(struct report_style){.utf8 = true});
    markup(stream, "<text class=\"%s\" x=\"%f\" y=\"%f\">%s</text>\n", class, x, y + 4, clean);
}

/* What is told of a point: "64 KiB · kvm: +5.0 % (95 % interval +2.0 … +9.0 %), noisy". */
static void put_told(const struct plot *plot, const char *series, const struct chart_point *point)
{
    const struct chart *chart = plot->chart;
    const struct value value = {
        .unit = chart->y.unit, .number = point->y, .low = point->low, .high = point->high};
    struct formatted low, high;
    double height = chart->stacked ? point->high - point->low : point->y;
    markup(plot->stream, "%s%s%s: %s",
        plot->bars ? chart->categories[(size_t)point->x] : format_figure(chart->x.unit, point->x, 0).text,
        series ? " · " : "", series, format_figure(chart->y.unit, height, 0).text);
    if (!chart->stacked && chart_has_interval(chart, point) &&
        format_ends(&value, &(struct column){.unit = chart->y.unit}, &low, &high))
        markup(plot->stream, " (95 %% interval %s … %s)", low.text, high.text);
    markup(plot->stream, "%s%s", point->mark ? ", " : "", point->mark);
}

/* In words, for those who do not see it. */
static void describe(const struct plot *plot, const char *stamp)
{
    const struct chart *chart = plot->chart;
    markup(plot->stream, "%s%s%s, %s.", stamp, stamp ? ". " : "", chart->y.label,
        plot->bars ? "bars" : "curves");
    for (size_t i = 0; i < chart->series_count; i++) {
        const struct chart_point *least = NULL, *most = NULL;
        size_t count = 0;
        for (const struct chart_point *p = NULL; (p = chart_next(chart, &chart->series[i], p)); count++) {
            least = !least || p->y < least->y ? p : least;
            most = !most || p->y > most->y ? p : most;
        }
        markup(plot->stream, " %s: %zu value%s", chart->series[i].name, count, count == 1 ? "" : "s");
        if (count) {
            markup(plot->stream, "; least, ");
            put_told(plot, NULL, least);
            markup(plot->stream, "; most, ");
            put_told(plot, NULL, most);
        }
        markup(plot->stream, ".");
    }
}

/* ---- where things stand ---- */

/* Between two pixels, these themselves for what lies outside; the first one for what has no place. */
static double stand(const struct axis *axis, double value, double from, double to)
{
    return from + (to - from) * fmin(fmax(axis_place(axis, value), 0), 1);
}

static double x_of(const struct plot *plot, double value)
{
    return stand(&plot->across, value, plot->left, plot->right);
}

static double y_of(const struct plot *plot, double value)
{
    return stand(&plot->upward, value, plot->bottom, plot->top);
}

/* False if there is no value that could be drawn. */
static bool make_axes(struct plot *plot)
{
    const struct chart *chart = plot->chart;
    struct span x, y;
    if (!chart_ranges(chart, true, &x, &y))
        return false;
    axis_make(&chart->y, y, plot->bars || chart->y.scale == SCALE_LINEAR ? 7 : 10, &plot->upward);
    axis_make(&chart->x, x, 11, &plot->across);
    if (plot->bars)
        plot->across = plot->upward;
    else if (chart->x.scale == SCALE_LOG2) { /* so that no point stands on the edge */
        plot->across.range.low /= 1.25;
        plot->across.range.high *= 1.25;
    }
    return true;
}

/* From the top downwards: the legend, the names of marks, the plot, and below it its axis. */
static void lay_out(struct plot *plot)
{
    const struct chart *chart = plot->chart;
    size_t names = 0;
    for (size_t i = 0; i < chart->series_count && !plot->bars; i++)
        for (size_t k = 0; k < chart->series[i].count; k++) {
            const char *mark = chart->series[i].points[k].mark;
            bool other = mark && plot->crosses && strcmp(mark, plot->crosses) != 0;
            plot->crosses = other ? "remarkable: each says why" : mark ? mark : plot->crosses;
        }
    for (size_t i = 0; i < chart->category_count; i++) {
        size_t columns = text_columns(chart->categories[i]);
        names = columns > names ? columns : names;
    }
    size_t lines = (chart->series_count + (plot->crosses != NULL) + 1) / 2 + (chart->mark_count ? 2 : 0);
    plot->left = plot->bars ? fmin((double)names * LETTER, NAMES_MOST) + EDGE : LEFT;
    plot->right = CHART_SVG_WIDTH - EDGE - (plot->bars && chart->series_count == 1 ? VALUES : 0);
    plot->row = fmax(BAR * (double)chart->series_count + 8, LINE + 2);
    plot->top = 12 + LINE * (double)lines;
    plot->bottom =
        plot->top + (plot->bars ? plot->row * fmax((double)chart->category_count, 1) : PLOT_HEIGHT);
}

/* ---- series ---- */

/* A band where intervals follow each other, a line where one stands alone; then the curve; then the points,
 * but for those that cover the one before; what is remarkable about one is crossed. */
static void put_curve(const struct plot *plot, const struct chart_series *series, const char *shape)
{
    const struct chart_point *end = series->points + series->count, *last = NULL, *p;
    double last_x = -HUGE_VAL, last_y = 0;
    markup(plot->stream, "<path class=\"b\" d=\"");
    for (const struct chart_point *first = series->points; first < end; first = p + 1) {
        for (p = first; p < end && chart_has_interval(plot->chart, p); p++)
            markup(plot->stream, "%s%f %f", p == first ? "M" : "L", x_of(plot, p->x), y_of(plot, p->high));
        for (last = p; last-- > first;)
            markup(plot->stream, "L%f %f%s", x_of(plot, last->x), y_of(plot, last->low),
                last == first ? "z" : "");
    }
    markup(plot->stream, "\"/>\n<path class=\"l\" d=\"");
    for (last = NULL; (p = chart_next(plot->chart, series, last)); last = p)
        markup(
            plot->stream, "%s%f %f", last && p == last + 1 ? "L" : "M", x_of(plot, p->x), y_of(plot, p->y));
    markup(plot->stream, "\"/>\n");
    for (p = NULL; (p = chart_next(plot->chart, series, p));) {
        double x = x_of(plot, p->x), y = y_of(plot, p->y);
        if (fabs(x - last_x) < 1.5 && fabs(y - last_y) < 1.5)
            continue;
        last_x = x;
        last_y = y;
        markup(plot->stream,
            series->fine ? "<path class=\"h\" d=\"M%f %f%s\"><title>" : "<path d=\"M%f %f%s\"><title>", x, y,
            shape);
        put_told(plot, series->name, p);
        markup(plot->stream, "</title></path>\n");
        if (p->mark)
            markup(plot->stream, "<path class=\"n\" d=\"M%f %f%s\"/>\n", x, y, cross);
    }
}

/* With the line of each interval; an end that is cut at the edge has no cap. */
static void put_bars(const struct plot *plot, size_t index)
{
    const struct chart *chart = plot->chart;
    const struct chart_series *series = &chart->series[index];
    double thick = chart->series_count == 1 ? BAR + 3 : BAR - 1,
           above = BAR * (double)(chart->series_count - 1);
    double from = x_of(plot, chart_bar_start(chart, plot->across.range));
    for (const struct chart_point *point = NULL; (point = chart_next(chart, series, point));) {
        double to = x_of(plot, point->y), low = x_of(plot, point->low), high = x_of(plot, point->high);
        double y = plot->top + plot->row * (floor(point->x) + 0.5) - above / 2 + BAR * (double)index;
        markup(plot->stream, "<g><rect class=\"o\" x=\"%f\" y=\"%f\" width=\"%f\" height=\"%f\"/><title>",
            fmin(from, to), y - thick / 2, fmax(fabs(to - from), 1), thick);
        put_told(plot, series->name, point);
        markup(plot->stream, "</title>");
        if (chart_has_interval(chart, point))
            markup(plot->stream, "<path class=\"w\" d=\"M%f %fH%f%sM%f %f%s\"/>", low, y, high,
                high < plot->right ? "m0-3v6" : "", low, y, low > plot->left ? "m0-3v6" : "");
        markup(plot->stream, "</g>\n");
        char text[80];
        snprintf(text, sizeof text, "%s %.20s", format_figure(chart->y.unit, point->y, 0).text,
            point->mark ? point->mark : "");
        if (chart->series_count == 1)
            put_text(plot->stream, "e", CHART_SVG_WIDTH - 4, y, text, VALUES / LETTER + 2);
    }
}

/* An entry of the legend: a shape of this class, or (NULL) that of points on a curve, and a name. */
static void put_entry(
    const struct plot *plot, size_t entry, const char *class, const char *shape, const char *name)
{
    double x = EDGE + LEGEND_WIDTH * (double)(entry % 2), y = 4 + LINE * (floor((double)entry / 2) + 0.5);
    markup(plot->stream, "<g transform=\"translate(%f %f)\">", x, y);
    if (class)
        markup(plot->stream, "<path class=\"%s\" d=\"M15 0%s\"/>", class, shape);
    else
        markup(plot->stream, "<path class=\"l\" d=\"M0 0h30\"/><path d=\"M15 0%s\"/>", shape);
    put_text(plot->stream, "", LEGEND_NAME, 0, name, (LEGEND_WIDTH - LEGEND_NAME) / LETTER);
    markup(plot->stream, "</g>\n");
}

/* How it is drawn is decided by how many of its kind, baselines or others, there are before it. */
static void put_series(const struct plot *plot, size_t index)
{
    static const char *const dashes[] = {"", " d1", " d2"};
    const struct chart_series *series = &plot->chart->series[index];
    size_t number = 0, colors = series->baseline ? 1 : PALETTE;
    for (size_t i = 0; i < index; i++)
        number += plot->chart->series[i].baseline == series->baseline;
    markup(plot->stream, series->baseline ? "<g class=\"sb" : "<g class=\"s%zu", number % colors);
    markup(plot->stream, "%s%s %s\">\n", dashes[number / colors % 3],
        plot->chart->stacked ? " st"
        : series->modelled   ? " md"
                             : "",
        plot->bars ? "f" : "p");
    put_entry(plot, index, plot->bars ? "o" : NULL, plot->bars ? bar_sample : shapes[number % SHAPES],
        series->name);
    if (plot->bars)
        put_bars(plot, index);
    else
        put_curve(plot, series, shapes[number % SHAPES]);
    markup(plot->stream, "</g>\n");
}

/* ---- what stands around them ---- */

/* Ticks with their lines through the plot, the names of axes and of categories, and the rule. */
static void put_axes(const struct plot *plot)
{
    const struct axis *axis = &plot->across;
    double middle = (plot->top + plot->bottom) / 2, rule = plot->chart->rule;
    for (size_t i = 0; i < axis->tick_count; i++) {
        double x = x_of(plot, axis->ticks[i]);
        markup(plot->stream, "<path class=\"g\" d=\"M%f %fV%f\"/>\n", x, plot->top, plot->bottom);
        put_text(plot->stream, "t m", x, plot->bottom + 12, format_tick(axis->of, axis->ticks[i]).text, 20);
    }
    put_text(plot->stream, "m", (plot->left + plot->right) / 2, plot->bottom + 34, axis->of->label, 90);
    for (size_t i = 0; i < plot->chart->category_count; i++)
        put_text(plot->stream, "e", plot->left - 8, plot->top + plot->row * ((double)i + 0.5),
            plot->chart->categories[i], NAMES_MOST / LETTER);
    if (plot->bars && !isnan(rule))
        markup(
            plot->stream, "<path class=\"z\" d=\"M%f %fV%f\"/>\n", x_of(plot, rule), plot->top, plot->bottom);
    axis = &plot->upward;
    for (size_t i = 0; i < axis->tick_count && !plot->bars; i++) {
        double y = y_of(plot, axis->ticks[i]);
        markup(plot->stream, "<path class=\"g\" d=\"M%f %fH%f\"/>\n", plot->left, y, plot->right);
        put_text(plot->stream, "t e", plot->left - 8, y, format_tick(axis->of, axis->ticks[i]).text, 20);
    }
    if (plot->bars)
        return;
    markup(plot->stream, "<g transform=\"rotate(-90 %d %f)\">", EDGE, middle);
    put_text(plot->stream, "m", EDGE, middle, axis->of->label, PLOT_HEIGHT / LETTER);
    markup(plot->stream, "</g>\n");
    if (!isnan(rule))
        markup(
            plot->stream, "<path class=\"z\" d=\"M%f %fH%f\"/>\n", plot->left, y_of(plot, rule), plot->right);
}

/* Phases over the plot, each with its name above it; those of short ones stand in a row of their own. */
static void put_phases(const struct plot *plot)
{
    const struct span *range = &plot->across.range;
    double free_from[2] = {plot->left, plot->left};
    size_t phases = 0;
    for (size_t i = 0; i < plot->chart->mark_count; i++) {
        const struct chart_mark *mark = &plot->chart->marks[i];
        bool stop = mark->kind == MARK_STOP;
        if ((mark->kind != MARK_PHASE && !stop) || !(mark->to > range->low && mark->from < range->high))
            continue;
        double from = x_of(plot, mark->from), to = x_of(plot, mark->to);
        double half = (double)text_columns(mark->label) * LETTER * 0.45;
        double x = fmin(fmax((from + to) / 2, free_from[stop] + half), CHART_SVG_WIDTH - half);
        markup(plot->stream, "<g class=\"%s\"><path class=\"o\" d=\"M%f %fH%fV%fH%fz\"/>",
            stop         ? "px"
            : phases % 2 ? "pt"
                         : "pn",
            from, plot->top, fmax(to, from + 2), plot->bottom, from);
        put_text(plot->stream, "m", x, plot->top - (stop ? 1.5 : 0.5) * LINE, mark->label, 40);
        markup(plot->stream, "</g>\n");
        free_from[stop] = x + half + 6;
        phases += !stop;
    }
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
        markup(plot->stream, "<g><title>%s (%s)</title><path class=\"o\" d=\"M%f %fH%fV%fH%fz\"/></g>\n",
            name, title, from, plot->top, fmax(to, from + 1), plot->bottom, from);
        any = true;
        double half = (double)text_columns(name) * LETTER * 0.45;
        if (x - half < free_from || x + half > CHART_SVG_WIDTH)
            continue;
        put_text(plot->stream, "m", x, y, name, 40);
        free_from = x + half + 4;
    }
    put_text(plot->stream, "e", plot->left - 8, y, any ? title : "", 12);
    markup(plot->stream, "</g>\n");
}

double chart_svg(const struct chart *chart, size_t number, double top, const char *stamp, FILE *stream)
{
    if (chart->kind == CHART_STEPS)
        return chart_steps_svg(chart, number, top, stream);
    if (chart->kind == CHART_MAP)
        return chart_map_svg(chart, number, top, stream);
    struct plot plot = {.chart = chart, .stream = stream, .bars = chart->kind == CHART_BARS};
    bool any = make_axes(&plot);
    lay_out(&plot);
    double height = plot.bottom + 24 + LINE + 2, width = plot.right - plot.left;
    double x = plot.left + width / 2, y = (plot.top + plot.bottom) / 2;
    stamp = chart->stamp ? chart->stamp : stamp;
    markup(stream,
        "<svg class=\"chart\" viewBox=\"0 0 %d %f\" y=\"%f\" width=\"%d\" height=\"%f\" role=\"img\" "
        "aria-label=\"%s\" aria-describedby=\"chart-%zu-text\">\n<desc id=\"chart-%zu-text\">",
        CHART_SVG_WIDTH, height, top, CHART_SVG_WIDTH, height, chart->title ? chart->title : chart->y.label,
        number, number);
    describe(&plot, stamp);
    markup(stream, "</desc>\n");
    if (any) {
        markup(stream, "<path class=\"area\" d=\"M%f %fh%fV%fH%fz\"/>\n", plot.left, plot.top, width,
            plot.bottom, plot.left);
        put_axes(&plot);
        put_phases(&plot);
        put_marks(&plot, MARK_MEASURED, "measured", "mm", plot.top - 1.5 * LINE);
        put_marks(&plot, MARK_REPORTED, "reported", "mr", plot.top - 0.5 * LINE);
        for (size_t i = 0; i < chart->series_count; i++)
            put_series(&plot, i);
        if (plot.crosses)
            put_entry(&plot, chart->series_count, "n", cross, plot.crosses);
    } else {
        put_text(stream, "m", x, y, "no value is known", 40);
    }
    if (stamp) { /* where nobody can cut it off */
        double columns = fmax(1, fmin((double)text_columns(stamp), STAMP_MOST));
        markup(stream, "<g class=\"stamp\" font-size=\"%f\" transform=\"rotate(-8 %f %f)\">",
            fmin(1.55 * width / columns, 40), x, y);
        put_text(stream, "m", x, y, stamp, STAMP_MOST);
        markup(stream, "</g>\n");
    }
    markup(stream, "</svg>\n");
    return top + height;
}
