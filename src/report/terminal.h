/* The whole report for a terminal: what was measured on, the tables, the plots, the summary. */
#ifndef VCOST_REPORT_TERMINAL_H
#define VCOST_REPORT_TERMINAL_H

#include "base/error.h"
#include "result/result.h"
#include "report/style.h"

#include <stdio.h>

/* Errors of the stream are left to its owner (output_commit). */
int terminal_write(
    const struct result *result, FILE *stream, const struct report_style *style, struct error *error);

/* Whether an experiment is told by a document (events, inspect), and its document in a format. */
bool terminal_is_viewed(const struct result *result);
int terminal_view(const struct result *result, const char *format, FILE *stream,
    const struct report_style *style, struct error *error);

#endif
