/* Remedies as variants of a program. */
#include "experiment/advise_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_asked_for(const struct advise_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->only_count; i++)
        if (!strcmp(plan->only[i], name))
            return true;
    return plan->only_count == 0;
}

static int add_recipe(struct advising *advising, const struct recipe *recipe, struct error *error)
{
    for (size_t i = 0; i < advising->recipe_count; i++)
        if (!strcmp(advising->recipes[i].name, recipe->name))
            return error_set(error, EINVAL, "there are two remedies \"%.60s\"", recipe->name);
    if (advising->recipe_count == RECIPES_MAX)
        return error_set(error, EINVAL, "there are more than %d remedies", RECIPES_MAX);
    advising->recipes[advising->recipe_count++] = *recipe;
    return 0;
}

int advise_read(struct advising *advising, struct error *error)
{
    struct pool *pool = &advising->result->pool;
    struct recipe recipe;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < advising->plan->file_count; i++)
        if ((rc = recipe_read(advising->plan->files[i], pool, &recipe, error)) == 0)
            rc = add_recipe(advising, &recipe, error);
    for (size_t i = 0; rc == 0 && recipe_preset(i).name; i++) {
        const struct recipe_preset preset = recipe_preset(i);
        rc = recipe_parse(preset.text, preset.bytes, preset.file, pool, &recipe, error);
        if (rc == 0 && is_asked_for(advising->plan, recipe.name))
            rc = add_recipe(advising, &recipe, error);
    }
    return rc;
}

struct variant *advise_add(struct advising *advising, const struct recipe *const *parts, size_t count)
{
    const struct surroundings *here = &advising->bench.here;
    struct pool *pool = &advising->result->pool;
    struct variant *variant = &advising->variants[advising->count++];
    struct advised *told = &variant->told;
    *variant = (struct variant){.part_count = count, .cell = SIZE_MAX};
    *told = (struct advised){.name = parts[0]->name,
        .title = parts[0]->title,
        .article = parts[0]->article,
        .costs = parts[0]->costs,
        .command = "",
        .cell = "",
        .over = "",
        .over_ratio = NAN,
        .over_low = NAN,
        .over_high = NAN,
        .cause = parts[0]->cause,
        .stand_in = parts[0]->stand_in,
        .combination = count > 1,
        .diagnostic = parts[0]->diagnostic,
        .state = ADVISED_UNTRIED,
        .ratio = NAN,
        .low = NAN,
        .high = NAN,
        .chance = NAN};
    for (size_t i = 0; i < count; i++) {
        variant->parts[i] = parts[i];
        recipe_apply(parts[i], here, pool, &variant->conditions);
        if (i) {
            told->name = pool_format(pool, "%s+%s", told->name, parts[i]->name);
            told->title = pool_format(pool, "%s; %s", told->title, parts[i]->title);
            told->costs = pool_format(pool, "%s; %s", told->costs, parts[i]->costs);
        }
    }
    if (advising->bench.words)
        told->command = recipe_command_line(parts, count, here, advising->bench.words, pool);
    return variant;
}

/* What others would have to do is told where it is known to be needed, or not known not to be. */
static void tell_cannot(const struct advice *advice, const char *why, struct variant *variant)
{
    const struct recipe *recipe = variant->parts[0];
    struct advised *told = &variant->told;
    bool unneeded =
        recipe->operator[0] && recipe->cause[0] && advice->inspected && !advice_cause(advice, recipe->cause);
    told->state = ADVISED_CANNOT;
    if (unneeded)
        told->stand_in = "";
    snprintf(told->reason, sizeof told->reason, "%.220s",
        unneeded ? "vcost inspect finds nothing here that it would change" : why);
}

/* Where another one is tried instead, that is told; where that one cannot be either, there is none. */
static void tell_stand_in(struct advising *advising, struct advised *told)
{
    size_t i = 0, length = strlen(told->reason);
    if (told->state != ADVISED_CANNOT || !told->stand_in[0])
        return;
    while (i < advising->count && strcmp(advising->variants[i].told.name, told->stand_in) != 0)
        i++;
    if (i == advising->count || advising->variants[i].told.state == ADVISED_CANNOT)
        told->stand_in = "";
    else
        snprintf(told->reason + length, sizeof told->reason - length, "; tried in its place: %.40s",
            told->stand_in);
}

void advise_add_all(struct advising *advising)
{
    struct error why;
    for (size_t i = 0; i < advising->recipe_count; i++) {
        const struct recipe *recipe = &advising->recipes[i];
        struct variant *variant = advise_add(advising, &recipe, 1);
        if (recipe_check(recipe, &advising->bench.here, &why) < 0)
            tell_cannot(&advising->result->advice, why.text, variant);
    }
    for (size_t i = 0; i < advising->count; i++)
        tell_stand_in(advising, &advising->variants[i].told);
}
