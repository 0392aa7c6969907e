/* Two plots for a terminal: the slowdown over native in per cent with its interval, and the latencies (log
 * y), both over the working set (log2 x). Never wider than style_plot_columns(); block and braille characters
 * where the reader has UTF-8, ASCII otherwise. */
#ifndef VCOST_REPORT_PLOT_H
#define VCOST_REPORT_PLOT_H

#include "base/error.h"
#include "report/curves.h"
#include "report/style.h"

#include <stdio.h>

/* Writes the slowdown, nothing if nothing is compared. Errors of the stream are left to its owner. */
int plot_slowdown(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error);

/* Writes the latencies, nothing if nothing was measured. */
int plot_latency(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error);

#endif
