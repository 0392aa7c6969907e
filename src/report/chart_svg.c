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
    BAR = 9,
    LETTER = 7, /* the room for one, which is more than it needs */
    PALETTE = 6,
    SHAPES = 5,
    MANY = 20, /* categories: their axis is written above them too */
    STAMP_MOST = 70
};

static const double HUGEST = 1e18; /* no time, size or ratio is as large: it is a damaged file's */
static const struct report_style utf8 = {.utf8 = true};

/* Around a point: circle, triangle, square, diamond, triangle down. */
static const char *const shapes[SHAPES] = {"m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z",
    "m0-4.6l4.4 7.8h-8.8z", "m-3.3-3.3h6.6v6.6h-6.6z", "m0-4.8l4.8 4.8-4.8 4.8-4.8-4.8z",
    "m0 4.6l4.4-7.8h-8.8z"};

struct drawing {
    const struct chart *chart;
    FILE *stream;
    bool empty;                      /* there is no value that could be drawn */
    struct axis x, y;                /* y is the axis of the values, which lies for bars */
    double left, right, top, bottom; /* of the plotted area */
    double legend, marks;            /* where they start */
    char crosses[96];                /* what they mean */
    double row;                      /* bars: the height of a category */
    double height;                   /* of all */
};

/* ---- values ---- */

/* From 0 to 1 along an axis, its ends for what lies outside; NAN stays. */
static double share_of(const struct axis *axis, const struct chart_axis *of, double value)
{
    double share = axis_place(axis, of, of->scale == SCALE_LINEAR ? value : fmax(value, axis->range.low));
    return isnan(value) || isnan(share) ? NAN : fmin(fmax(share, 0), 1);
}

static double x_of(const struct drawing *drawing, double x)
{
    return drawing->left + (drawing->right - drawing->left) * share_of(&drawing->x, &drawing->chart->x, x);
}

/* Along the axis of the values: upwards, for bars to the right. */
static double value_of(const struct drawing *drawing, double value)
{
    double share = share_of(&drawing->y, &drawing->chart->y, value);
    return drawing->chart->kind == CHART_BARS ? drawing->left + (drawing->right - drawing->left) * share
                                              : drawing->bottom - (drawing->bottom - drawing->top) * share;
}

static bool can_stand(const struct chart_axis *axis, double value)
{
    return fabs(value) < HUGEST && (axis->scale == SCALE_LINEAR || value > 0);
}

static bool is_there(const struct chart *chart, const struct chart_point *point)
{
    bool placed = chart->kind == CHART_LINES ? can_stand(&chart->x, point->x)
                                             : point->x >= 0 && point->x < (double)chart->category_count;
    return placed && can_stand(&chart->y, point->y);
}

static bool has_interval(const struct chart *chart, const struct chart_point *point)
{
    return is_there(chart, point) && fabs(point->low) < HUGEST && fabs(point->high) < HUGEST;
}

/* ---- layout ---- */

/* What is neither more nor less, where bars start. */
static double nothing_of(const struct chart_axis *axis)
{
    return axis->unit == UNIT_CHANGE ? 1 : 0;
}

/* Whether the span can be divided by a picture's pixels. */
static bool is_sane(struct span span)
{
    return fabs(span.low) < HUGEST && fabs(span.high) < HUGEST; /* false for NAN */
}

