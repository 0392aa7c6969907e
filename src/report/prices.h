/* The cells of the experiment "events" arranged as a price list: one row an event (and size). The one view
 * that the terminal, Markdown and the sentences share. */
#ifndef VCOST_REPORT_PRICES_H
#define VCOST_REPORT_PRICES_H

#include "event/event.h"
#include "result/result.h"

#include <stdbool.h>
#include <stddef.h>

/* What an event costs more than something else. */
enum price_over { OVER_NATIVE, OVER_EVENT, PRICE_OVERS };

struct price_extra {
    const struct result_comparison *against; /* NULL: there is none; what native cannot do at all costs a
                                                guest its whole time over native */
    double ns, low, high;                    /* NAN: not known */
};

struct price {
    const struct event *event;
    char name[64];                            /* "cpuid", "retouch-lines/64K" */
    const struct result_cell *native, *guest; /* NULL: there is no such cell */
    struct price_extra over[PRICE_OVERS];
};

struct prices {
    struct price *rows;
    size_t count;
    const struct result_cell *guest; /* any cell of it: what it is called; NULL: no guest took part */
};

/* Arranges a result's cells. The result has to outlive *prices. -ENOMEM is the only error. */
int prices_from_result(const struct result *result, struct prices *prices, struct error *error);
void prices_free(struct prices *prices);

/* Puts the dearest first: by extra time, then (without one) by the time itself. */
void prices_sort(struct prices *prices, enum price_over over);

/* The cell that the row is about: the guest's if it has a figure, else native's; NULL if neither has. */
const struct result_cell *price_cell(const struct price *price);

#endif
