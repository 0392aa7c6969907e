/* The best remedy, and several together. */
#include "experiment/advise_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int least_time_first(const void *a, const void *b)
{
    const struct variant *const *left = a, *const *right = b;
    double difference = (*left)->told.ratio - (*right)->told.ratio;
    return (difference > 0) - (difference < 0);
}

/* Those that help and are advised, best first. */
static struct variant_list winners(struct advising *advising)
{
    struct variant_list winners = {.count = 0};
    for (size_t i = 0; i < advising->count; i++)
        if (advising->variants[i].told.state == ADVISED_HELPS && !advising->variants[i].told.diagnostic)
            winners.items[winners.count++] = &advising->variants[i];
    qsort(winners.items, winners.count, sizeof(struct variant *), least_time_first);
    return winners;
}

/* The best one of each kind, together; NULL: there is one kind only. */
static struct variant *combine(struct advising *advising, const struct variant_list *winners)
{
    const struct recipe *parts[VARIANT_PARTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < winners->count && count < VARIANT_PARTS_MAX; i++) {
        size_t k = 0;
        while (k < count && strcmp(parts[k]->kind, winners->items[i]->parts[0]->kind) != 0)
            k++;
        if (k == count)
            parts[count++] = winners->items[i]->parts[0];
    }
    return count > 1 ? advise_add(advising, parts, count) : NULL;
}

/* Whether it is better than another, by pairs of the same rounds; *ratio is of their times. */
static bool outdoes(struct advising *advising, const struct variant *better, const struct variant *other,
    struct estimate *ratio)
{
    double logs[DECIDE_ROUNDS_MAX];
    size_t count = better->log_count < other->log_count ? better->log_count : other->log_count;
    for (size_t i = 0; i < count; i++)
        logs[i] = better->logs[i] - other->logs[i];
    struct contender contender = {.logs = logs, .count = count};
    decide_judge(&contender, 1, advising->work);
    *ratio = decide_ratio(logs, count, advising->work);
    return contender.helps;
}

/* It has to outdo the best one alone: what both of them gain over the program as it is, is no reason to use
 * more than one. */
static void judge_together(
    struct advising *advising, struct variant *together, const struct variant *alone, bool complete)
{
    struct advised *told = &together->told;
    struct estimate over;
    bool helps = outdoes(advising, together, alone, &over) && complete;
    advise_tell_ratio(advising, together, true);
    told->over = pool_text(&advising->result->pool, alone->told.name);
    told->over_ratio = over.median;
    told->over_low = over.low;
    told->over_high = over.high;
    told->state = helps ? ADVISED_HELPS : ADVISED_NO_GAIN;
    if (!helps)
        snprintf(told->reason, sizeof told->reason, "together they are not clearly better than %.40s alone",
            alone->told.name);
}

int advise_try_together(struct advising *advising, struct error *error)
{
    const struct variant_list helping = winners(advising);
    struct variant *together = helping.count > 1 ? combine(advising, &helping) : NULL;
    if (!together)
        return 0;
    const struct variant *best = helping.items[0];
    int rc = advise_try_first(advising, together, error);
    if (rc < 0 || !advise_is_left(together))
        return rc;
    /* The best one runs beside it once more; what was told of it stays, its samples too. */
    struct variant alone = *best;
    alone.cell = SIZE_MAX;
    alone.log_count = alone.wanted = 0;
    alone.told.state = ADVISED_UNTRIED;
    struct variant *both[] = {together, &alone};
    double round = advise_round_seconds(advising, both, 2, 0);
    unsigned rounds = advise_rounds_within(advise_last_share * advise_seconds_left(advising), round,
        CONFIRM_LEAST, advising->plan->quick ? CONFIRM_LEAST : 2 * CONFIRM_LEAST);
    if (round * CONFIRM_LEAST > advise_seconds_left(advising)) {
        snprintf(together->told.reason, sizeof together->told.reason, "no time was left within the budget");
        return 0;
    }
    rc = advise_rounds(advising, both, 2, rounds, "together", error);
    if (advise_is_left(together))
        judge_together(advising, together, &alone, rc == 0);
    return rc;
}

/* A combination that helps is better than the best alone. */
static const struct variant *least_time(struct advising *advising)
{
    const struct variant_list helping = winners(advising);
    for (size_t i = 0; i < helping.count; i++)
        if (helping.items[i]->told.combination)
            return helping.items[i];
    return helping.count ? helping.items[0] : NULL;
}

const struct variant *advise_best(struct advising *advising)
{
    static const double about = 0.02;
    const struct variant *best = least_time(advising);
    struct estimate unused;
    for (size_t i = 0; best && !best->told.combination && i < advising->count; i++) {
        const struct variant *variant = &advising->variants[i];
        if (variant->told.state == ADVISED_HELPS && !variant->told.diagnostic &&
            variant->told.ratio < best->told.ratio + about && !outdoes(advising, best, variant, &unused))
            return variant;
    }
    return best;
}