static void make_axes(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct span x = {0, 1}, y;
    bool bars = chart->kind == CHART_BARS;
    drawing->empty =
        !chart_range_y(chart, &y) || (!bars && !chart_range_x(chart, &x)) || !is_sane(x) || !is_sane(y);
    if (drawing->empty)
        return;
    if (bars && chart->y.scale == SCALE_LINEAR) /* these start at nothing */
        y = (struct span){fmin(y.low, nothing_of(&chart->y)), fmax(y.high, nothing_of(&chart->y))};
    axis_make(&chart->x, x, 11, &drawing->x);
    axis_make(&chart->y, y, bars || chart->y.scale == SCALE_LINEAR ? 7 : 10, &drawing->y);
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

/* What the crosses mean: "noisy, interrupted"; "" where there are none. */
static void name_crosses(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    char *text = drawing->crosses;
    for (size_t i = 0; i < chart->series_count && chart->kind == CHART_LINES; i++)
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

static const char *legend_name(const struct drawing *drawing, size_t index)
{
    return index < drawing->chart->series_count ? drawing->chart->series[index].name : drawing->crosses;
}

/* Where entry `index` of the legend stands. */
static void legend_at(const struct drawing *drawing, size_t index, double *x, double *y)
{
    *x = drawing->left;
    *y = drawing->legend + LINE / 2.0;
    for (size_t i = 0; i <= index && i < legend_entries(drawing); i++) {
        double width = LEGEND_SAMPLE + 8 + letters(legend_name(drawing, i)) + 14;
        if (*x > drawing->left && *x + width > CHART_SVG_WIDTH) {
            *x = drawing->left;
            *y += LINE + 2;
        }
        if (i < index)
            *x += width;
    }
}

static bool has_marks(const struct chart *chart, enum chart_mark_kind kind)
{
    for (size_t i = 0; i < chart->mark_count; i++)
        if (chart->marks[i].kind == kind)
            return true;
    return false;
}

/* Everything's place, from the top downwards. */
static void lay_out(const struct chart *chart, const struct chart_place *place, struct drawing *drawing)
{
    double x, y;
    *drawing = (struct drawing){.chart = chart, .left = LEFT, .right = CHART_SVG_WIDTH - EDGE};
    make_axes(drawing);
    if (chart->kind == CHART_BARS)
        lay_out_names(drawing);
    drawing->legend = place->alone && chart->title ? 34 : 4;
    name_crosses(drawing);
    legend_at(drawing, legend_entries(drawing), &x, &y);
    drawing->marks = y + LINE / 2.0 + 8;
    drawing->top = drawing->marks + LINE * has_marks(chart, MARK_MEASURED) +
                   LINE * has_marks(chart, MARK_REPORTED) + (chart->category_count > MANY ? LINE : 0);
    drawing->bottom =
        drawing->top +
        (chart->kind == CHART_BARS ? drawing->row * fmax((double)chart->category_count, 1) : PLOT_HEIGHT);
    const char *label = chart->kind == CHART_BARS ? chart->y.label : chart->x.label;
    drawing->height = drawing->bottom + 24 + (label ? LINE + 2 : 0);
}

/* ---- pieces ---- */

/* A number of a picture: short, and never one that would spoil it. */
static const char *pixels(double value, char text[16])
{
    snprintf(text, 16, "%.5g", isfinite(value) ? round(value * 10) / 10 : 0);
    return text;
}
#define PX(value) pixels(value, (char[16]){0})

static void put_line(
    const struct drawing *drawing, const char *class, double x1, double y1, double x2, double y2)
{
    fprintf(
        drawing->stream, "<path class=\"%s\" d=\"M%s %sL%s %s\"/>\n", class, PX(x1), PX(y1), PX(x2), PX(y2));
}

/* Text, cut at `columns`; y is its middle. */
static void put_text(FILE *stream, const char *class, double x, double y, const char *text, unsigned columns)
{
    char clean[512];
    text_clean(text ? text : "", TEXT_UTF8, clean, sizeof clean);
    text_cut(clean, columns, &utf8);
    fprintf(stream, "<text class=\"%s\" x=\"%s\" y=\"%s\">", class, PX(x), PX(y + 4));
    markup_text(stream, clean);
    fputs("</text>\n", stream);
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
    fprintf(drawing->stream, "<path class=\"n\" d=\"M%s %sm-4.5-4.5l9 9m0-9l-9 9\"/>\n", PX(x), PX(y));
}

static void open_series(const struct drawing *drawing, size_t index, const char *class)
{
    const struct chart_series *series = &drawing->chart->series[index];
    size_t color = 0, dash = 0;
    for (size_t i = 0; i < index; i++) {
        color += !drawing->chart->series[i].baseline;
        dash += drawing->chart->series[i].baseline;
    }
    dash = series->baseline ? dash : color / PALETTE;
    fputs("<g class=\"", drawing->stream);
    if (series->baseline)
        fputs("sb", drawing->stream);
    else
        fprintf(drawing->stream, "s%zu", color % PALETTE);
    fprintf(drawing->stream, "%s %s\">\n", dash % 3 == 0 ? "" : dash % 3 == 1 ? " d1" : " d2", class);
}

static const char *shape_of(const struct chart *chart, size_t index)
{
    size_t before = 0;
    for (size_t i = 0; i < index; i++)
        before += chart->series[i].baseline == chart->series[index].baseline;
    return shapes[before % SHAPES];
}

static bool is_marked(const struct chart_point *point)
{
    return point->mark && point->mark[0];
}

/* Where a point stands along the chart: "4 KiB", the name of a category. */
static void put_place(const struct drawing *drawing, const struct chart_point *point)
{
    const struct chart *chart = drawing->chart;
    markup_text(drawing->stream, chart->kind == CHART_BARS ? chart->categories[(size_t)point->x]
                                                           : format_figure(chart->x.unit, point->x, 0).text);
}

/* What is told of a point, on hover. */
static void put_told(
    const struct drawing *drawing, const struct chart_series *series, const struct chart_point *point)
{
    const struct chart *chart = drawing->chart;
    const struct value value = {
        .unit = chart->y.unit, .number = point->y, .low = point->low, .high = point->high};
    struct formatted low, high;
    FILE *stream = drawing->stream;
    fputs("<title>", stream);
    if (point->text) {
        markup_text(stream, point->text);
    } else {
        put_place(drawing, point);
        fputs(" · ", stream);
        markup_text(stream, series->name);
        fprintf(stream, ": %s", format_figure(chart->y.unit, point->y, 0).text);
        if (has_interval(chart, point) &&
            format_ends(&value, &(struct column){.unit = chart->y.unit}, &low, &high))
            fprintf(stream, " (95 %% interval %s … %s)", low.text, high.text);
        if (is_marked(point))
            fputs(", ", stream);
        markup_text(stream, point->mark);
    }
    fputs("</title>", stream);
}

/* ---- curves ---- */

/* How many points with an interval follow each other from here. */
static size_t run_length(const struct chart *chart, const struct chart_series *series, size_t from)
{
    size_t length = 0;
    while (from + length < series->count && has_interval(chart, &series->points[from + length]))
        length++;
    return length;
}

/* A band where intervals follow each other, a whisker where one stands alone. */
static void put_intervals(const struct drawing *drawing, const struct chart_series *series)
{
    FILE *stream = drawing->stream;
    for (size_t from = 0, length; from < series->count; from += length + 1) {
        const struct chart_point *points = &series->points[from];
        length = run_length(drawing->chart, series, from);
        if (length == 1)
            put_line(drawing, "w", x_of(drawing, points->x), value_of(drawing, points->low),
                x_of(drawing, points->x), value_of(drawing, points->high));
        if (length < 2)
            continue;
        fputs("<path class=\"b\" d=\"", stream);
        for (size_t i = 0; i < length; i++)
            fprintf(stream, "%c%s %s", i ? 'L' : 'M', PX(x_of(drawing, points[i].x)),
                PX(value_of(drawing, points[i].high)));
        for (size_t i = length; i-- > 0;)
            fprintf(stream, "L%s %s", PX(x_of(drawing, points[i].x)), PX(value_of(drawing, points[i].low)));
        fputs("z\"/>\n", stream);
    }
}

static void put_curve(const struct drawing *drawing, const struct chart_series *series)
{
    bool pen_down = false;
    fputs("<path class=\"l\" d=\"", drawing->stream);
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        bool there = is_there(drawing->chart, point);
        if (there)
            fprintf(drawing->stream, "%c%s %s", pen_down ? 'L' : 'M', PX(x_of(drawing, point->x)),
                PX(value_of(drawing, point->y)));
        pen_down = there;
    }
    fputs("\"/>\n", drawing->stream);
}

/* The points but for those that cover the one before; what is remarkable about one is crossed. */
static void put_points(const struct drawing *drawing, const struct chart_series *series, const char *shape)
{
    double last_x = -HUGE_VAL, last_y = 0;
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        double x = x_of(drawing, point->x), y = value_of(drawing, point->y);
        if (!is_there(drawing->chart, point) || (fabs(x - last_x) < 1.5 && fabs(y - last_y) < 1.5))
            continue;
        last_x = x;
        last_y = y;
        fprintf(drawing->stream, "<path d=\"M%s %s%s\">", PX(x), PX(y), shape);
        put_told(drawing, series, point);
        fputs("</path>\n", drawing->stream);
        if (is_marked(point))
            put_cross(drawing, x, y);
    }
}

