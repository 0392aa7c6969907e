/* The cells of the experiment "events" arranged as a price list: one row an event (and size), the dearest
 * first. The one view that the terminal, Markdown and the sentences share. */
#ifndef VCOST_REPORT_PRICES_H
#define VCOST_REPORT_PRICES_H

#include "event/event.h"
#include "report/result.h"

#include <stdbool.h>
#include <stddef.h>

struct price {
    const struct event *event;
    char name[64];                            /* "cpuid", "retouch-lines 64 KiB" */
    const struct result_cell *native, *guest; /* of the event; NULL: there is no such cell */
    const struct result_comparison *against;  /* that the extra time is made of; NULL: none */
    const struct result_cell *baseline;       /* what `against` compares with; NULL */
    double extra, low, high; /* ns over native, or over `baseline`, or, where there is nothing to compare
                                with, the guest's time itself; NAN: only native was measured, or nothing */
};

struct prices {
    struct price *rows;
    size_t count;
    const char *guest_label; /* "kvm (shadow, PVM)"; NULL: no guest took part */
};

/* Arranges a result's cells by extra time, then (without one) by native's time. The result has to outlive
 * *prices. -ENOMEM is the only error. */
int prices_from_result(const struct result *result, struct prices *prices, struct error *error);
void prices_free(struct prices *prices);

/* Whether there is a figure at all, and whether the extra time is over another event rather than over native.
 */
bool price_measured(const struct price *price);

/* The cell that the row is about: the guest's if it has a figure, else native's; NULL if neither has. */
const struct result_cell *price_cell(const struct price *price);
bool price_over_event(const struct price *price);

#endif
