/* The stages of vcost advise: advise.h tells what they are. */
#include "experiment/advise.h"

#include "experiment/advise_internal.h"
#include "experiment/internal.h"
#include "measure/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCREEN_LEAST = 3,
    SCREEN_MOST = 8,
    CONFIRM_LEAST = 6,
    CONFIRMED_MOST = 4, /* remedies */
    FIRST_RUNS = 2,     /* of the program as it is */
};

/* Of what is left of the budget. */
static const double screen_share = 0.4, confirm_share = 0.65, combine_share = 0.95;

/* ---- what fits ---- */

/* Seconds that deciding about so many takes at least, if each takes as long as the program as it is. */
static double least_seconds(const struct advising *advising, size_t count)
{
    size_t confirmed = count < CONFIRMED_MOST ? count : CONFIRMED_MOST;
    size_t screen = count > 1 ? SCREEN_LEAST * (count + (count + 1) / 2) : 0;
    size_t runs = FIRST_RUNS + count + screen + CONFIRM_LEAST * (confirmed + (confirmed + 1) / 2);
    return (double)runs * advising->usual.seconds;
}

static void tell_least(const struct advising *advising, size_t fit, size_t count)
{
    const struct advise_plan *plan = advising->plan;
    double least = advising->result->advice.least_seconds;
    char text[320];
    if (!plan->tell || fit == count)
        return;
    snprintf(text, sizeof text,
        "one run takes %.3g s: deciding about %zu remedies takes at least %.0f s (--budget %.0f); within "
        "%.0f s the first "
        "%zu are tried (--only chooses others)",
        advising->usual.seconds / advising->bench.batch, count, ceil(least), ceil(least * 1.1),
        plan->budget_seconds, fit);
    plan->tell(text);
}

/* Leaves out the last ones that there is no time for. */
static int choose_fitting(struct advising *advising, struct error *error)
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
            "--budget %.0f, or the program "
            "less to do",
            advising->usual.seconds, ceil(least_seconds(advising, 1)),
            ceil(1.1 * least_seconds(advising, 1)));
    tell_least(advising, fit, count);
    for (size_t i = 0; i < advising->count; i++) {
        struct variant *variant = &advising->variants[i];
        if (!advise_is_left(variant) || fit-- > 0)
            continue;
        fit = 0;
        snprintf(variant->told.reason, sizeof variant->told.reason,
            "no time within the budget: --only %.40s tries it", variant->told.name);
    }
    return 0;
}

/* ---- stages ---- */

struct choice_of {
    struct variant *items[VARIANTS_MAX];
    size_t count;
};

static struct choice_of those_left(struct advising *advising)
{
    struct choice_of left = {.count = 0};
    for (size_t i = 0; i < advising->count; i++)
        if (advise_is_left(&advising->variants[i]))
            left.items[left.count++] = &advising->variants[i];
    return left;
}

static unsigned rounds_within(double seconds, double round, unsigned least, unsigned most)
{
    double rounds = round > 0 ? floor(seconds / round) : most;
    return rounds >= most ? most : rounds <= least ? least : (unsigned)rounds;
}

