/* The tables and the chart of `vcost events`. */
#ifndef VCOST_REPORT_VIEW_EVENTS_H
#define VCOST_REPORT_VIEW_EVENTS_H

#include "report/price_list.h"

/* What costs more or less than native; what does not; what is relative to another event; and what stands
 * alone: each is a table if it has rows. The list is sorted anew. */
void prices_add_tables(const struct result *result, struct price_list *prices, struct document *doc);

/* The most expensive operations as bars. */
void prices_add_bars(const struct price_list *prices, struct document *doc);

/* Why figures are missing or not to be compared, and what there is to say of those that are not. */
void prices_add_notes(const struct price_list *prices, struct document *doc);

#endif
