/* Text laid out in columns. */
#ifndef VCOST_REPORT_TEXT_H
#define VCOST_REPORT_TEXT_H

#include "base/clean.h"
#include "report/style.h"

#include <stddef.h>
#include <stdio.h>

/* Cuts clean text to `columns` in place, with "…" or ".." as its end if something was cut. */
void text_cut(char *clean, size_t columns, const struct report_style *style);

/* Writes text as a paragraph within style->columns, cleaned: `first` in front of its first line, as many
 * blanks in front of the others. A word longer than a line is broken. */
void text_paragraph(FILE *stream, const char *first, const char *text, const struct report_style *style);

#endif
