/* Which remedies there is time for, which of them are worth confirming, and what confirming says. */
#include "experiment/advise_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum {
    SCREEN_LEAST = 3,
    SCREEN_STEP = 2,
    SCREEN_MOST = 9,
    ALL_CONFIRMED = 2,  /* so few that choosing among them is done by confirming */
    CONFIRMED_MOST = 4, /* remedies */
};

/* ---- what fits ---- */

/* Runs that choosing among so many and confirming takes at least. */
static size_t rounds_runs(size_t count)
{
    size_t confirmed = count < CONFIRMED_MOST ? count : CONFIRMED_MOST;
    size_t screen = count > 1 ? SCREEN_LEAST * (count + (count + 1) / 2) : 0;
    return screen + CONFIRM_LEAST * (confirmed + (confirmed + 1) / 2);
}

/* Seconds that deciding about so many takes at least, if each takes as long as the program as it is. */
static double least_seconds(const struct advising *advising, size_t count)
{
    return (double)(ADVISE_FIRST_RUNS + count + rounds_runs(count)) * advising->usual.seconds;
}

static void tell_least(const struct advising *advising, size_t fit, size_t count)
{
    const struct advise_plan *plan = advising->plan;
    double least = advising->result->advice.least_seconds;
    char text[320], first[40] = "the first is";
    if (!plan->tell || fit == count)
        return;
    if (fit > 1)
        snprintf(first, sizeof first, "the first %zu are", fit);
    snprintf(text, sizeof text,
        "one run takes %.3g s: deciding about %zu remedies takes at least %.0f s (--budget %.0f); within "
        "%.0f s %s tried, and one more for each that takes no effect (--only chooses others)",
        advising->usual.seconds / advising->bench.batch, count, ceil(least), ceil(least * 1.1),
        plan->budget_seconds, first);
    plan->tell(text);
}

int advise_check_budget(struct advising *advising, struct error *error)
{
    size_t count = 0, fit = 0;
    for (size_t i = 0; i < advising->count; i++)
        count += advise_is_left(&advising->variants[i]);
    while (fit < count && least_seconds(advising, fit + 1) <= advising->plan->budget_seconds)
        fit++;
    advising->result->advice.least_seconds = least_seconds(advising, count);
    if (count && !fit)
        return error_set(error, ETIMEDOUT,
            "one run takes %.3g s, so that deciding about a single remedy takes at least %.0f s: give "
            "--budget %.0f, or the program less to do",
            advising->usual.seconds, ceil(least_seconds(advising, 1)),
            ceil(1.1 * least_seconds(advising, 1)));
    tell_least(advising, fit, count);
    return 0;
}

int advise_try_each(struct advising *advising, struct error *error)
{
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < advising->count; i++) {
        struct variant *variant = &advising->variants[i];
        if (!advise_is_left(variant))
            continue;
        if (kept &&
            (double)(1 + rounds_runs(kept + 1)) * advising->usual.seconds > advise_seconds_left(advising)) {
            snprintf(variant->told.reason, sizeof variant->told.reason,
                "no time within the budget: --only %.40s tries it", variant->told.name);
            continue;
        }
        rc = advise_try_first(advising, variant, error);
        kept += advise_is_left(variant);
    }
    return rc;
}

/* ---- stages ---- */

static struct variant_list those_left(struct advising *advising)
{
    struct variant_list left = {.count = 0};
    for (size_t i = 0; i < advising->count; i++)
        if (advise_is_left(&advising->variants[i]))
            left.items[left.count++] = &advising->variants[i];
    return left;
}

void advise_tell_ratio(struct advising *advising, struct variant *variant, bool confirmed)
{
    const struct estimate ratio = decide_ratio(variant->logs, variant->log_count, advising->work);
    struct advised *told = &variant->told;
    told->ratio = ratio.median;
    told->low = ratio.low;
    told->high = ratio.high;
    told->rounds = (unsigned)variant->log_count;
    told->faster_rounds = 0;
    for (size_t i = 0; i < variant->log_count; i++)
        told->faster_rounds += variant->logs[i] < 0;
    told->confirmed = confirmed;
}

static void judge_unchosen(struct variant *variant)
{
    struct advised *told = &variant->told;
    bool harms = told->low > 1;
    told->state = harms ? ADVISED_HARMS : ADVISED_NO_GAIN;
    snprintf(told->reason, sizeof told->reason, "%s",
        harms ? "it is slower with it"
        : told->low > decide_worth
            ? "no gain of 1 % or more is left in the interval"
            : "no gain was seen that others did not outdo or that was worth confirming");
}

/* Leaves out those that cannot gain any more. */
static void drop_hopeless(struct advising *advising, struct variant_list *left)
{
    for (size_t i = 0; i < left->count; i++) {
        struct variant *variant = left->items[i];
        advise_tell_ratio(advising, variant, false);
        if (decide_hopeless(variant->logs, variant->log_count, advising->work))
            judge_unchosen(variant);
    }
    *left = those_left(advising);
}

/* What rounds so far say of those that are left. */
struct promise {
    bool all, some; /* of them seem to gain */
    bool hidden;    /* one does not and still might */
};

