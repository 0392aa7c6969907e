/* Tables on a terminal: all widths are computed here. */
#ifndef VCOST_REPORT_TABLE_TERMINAL_H
#define VCOST_REPORT_TABLE_TERMINAL_H

#include "report/document.h"

/* Writes a table of the document, of at least one row, without an empty line at its end: numbers to the right
 * with their marks beside them, texts to the left, each interval with its ends below each other; tables
 * without heads that have the same columns are aligned with each other. Where style->columns does not
 * suffice, columns that can be spared go, blocks follow in tables below, texts are wrapped inside of their
 * columns, gaps become smaller, intervals go and words are broken, in this order. Details only with
 * style->verbose; *left_out counts the others. The pool is for what is needed meanwhile; where it fails what
 * is written is incomplete. */
void table_terminal(const struct document *document, const struct table *table, FILE *stream,
    const struct report_style *style, struct pool *pool, size_t *left_out);

#endif
