/* A chart as SVG: a part of a page, or of a picture of its own (to_svg.c). What it looks like is said by
 * classes, which chart.css explains; there is no reference to anything outside, and no style attribute, which
 * a page's Content-Security-Policy would refuse. */
#ifndef VCOST_REPORT_CHART_SVG_H
#define VCOST_REPORT_CHART_SVG_H

#include "report/chart.h"

#include <stdio.h>

enum { CHART_SVG_WIDTH = 800 };

struct chart_place {
    unsigned number;   /* of the chart in its file: ids are made of it */
    double top;        /* where it starts in a picture; 0 in a page */
    bool alone;        /* nothing around it tells its title and caption: they are drawn */
    const char *stamp; /* written across it where the chart has none of its own; NULL: nothing */
};

/* How much room a chart takes, in units of which it is CHART_SVG_WIDTH wide. */
double chart_svg_height(const struct chart *chart, const struct chart_place *place);

/* Writes the element <svg>, with the values on hover and a text for those who do not see it. */
void chart_svg(const struct chart *chart, const struct chart_place *place, FILE *stream);

/* Writes text as lines of an SVG of at most `columns` characters, from y downwards; returns where it ends. */
double chart_svg_lines(
    FILE *stream, const char *text, const char *class, double x, double y, unsigned columns);

#endif