static void put_curves(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < chart->series_count; i++) {
        open_series(drawing, i, "i");
        put_intervals(drawing, &chart->series[i]);
        fputs("</g>\n", drawing->stream);
    }
    for (size_t i = 0; i < chart->series_count; i++) {
        open_series(drawing, i, "p");
        put_curve(drawing, &chart->series[i]);
        put_points(drawing, &chart->series[i], shape_of(chart, i));
        fputs("</g>\n", drawing->stream);
    }
}

/* ---- bars ---- */

/* The line of an interval; an end that is cut at the edge has no cap. */
static void put_whisker(const struct drawing *drawing, const struct chart_point *point, double middle)
{
    double low = value_of(drawing, point->low), high = value_of(drawing, point->high);
    put_line(drawing, "w", low, middle, high, middle);
    if (low > drawing->left)
        put_line(drawing, "w", low, middle - 3, low, middle + 3);
    if (high < drawing->right)
        put_line(drawing, "w", high, middle - 3, high, middle + 3);
}

static void put_bar(const struct drawing *drawing, size_t index, const struct chart_point *point)
{
    const struct chart *chart = drawing->chart;
    double thick = chart->series_count == 1 ? BAR + 3 : BAR - 1;
    double middle = drawing->top + drawing->row * (floor(point->x) + 0.5) +
                    BAR * ((double)index - ((double)chart->series_count - 1) / 2);
    double from = chart->y.scale == SCALE_LINEAR ? value_of(drawing, nothing_of(&chart->y)) : drawing->left;
    double to = value_of(drawing, point->y);
    fprintf(drawing->stream, "<g><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>", PX(fmin(from, to)),
        PX(middle - thick / 2), PX(fmax(fabs(to - from), 1)), PX(thick));
    put_told(drawing, &chart->series[index], point);
    if (has_interval(chart, point))
        put_whisker(drawing, point, middle);
    fputs("</g>\n", drawing->stream);
    if (chart->series_count == 1) {
        char text[80];
        snprintf(text, sizeof text, "%s%s%.20s", format_figure(chart->y.unit, point->y, 0).text,
            is_marked(point) ? " " : "", is_marked(point) ? point->mark : "");
        put_text(drawing->stream, "v", CHART_SVG_WIDTH - 4, middle, text, VALUES / LETTER + 2);
    }
}

