/* A map: what is where, over time. A row of the picture for each category, in which a point covers [x, high)
 * of the axis and is the darker the nearer its low end is to one. In files as SVG, on a terminal as shades.
 */
#include "report/format.h"
#include "report/formats.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

enum {
    LEFT = 130,
    EDGE = 16,
    TOP = 26,
    GAP = 6,
    LINE = 14,
    LETTER = 7,
    ROW_LEAST = 3,
    ROW_MOST = 14,
    ROWS = 300
};

struct map {
    const struct chart *chart;
    FILE *stream;
    struct axis axis;
    double row;
};

static bool begins_group(const struct chart *chart, size_t row)
{
    return chart->categories[row][0] != '\0';
}

/* Rows of a group touch each other; between groups is a gap. */
static double y_of(const struct map *map, size_t row)
{
    double y = TOP;
    for (size_t i = 1; i <= row; i++)
        y += map->row + (begins_group(map->chart, i) ? GAP : 0);
    return y;
}

static double x_of(const struct map *map, double value)
{
    double place = fmin(fmax(axis_place(&map->axis, value), 0), 1);
    return LEFT + (CHART_SVG_WIDTH - EDGE - LEFT) * place;
}

/* Where the map has values: false if nowhere. The axis begins at 0, where the program did. */
static bool make_axis(const struct chart *chart, unsigned ticks, struct axis *axis)
{
    struct span x = {0, 0};
    for (size_t i = 0; i < chart->series_count; i++)
        for (const struct chart_point *p = NULL; (p = chart_next(chart, &chart->series[i], p));)
            x.high = fmax(x.high, p->high);
    axis_make(&chart->x, x, ticks, axis);
    axis->range = x;
    return x.high > 0;
}

/* Of a page or two much is to be seen; what is full is full. */
static double shade(double share)
{
    return 0.2 + 0.8 * sqrt(fmin(fmax(share, 0), 1));
}

static void put_text(const struct map *map, const char *class, double x, double y, const char *text)
{
    char clean[160];
    text_clean(text, TEXT_UTF8, clean, sizeof clean);
    text_cut(clean, 100, &(struct report_style){.utf8 = true});
    markup(map->stream, "<text class=\"%s\" x=\"%f\" y=\"%f\">%s</text>\n", class, x, y + 4, clean);
}

static void put_series(const struct map *map, size_t index)
{
    const struct chart_series *series = &map->chart->series[index];
    markup(map->stream, "<g class=\"s%zu\">\n", index % 6);
    for (const struct chart_point *p = NULL; (p = chart_next(map->chart, series, p));) {
        double x = x_of(map, p->x), to = x_of(map, p->high);
        markup(map->stream, "<rect class=\"c\" x=\"%f\" y=\"%f\" width=\"%f\" height=\"%f\" fill-opacity=\"",
            x, y_of(map, (size_t)p->y), fmax(to - x, 0.5), map->row);
        fprintf(map->stream, "%.2f", shade(p->low));
        markup(map->stream, "\"><title>%s</title></rect>\n", p->mark);
    }
    markup(map->stream, "</g>\n");
}

static void put_legend(const struct map *map)
{
    double x = LEFT;
    for (size_t i = 0; i < map->chart->series_count; i++) {
        const char *name = map->chart->series[i].name;
        markup(map->stream, "<g class=\"s%zu\">", i % 6);
        for (int step = 0; step < 4; step++, x += 12) {
            markup(map->stream,
                "<rect class=\"c\" x=\"%f\" y=\"4\" width=\"12\" height=\"10\" fill-opacity=\"", x);
            fprintf(map->stream, "%.2f\"/>", shade(step / 3.0));
        }
        markup(map->stream, "</g>\n");
        put_text(map, "", x + 6, 9, name);
        x += 24 + LETTER * (double)text_columns(name);
    }
}

