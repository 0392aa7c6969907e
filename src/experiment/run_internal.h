/* What the files of `vcost run`'s experiment share. */
#ifndef VCOST_EXPERIMENT_RUN_INTERNAL_H
#define VCOST_EXPERIMENT_RUN_INTERNAL_H

#include "experiment/run.h"
#include "experiment/run_account.h"
#include "program/left.h"
#include "program/looks.h"

/* What is figured out besides wall clock time, of each arm: one value a run. Kept: how long its first thread
 * could have run and others did. */
enum { USER, SYSTEM, PEAK, FAULTS, KEPT, METRICS };

/* One way in which a program is run, and what came of it: a cell of the result, at the same place. Those in a
 * domain follow the native one that they are held against. */
struct run_arm {
    const char *const *words, *name;
    const char **guest_words; /* how it is started in a domain; NULL: natively */
    size_t native;            /* the arm that it is held against; itself: it is native */
    uint64_t guest_page, host_page;
    bool later; /* the guest's kernel fills its tables, at the first touch */
    struct conditions conditions;
    bool failed;                 /* the domain cannot run it, as its cell says */
    struct run_left first, left; /* by the first run of a native one; by the last */
    struct run_end end;          /* of the last */
    struct looks looks;          /* of the last that was looked at */
    bool counts_yields;          /* the kernel counts them meanwhile, which takes time */
    double yields;               /* of runs that counted them; NAN: it did not */
    unsigned yields_counted;     /* these runs */
    struct left leaves;          /* processes, the last one; they are ended */
    double *values[METRICS];     /* of the timed runs */
    size_t count;
    /* Of one in a domain: */
    struct run_prices *prices; /* of the first arm in a domain with the same pages */
    bool owns_prices;
    struct run_seen seen;
    struct tally counted; /* of the last run */
};

struct running {
    const struct run_plan *plan;
    const struct setting *setting;
    const struct progress *progress;
    struct result *result;
    struct guest_start start;
    struct run_arm *arms; /* owned; with room for all */
    size_t arm_count;
    double began;
    unsigned done, all;
};

static inline bool run_is_guest(const struct run_arm *arm)
{
    return arm->guest_words;
}

/* ---- run_arms.c ---- */

/* What runs where, and a cell for each. */
int run_arms_make(struct running *running, struct error *error);
void run_arms_end(struct running *running);

/* Where programs and commands run: on all CPUs that vcost itself was given. */
struct conditions run_conditions(const struct running *running);

/* ---- run_once.c ---- */

/* Runs the program once, with what the user wants before and after it; arm->end, left and, of a run in a
 * domain, counted tell of it then. With a look, what pages it has is counted, which takes time. */
int run_once(struct running *running, struct run_arm *arm, bool look, struct error *error);

/* ---- run_same.c ---- */

/* Runs each arm untimed: does it end as it should, do the same, have the pages that were asked for?
 * -ECANCELED if it does not natively. */
int run_try(struct running *running, struct error *error);

/* After another run: what it did then, in a domain, counts, too. False: it is none to be timed. */
bool run_still_goes(struct running *running, size_t arm);

/* ---- run_pages.c ---- */

/* What pages the run had that was looked at. */
void run_pages_prove(struct running *running, size_t arm);

/* ---- run_figures.c ---- */

int run_figures(struct running *running, struct error *error);

#endif