static void put_bars(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < chart->category_count; i++)
        put_text(drawing->stream, "c", drawing->left - 8, drawing->top + drawing->row * ((double)i + 0.5),
            chart->categories[i], NAMES_MOST / LETTER);
    for (size_t i = 0; i < chart->series_count; i++) {
        open_series(drawing, i, "f");
        for (size_t k = 0; k < chart->series[i].count; k++)
            if (is_there(chart, &chart->series[i].points[k]))
                put_bar(drawing, i, &chart->series[i].points[k]);
        fputs("</g>\n", drawing->stream);
    }
}

/* ---- what stands around them ---- */

static void put_value_axis(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    bool bars = chart->kind == CHART_BARS;
    for (size_t i = 0; i < drawing->y.tick_count; i++) {
        double at = value_of(drawing, drawing->y.ticks[i]);
        struct formatted text = format_tick(&chart->y, drawing->y.ticks[i]);
        if (bars)
            put_line(drawing, "g", at, drawing->top, at, drawing->bottom);
        else
            put_line(drawing, "g", drawing->left, at, drawing->right, at);
        put_text(drawing->stream, bars ? "t m" : "t e", bars ? at : drawing->left - 8,
            bars ? drawing->bottom + 12 : at, text.text, 20);
        if (bars && chart->category_count > MANY)
            put_text(drawing->stream, "t m", at, drawing->top - 10, text.text, 20);
    }
    if (!isnan(chart->rule)) {
        double at = value_of(drawing, chart->rule);
        put_line(drawing, "z", bars ? at : drawing->left, bars ? drawing->top : at,
            bars ? at : drawing->right, bars ? drawing->bottom : at);
    }
}

static void put_x_axis(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    put_line(drawing, "a", drawing->left, drawing->bottom, drawing->right, drawing->bottom);
    for (size_t i = 0; i < drawing->x.tick_count; i++) {
        double x = x_of(drawing, drawing->x.ticks[i]);
        put_line(drawing, "a", x, drawing->bottom, x, drawing->bottom - 5);
        put_text(drawing->stream, "t m", x, drawing->bottom + 14,
            format_tick(&chart->x, drawing->x.ticks[i]).text, 20);
    }
}

