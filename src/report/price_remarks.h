/* What is to be said about the rows of a price list: notes, and why figures are missing. */
#ifndef VCOST_REPORT_PRICE_REMARKS_H
#define VCOST_REPORT_PRICE_REMARKS_H

#include "report/prices.h"
#include "report/style.h"

#include <stdio.h>

void price_remarks_write(const struct prices *prices, FILE *stream, const struct report_style *style);

#endif
