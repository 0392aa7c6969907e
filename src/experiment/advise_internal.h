/* What the files of vcost advise share. */
#ifndef VCOST_EXPERIMENT_ADVISE_INTERNAL_H
#define VCOST_EXPERIMENT_ADVISE_INTERNAL_H

#include "experiment/advise_try.h"

enum { VARIANTS_MAX = RECIPES_MAX + 1 };

struct advising {
    const struct advise_plan *plan;
    const struct progress *progress;
    struct result *result;
    struct bench bench;
    struct recipe recipes[RECIPES_MAX];
    size_t recipe_count;
    struct variant usual; /* the program as it is */
    struct variant variants[VARIANTS_MAX];
    size_t count;
    double began;
    unsigned rounds; /* so far: placements of the result's samples */
    uint64_t random;
    double work[DECIDE_ROUNDS_MAX];
};

/* ---- advise_variants.c ---- */

/* The remedies that are asked for, each as a variant, with those that cannot be tried here. The program's own
 * use of memory is to be known. */
int advise_read(struct advising *advising, struct error *error);
void advise_add_all(struct advising *advising);

/* One with these parts. */
struct variant *advise_add(struct advising *advising, const struct recipe *const *parts, size_t count);

/* Whether nothing is decided about it yet. */
static inline bool advise_is_left(const struct variant *variant)
{
    return variant->told.state == ADVISED_UNTRIED && !variant->told.reason[0];
}

/* ---- advise_rounds.c ---- */

double advise_seconds_left(const struct advising *advising);
void advise_tell(const struct advising *advising, const char *what);

/* Runs the program as it is, twice; and a variant for the first time, with an eye on it. What it does
 * otherwise than it should is in the variant's state. */
int advise_try_usual(struct advising *advising, struct error *error);
int advise_try_first(struct advising *advising, struct variant *variant, struct error *error);

/* Seconds that a round of these takes, roughly. */
double advise_round_seconds(const struct advising *advising, struct variant *const *chosen, size_t count);

/* So many rounds of these, each of which is held against a run without that comes right before or after it,
 * and appends to their logs, which are empty at first. Stops when they are `until` the budget's end
 * (seconds), when nobody is left, or -EINTR. */
int advise_rounds(struct advising *advising, struct variant *const *chosen, size_t count, unsigned rounds,
    const char *what, struct error *error);

/* Whether the result keeps this stage's samples of a variant: those by which it is told. */
void advise_forget_samples(struct advising *advising, struct variant *variant);

/* The figures of all cells, and each compared with the program as it is. */
int advise_figures(struct advising *advising, struct error *error);

#endif