static void put_labels(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    const char *below = chart->kind == CHART_BARS ? chart->y.label : chart->x.label;
    double middle = (drawing->left + drawing->right) / 2;
    if (below)
        put_text(drawing->stream, "h m", middle, drawing->bottom + 34, below, 90);
    if (chart->kind == CHART_BARS || !chart->y.label)
        return;
    double x = EDGE, y = (drawing->top + drawing->bottom) / 2;
    fprintf(drawing->stream, "<g transform=\"rotate(-90 %s %s)\">", PX(x), PX(y));
    put_text(drawing->stream, "h m", x, y, chart->y.label, PLOT_HEIGHT / LETTER);
    fputs("</g>\n", drawing->stream);
}

/* A row of marks of a kind: lines or bands over the plot, their names above it while there is room. */
static void put_marks(const struct drawing *drawing, enum chart_mark_kind kind, double y)
{
    static const char *const titles[] = {[MARK_MEASURED] = "measured", [MARK_REPORTED] = "reported"};
    bool measured = kind == MARK_MEASURED;
    double free_from = drawing->left - 4;
    put_text(drawing->stream, measured ? "mm e" : "mr e", drawing->left - 8, y, titles[kind], 12);
    for (size_t i = 0; i < drawing->chart->mark_count; i++) {
        const struct chart_mark *mark = &drawing->chart->marks[i];
        double from = x_of(drawing, mark->from), to = x_of(drawing, mark->to), x = (from + to) / 2;
        if (mark->kind != kind || !isfinite(x) || to <= drawing->left || from >= drawing->right)
            continue;
        char name[80]; /* "L2 1M": a step is at the last size before it */
        snprintf(name, sizeof name, "%.60s %s", mark->label ? mark->label : "",
            format_tick(&drawing->chart->x, mark->from).text);
        fprintf(drawing->stream,
            "<g class=\"%s\"><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/><title>",
            measured ? "mm" : "mr", PX(from), PX(drawing->top), PX(fmax(to - from, 1)),
            PX(drawing->bottom - drawing->top));
        markup_text(drawing->stream, name);
        fprintf(drawing->stream, " (%s)</title></g>\n", titles[kind]);
        double half = letters(name) * 0.45;
        if (x - half < free_from || x + half > CHART_SVG_WIDTH)
            continue;
        put_text(drawing->stream, measured ? "mm m" : "mr m", x, y, name, 40);
        free_from = x + half + 4;
    }
}

static void put_legend(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < legend_entries(drawing); i++) {
        double x, y;
        legend_at(drawing, i, &x, &y);
        if (i == chart->series_count) {
            put_cross(drawing, x + LEGEND_SAMPLE / 2.0, y);
        } else if (chart->kind == CHART_BARS) {
            open_series(drawing, i, "f");
            fprintf(drawing->stream, "<rect x=\"%s\" y=\"%s\" width=\"%d\" height=\"%d\"/></g>\n", PX(x),
                PX(y - BAR / 2.0), LEGEND_SAMPLE, BAR);
        } else {
            open_series(drawing, i, "p");
            put_line(drawing, "l", x, y, x + LEGEND_SAMPLE, y);
            fprintf(drawing->stream, "<path d=\"M%s %s%s\"/></g>\n", PX(x + LEGEND_SAMPLE / 2.0), PX(y),
                shape_of(chart, i));
        }
        put_text(drawing->stream, "k", x + LEGEND_SAMPLE + 8, y, legend_name(drawing, i),
            (CHART_SVG_WIDTH - LEFT) / LETTER);
    }
}

/* Why the picture must not be trusted as it is, where nobody can cut it off. */
static void put_stamp(const struct drawing *drawing, const char *stamp)
{
    double x = (drawing->left + drawing->right) / 2, y = (drawing->top + drawing->bottom) / 2;
    double columns = fmin((double)text_columns(stamp), STAMP_MOST);
    double size = fmin(1.55 * (drawing->right - drawing->left) / fmax(columns, 1), 40);
    fprintf(drawing->stream, "<g class=\"stamp\" font-size=\"%s\" transform=\"rotate(-8 %s %s)\">", PX(size),
        PX(x), PX(y));
    put_text(drawing->stream, "m", x, y, stamp, STAMP_MOST);
    fputs("</g>\n", drawing->stream);
}