/* Ticks of time below, names of groups at the left while there is room for them. */
static void put_axes(const struct map *map, double bottom)
{
    double free_from = 0;
    for (size_t i = 0; i < map->axis.tick_count; i++) {
        double x = x_of(map, map->axis.ticks[i]);
        markup(map->stream, "<path class=\"g\" d=\"M%f %dV%f\"/>\n", x, TOP, bottom);
        const char *text = format_tick(map->axis.of, map->axis.ticks[i]).text;
        bool fits = x + LETTER * (double)text_columns(text) / 2 < CHART_SVG_WIDTH;
        put_text(map, fits ? "t m" : "t e", fits ? x : CHART_SVG_WIDTH, bottom + 12, text);
    }
    put_text(map, "m", (LEFT + CHART_SVG_WIDTH - EDGE) / 2.0, bottom + 30, map->chart->x.label);
    for (size_t row = 0; row < map->chart->category_count; row++) {
        double y = y_of(map, row) + fmin(map->row, LINE) / 2;
        if (!begins_group(map->chart, row) || y < free_from)
            continue;
        put_text(map, "t e", LEFT - 6, y, map->chart->categories[row]);
        free_from = y + LINE;
    }
}

double chart_map_svg(const struct chart *chart, size_t number, double top, FILE *stream)
{
    struct map map = {.chart = chart, .stream = stream};
    bool any = make_axis(chart, 9, &map.axis);
    map.row = fmin(fmax(floor(ROWS / fmax((double)chart->category_count, 1)), ROW_LEAST), ROW_MOST);
    double bottom = y_of(&map, chart->category_count ? chart->category_count - 1 : 0) + map.row,
           height = bottom + 42;
    markup(stream,
        "<svg class=\"chart\" viewBox=\"0 0 %d %f\" y=\"%f\" width=\"%d\" height=\"%f\" role=\"img\" "
        "aria-label=\"%s\" aria-describedby=\"chart-%zu-text\">\n<desc id=\"chart-%zu-text\">%s</desc>\n",
        CHART_SVG_WIDTH, height, top, CHART_SVG_WIDTH, height, chart->title, number, number, chart->caption);
    if (any) {
        put_legend(&map);
        put_axes(&map, bottom);
        for (size_t i = 0; i < chart->series_count; i++)
            put_series(&map, i);
    }
    markup(stream, "</svg>\n");
    return top + height;
}

/* ---- on a terminal ---- */

enum { NAMES = 16, ROWS_MOST = 24, COLUMNS_MOST = 512 };

/* Rows that do not fit are put together, and a place is as dark as the darkest that it stands for. */
void chart_map_terminal(struct writing *writing, const struct chart *chart)
{
    static const char *const shades[2][5] = {{" ", ".", ":", "*", "#"}, {" ", "░", "▒", "▓", "█"}};
    unsigned columns = writing->style->columns ? writing->style->columns : STYLE_COLUMNS_USUAL;
    size_t width = columns - NAMES < COLUMNS_MOST ? columns - NAMES : COLUMNS_MOST;
    size_t each = (chart->category_count + ROWS_MOST - 1) / ROWS_MOST;
    struct axis axis;
    paragraph_terminal(writing, columns, "", chart->title, INK_HEADING);
    if (!make_axis(chart, 5, &axis))
        return;
    for (size_t row = 0; row < chart->category_count; row += each) {
        double darkest[COLUMNS_MOST] = {0};
        const char *name = "";
        for (size_t i = 0; i < chart->series_count; i++)
            for (const struct chart_point *p = NULL; (p = chart_next(chart, &chart->series[i], p));)
                for (size_t at = (size_t)(axis_place(&axis, p->x) * (double)width);
                     p->y >= (double)row && p->y < (double)(row + each) && at < width &&
                     (double)at < axis_place(&axis, p->high) * (double)width;
                     at++)
                    darkest[at] = fmax(darkest[at], shade(p->low));
        for (size_t i = row; i < row + each && i < chart->category_count && !name[0]; i++)
            name = chart->categories[i];
        fprintf(writing->stream, "%*s ", NAMES - 1, name);
        for (size_t at = 0; at < width; at++)
            fputs(shades[writing->style->utf8][(size_t)ceil(darkest[at] * 4)], writing->stream);
        fputc('\n', writing->stream);
    }
    fprintf(writing->stream, "%*s 0%*s\n", NAMES - 1, "", (int)width - 1,
        format_figure(chart->x.unit, axis.range.high, 0).text);
    if (chart->caption)
        paragraph_terminal(writing, columns, "", chart->caption, INK_FAINT);
}
