/* Text laid out in columns. */
#ifndef VCOST_REPORT_TEXT_H
#define VCOST_REPORT_TEXT_H

#include "base/clean.h"
#include "base/pool.h"
#include "report/style.h"

#include <stddef.h>
#include <stdio.h>

/* Text cleaned for the reader's codeset, in the pool. NULL is "". */
char *text_cleaned(struct pool *pool, const char *text, const struct report_style *style);

/* Bytes of the next line of clean text within `columns` (at least 1), broken at a blank where there is one; a
 * number is not parted from its unit. Blanks that follow belong to no line. */
size_t text_line(const char *clean, size_t columns);

/* Cuts clean text to `columns` in place, with "…" or ".." as its end if something was cut. */
void text_cut(char *clean, size_t columns, const struct report_style *style);

/* Writes clean text as a paragraph within `columns` (0: no limit): `first` in front of its first line, as
 * many blanks in front of the others. A word longer than a line is broken. */
void text_wrap(FILE *stream, const char *first, const char *clean, unsigned columns);

#endif
