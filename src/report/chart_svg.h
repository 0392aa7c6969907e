/* A chart as SVG: a part of a page, or of a picture of its own (to_svg.c). What it looks like is said by
 * classes, which chart.css explains; there is no reference to anything outside, and no style attribute, which
 * a page's Content-Security-Policy would refuse. Its title and caption are left to what is around it. */
#ifndef VCOST_REPORT_CHART_SVG_H
#define VCOST_REPORT_CHART_SVG_H

#include "report/chart.h"

#include <stdio.h>

enum { CHART_SVG_WIDTH = 800 };

/* Writes the element <svg>, with the values on hover and a text for those who do not see it. `number` is the
 * chart's in its file: ids are made of it. `top` is where it starts in a picture (0 in a page). `stamp` is
 * written across it where it has none of its own (NULL: nothing). Returns where it ends. */
double chart_svg(const struct chart *chart, size_t number, double top, const char *stamp, FILE *stream);

/* Writes text as lines of an SVG of at most `columns` characters, from y downwards; returns where it ends. */
double chart_svg_lines(
    FILE *stream, const char *text, const char *class, double x, double y, unsigned columns);

#endif
