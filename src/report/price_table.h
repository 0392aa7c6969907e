/* The price list as tables: what costs more than native, what was only measured natively, and what could not
 * be measured and why. */
#ifndef VCOST_REPORT_PRICE_TABLE_H
#define VCOST_REPORT_PRICE_TABLE_H

#include "base/error.h"
#include "report/prices.h"
#include "report/style.h"

#include <stdio.h>

int price_table_write(const struct result *result, const struct prices *prices, FILE *stream,
    const struct report_style *style, struct error *error);

/* The same as Markdown. */
int price_markdown_write(const struct prices *prices, FILE *stream, struct error *error);

#endif
