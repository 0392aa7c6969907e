/* A chart as data: what is drawn, before it is known with what. The terminal draws it in braille, files get
 * it as SVG (formats.h). It knows no format and no result.
 *
 * A chart belongs to a document (document_chart()), which owns all that it points to. Texts are UTF-8 and may
 * be hostile: who draws them cleans or escapes them. */
#ifndef VCOST_REPORT_CHART_H
#define VCOST_REPORT_CHART_H

#include "base/unit.h"

#include <stdbool.h>
#include <stddef.h>

struct document;

enum chart_kind {
    CHART_LINES, /* series of points over a numeric x axis, joined by lines */
    CHART_BARS,  /* one line of the picture for each of chart.categories; a point's x is the category's index
                  */
    CHART_MAP,  /* what is where over time: a row for each of chart.categories (a name begins a group, "" goes
                   on  in it); a point covers [x, high) of row y, as dark as its low end (0 to 1), and its mark
                   is  told of it */
    CHART_STEPS /* boxes on a grid, from the left top: a point's x and y are column and row, its mark is the
                   text (lines end in \n), and its low end the number by which one follows another */
};

enum chart_scale {
    SCALE_LINEAR,
    SCALE_LOG /* powers of ten */,
    SCALE_LOG2 /* powers of two: sizes, counts */
};

struct chart_axis {
    const char *label; /* "working set", "ns per access" */
    enum unit unit; /* how its ticks are written; UNIT_CHANGE: values are ratios, the axis shows per cent */
    enum chart_scale scale;
    double least; /* linear: the shortest range that is shown (in the values' unit: 0.02 for 2 % of a change),
                     so that noise does not fill the picture; 0: any */
};

struct chart_point {
    double x, y;      /* y NAN: not known, the line is broken there */
    double low, high; /* the interval, NAN: none. Very long ones may be cut at the edge, visibly */
    const char *mark; /* what is to be seen beside it: "noisy"; NULL: nothing */
};

struct chart_series {
    const char *name; /* in the legend */
    bool baseline;    /* the one that others are compared with: drawn neutral */
    bool modelled;    /* not measured: drawn dashed */
    bool fine;        /* so many points that the line alone is drawn */
    struct chart_point *points;
    size_t count;
};

/* Something along the x axis. Phases belong to what the axis shows; every second one is tinted. */
enum chart_mark_kind { MARK_MEASURED, MARK_REPORTED /* by CPUID */, MARK_PHASE, MARK_STOP /* a short one */ };
struct chart_mark {
    double from, to; /* x; the same: a line, else a band */
    const char *label;
    enum chart_mark_kind kind;
};

struct chart {
    const char *name, *title; /* name: [a-z0-9-], stable ("slowdown"); title: for people */
    enum chart_kind kind;
    struct chart_axis x, y; /* CHART_BARS: y is the axis of the values all the same, x is not used */
    struct chart_series *series;
    size_t series_count, series_room;
    struct chart_mark *marks;
    size_t mark_count, mark_room;
    const char **categories; /* CHART_BARS: names, top to bottom */
    size_t category_count;
    bool stacked; /* CHART_LINES: each series stands on the one before it: its points lie where it ends, their
                     intervals are what it is high */
    double rule;  /* a horizontal line at this y: "no difference"; NAN: none */
    const char *caption; /* what the reader should know to read it, a sentence; NULL: nothing */
    const char *stamp;   /* written across the picture: why it must not be trusted as it is ("incomplete:
                            stopped by the user", "too disturbed to tell"); NULL: nothing */
};

/* Appends a series of `count` points, each NAN; NULL without memory (the document remembers). */
struct chart_series *chart_series(
    struct document *document, struct chart *chart, const char *name, size_t count);

/* Marks stay in the order of where they start. */
void chart_mark(struct document *document, struct chart *chart, enum chart_mark_kind kind, double from,
    double to, const char *label);

/* ---- for who draws it ---- */

struct span {
    double low, high;
};

/* The next point of a series that has a place, after `point` (NULL: the first one): its numbers are known, of
 * a size that can be divided by dots and pixels, and what the scales can show. NULL: there is none. */
const struct chart_point *chart_next(
    const struct chart *chart, const struct chart_series *series, const struct chart_point *point);

/* Whether a point and its interval have a place. */
bool chart_has_interval(const struct chart *chart, const struct chart_point *point);

/* The ranges of the points that have a place. That of y holds the rule, what bars start at and, if they are
 * asked for, intervals where they are not so much longer than usual that the rest could not be told apart.
 * False if there is none. */
bool chart_ranges(const struct chart *chart, bool intervals, struct span *x, struct span *y);

/* Where a bar starts: at what is neither more nor less; on a logarithmic axis of that range, at its low end.
 */
double chart_bar_start(const struct chart *chart, struct span range);

enum { AXIS_TICKS_MAX = 32 };

struct axis {
    const struct chart_axis *of; /* which must outlive it */
    struct span range;           /* what it shows: a linear one a little more than the values, and at least
                                    of->least; a logarithmic one a little more; that of sizes these alone */
    double ticks[AXIS_TICKS_MAX];
    size_t tick_count; /* ascending, all inside range */
};

/* The axis for these values, with about `wanted` ticks (a logarithmic one: at most so many, unless these
 * would be less than three): round numbers (of UNIT_CHANGE round per cent), 1-2-5 steps, powers of two. */
void axis_make(const struct chart_axis *of, struct span values, unsigned wanted, struct axis *axis);

/* Where a value stands: 0 at the lower end of the axis, 1 at the upper one, and further outside. In the
 * middle where the axis shows a single value; NAN for what a logarithm does not have. */
double axis_place(const struct axis *axis, double value);

#endif