/* ---- the whole ---- */

static void describe_point(
    const struct drawing *drawing, const char *what, const struct chart_point *point, const char *end)
{
    const struct chart *chart = drawing->chart;
    fprintf(drawing->stream, " %s %s at ", what, format_figure(chart->y.unit, point->y, 0).text);
    put_place(drawing, point);
    fputs(end, drawing->stream);
}

/* In words, for those who do not see it. */
static void describe(const struct drawing *drawing, const char *stamp)
{
    const struct chart *chart = drawing->chart;
    if (stamp) {
        markup_text(drawing->stream, stamp);
        fputs(". ", drawing->stream);
    }
    markup_text(drawing->stream, chart->y.label);
    fputs(chart->kind == CHART_BARS ? ", bars." : ", curves.", drawing->stream);
    for (size_t i = 0; i < chart->series_count; i++) {
        const struct chart_point *least = NULL, *most = NULL;
        size_t count = 0;
        for (size_t k = 0; k < chart->series[i].count; k++) {
            const struct chart_point *point = &chart->series[i].points[k];
            if (!is_there(chart, point))
                continue;
            count++;
            least = !least || point->y < least->y ? point : least;
            most = !most || point->y > most->y ? point : most;
        }
        fputc(' ', drawing->stream);
        markup_text(drawing->stream, chart->series[i].name);
        fprintf(drawing->stream, ": %zu value%s%s", count, count == 1 ? "" : "s", count ? "," : ".");
        if (count) {
            describe_point(drawing, "least", least, ",");
            describe_point(drawing, "most", most, ".");
        }
    }
}

static void put_plot(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    bool measured = has_marks(chart, MARK_MEASURED);
    fprintf(drawing->stream, "<rect class=\"area\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>\n",
        PX(drawing->left), PX(drawing->top), PX(drawing->right - drawing->left),
        PX(drawing->bottom - drawing->top));
    put_value_axis(drawing);
    if (chart->kind == CHART_BARS) {
        put_bars(drawing);
        if (chart->y.scale != SCALE_LINEAR)
            put_line(drawing, "a", drawing->left, drawing->top, drawing->left, drawing->bottom);
    } else {
        put_x_axis(drawing);
        if (measured)
            put_marks(drawing, MARK_MEASURED, drawing->marks + LINE / 2.0);
        if (has_marks(chart, MARK_REPORTED))
            put_marks(drawing, MARK_REPORTED, drawing->marks + LINE * (measured + 0.5));
        put_curves(drawing);
    }
}

double chart_svg_height(const struct chart *chart, const struct chart_place *place)
{
    struct drawing drawing;
    lay_out(chart, place, &drawing);
    return drawing.height;
}

void chart_svg(const struct chart *chart, const struct chart_place *place, FILE *stream)
{
    struct drawing drawing;
    const char *stamp = chart->stamp ? chart->stamp : place->stamp;
    lay_out(chart, place, &drawing);
    drawing.stream = stream;
    fprintf(stream,
        "<svg class=\"chart\" viewBox=\"0 0 %d %s\" role=\"img\" aria-describedby=\"chart-%u-text\"",
        CHART_SVG_WIDTH, PX(drawing.height), place->number);
    if (place->alone)
        fprintf(stream, " y=\"%s\" width=\"%d\" height=\"%s\"", PX(place->top), CHART_SVG_WIDTH,
            PX(drawing.height));
    fputs(" aria-label=\"", stream);
    markup_text(stream, chart->title ? chart->title : chart->y.label);
    fprintf(stream, "\">\n<desc id=\"chart-%u-text\">", place->number);
    describe(&drawing, stamp);
    fputs("</desc>\n", stream);
    if (place->alone && chart->title)
        put_text(stream, "title", EDGE, 14, chart->title, 80);
    put_legend(&drawing);
    put_labels(&drawing);
    if (drawing.empty)
        put_text(stream, "h m", (drawing.left + drawing.right) / 2, (drawing.top + drawing.bottom) / 2,
            "no value is known", 40);
    else
        put_plot(&drawing);
    if (stamp)
        put_stamp(&drawing, stamp);
    fputs("</svg>\n", stream);
}