static struct promise promise_of(const struct variant_list *left)
{
    struct promise promise = {.all = true};
    for (size_t i = 0; i < left->count; i++) {
        const struct advised *told = &left->items[i]->told;
        bool gains = told->ratio < decide_worth;
        promise.all &= gains;
        promise.some |= gains;
        promise.hidden |= !gains && 1 - told->low > advice_hidden_most;
    }
    return promise;
}

/* Round after round, without those that turn out hopeless, so that the close ones get the time; and while
 * none seems to gain, until none could hide a gain. */
static int choosing_rounds(struct advising *advising, struct variant_list *left, struct error *error)
{
    double had = advise_seconds_left(advising);
    int rc = 0;
    for (unsigned done = 0, step = SCREEN_LEAST; rc == 0 && done < DECIDE_ROUNDS_MAX;
         done += step, step = SCREEN_STEP) {
        const struct promise promise = promise_of(left);
        double share = promise.some ? advise_choose_share : advise_last_share;
        double takes = step * advise_round_seconds(advising, left->items, left->count, 0);
        bool enough = promise.some ? done >= SCREEN_MOST || (promise.all && left->count <= ALL_CONFIRMED)
                                   : !promise.hidden;
        if (done &&
            (advising->plan->quick || enough || advise_seconds_left(advising) - takes < (1 - share) * had))
            break;
        rc = advise_rounds(advising, left->items, left->count, step, "choosing", error);
        drop_hopeless(advising, left);
    }
    return rc;
}

/* Rounds in which the remedies are found that are worth confirming. A single one needs none. */
int advise_screen(struct advising *advising, struct variant_list *chosen, struct error *error)
{
    struct variant_list left = those_left(advising);
    struct contender contenders[VARIANTS_MAX];
    size_t order[CONFIRMED_MOST];
    *chosen = left;
    if (left.count < 2)
        return 0;
    int rc = choosing_rounds(advising, &left, error);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < left.count; i++)
        contenders[i] = (struct contender){.logs = left.items[i]->logs, .count = left.items[i]->log_count};
    chosen->count = decide_choose(contenders, left.count, order, CONFIRMED_MOST, advising->work);
    for (size_t i = 0; i < chosen->count; i++)
        chosen->items[i] = left.items[order[i]];
    for (size_t i = 0; i < left.count; i++) {
        size_t k = 0;
        while (k < chosen->count && chosen->items[k] != left.items[i])
            k++;
        if (k == chosen->count)
            judge_unchosen(left.items[i]);
    }
    return 0;
}

/* So many rounds that its interval becomes as narrow as a quarter of its gain, as far as the first rounds
 * tell. */
static size_t rounds_wanted(const struct advising *advising, const struct variant *variant)
{
    double median = fabs(log(variant->told.ratio));
    double rounds = decide_rounds(variant->logs, variant->log_count, fmax(0.01, median / 4));
    if (advising->plan->quick || rounds < CONFIRM_LEAST)
        return CONFIRM_LEAST;
    return rounds < DECIDE_ROUNDS_MAX ? (size_t)rounds : DECIDE_ROUNDS_MAX;
}

/* How many rounds fit into so many seconds, of which some have enough before others. */
static unsigned rounds_fitting(
    const struct advising *advising, const struct variant_list *chosen, double seconds)
{
    unsigned rounds = 0;
    while (rounds < DECIDE_ROUNDS_MAX) {
        double takes = advise_round_seconds(advising, chosen->items, chosen->count, rounds);
        seconds -= takes;
        if (takes <= 0 || (seconds < 0 && rounds >= CONFIRM_LEAST))
            break;
        rounds++;
    }
    return rounds;
}

static void judge_confirmed(struct advising *advising, const struct variant_list *chosen)
{
    struct contender contenders[VARIANTS_MAX];
    for (size_t i = 0; i < chosen->count; i++)
        contenders[i] =
            (struct contender){.logs = chosen->items[i]->logs, .count = chosen->items[i]->log_count};
    decide_judge(contenders, chosen->count, advising->work);
    for (size_t i = 0; i < chosen->count; i++) {
        struct advised *told = &chosen->items[i]->told;
        if (!advise_is_left(chosen->items[i]))
            continue;
        advise_tell_ratio(advising, chosen->items[i], true);
        told->chance = contenders[i].adjusted;
        told->state = contenders[i].helps ? ADVISED_HELPS : told->low > 1 ? ADVISED_HARMS : ADVISED_NO_GAIN;
        if (told->state != ADVISED_HELPS)
            snprintf(told->reason, sizeof told->reason, "%s",
                told->low > 1 ? "it is slower with it" : "what it seemed to bring was not confirmed");
    }
}

int advise_confirm(struct advising *advising, const struct variant_list *chosen, struct error *error)
{
    if (!chosen->count)
        return 0;
    double share = chosen->count > 1 ? advise_confirm_share : advise_last_share;
    for (size_t i = 0; i < chosen->count; i++) {
        size_t wanted = rounds_wanted(advising, chosen->items[i]);
        advise_forget_samples(advising, chosen->items[i]);
        chosen->items[i]->wanted = wanted;
    }
    unsigned rounds = rounds_fitting(advising, chosen, share * advise_seconds_left(advising));
    int rc = advise_rounds(advising, chosen->items, chosen->count, rounds, "confirming", error);
    judge_confirmed(advising, chosen);
    return rc;
}
