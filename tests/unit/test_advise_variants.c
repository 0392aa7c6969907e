/* Remedies as variants of a program: what several together are called. */
#include "cmocka_all.h"

#include "experiment/advise_internal.h"

#include <stdio.h>
#include <string.h>

static struct result result;
static struct advising advising;

static struct recipe named(const char *name)
{
    return (struct recipe){.name = name,
        .title = name,
        .article = "",
        .costs = "nothing",
        .kind = name,
        .preload = "",
        .stand_in = "",
        .cause = ""};
}

static void a_combination_is_called_by_all_its_remedies(void **state)
{
    static const char *const names[] = {"glibc-text-large-pages", "malloc-large-pages", "numa-interleave",
        "prefault-files", "fewer-threads", "eager-binding"};
    const struct recipe *parts[VARIANT_PARTS_MAX];
    struct recipe recipes[VARIANT_PARTS_MAX];
    (void)state;
    for (size_t i = 0; i < VARIANT_PARTS_MAX; i++) {
        recipes[i] = named(names[i]);
        parts[i] = &recipes[i];
    }
    advising.result = &result;
    assert_string_equal(advise_add(&advising, parts, 1)->told.name, "glibc-text-large-pages");
    const struct variant *all = advise_add(&advising, parts, VARIANT_PARTS_MAX);
    assert_string_equal(all->told.name, "glibc-text-large-pages+malloc-large-pages+numa-interleave+"
                                        "prefault-files+fewer-threads+eager-binding");
    assert_true(all->told.combination);
    pool_free(&result.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_combination_is_called_by_all_its_remedies)};
    return cmocka_run_group_tests_name("advise_variants", tests, NULL, NULL);
}
