/* `vcost advise`: remedies tried on a program that is not changed.
 *
 * First the program as it is, twice: does it end as it should, is its output the same each time, what does it
 * use. Then each remedy once, watched: is it obtained, and does the program do the same. Then rounds in which
 * those that are left follow each other, each beside a run without, the order turned around in every other
 * round; they choose a few. Rounds of their own confirm these, as many as their scatter asks for and the time
 * allows, fixed before. At last those that help are tried together against the best of them. */
#ifndef VCOST_EXPERIMENT_ADVISE_H
#define VCOST_EXPERIMENT_ADVISE_H

#include "base/progress.h"
#include "experiment/setting.h"

enum { ADVISE_LIST_MAX = 32 };

/* What is to be made less. CPU time is what a program on a machine that is shared is told by best: where it
 * computes all the time that it is let, and in one thread, it is the time that it takes on a free CPU. */
enum advise_by {
    BY_CHOICE,
    BY_WALL_CLOCK,
    BY_CPU_TIME,
    ADVISE_BYS
}; /* CHOICE: CPU time for such a program */

struct advise_plan {
    const char *const *words; /* the program, NULL at the end */
    const char *input;        /* its stdin; NULL: /dev/null */
    /* Or a server that goes on until it is told to end: it is started by a shell command, `ready` succeeds
     * once it can be used, and what is measured is `load`. All three or none. */
    const char *server, *ready, *load;
    double budget_seconds;
    bool quick; /* as few rounds as can decide */
    const char *only[ADVISE_LIST_MAX]; /* names of presets; none: all */
    size_t only_count;
    const char *files[ADVISE_LIST_MAX]; /* of the user's remedies, which are tried too */
    size_t file_count;
    enum advise_by by;
    const char *metric;            /* regular expression on stdout, one group; NULL: `by` */
    bool metric_less;              /* the less of it the better */
    const char *prepare, *cleanup; /* shell commands before and after each run, not timed; NULL */
    int status;                    /* that the program ends with when all is well */
    uint64_t seed;
    void (*tell)(const char *sentence); /* what whoever waits should know before; NULL: nobody listens */
};

/* Tries them on a setting that is open. Being stopped is no failure. */
int advise_plan_run(const struct advise_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error);

/* The remedies that there are, and whether each can be tried here on this program (words NULL: on a dynamic
 * one): into result->advice, for `vcost advise --list`. */
int advise_plan_list(
    const struct advise_plan *plan, struct setting *setting, struct result *result, struct error *error);

#endif
