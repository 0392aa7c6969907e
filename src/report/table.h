/* The chase as a table for a terminal: one line for each working set, for each runner its time and, where
 * there is a baseline, the slowdown with its interval. One table for each shape of chase; runners that do not
 * fit the width follow in a table below. Cells that are noisy, interrupted or missing are marked, and the
 * reasons told beneath. */
#ifndef VCOST_REPORT_TABLE_H
#define VCOST_REPORT_TABLE_H

#include "base/error.h"
#include "report/curves.h"
#include "report/style.h"

#include <stdio.h>

/* Errors of the stream are left to its owner. */
int table_write(const struct result *result, const struct curves *curves, FILE *stream,
    const struct report_style *style, struct error *error);

#endif
