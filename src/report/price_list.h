/* The cells of `vcost events` arranged as a price list: one row an event (and size) and guest. */
#ifndef VCOST_REPORT_PRICE_LIST_H
#define VCOST_REPORT_PRICE_LIST_H

#include "event/event_kind.h"
#include "report/view_parts.h"
#include "result/result.h"

/* What is known of a row, among it the tables that it stands in. */
enum price_flags {
    PRICE_COSTS_MORE = 1, /* than native */
    PRICE_COSTS_LESS = 2,
    PRICE_COMPARED = 4, /* both can do it, and the difference has an interval. Otherwise what costs more
                     cannot be done natively: all of its time is cost */
    PRICE_MEASURED = 8,
    PRICE_IN_GUEST = 16,
    PRICE_STAYS_INSIDE = 32, /* so few exits, preparation included, that it hardly ever leaves the guest */
    PRICE_IN_OVER_NATIVE = 64,
    PRICE_IN_AS_NATIVE = 128,
    PRICE_IN_OVER_EVENT = 256,
    PRICE_IN_ALONE = 512,
    PRICE_LEADS = 1024 /* it costs more, and that is its own price, not an emulator's */
};

struct price {
    const char *event;         /* its name: "retouch-lines" */
    const char *name;          /* of the row: "retouch-lines/64K", "cpuid (paravirt)" */
    uint64_t bytes;            /* its size */
    const struct event *known; /* NULL: an event that this build does not know; the file tells of it */
    const struct result_cell *native, *guest; /* NULL: there is no such cell */
    const struct result_cell *cell; /* that the row is about: the guest's if it has a figure, else native's if
                                       that has; NULL */
    bool elsewhere;                 /* the guest is another machine, which may be a guest or not */
    const char *who, *where;        /* the guest as people read it; "there", "in the guest" */
    double exits;                   /* from the guest to its monitor for each event; NAN: not known */
    struct price_extra {
        const struct result_comparison *against; /* NULL: none, or what native cannot do at all */
        double ns, low, high;                    /* NAN: not known */
        const char *doubt;                       /* why not, though both were measured; NULL */
    } over[2];
    unsigned flags;
};
enum price_over { OVER_NATIVE, OVER_EVENT }; /* what it costs more than */

struct price_list {
    struct price *rows;
    size_t count;
    const char *guest; /* the monitor of all guests, or what another machine is called; "guest", "there":
                          there are several; NULL: none */
    bool elsewhere;    /* a guest is another machine */
    bool several;      /* guests: then it is told which one a figure is of */
};

/* A row for each guest of an event; native's cell stands in all of them. Without memory, which the pool
 * remembers, it is empty. */
struct price_list price_list_of(const struct result *result, struct pool *pool);

/* Descending, what is not known last: by what it costs over native or over another event, then by the time
 * itself; and the same list whatever the order of cells. */
void price_sort(struct price_list *prices, enum price_over over);

/* Whether a cell (NULL: there is none) has a figure to show. */
bool price_is_shown(const struct result_cell *cell);

/* The next row that has all these flags; the first one after NULL. */
const struct price *price_next(const struct price_list *prices, const struct price *price, unsigned flags);

/* The first row of an event if it has all of these flags; NULL: there is none. */
const struct price *price_find(const struct price_list *prices, const char *event, unsigned flags);
size_t price_count(const struct price_list *prices, unsigned flags);

/* What those that both can do, and that have this flag (PRICE_COMPARED or PRICE_STAYS_INSIDE), say together;
 * the largest significant slowdown. */
struct ratios price_ratios(const struct price_list *prices, unsigned flag, double *most);

/* The event that a comparison's baseline is, if it is another one; NULL. */
const char *price_other_event(const struct result *result, const struct result_comparison *comparison);

#endif
