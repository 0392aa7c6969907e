/* Where nothing was decided: what would, and what the runs scatter by. */
#include "experiment/advise_internal.h"

#include <math.h>

enum { SCATTER_LEAST = 6 }; /* runs that tell it */

/* Seconds: less is no budget that anybody would give. */
static const double budget_least = 10;

/* Half of an interval, as a logarithm, that would decide about such a ratio: it does not reach 1, or leaves
 * no gain that could be hidden. */
static double half_that_decides(double ratio)
{
    double helps = ratio < decide_worth ? -log(ratio) : 0;
    return fmax(helps, log(ratio / (1 - advice_hidden_most)));
}

static void tell_what_decides(struct advising *advising)
{
    double seconds = 0;
    size_t count = 0;
    for (size_t i = 0; i < advising->count; i++) {
        const struct variant *variant = &advising->variants[i];
        double half = half_that_decides(variant->told.ratio);
        double rounds = decide_rounds(variant->logs, variant->log_count, half);
        if (!advice_hides(&variant->told) || variant->told.combination || variant->told.diagnostic)
            continue;
        if (!(rounds <= DECIDE_ROUNDS_MAX))
            return;
        rounds = fmax(rounds, fmax(CONFIRM_LEAST, 2 * (double)variant->log_count)); /* so many were too few */
        seconds += rounds * (variant->seconds + advising->usual.seconds);
        count++;
    }
    double share = count > 1 ? (1 - advise_choose_share) * advise_confirm_share : advise_last_share;
    if (count)
        advising->result->advice.decides_seconds = fmax(
            budget_least, (double)(ADVISE_FIRST_RUNS + count) * advising->usual.seconds + seconds / share);
}

/* Half the mean square of differences from one to the next, over the variance, is about 1 without drift, with
 * a standard error of 1 / sqrt(n): J. von Neumann, "Distribution of the ratio of the mean square successive
 * difference to the variance", Annals of Mathematical Statistics 12 (1941). */
static const double drift_errors = 2;

/* What the runs without a remedy scatter by, altogether and from one to the next: the first is more where
 * they drift. */
static void tell_scatter(struct advising *advising)
{
    struct advice *advice = &advising->result->advice;
    if (advising->usual.cell == SIZE_MAX)
        return;
    const struct result_cell *cell = &advising->result->cells[advising->usual.cell];
    double n = (double)cell->sample_count, mean = 0, squares = 0, next = 0;
    for (size_t i = 0; i < cell->sample_count; i++)
        mean += log(cell->samples[i].ns) / n;
    for (size_t i = 0; i < cell->sample_count; i++) {
        squares += pow(log(cell->samples[i].ns) - mean, 2);
        next += i ? pow(log(cell->samples[i].ns / cell->samples[i - 1].ns), 2) : 0;
    }
    if (n < SCATTER_LEAST)
        return;
    advice->scatter = sqrt(squares / (n - 1));
    advice->scatter_next = sqrt(next / (n - 1) / 2);
    advice->drifts = next / 2 / squares < 1 - drift_errors / sqrt(n);
}

void advise_tell_undecided(struct advising *advising)
{
    tell_what_decides(advising);
    tell_scatter(advising);
}
