/* How a report for people is written, decided once by the command line and obeyed by every writer (nothing in
 * report/ looks at the terminal, the locale or the environment for it); and text laid out in columns. */
#ifndef VCOST_REPORT_TEXT_H
#define VCOST_REPORT_TEXT_H

#include "base/clean.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct report_style {
    bool color; /* terminal colours (ECMA-48 SGR sequences) may be used */
    bool utf8;  /* the reader's codeset is UTF-8; otherwise only ASCII is written */
    unsigned
        columns;  /* width to stay within; 0: no limit. Charts need 40 and take 80 where there is no limit */
    bool verbose; /* of every finding how it was found and how sure it is */
};

enum { STYLE_COLUMNS_USUAL = 80 };

/* What text is written in. */
enum ink { INK_PLAIN, INK_HEADING, INK_FAINT, INK_WARNING, INK_SLOWER, INK_FASTER, INK_KINDS };

/* The sequences that switch an ink on and every ink off: "" without colour. Never to be freed. */
const char *style_on(const struct report_style *style, enum ink ink);
const char *style_off(const struct report_style *style, enum ink ink);

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
