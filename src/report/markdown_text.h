/* Pieces of GitHub's Markdown. */
#ifndef VCOST_REPORT_MARKDOWN_TEXT_H
#define VCOST_REPORT_MARKDOWN_TEXT_H

#include "report/style.h"

#include <stddef.h>
#include <stdio.h>

/* What is written inside of it: no colour, no width. */
extern const struct report_style markdown_style;

/* Writes text, cleaned, so that nothing in it has a meaning to Markdown or HTML. */
void markdown_text(FILE *stream, const char *text);

/* Writes a row of a table; `cells` are texts as above. */
void markdown_row(FILE *stream, const char *const *cells, size_t count);

/* Writes the line below a table's head: the first column to the left, the others to the right. */
void markdown_rule(FILE *stream, size_t count);

/* Writes a list with an item for each line of `text`, which is taken apart. */
void markdown_items(FILE *stream, char *text);

#endif
