#include "experiment/advise_decide.h"

#include <math.h>
#include <string.h>

const double decide_worth = 0.99, decide_level = 0.05;

enum { ROUNDS_LEAST = 3 };

struct estimate decide_ratio(const double *logs, size_t count, double *work)
{
    memcpy(work, logs, count * sizeof *work);
    struct estimate logarithm = statistics_difference(work, count);
    return (struct estimate){exp(logarithm.median), exp(logarithm.low), exp(logarithm.high)};
}

bool decide_hopeless(const double *logs, size_t count, double *work)
{
    return count >= ROUNDS_LEAST && decide_ratio(logs, count, work).low > decide_worth;
}

/* The sum of their squared distances from the mean, which is set. */
static double squares_of(const double *logs, size_t count, double *mean)
{
    double squares = 0;
    *mean = 0;
    for (size_t i = 0; i < count; i++)
        *mean += logs[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(logs[i] - *mean, 2);
    return squares;
}

double decide_rounds(const double *logs, size_t count, double half)
{
    static const double quantile = 2.5; /* of Student's t for the few rounds that there are as a rule */
    double mean;
    if (count < 2)
        return NAN;
    return ceil(pow(quantile / half, 2) * squares_of(logs, count, &mean) / (double)(count - 1));
}

size_t decide_choose(
    const struct contender *contenders, size_t count, size_t *chosen, size_t most, double *work)
{
    double medians[DECIDE_CONTENDERS_MAX];
    size_t made = 0;
    for (size_t i = 0; i < count && i < DECIDE_CONTENDERS_MAX; i++) {
        const struct contender *contender = &contenders[i];
        medians[i] = contender->count ? decide_ratio(contender->logs, contender->count, work).median : NAN;
        if (!(medians[i] < decide_worth) || decide_hopeless(contender->logs, contender->count, work))
            continue;
        size_t at = made < most ? made++ : most;
        for (; at > 0 && medians[i] < medians[chosen[at - 1]]; at--)
            if (at < most)
                chosen[at] = chosen[at - 1];
        if (at < most)
            chosen[at] = i;
    }
    return made;
}

/* Of a mean logarithm that is so far below 0, by Student's t, to either side. */
static double chance_of(const double *logs, size_t count)
{
    double mean;
    if (count < ROUNDS_LEAST)
        return 1;
    double squares = squares_of(logs, count, &mean);
    double error = sqrt(squares / (double)(count - 1) / (double)count);
    return mean >= 0 ? 1 : error > 0 ? statistics_t_chance(mean / error, count) : 0;
}

/* Number of those whose chance is less, or the same and came first. */
static size_t rank_of(const struct contender *contenders, size_t count, size_t which)
{
    size_t rank = 0;
    for (size_t i = 0; i < count; i++)
        rank += contenders[i].chance < contenders[which].chance ||
                (contenders[i].chance == contenders[which].chance && i < which);
    return rank;
}

void decide_judge(struct contender *contenders, size_t count, double *work)
{
    for (size_t i = 0; i < count; i++)
        contenders[i].chance = chance_of(contenders[i].logs, contenders[i].count);
    for (size_t i = 0; i < count; i++) {
        /* The least chance times all of them, the next times one less …, and none below one before it. */
        double adjusted = 0;
        for (size_t k = 0; k < count; k++) {
            size_t rank = rank_of(contenders, count, k);
            if (rank <= rank_of(contenders, count, i))
                adjusted = fmax(adjusted, contenders[k].chance * (double)(count - rank));
        }
        const struct estimate ratio = decide_ratio(contenders[i].logs, contenders[i].count, work);
        contenders[i].adjusted = fmin(adjusted, 1);
        contenders[i].helps =
            contenders[i].adjusted < decide_level && ratio.high < 1 && ratio.median < decide_worth;
    }
}
