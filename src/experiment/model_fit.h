/* A machine file made of a measured curve: what is not told is fitted on that one curve, and frozen.
 *
 * Told: sizes and ways of caches, as the result's host has them. Fitted: the core's rate, from the shortest
 * working set and the first cache's cycles; the cycles of each further cache level, of memory, of a hit in
 * the second TLB, and of a walk beside its reads, by least squares of relative errors, whose counts the
 * simulation gives. Tried, and kept if it fits clearly better: of a host that says that it is a guest,
 * whether it is one of nested paging, with pages of which size below, and how fragmented its own memory is
 * (on the working sets beyond the last cache); of the last cache, how much its neighbours bring into it, or
 * the share of it that is had (on those beyond the second one). Everything else is as another machine has it.
 * Each figure's source says which of these it is. */
#ifndef VCOST_EXPERIMENT_MODEL_FIT_H
#define VCOST_EXPERIMENT_MODEL_FIT_H

#include "base/progress.h"
#include "experiment/model_predict.h"

struct model_fit {
    struct machine machine; /* texts are the pool's */
    const char *like;       /* the machine that the rest is of */
    size_t points;
    double median, most; /* relative errors of the fitted points */
    double last_share;   /* of the last cache */
};

/* The preset that is nearest to a host's CPU; NULL: none is known to be. */
const char *model_like(const struct host *host);

/* -ENODATA without such a curve, -EINTR when stopped. */
int model_fit(const struct result *result, const char *name, const struct machine *like,
    const struct stop *stop, const struct progress *progress, struct pool *pool, struct model_fit *fit,
    struct error *error);

#endif
