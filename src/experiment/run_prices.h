/* What single operations cost a program more in a domain than natively: a program of vcost's (guest/prices/)
 * makes each a known number of times on both sides, in turns with what is measured, so that a price is of the
 * same minutes as what it explains. Medians over batches, in wall clock and in CPU time. */
#ifndef VCOST_EXPERIMENT_RUN_PRICES_H
#define VCOST_EXPERIMENT_RUN_PRICES_H

#include "base/stop.h"
#include "program/guest.h"
#include "program/run.h"

enum run_side { RUN_NATIVE, RUN_GUEST, RUN_SIDES };

enum run_price {
    PRICE_DOMAIN,      /* a domain for a program, made and ended */
    PRICE_CALL,        /* a system call, from the guest to the host and back */
    PRICE_LOOK,        /* what a pointer of it points to, read or written for it by the monitor */
    PRICE_ANSWER,      /* one that the guest answers itself */
    PRICE_YIELD,       /* sched_yield natively, while it is counted, below zero: it is not made in a domain */
    PRICE_FRESH_PAGE,  /* the first touch of a page that the host does not have */
    PRICE_KNOWN_FAULT, /* a page fault of the guest on what the host has, */
    PRICE_KNOWN_PAGE,  /* and each page that it brings to the guest, since the monitor brings neighbours */
    PRICE_PROCESS_FAULT, /* a page that the host's process has not seen: the native price of a fault */
    PRICE_HANDLED_FAULT, /* a page fault that the guest's own kernel handles, without what follows of it */
    PRICE_SIGNAL,        /* a handler called, without the system calls that raise it and return from it */
    PRICE_FAULT,         /* an exception that leaves the guest */
    PRICE_FORK,          /* without the system calls that make a child and wait for it */
    PRICE_FORK_PAGE,     /* and each page that the parent has for itself */
    PRICE_VFORK,         /* as PRICE_FORK */
    PRICE_THREAD,        /* likewise */
    PRICES
};

/* More than natively; NAN: for `reason`. */
struct price {
    double cpu_ns, wall_ns;
    const char *reason; /* NULL: it is known; belongs to struct run_prices */
};

struct run_prices;
enum { RUN_PRICES_ROUNDS = 12 }; /* that it can keep; later ones are not made */

/* So many pairs of runs follow on each round of prices. */
static inline size_t run_prices_every(size_t pairs)
{
    return pairs / RUN_PRICES_ROUNDS + 1;
}

/* memory: how domains have it whose operations are priced. */
int run_prices_open(struct guest_start *start, const struct tally_memory *memory, struct run_prices **prices,
    struct error *error);
void run_prices_close(struct run_prices *prices); /* NULL is allowed */

/* Once more each operation, on both sides. What cannot be done in a domain here is a price's reason, and no
 * error; -EINTR: stopped. */
int run_prices_sample(struct run_prices *prices, const struct conditions *conditions, const struct stop *stop,
    struct error *error);

/* What else the runs of known operations tell, all rounds together; NAN: not known. */
struct run_rates {
    /* Page faults on the host that are more than natively for a domain alone, and for each of these. */
    double domain_faults, fork_faults, vfork_faults, thread_faults;
    double exits_per_call;   /* of the monitor's own count: the way of a system call may be several, a whole
                                number */
    double exits_per_answer; /* likewise, of one that the guest answers itself: not to its thread */
};

/* What was found until now: by all rounds, and by each alone, which says how sure the former is. */
struct run_priced {
    struct price prices[PRICES];
    struct run_rates rates;
    size_t rounds;
    struct price by_round[RUN_PRICES_ROUNDS][PRICES];
};
void run_prices_tell(const struct run_prices *prices, double ticks_per_ns, struct run_priced *priced);

#endif
