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
    bool reads_nothing; /* the program reads its input, and there is nothing in it */
    unsigned rounds;    /* so far: placements of the result's samples */
    uint64_t random;
    double work[DECIDE_ROUNDS_MAX];
};

struct variant_list {
    struct variant *items[VARIANTS_MAX];
    size_t count;
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

/* ---- advise_inspect.c ---- */

/* Fills advice.causes where the budget has room for it and a remedy is about one. The remedies are read. */
int advise_inspect(struct advising *advising, struct setting *setting, struct error *error);

/* ---- advise_rounds.c ---- */

double advise_seconds_left(const struct advising *advising);
void advise_tell(const struct advising *advising, const char *what);

/* Runs the program as it is, twice; and a variant for the first time, with an eye on it. What it does
 * otherwise than it should is in the variant's state. */
int advise_try_usual(struct advising *advising, struct error *error);
int advise_try_first(struct advising *advising, struct variant *variant, struct error *error);

/* Seconds that a round of these takes, roughly, if so many of its stage came before: some have enough by
 * then. */
double advise_round_seconds(
    const struct advising *advising, struct variant *const *chosen, size_t count, size_t before);

/* So many rounds of these, but for those that have enough; each is held against a run without that comes
 * right before or after it, and is appended to their logs. Stops when nobody is left, or -EINTR. */
int advise_rounds(struct advising *advising, struct variant *const *chosen, size_t count, unsigned rounds,
    const char *what, struct error *error);

/* Begins a stage of its own for a variant: the samples before are not those by which it is told. */
void advise_forget_samples(struct advising *advising, struct variant *variant);

/* How many rounds of so many seconds fit, within these bounds. */
unsigned advise_rounds_within(double seconds, double round, unsigned least, unsigned most);

/* The figures of all cells, and each compared with the program as it is. */
int advise_figures(struct advising *advising, struct error *error);

/* ---- advise_stages.c ---- */

enum {
    CONFIRM_LEAST = 6,     /* rounds */
    ADVISE_FIRST_RUNS = 2, /* of the program as it is */
};

/* Of what is left of the budget, that a stage may take: choosing, confirming, and the last one. */
static const double advise_choose_share = 0.4, advise_confirm_share = 0.65, advise_last_share = 0.95;

/* Tells what there is no time for; -ETIMEDOUT: for a single remedy. */
int advise_check_budget(struct advising *advising, struct error *error);

/* Each for the first time, as far as there is time to decide about those that take effect. */
int advise_try_each(struct advising *advising, struct error *error);

/* Rounds in which the remedies are found that are worth confirming; those that are not are judged. */
int advise_screen(struct advising *advising, struct variant_list *chosen, struct error *error);

/* Rounds of their own, and the verdict. */
int advise_confirm(struct advising *advising, const struct variant_list *chosen, struct error *error);

/* What a stage says of a variant, with 95 % of certainty for it alone. */
void advise_tell_ratio(struct advising *advising, struct variant *variant, bool confirmed);

/* ---- advise_together.c ---- */

/* The best remedies of all kinds at once, against the best one of all: a variant more. */
int advise_try_together(struct advising *advising, struct error *error);

/* What to use: of those that are about as good as the best and not clearly outdone by it, the simplest, which
 * comes first in the table of remedies; but what several together bring only several together do. NULL:
 * nothing helps. */
const struct variant *advise_best(struct advising *advising);

/* ---- advise_undecided.c ---- */

/* What would decide, and what runs scatter by: into the advice, when all is judged. */
void advise_tell_undecided(struct advising *advising);

#endif
