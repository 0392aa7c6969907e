/* The curves that tell of a TLB and of the pages below: as many lines packed side by side, scattered, and one
 * in each page, behind small and behind large pages. A small table; all of it is in the cells. */
#ifndef VCOST_REPORT_FINDINGS_LINES_H
#define VCOST_REPORT_FINDINGS_LINES_H

#include "base/error.h"
#include "result/result.h"
#include "report/style.h"

#include <stdint.h>
#include <stdio.h>

enum { LINES_ROWS_MAX = 14, LINES_COLUMNS_MAX = 4 };

/* One line each for so many lines of memory; the last measured one is always there. */
struct lines_table {
    const char *heads[LINES_COLUMNS_MAX];
    size_t columns; /* those in which something was measured */
    size_t rows;    /* 0: no line-per-page was measured natively */
    uint64_t lines[LINES_ROWS_MAX];
    double ns[LINES_ROWS_MAX][LINES_COLUMNS_MAX]; /* NAN: not measured */
};

extern const char lines_title[];

/* -ENOMEM is the only error. */
int lines_table_make(const struct result *result, struct lines_table *table, struct error *error);

/* For a terminal, with an empty line behind; nothing where there are no rows. */
int findings_lines_write(
    const struct result *result, FILE *stream, const struct report_style *style, struct error *error);

#endif
