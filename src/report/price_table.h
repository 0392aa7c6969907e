/* The price list as tables: what costs more than native, what was only measured natively, and what could not
 * be measured and why. */
#ifndef VCOST_REPORT_PRICE_TABLE_H
#define VCOST_REPORT_PRICE_TABLE_H

#include "base/error.h"
#include "report/prices.h"
#include "report/style.h"

#include <stdio.h>

/* Leaves the rows sorted by what they cost over native. */
int price_table_write(
    struct prices *prices, FILE *stream, const struct report_style *style, struct error *error);

/* The same as Markdown. */
int price_markdown_write(struct prices *prices, FILE *stream, struct error *error);

#endif
