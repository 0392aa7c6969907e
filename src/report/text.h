/* Text from outside (the command line, CPUID, /sys, reasons) made fit for a reader, and text laid out in
 * columns.
 *
 * A terminal must not get a control sequence out of a CPU's brand string, a JSON file no invalid UTF-8. */
#ifndef VCOST_REPORT_TEXT_H
#define VCOST_REPORT_TEXT_H

#include "report/style.h"

#include <stddef.h>
#include <stdio.h>

enum text_flags {
    TEXT_UTF8 = 0,
    TEXT_ASCII = 1,        /* other characters become their usual spelling (... u x) or '?' */
    TEXT_KEEP_CONTROLS = 2 /* control characters stay (JSON escapes them); otherwise each becomes a blank */
};

/* Copies `in` to out[size], cut at a whole character. Invalid UTF-8 becomes U+FFFD or '?'. The result is
 * never more than three times as long as `in`. */
void text_clean(const char *in, unsigned flags, char *out, size_t size);

/* Columns that clean text takes on a terminal: one for each character (nothing here writes wide ones). */
size_t text_columns(const char *clean);

/* Cuts clean text to `columns` in place, with "…" or ".." as its end if something was cut. */
void text_cut(char *clean, size_t columns, const struct report_style *style);

/* Writes text as a paragraph within style->columns, cleaned: `first` in front of its first line, as many
 * blanks in front of the others. A word longer than a line is broken. */
void text_paragraph(FILE *stream, const char *first, const char *text, const struct report_style *style);

#endif
