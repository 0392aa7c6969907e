/* Remedies as variants of a program: what several together are called, and whether all of them took effect.
 */
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

/* Of one CPU, a library and fewer faults together, by what a run showed. */
static struct advised proved(bool mapped, unsigned cpus, uint64_t faults)
{
    static const enum recipe_proof proofs[] = {PROOF_ONE_CPU, PROOF_LIBRARY, PROOF_FEWER_FAULTS};
    enum { PARTS = sizeof proofs / sizeof *proofs, LOOKS = 100 };
    struct recipe recipes[PARTS];
    struct variant variant = {.part_count = PARTS};
    struct bench bench = {.usual = {.end = {.faults = 1000}, .looks = {.count = LOOKS, .cpus = 2}}};
    const struct tried tried = {
        .end = {.faults = faults}, .looks = {.count = LOOKS, .cpus = cpus, .library = mapped}};
    for (size_t i = 0; i < PARTS; i++) {
        recipes[i] = named("part");
        recipes[i].proof = proofs[i];
        recipes[i].preload = proofs[i] == PROOF_LIBRARY ? "liballocator.so" : "";
        variant.parts[i] = &recipes[i];
    }
    assert_string_equal(variant_library(&variant), "liballocator.so");
    bench_prove(&bench, &variant, &tried);
    return variant.told;
}

static void of_a_combination_each_part_has_to_take_effect(void **state)
{
    (void)state;
    const struct advised all = proved(true, 1, 500);
    assert_int_not_equal(all.state, ADVISED_NOT_OBTAINED);
    assert_string_equal(
        all.proof, "it may run on 1 CPU; liballocator.so is mapped; 500 page faults, 1000 without");
    assert_int_not_equal(proved(true, 1, 2000).state, ADVISED_NOT_OBTAINED);
    assert_int_equal(proved(false, 1, 500).state, ADVISED_NOT_OBTAINED);
    assert_int_equal(proved(true, 2, 500).state, ADVISED_NOT_OBTAINED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_combination_is_called_by_all_its_remedies),
        cmocka_unit_test(of_a_combination_each_part_has_to_take_effect)};
    return cmocka_run_group_tests_name("advise_variants", tests, NULL, NULL);
}
