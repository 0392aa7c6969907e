#include "result/ratios.h"

#include <math.h>

static const double told_percent = 0.005, close_level = 0.03, near_level = 0.10;

/* A ratio whose logarithm is so many times further from zero than its interval reaches is no miss by chance,
 * though it is one of many and made over as few as three placements (Student's t with two degrees of freedom:
 * 0.2 %). */
static const double doubt_factor = 4;

/* How often a 95 % interval lies above the truth, and how seldom so many must be to be no chance. */
static const double miss_share = 0.025, chance_least = 0.05;

const char *const verdict_names[VERDICTS] = {
    [VERDICT_UNTOLD] = "untold", [VERDICT_SLOWER] = "slower", [VERDICT_FASTER] = "faster"};

enum verdict verdict_of(double low, double high)
{
    if (!isfinite(low) || !isfinite(high))
        return VERDICT_NONE;
    if ((low - 1) * 100 >= told_percent)
        return VERDICT_SLOWER;
    return (high - 1) * 100 <= -told_percent ? VERDICT_FASTER : VERDICT_UNTOLD;
}

static bool is_within(double low, double high, double level)
{
    return low >= 1 - level && high <= 1 + level;
}

bool ratio_is_unclear(double low, double high)
{
    return verdict_of(low, high) == VERDICT_UNTOLD && !is_within(low, high, near_level);
}

void ratios_add(struct ratios *ratios, double ratio, double low, double high)
{
    enum verdict verdict = verdict_of(low, high);
    if (!isfinite(ratio) || verdict == VERDICT_NONE)
        return;
    ratios->all++;
    ratios->unclear += ratio_is_unclear(low, high);
    ratios->close += is_within(low, high, close_level);
    ratios->near += is_within(low, high, near_level);
    ratios->slower += verdict == VERDICT_SLOWER;
    ratios->faster += verdict == VERDICT_FASTER;
    if (verdict == VERDICT_SLOWER)
        ratios->beyond_doubt[1] |= log(ratio) >= doubt_factor * log(ratio / low);
    if (verdict == VERDICT_FASTER)
        ratios->beyond_doubt[0] |= -log(ratio) >= doubt_factor * log(high / ratio);
}

void ratios_add_none(struct ratios *ratios)
{
    ratios->all++;
    ratios->unclear++;
}

bool ratios_disturbed(const struct ratios *ratios)
{
    return ratios->all && 2 * ratios->unclear >= ratios->all;
}

/* Whether `count` misses of `all` intervals on one side are more than chance explains: the probability of so
 * many and more, binomial. */
static bool is_no_chance(size_t count, size_t all)
{
    double fewer = 0, term = pow(1 - miss_share, (double)all);
    for (size_t i = 0; i < count; i++) {
        fewer += term;
        term *= (double)(all - i) / (double)(i + 1) * miss_share / (1 - miss_share);
    }
    return count && 1 - fewer < chance_least;
}

bool ratios_slower(const struct ratios *ratios)
{
    return !ratios_disturbed(ratios) &&
           (ratios->beyond_doubt[1] || is_no_chance(ratios->slower, ratios->all));
}

bool ratios_faster(const struct ratios *ratios)
{
    return !ratios_disturbed(ratios) &&
           (ratios->beyond_doubt[0] || is_no_chance(ratios->faster, ratios->all));
}

double ratios_agree(const struct ratios *ratios, size_t *count)
{
    bool close = 2 * ratios->close >= ratios->all;
    *count = close ? ratios->close : ratios->near;
    return close ? close_level : near_level;
}
