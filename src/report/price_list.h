/* The cells of the experiment "events" arranged as a price list: one row an event (and size). */
#ifndef VCOST_REPORT_PRICE_LIST_H
#define VCOST_REPORT_PRICE_LIST_H

#include "base/pool.h"
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
    const char *event;         /* its name: "retouch-lines" */
    const char *name;          /* of the row: "retouch-lines/64K", "cpuid (paravirt)" */
    const struct event *known; /* NULL: an event that this build does not know; the file tells of it */
    const struct result_cell *native, *guest; /* NULL: there is no such cell */
    const struct result_cell *cell; /* that the row is about: the guest's if it has a figure, else native's if
                                       that has; NULL */
    const char *unit;               /* what one of it is: "exit", "page"; "event" where nobody says */
    double exits;                   /* from the guest to its monitor for each event; NAN: not known */
    struct price_extra over[PRICE_OVERS];
};

struct price_list {
    struct price *rows;
    size_t count;
    const char *guest; /* the monitor of all guests; "guest": there are several, or none */
    size_t guests;     /* rows that have a guest's cell */
};

/* Arranges a result's cells. What is made for it lives in the pool, which remembers a lack of memory: then
 * the list is empty. The result has to outlive it. */
struct price_list price_list_of(const struct result *result, struct pool *pool);

/* The most expensive first: by extra time, then (without one) by the time itself. */
void price_list_sort(struct price_list *prices, enum price_over over);

/* The first row of an event; NULL if there is none. */
const struct price *price_list_find(const struct price_list *prices, const char *event);

#endif