/* What a stage says of a variant, with 95 % of certainty for it alone. */
static void tell_ratio(struct advising *advising, struct variant *variant, bool confirmed)
{
    const struct estimate ratio = decide_ratio(variant->logs, variant->log_count, advising->work);
    struct advised *told = &variant->told;
    told->ratio = ratio.median;
    told->low = ratio.low;
    told->high = ratio.high;
    told->rounds = (unsigned)variant->log_count;
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

/* Rounds in which the remedies are found that are worth confirming. A single one needs none. */
static int screen(struct advising *advising, struct choice_of *chosen, struct error *error)
{
    struct choice_of left = those_left(advising);
    struct contender contenders[VARIANTS_MAX];
    size_t order[CONFIRMED_MOST];
    *chosen = left;
    if (left.count < 2)
        return 0;
    double round = advise_round_seconds(advising, left.items, left.count);
    unsigned rounds = rounds_within(screen_share * advise_seconds_left(advising), round, SCREEN_LEAST,
        advising->plan->quick ? SCREEN_LEAST : SCREEN_MOST);
    int rc = advise_rounds(advising, left.items, left.count, rounds, "choosing", error);
    left = those_left(advising);
    for (size_t i = 0; i < left.count; i++) {
        contenders[i] = (struct contender){.logs = left.items[i]->logs, .count = left.items[i]->log_count};
        tell_ratio(advising, left.items[i], false);
    }
    if (rc < 0)
        return rc;
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

/* So many rounds that an interval becomes as narrow as a quarter of the gain, as far as the first rounds
 * tell. */
static unsigned rounds_for(const struct advising *advising, const struct choice_of *chosen)
{
    double most = CONFIRM_LEAST;
    if (advising->plan->quick)
        return CONFIRM_LEAST;
    for (size_t i = 0; i < chosen->count; i++) {
        const struct variant *variant = chosen->items[i];
        double mean = 0, squares = 0, n = (double)variant->log_count;
        for (size_t k = 0; k < variant->log_count; k++)
            mean += variant->logs[k] / n;
        for (size_t k = 0; k < variant->log_count; k++)
            squares += pow(variant->logs[k] - mean, 2);
        double half = fmax(0.01, fabs(mean) / 4);
        most = n < 2 ? DECIDE_ROUNDS_MAX : fmax(most, ceil(2.5 * 2.5 * squares / (n - 1) / (half * half)));
    }
    return most < DECIDE_ROUNDS_MAX ? (unsigned)most : DECIDE_ROUNDS_MAX;
}

static void judge_confirmed(struct advising *advising, const struct choice_of *chosen)
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
        tell_ratio(advising, chosen->items[i], true);
        told->chance = contenders[i].adjusted;
        told->state = contenders[i].helps ? ADVISED_HELPS : told->low > 1 ? ADVISED_HARMS : ADVISED_NO_GAIN;
        if (told->state != ADVISED_HELPS)
            snprintf(told->reason, sizeof told->reason, "%s",
                told->low > 1 ? "it is slower with it" : "what it seemed to bring was not confirmed");
    }
}

static int confirm(struct advising *advising, const struct choice_of *chosen, struct error *error)
{
    if (!chosen->count)
        return 0;
    double round = advise_round_seconds(advising, chosen->items, chosen->count);
    double share = chosen->count > 1 ? confirm_share : combine_share;
    unsigned most = rounds_for(advising, chosen);
    unsigned rounds = rounds_within(share * advise_seconds_left(advising), round, CONFIRM_LEAST, most);
    for (size_t i = 0; i < chosen->count; i++)
        advise_forget_samples(advising, chosen->items[i]);
    int rc = advise_rounds(advising, chosen->items, chosen->count, rounds, "confirming", error);
    judge_confirmed(advising, chosen);
    return rc;
}

/* ---- the best, and several together ---- */

static int least_time_first(const void *a, const void *b)
{
    const struct variant *const *left = a, *const *right = b;
    double difference = (*left)->told.ratio - (*right)->told.ratio;
    return (difference > 0) - (difference < 0);
}

/* Those that help and are advised, best first. */
static struct choice_of winners(struct advising *advising)
{
    struct choice_of winners = {.count = 0};
    for (size_t i = 0; i < advising->count; i++)
        if (advising->variants[i].told.state == ADVISED_HELPS && !advising->variants[i].told.diagnostic)
            winners.items[winners.count++] = &advising->variants[i];
    qsort(winners.items, winners.count, sizeof(struct variant *), least_time_first);
    return winners;
}

/* The best one of each kind, together; NULL: there is one kind only. */
static struct variant *combine(struct advising *advising, const struct choice_of *winners)
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

/* Better than the best alone, by pairs of the same rounds. */
static bool outdoes(struct advising *advising, const struct variant *together, const struct variant *alone)
{
    double logs[DECIDE_ROUNDS_MAX];
    size_t count = together->log_count < alone->log_count ? together->log_count : alone->log_count;
    for (size_t i = 0; i < count; i++)
        logs[i] = together->logs[i] - alone->logs[i];
    struct contender contender = {.logs = logs, .count = count};
    decide_judge(&contender, 1, advising->work);
    return contender.helps;
}

