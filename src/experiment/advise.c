/* vcost advise, from the plan to the result: advise.h tells what the stages are. */
#include "experiment/advise.h"

#include "experiment/advise_internal.h"
#include "experiment/internal.h"
#include "measure/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int stages(struct advising *advising, struct error *error)
{
    struct variant_list chosen;
    int rc = advise_try_each(advising, error);
    if (rc == 0)
        rc = advise_screen(advising, &chosen, error);
    if (rc == 0)
        rc = advise_confirm(advising, &chosen, error);
    if (rc == 0)
        rc = advise_try_together(advising, error);
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
    advice->use = advising->usual.told.use;
    if (!advising->plan->server) {
        advice->left_count = bench->usual.left.count;
        advice->left_name = pool_text(&advising->result->pool, bench->usual.left.name);
    }
    advice->leaves_some = advice->left_count > 0;
    advice->reads_nothing = advising->reads_nothing;
    advice->output_compared = bench->same_output;
    if (!bench->same_output)
        snprintf(advice->no_output_reason, sizeof advice->no_output_reason, "it differs from run to run");
    advise_tell_undecided(advising);
    const struct variant *best = advise_best(advising);
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
        .left_name = "",
        .seconds = NAN,
        .decides_seconds = NAN,
        .scatter = NAN,
        .scatter_next = NAN,
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

static int advise(struct advising *advising, struct setting *setting, struct error *error)
{
    struct result *result = advising->result;
    int rc = advise_read(advising, error);
    if (rc == 0)
        rc = advise_inspect(advising, setting, error);
    if (rc == 0)
        rc = advise_try_usual(advising, error);
    if (rc < 0 && rc != -EINTR)
        return rc;
    if (!advising->plan->metric)
        result->advice.measure = advising->bench.by_cpu ? "CPU time" : "wall clock";
    if (rc == 0) {
        result->advice.seconds = advising->usual.seconds / advising->bench.batch;
        advise_add_all(advising);
        rc = advise_check_budget(advising, error);
    }
    if (rc == 0)
        rc = stages(advising, error);
    rc = end_early(result, rc, error);
    if (rc == 0)
        rc = advise_figures(advising, error);
    if (rc == 0)
        rc = tell_advice(advising, error);
    if (rc == 0)
        qsort(result->advice.items, result->advice.count, sizeof *result->advice.items, by_state);
    return rc;
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
        rc = advise(advising, setting, error);
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
    *advising = (struct advising){.plan = plan, .result = result, .usual = {.cell = SIZE_MAX}};
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
