/* Fitting a machine to a curve, from within. */
#ifndef VCOST_EXPERIMENT_MODEL_FIT_INTERNAL_H
#define VCOST_EXPERIMENT_MODEL_FIT_INTERNAL_H

#include "experiment/model_fit.h"

enum { FIT_POINTS_MAX = 24 };

struct fit_point {
    struct chase_shape shape;
    double cycles; /* measured */
    struct account account;
};

/* A machine, as far as it is fitted, and what it says of the points. */
struct fitting {
    struct machine machine;
    const struct machine *like;
    struct fit_point points[FIT_POINTS_MAX];
    size_t count;
    const struct stop *stop;
    const struct progress *progress;
    unsigned done, all; /* points simulated, of about so many */
};

/* model_fit_points.c: simulates the points from one number on, several at once where there are CPUs for it.
 */
int fit_simulate(struct fitting *fitting, size_t from, struct error *error);
/* Relative error of what was simulated last. */
double fit_error(const struct fitting *fitting, size_t i);
/* What an error counts: its square, but no more than that of a half, so that no point decides alone. */
double fit_counts(double error);

/* model_fit_cycles.c: cycles of the caches but the first, of memory, of a hit in the second TLB and of a walk
 * beside its reads, by least squares of the relative errors of points from one number on, from what was
 * simulated last. Returns the sum of squares that is left, if all counts stay. *changed (NULL is allowed):
 * has any figure become another? */
double fit_cycles(struct fitting *fitting, size_t from, bool *changed);

/* model_fit_host.c: what the host tells of its caches is taken. */
void fit_take_told(struct machine *machine, const struct host *host);
struct machine_cache *fit_data_cache(struct machine *machine, unsigned level); /* NULL: there is none */
struct machine_cache *fit_last_cache(struct machine *machine);
/* All sources say that the figure is as in a machine of that name. */
void fit_say_all_as(struct machine *machine, const char *name, struct pool *pool);
void fit_set_source(struct machine_sources *sources, const char *field, const char *text);

#endif
