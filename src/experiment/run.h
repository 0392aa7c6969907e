/* The experiment of `vcost run`: a program that is not changed, natively and in a domain, run after run in
 * turns. */
#ifndef VCOST_EXPERIMENT_RUN_H
#define VCOST_EXPERIMENT_RUN_H

#include "base/progress.h"
#include "experiment/run_left.h"
#include "experiment/setting.h"

/* In place of a file's name: stdout is vcost's own, or /dev/null; what is written there nobody compares. */
#define RUN_INHERITED "inherit"
#define RUN_NO_OUTPUT "null"

enum { RUN_PAGES_MAX = 3, RUN_PROGRAMS_MAX = 17 };

struct run_plan {
    /* Programs, each with its arguments; NULL at the end of these. With several, what one cannot do natively
     * is a reason of its own cells. */
    const char *const *programs[RUN_PROGRAMS_MAX];
    size_t program_count;
    /* Each host page size natively, and in a domain with each guest page size. 4 KiB, 2 MiB, or 0: host
     * pages as the program asks for them, the guest's of 2 MiB where its mappings hold some. */
    uint64_t guest_pages[RUN_PAGES_MAX], host_pages[RUN_PAGES_MAX];
    size_t guest_page_count, host_page_count;
    const char *input;             /* stdin; NULL: /dev/null */
    const char *output;            /* a file that stdout goes to, RUN_INHERITED or RUN_NO_OUTPUT; NULL: it is
                                      taken in, and compared */
    struct run_watched watched;    /* files that runs must leave alike */
    enum ran_faults guest_faults;  /* RAN_FAULTS_UNKNOWN: what this host does at speed */
    unsigned runs, warmup;         /* on each side: timed, and before these */
    double timeout_seconds;        /* of a run */
    const char *prepare, *cleanup; /* shell commands around each run; NULL: none */
    double heat_seconds;           /* what it touches is read so often, in a run of its own; 0: it is not */
    bool ignore_failure;           /* of the program: an exit status other than 0 is as good as any */
    uint64_t seed;
};

/* How often that runs programs. */
unsigned run_plan_all(const struct run_plan *plan);

/* Runs it natively twice, and in a domain, to see whether it does the same; then in turns, timed. -ENOTSUP:
 * this host cannot run programs in a domain; -ECANCELED: the only program natively does not end as it should.
 * What cannot be done in the domain is a cell without figures, which says why. */
int run_plan_run(const struct run_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error);

#endif
