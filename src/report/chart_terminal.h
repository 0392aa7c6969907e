/* Charts on a terminal: lines in braille dots, bars of blocks; ASCII where the reader has no UTF-8. As
 * wide as the style says, but 40 columns at least, and 80 where there is no limit. */
#ifndef VCOST_REPORT_CHART_TERMINAL_H
#define VCOST_REPORT_CHART_TERMINAL_H

#include "base/pool.h"
#include "report/chart.h"
#include "report/style.h"

#include <stdio.h>

/* Whether there is anything to draw. */
bool chart_terminal_has(const struct chart *chart);

/* Draws a chart that has something, with its title, legend and caption, without an empty line at its end;
 * `stamp` stands across it where it has none of its own (NULL: nothing). Of many series the first eight are
 * drawn. The pool is for what is needed meanwhile; where it fails the picture is incomplete. */
void chart_terminal(const struct chart *chart, const char *stamp, FILE *stream,
    const struct report_style *style, struct pool *pool);

#endif
