/* Steps on a grid: boxes, and an arrow from each to the next one. In files as SVG, on a terminal as rows of
 * text. */
#include "report/formats.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

enum { EDGE = 16, ROW = 64, BOX_HEIGHT = 46, GAP = 14, LINE = 18, LETTER = 6, LINES_MOST = 3 };

struct steps {
    const struct chart *chart;
    FILE *stream;
    double top, width; /* of the first row; of a column */
    size_t columns, rows;
};

/* The step that comes next after `point`; NULL: there is none. They are numbered in their low end. */
static const struct chart_point *next_step(
    const struct chart *chart, const struct chart_point *point, size_t *series)
{
    const struct chart_point *next = NULL;
    for (size_t i = 0; i < chart->series_count; i++)
        for (const struct chart_point *p = NULL; (p = chart_next(chart, &chart->series[i], p));)
            if ((!point || p->low > point->low) && (!next || p->low < next->low)) {
                next = p;
                *series = i;
            }
    return next;
}

static void measure(struct steps *steps)
{
    size_t series = 0;
    for (const struct chart_point *p = NULL; (p = next_step(steps->chart, p, &series));) {
        steps->columns = (size_t)fmax((double)steps->columns, p->x + 1);
        steps->rows = (size_t)fmax((double)steps->rows, p->y + 1);
    }
}

static double x_of(const struct steps *steps, const struct chart_point *point)
{
    return EDGE + steps->width * point->x;
}

static double y_of(const struct steps *steps, const struct chart_point *point)
{
    return steps->top + ROW * point->y;
}

static void put_line(const struct steps *steps, const char *class, double x, double y, const char *text,
    size_t bytes, double room)
{
    char line[160], clean[160];
    snprintf(line, sizeof line, "%.*s", (int)(bytes < sizeof line - 1 ? bytes : sizeof line - 1), text);
    text_clean(line, TEXT_UTF8, clean, sizeof clean);
    text_cut(clean, (size_t)fmax(room / LETTER, 1), &(struct report_style){.utf8 = true});
    markup(steps->stream, "<text class=\"%s\" x=\"%f\" y=\"%f\">%s</text>\n", class, x, y, clean);
}

static void put_box(const struct steps *steps, const struct chart_point *point, size_t series)
{
    double x = x_of(steps, point), y = y_of(steps, point), width = steps->width - GAP;
    const char *text = point->mark ? point->mark : "";
    markup(steps->stream,
        "<g class=\"s%zu\"><rect class=\"k\" x=\"%f\" y=\"%f\" width=\"%f\" height=\"%d\" rx=\"3\"/></g>\n",
        series % 6, x, y, width, BOX_HEIGHT);
    for (size_t i = 0, length; i < LINES_MOST && *text; i++) {
        length = strcspn(text, "\n");
        put_line(steps, i ? "t" : "", x + 6, y + 14 + 14 * (double)i, text, length, width - 8);
        text += length + (text[length] == '\n');
    }
}

/* Down a column, or from the bottom of one to where the next begins. */
static void put_arrow(const struct steps *steps, const struct chart_point *from, const struct chart_point *to)
{
    double half = (steps->width - GAP) / 2;
    double x = x_of(steps, from) + half, y = y_of(steps, from) + BOX_HEIGHT;
    double end = x_of(steps, to) + half, bottom = y_of(steps, to), side = x_of(steps, to) - GAP / 2.0;
    if (from->x == to->x)
        markup(steps->stream, "<path class=\"a\" d=\"M%f %fV%f\"/>\n", x, y, bottom - 5);
    else
        markup(steps->stream, "<path class=\"a\" d=\"M%f %fH%fV%fH%fV%f\"/>\n", x + half,
            y - BOX_HEIGHT / 2.0, side, bottom - 9, end, bottom - 5);
    markup(steps->stream, "<path d=\"M%f %fl-3 -5h6z\"/>\n", end, bottom);
}

/* The series that have steps, each with its colour. */
static void put_legend(const struct steps *steps)
{
    size_t shown = 0;
    for (size_t i = 0; i < steps->chart->series_count; i++) {
        const struct chart_series *series = &steps->chart->series[i];
        double x = EDGE + 200 * (double)shown;
        if (!chart_next(steps->chart, series, NULL))
            continue;
        markup(steps->stream,
            "<g class=\"s%zu\"><rect class=\"k\" x=\"%f\" y=\"6\" width=\"24\" height=\"12\"/></g>\n", i % 6,
            x);
        put_line(steps, "", x + 32, 16, series->name, strlen(series->name), 160);
        shown++;
    }
}

double chart_steps_svg(const struct chart *chart, size_t number, double top, FILE *stream)
{
    struct steps steps = {.chart = chart, .stream = stream};
    const struct chart_point *last = NULL;
    size_t series = 0;
    measure(&steps);
    steps.top = 2 * LINE + 8;
    steps.width = (CHART_SVG_WIDTH - 2 * EDGE + GAP) / fmax((double)steps.columns, 1);
    double height = steps.top + ROW * (double)steps.rows + 4;
    markup(stream,
        "<svg class=\"chart\" viewBox=\"0 0 %d %f\" y=\"%f\" width=\"%d\" height=\"%f\" role=\"img\" "
        "aria-label=\"%s\" aria-describedby=\"chart-%zu-text\">\n<desc id=\"chart-%zu-text\">",
        CHART_SVG_WIDTH, height, top, CHART_SVG_WIDTH, height, chart->title ? chart->title : chart->name,
        number, number);
    for (const struct chart_point *p = NULL; (p = next_step(chart, p, &series));)
        markup(stream, "%s. ", p->mark);
    markup(stream, "</desc>\n");
    put_legend(&steps);
    for (const struct chart_point *p = NULL; (p = next_step(chart, p, &series)); last = p) {
        if (last)
            put_arrow(&steps, last, p);
        put_box(&steps, p, series);
    }
    markup(stream, "</svg>\n");
    return top + height;
}

/* The first line of each box. */
void chart_steps_terminal(struct writing *writing, const struct chart *chart)
{
    struct steps steps = {.chart = chart};
    unsigned columns = writing->style->columns ? writing->style->columns : STYLE_COLUMNS_USUAL;
    size_t series = 0;
    measure(&steps);
    paragraph_terminal(writing, columns, "", chart->title ? chart->title : chart->name, INK_HEADING);
    for (size_t row = 0; row < steps.rows; row++) {
        size_t written = 0;
        for (size_t column = 0; column < steps.columns; column++)
            for (const struct chart_point *p = NULL; (p = next_step(chart, p, &series));) {
                if (p->x != (double)column || p->y != (double)row)
                    continue;
                size_t at = column * (columns / steps.columns), wide = columns / steps.columns - 1;
                char *text = text_cleaned(&writing->pool,
                    pool_format(&writing->pool, "%.*s", (int)strcspn(p->mark, "\n"), p->mark),
                    writing->style);
                text_cut(text, wide, writing->style);
                fprintf(writing->stream, "%*s%s", (int)(at - written), "", text);
                written = at + text_columns(text);
            }
        fputc('\n', writing->stream);
    }
    if (chart->caption)
        paragraph_terminal(writing, columns, "", chart->caption, INK_FAINT);
}
