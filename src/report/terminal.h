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

/* What it starts with: what was measured on, and an empty line. */
void terminal_headline(const struct result *result, FILE *stream, const struct report_style *style);

#endif
