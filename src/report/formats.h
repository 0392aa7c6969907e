/* The writers of the formats, one a file to_*.c; formats.c has them in a table. */
#ifndef VCOST_REPORT_FORMATS_H
#define VCOST_REPORT_FORMATS_H

#include "report/document.h"

/* Within style->columns, in the reader's codeset, with colours if told; details only with style->verbose. */
format_writer to_terminal;

/* GitHub's Markdown: all details, no charts; of the style nothing matters. */
format_writer to_markdown;

/* RFC 4180: the tables for files if there are any, else those for people; of the style nothing matters. */
format_writer to_csv;

/* One self-contained page for people, which brings its style, its script and the result's JSON; of the style
 * nothing matters. */
format_writer to_html;

/* All charts in one picture; -ENODATA if there are none. A PNG is made of it by rsvg-convert: to_png_check()
 * says whether there is one (-ENOTSUP if not). On failure nothing was written. */
format_writer to_svg, to_png;
int to_png_check(struct error *error);

#endif