static int try_together(struct advising *advising, const struct choice_of *helping, struct error *error)
{
    struct variant *together = helping->count > 1 ? combine(advising, helping) : NULL,
                   *best = helping->items[0];
    if (!together)
        return 0;
    int rc = advise_try_first(advising, together, error);
    if (rc < 0 || !advise_is_left(together))
        return rc;
    /* The best one runs beside it once more; what was told of it stays. */
    struct variant alone = *best;
    alone.log_count = 0;
    alone.told.state = ADVISED_UNTRIED;
    struct variant *both[] = {together, &alone};
    double round = advise_round_seconds(advising, both, 2);
    unsigned rounds = rounds_within(combine_share * advise_seconds_left(advising), round, CONFIRM_LEAST,
        advising->plan->quick ? CONFIRM_LEAST : 2 * CONFIRM_LEAST);
    if (round * CONFIRM_LEAST > advise_seconds_left(advising)) {
        snprintf(together->told.reason, sizeof together->told.reason, "no time was left within the budget");
        return 0;
    }
    rc = advise_rounds(advising, both, 2, rounds, "together", error);
    if (!advise_is_left(together))
        return rc;
    tell_ratio(advising, together, true);
    together->told.state = rc == 0 && outdoes(advising, together, &alone) ? ADVISED_HELPS : ADVISED_NO_GAIN;
    if (together->told.state != ADVISED_HELPS)
        snprintf(together->told.reason, sizeof together->told.reason,
            "together they are not clearly better than %.40s alone", best->told.name);
    return rc;
}

/* What to use: of those that are about as good as the best and not clearly outdone by it, the simplest, which
 * comes first in the table of remedies; but what several together bring only several together do. */
static const struct variant *best_of(struct advising *advising, const struct choice_of *helping)
{
    static const double about = 0.02;
    const struct variant *best = helping->count ? helping->items[0] : NULL;
    for (size_t i = 0; best && !best->told.combination && i < advising->count; i++) {
        const struct variant *variant = &advising->variants[i];
        if (variant->told.state == ADVISED_HELPS && !variant->told.diagnostic &&
            variant->told.ratio < best->told.ratio + about && !outdoes(advising, best, variant))
            return variant;
    }
    return best;
}

static int stages(struct advising *advising, struct error *error)
{
    struct choice_of chosen;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < advising->count; i++)
        if (advise_is_left(&advising->variants[i]))
            rc = advise_try_first(advising, &advising->variants[i], error);
    if (rc == 0)
        rc = screen(advising, &chosen, error);
    if (rc == 0)
        rc = confirm(advising, &chosen, error);
    struct choice_of helping = winners(advising);
    if (rc == 0 && helping.count)
        rc = try_together(advising, &helping, error);
    return rc;
}

/* ---- the result ---- */

/* What stands first is what a reader looks for: what helps, what does not, what could not be tried. */
static int by_state(const void *a, const void *b)
{
    const struct advised *left = a, *right = b;
    if (left->state != right->state)
        return left->state < right->state ? -1 : 1;
    if (left->combination != right->combination && left->state == ADVISED_HELPS)
        return left->combination ? -1 : 1;
    return (left->ratio > right->ratio) - (left->ratio < right->ratio);
}

/* A combination helps only if it is better than the best alone. */
static struct choice_of all_winners(struct advising *advising)
{
    struct choice_of helping = winners(advising);
    for (size_t i = 1; i < helping.count; i++)
        if (helping.items[i]->told.combination) {
            helping.items[0] = helping.items[i];
            break;
        }
    return helping;
}

static int tell_advice(struct advising *advising, struct error *error)
{
    struct advice *advice = &advising->result->advice;
    const struct bench *bench = &advising->bench;
    advice->items = calloc(advising->count ? advising->count : 1, sizeof *advice->items);
    if (!advice->items)
        return error_set(error, ENOMEM, "no memory for the advice");
    for (size_t i = 0; i < advising->count; i++) {
        struct advised *told = &advising->variants[i].told;
        if (told->state == ADVISED_UNTRIED && !told->reason[0])
            snprintf(told->reason, sizeof told->reason, "%.160s",
                advising->result->complete ? "not decided" : advising->result->incomplete_reason);
        advice->items[advice->count++] = *told;
    }
    qsort(advice->items, advice->count, sizeof *advice->items, by_state);
    advice->use = advising->usual.told.use;
    advice->output_compared = bench->same_output;
    if (!bench->same_output)
        snprintf(advice->no_output_reason, sizeof advice->no_output_reason, "it differs from run to run");
    const struct choice_of helping = all_winners(advising);
    const struct variant *best = best_of(advising, &helping);
    if (best)
        advice->best = pool_text(&advising->result->pool, best->told.name);
    return 0;
}

