/* Which ranges of addresses a program has mapped: against a list of single pages. */
#include "cmocka_all.h"

#include "program/inside/areas.h"

#include "base/random.h"

enum { PAGE = 4096, PAGES = 64 };

/* Neighbours of equal rights are one, none overlap, and each page has the rights that it was given last. */
static void check(const struct areas *areas, const int *pages)
{
    for (size_t i = 0; i < areas->count; i++) {
        const struct area *area = &areas->list[i];
        assert_true(area->from < area->to);
        if (i) {
            assert_true(area[-1].to <= area->from);
            assert_false(area[-1].to == area->from && area[-1].protection == area->protection);
        }
    }
    for (uint64_t i = 0; i < PAGES; i++) {
        const struct area *area = areas_at(areas, i * PAGE + 17);
        assert_int_equal(area ? area->protection : AREA_NONE, pages[i]);
    }
}

static void random_ranges_are_what_single_pages_are(void **state)
{
    (void)state;
    struct areas areas = {.list = NULL};
    int pages[PAGES];
    uint64_t random = 1;
    for (int i = 0; i < PAGES; i++)
        pages[i] = AREA_NONE;
    for (int step = 0; step < 20000; step++) {
        uint64_t count = 1 + random_below(&random, 9), first = random_below(&random, PAGES - count);
        int protection = (int)random_below(&random, 4) - 1;
        assert_int_equal(areas_set(&areas, first * PAGE, (first + count) * PAGE, protection), 0);
        for (uint64_t i = first; i < first + count; i++)
            pages[i] = protection;
        check(&areas, pages);
    }
    areas_free(&areas);
}

/* The highest place that has room, and is aligned. */
static void a_free_range_is_the_highest_that_fits(void **state)
{
    (void)state;
    struct areas areas = {.list = NULL};
    assert_int_equal(areas_find(&areas, PAGE, 16 * PAGE, 4 * PAGE, PAGE), 12 * PAGE);
    assert_int_equal(areas_set(&areas, 10 * PAGE, 13 * PAGE, 1), 0);
    assert_int_equal(areas_find(&areas, PAGE, 16 * PAGE, 3 * PAGE, PAGE), 13 * PAGE);
    assert_int_equal(areas_find(&areas, PAGE, 16 * PAGE, 4 * PAGE, PAGE), 6 * PAGE);
    assert_int_equal(areas_find(&areas, PAGE, 16 * PAGE, 4 * PAGE, 4 * PAGE), 4 * PAGE);
    assert_int_equal(areas_find(&areas, 7 * PAGE, 16 * PAGE, 4 * PAGE, PAGE), 0);
    assert_int_equal(areas_find(&areas, PAGE, 12 * PAGE, 2 * PAGE, PAGE), 8 * PAGE);
    areas_free(&areas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_ranges_are_what_single_pages_are),
        cmocka_unit_test(a_free_range_is_the_highest_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
