/* The experiment of `vcost run`: a program that is not changed, natively and in a domain, run after run in
 * turns. */
#ifndef VCOST_EXPERIMENT_RUN_H
#define VCOST_EXPERIMENT_RUN_H

#include "base/progress.h"
#include "experiment/setting.h"

struct run_plan {
    const char *const *words;      /* the program and its arguments; NULL at the end */
    const char *input;             /* stdin; NULL: /dev/null */
    unsigned runs, warmup;         /* on each side: timed, and before these */
    double timeout_seconds;        /* of a run */
    const char *prepare, *cleanup; /* shell commands around each run; NULL: none */
    bool ignore_failure;           /* of the program: an exit status other than 0 is as good as any */
    uint64_t seed;
};

/* Runs it natively twice, and in a domain, to see whether it does the same; then in turns, timed. -ENOTSUP:
 * this host cannot run programs in a domain; -ECANCELED: the program natively does not end as it should. What
 * cannot be done in the domain is a cell without figures, which says why. */
int run_plan_run(const struct run_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error);

#endif
