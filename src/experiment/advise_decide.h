/* What pairs of runs say about remedies: which of them are worth more runs, and which help. Pure arithmetic.
 *
 * A figure of a round is the logarithm of (time with the remedy / time without) of two runs that followed
 * each other; rounds are independent of each other, and remedies of one round are not, as they share what
 * they are held against. That suits Holm's method, which asks for no independence.
 *
 * Choosing and confirming use different rounds, so what is said of a remedy that was chosen for looking good
 * is not made of what made it look good. */
#ifndef VCOST_EXPERIMENT_ADVISE_DECIDE_H
#define VCOST_EXPERIMENT_ADVISE_DECIDE_H

#include "measure/statistics.h"

#include <stdbool.h>
#include <stddef.h>

/* A gain that is worth telling, as a ratio. */
extern const double decide_worth; /* 0.99 */

/* What is wrongly called a help in so many of 100 programs that nothing helps. */
extern const double decide_level; /* 0.05 */

struct contender {
    const double *logs; /* one a round; not sorted */
    size_t count;
    double chance;   /* set: of so much by chance alone; 1 with fewer than 3 rounds */
    double adjusted; /* set: the same for all together, by Holm's method */
    bool helps;      /* set: beyond the level, worth telling, and by its whole interval */
};

/* The ratio over rounds and its 95 % interval; NAN for what there is not. Works in a copy: `work` has room
 * for as many. */
struct estimate decide_ratio(const double *logs, size_t count, double *work);

/* Whether no gain worth telling is left in it: the best that the interval allows is none. False for fewer
 * than 3 rounds. */
bool decide_hopeless(const double *logs, size_t count, double *work);

/* So many rounds make the interval as narrow as +-`half` (of a logarithm), if they scatter as these do; NAN
 * for fewer than 2 of these. */
double decide_rounds(const double *logs, size_t count, double half);

/* The `most` contenders that are worth confirming: not hopeless, by their median, best first. Sets chosen[],
 * returns how many. */
size_t decide_choose(
    const struct contender *contenders, size_t count, size_t *chosen, size_t most, double *work);

/* Judges all of them together: sets chance, adjusted, helps. S. Holm, "A simple sequentially rejective
 * multiple test procedure", Scandinavian Journal of Statistics 6 (1979). */
void decide_judge(struct contender *contenders, size_t count, double *work);

enum { DECIDE_ROUNDS_MAX = 256, DECIDE_CONTENDERS_MAX = 64 };

#endif
