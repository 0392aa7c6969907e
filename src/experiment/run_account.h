/* What a program's time in a domain is more than natively for: what was counted while it ran, times what each
 * costs here (run_prices.h), and what is left. */
#ifndef VCOST_EXPERIMENT_RUN_ACCOUNT_H
#define VCOST_EXPERIMENT_RUN_ACCOUNT_H

#include "experiment/run_prices.h"
#include "measure/statistics.h"
#include "result/result.h"

/* What page walks take longer than natively. */
struct run_translation {
    bool known;
    struct estimate cpu, wall; /* ns a run; NAN: not told */
    const char *reason;        /* why it is not known, where there is more to say than usually; NULL */
};

/* Of the timed runs of a program. */
struct run_seen {
    double counts[CAUSES]; /* sums over runs in a domain, but of what is made of the next; NAN: not told */
    double native_yields;  /* a run: calls of sched_yield natively; NAN: not counted */
    double monitor_faults, monitor_exits, monitor_pages, exits, faults[RUN_SIDES]; /* likewise */
    /* One a pair of runs, owned, in their order until run_account_make() sorts them. */
    double *more_cpu_ns, *more_wall_ns; /* guest less native */
    double *native_cpu_ns;
    double *memory_ns;            /* of CAUSE_MEMORY, beside the host's own calls */
    double *more_kept_ns;         /* of CAUSE_WAITING, guest less native */
    double *steady_ns[RUN_SIDES]; /* of what the program marked; NAN: nothing */
    double *steady_cpu_ns[RUN_SIDES];
    struct run_translation translation; /* zeroed: nobody has looked */
    size_t pairs, room;
    size_t every; /* so many pairs follow on each round of prices */
};

/* Makes room for so many pairs of runs. */
int run_seen_open(struct run_seen *seen, size_t pairs, struct error *error);
void run_seen_close(struct run_seen *seen);

/* Adds a pair of runs that has just ended; the tally is that of the one in a domain. */
void run_seen_add(
    struct run_seen *seen, const struct run_end ends[static RUN_SIDES], const struct tally *tally);

/* -ENOMEM is the only error; reasons are copied to the pool. */
int run_account_make(struct run_seen *seen, const struct run_priced *priced, enum technique technique,
    struct pool *pool, struct ran_account *account, struct error *error);

/* Sets seen->translation from runs with larger pages on both sides, in turns with these, before either's
 * account is made, which sorts what was seen (run_translation.c). */
void run_seen_translate(struct run_seen *seen, const struct run_seen *large);

/* How long the steady state took that a program marked in each run, if it did. */
void run_seen_steady(struct run_seen *seen, struct ran_steady *steady);

#endif
