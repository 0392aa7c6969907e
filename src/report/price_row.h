/* The columns of a price list, for whatever writes them. */
#ifndef VCOST_REPORT_PRICE_ROW_H
#define VCOST_REPORT_PRICE_ROW_H

#include "report/prices.h"
#include "report/style.h"

enum price_column {
    PRICE_EVENT,
    PRICE_UNIT,
    PRICE_BASELINE, /* the event that it is held against */
    PRICE_NATIVE,
    PRICE_GUEST,
    PRICE_EXTRA,
    PRICE_INTERVAL,
    PRICE_EXITS,
    PRICE_MARKS,
    PRICE_COLUMNS
};

enum { PRICE_TEXT_BYTES = 64 };

/* What stands over a column in a table of what costs over `over`; the guest's is its runner's name. */
void price_head(enum price_column column, enum price_over over, const struct prices *prices,
    char text[static PRICE_TEXT_BYTES]);

/* What stands in it: "-" where there is no figure. */
void price_text(enum price_column column, enum price_over over, const struct price *price,
    const struct report_style *style, char text[static PRICE_TEXT_BYTES]);

#endif