/* The program as typed, or the server. */
static void tell_words(struct advising *advising)
{
    struct pool *pool = &advising->result->pool;
    struct advice *advice = &advising->result->advice;
    const char *const *from = advising->bench.words;
    size_t count = 0;
    while (from && from[count])
        count++;
    const char **words = pool_room(pool, count, sizeof *words);
    for (size_t i = 0; words && from && i < count; i++)
        words[i] = pool_text(pool, from[i]);
    advice->words = words;
    advice->word_count = words ? count : 0;
}

static void begin(struct advising *advising)
{
    const struct advise_plan *plan = advising->plan;
    struct result *result = advising->result;
    struct advice *advice = &result->advice;
    begin_result(result, "advise", plan->seed);
    *advice = (struct advice){.measure = plan->metric ? pool_text(&result->pool, plan->metric) : "",
        .best = "",
        .seconds = NAN,
        .budget_seconds = plan->budget_seconds,
        .least_seconds = NAN};
    advising->began = clock_seconds();
    advising->random = plan->seed;
}

/* Stopped or failed in the middle: what was measured until then is told. */
static int end_early(struct result *result, int rc, struct error *error)
{
    if (rc != -EINTR && rc != -ECANCELED && rc != -EIO)
        return rc;
    result->complete = false;
    result->broken = rc != -EINTR;
    snprintf(result->incomplete_reason, sizeof result->incomplete_reason, "%.300s", error->text);
    return 0;
}

static int advise(struct advising *advising, struct error *error)
{
    struct result *result = advising->result;
    int rc = advise_read(advising, error);
    if (rc == 0)
        rc = advise_try_usual(advising, error);
    if (rc < 0)
        return rc;
    if (!advising->plan->metric)
        result->advice.measure = advising->bench.by_cpu ? "CPU time" : "wall clock";
    result->advice.seconds = advising->usual.seconds / advising->bench.batch;
    advise_add_all(advising);
    rc = choose_fitting(advising, error);
    if (rc == 0)
        rc = stages(advising, error);
    rc = end_early(result, rc, error);
    if (rc == 0)
        rc = advise_figures(advising, error);
    return rc == 0 ? tell_advice(advising, error) : rc;
}

int advise_plan_run(const struct advise_plan *plan, struct setting *setting, const struct progress *progress,
    struct result *result, struct error *error)
{
    struct advising *advising = calloc(1, sizeof *advising);
    if (!advising)
        return error_set(error, ENOMEM, "no memory for what is tried");
    *advising =
        (struct advising){.plan = plan, .progress = progress, .result = result, .usual = {.cell = SIZE_MAX}};
    begin(advising);
    int rc = bench_open(&advising->bench, plan, setting, error);
    if (rc == 0) {
        tell_words(advising);
        rc = advise(advising, error);
    }
    result->seconds = clock_seconds() - advising->began;
    bench_close(&advising->bench);
    free(advising);
    return rc < 0 ? rc : setting_describe(setting, result, error);
}

int advise_plan_list(
    const struct advise_plan *plan, struct setting *setting, struct result *result, struct error *error)
{
    struct advising *advising = calloc(1, sizeof *advising);
    if (!advising)
        return error_set(error, ENOMEM, "no memory for what can be tried");
    *advising = (struct advising){.plan = plan, .result = result};
    begin(advising);
    int rc = bench_open(&advising->bench, plan, setting, error);
    if (rc == 0)
        rc = advise_read(advising, error);
    if (rc == 0)
        advise_add_all(advising);
    if (rc == 0)
        rc = tell_advice(advising, error);
    bench_close(&advising->bench);
    free(advising);
    return rc;
}
