/* What a child has mapped (monitor/deprivileged/mappings.h), against a list of pages. */
#include "cmocka_all.h"

#include "monitor/deprivileged/mappings.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, MIB2 = 2 << 20 };
#define GIB (UINT64_C(1) << 30)
#define LIMIT (UINT64_C(1) << 47)

static struct mappings *make(void)
{
    struct mappings *mappings = mappings_new();
    assert_non_null(mappings);
    return mappings;
}

static void map(struct mappings *mappings, uint64_t start, uint64_t bytes, uint64_t offset, unsigned rights)
{
    const struct mapping mapping = {start, bytes, offset, 1, rights};
    assert_int_equal(mappings_map(mappings, &mapping, NULL), 0);
}

static void test_joins_neighbours(void **state)
{
    (void)state;
    struct mappings *mappings = make();
    struct mapping found;
    map(mappings, 5 * GIB, PAGE, 0, 3);
    map(mappings, 5 * GIB + PAGE, PAGE, PAGE, 3);
    assert_int_equal(mappings_count(mappings), 1);
    map(mappings, 5 * GIB + 2 * PAGE, PAGE, 3 * PAGE, 3); /* elsewhere in the memory */
    map(mappings, 5 * GIB + 3 * PAGE, PAGE, 4 * PAGE, 1); /* with other rights */
    assert_int_equal(mappings_count(mappings), 3);
    assert_true(mappings_find(mappings, 0, LIMIT, &found));
    assert_int_equal(found.start, 5 * GIB);
    assert_int_equal(found.bytes, 2 * PAGE);
    assert_int_equal(found.memory, 1);
    assert_int_equal(found.rights, 3);
    mappings_free(mappings);
}

static void test_joins_across_windows(void **state)
{
    (void)state;
    struct mappings *mappings = make();
    struct mapping found;
    map(mappings, 4 * GIB - 3 * PAGE, 2 * GIB + 6 * PAGE, 7 * PAGE, 7);
    assert_int_equal(mappings_count(mappings), 1);
    assert_int_equal(mappings_unmap(mappings, 5 * GIB, PAGE, NULL), 0);
    assert_int_equal(mappings_count(mappings), 2);
    assert_true(mappings_find(mappings, 5 * GIB, LIMIT, &found));
    assert_int_equal(found.start, 5 * GIB + PAGE);
    assert_int_equal(found.bytes, GIB + 2 * PAGE);
    assert_int_equal(found.offset, GIB + 11 * PAGE);
    map(mappings, 5 * GIB, PAGE, GIB + 10 * PAGE, 7);
    assert_int_equal(mappings_count(mappings), 1);
    mappings_free(mappings);
}

static void test_reaches_to_both_ends(void **state)
{
    (void)state;
    struct mappings *mappings = make();
    map(mappings, 0, PAGE, 0, 1);
    map(mappings, LIMIT - PAGE, PAGE, 0, 1);
    assert_int_equal(mappings_count(mappings), 2);
    assert_int_equal(mappings_protect(mappings, 0, LIMIT, 3, NULL), 0);
    assert_int_equal(mappings_count(mappings), 2);
    assert_int_equal(mappings_unmap(mappings, 0, LIMIT, NULL), 0);
    assert_int_equal(mappings_count(mappings), 0);
    mappings_free(mappings);
}

static void test_drops_what_was_changed_longest_ago(void **state)
{
    (void)state;
    struct mappings *mappings = make();
    uint64_t start, bytes;
    map(mappings, 8 * GIB, GIB, 0, 3);
    for (uint64_t i = 0; i < 3; i++)
        map(mappings, GIB + i * MIB2, PAGE, i * MIB2, 3);
    map(mappings, GIB + 4 * PAGE, PAGE, 0, 3);
    assert_true(mappings_drop(mappings, &start, &bytes));
    assert_int_equal(start, GIB + MIB2);
    assert_int_equal(bytes, MIB2);
    assert_int_equal(mappings_count(mappings), 4);
    assert_true(mappings_drop(mappings, &start, &bytes));
    assert_true(mappings_drop(mappings, &start, &bytes));
    assert_int_equal(start, GIB);
    assert_true(mappings_drop(mappings, &start, &bytes)); /* nothing scattered is left: all of it */
    assert_true(start <= 8 * GIB && start + bytes >= 9 * GIB);
    assert_int_equal(mappings_count(mappings), 0);
    assert_false(mappings_drop(mappings, &start, &bytes));
    mappings_free(mappings);
}

/* ---- against a list of pages ---- */

enum { WORLD = 4096, STEPS = 20000 }; /* pages: 8 windows, around the end of a GiB */
#define BASE (3 * GIB - 4 * MIB2)

struct page {
    bool there;
    uint64_t offset;
    unsigned memory, rights;
};

static bool goes_on(const struct page *before, const struct page *page)
{
    return before->there && page->there && page->offset == before->offset + PAGE &&
           page->memory == before->memory && page->rights == before->rights;
}

static void check_all(const struct mappings *mappings, const struct page *world)
{
    size_t count = 0;
    uint64_t from = BASE;
    for (unsigned i = 0; i < WORLD;) {
        struct mapping found;
        unsigned start = i;
        if (!world[i++].there)
            continue;
        while (i < WORLD && goes_on(&world[i - 1], &world[i]))
            i++;
        count++;
        assert_true(mappings_find(mappings, from, LIMIT, &found));
        assert_int_equal(found.start, BASE + (uint64_t)start * PAGE);
        assert_int_equal(found.bytes, (uint64_t)(i - start) * PAGE);
        assert_int_equal(found.offset, world[start].offset);
        assert_int_equal(found.memory, world[start].memory);
        assert_int_equal(found.rights, world[start].rights);
        from = found.start + found.bytes;
    }
    assert_int_equal(mappings_count(mappings), count);
}

static void change_both(
    struct mappings *mappings, struct page *world, unsigned kind, unsigned first, unsigned count)
{
    const struct mapping mapping = {BASE + (uint64_t)first * PAGE, (uint64_t)count * PAGE,
        (uint64_t)(rand() % 3 ? first : (unsigned)rand() % 64) * PAGE, (unsigned)rand() % 2,
        (unsigned)rand() % 2 + 1};
    if (kind == 0)
        assert_int_equal(mappings_map(mappings, &mapping, NULL), 0);
    else if (kind == 1)
        assert_int_equal(mappings_unmap(mappings, mapping.start, mapping.bytes, NULL), 0);
    else
        assert_int_equal(mappings_protect(mappings, mapping.start, mapping.bytes, mapping.rights, NULL), 0);
    for (unsigned i = first; i < first + count; i++) {
        if (kind == 0)
            world[i] = (struct page){
                true, mapping.offset + (uint64_t)(i - first) * PAGE, mapping.memory, mapping.rights};
        else if (kind == 1)
            world[i].there = false;
        else
            world[i].rights = mapping.rights;
    }
}

static void test_agrees_with_a_list_of_pages(void **state)
{
    (void)state;
    struct mappings *mappings = make();
    static struct page world[WORLD];
    srand(13);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned first = (unsigned)rand() % WORLD, most = rand() % 20 ? 8 : WORLD;
        if (rand() % 8 == 0)
            first &= ~511U;
        unsigned count = 1 + (unsigned)rand() % most;
        if (rand() % 8 == 0)
            count = 512;
        count = count < WORLD - first ? count : WORLD - first;
        change_both(mappings, world, (unsigned)rand() % 3, first, count);
        if (step % 50 == 0)
            check_all(mappings, world);
    }
    mappings_free(mappings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joins_neighbours),
        cmocka_unit_test(test_joins_across_windows),
        cmocka_unit_test(test_reaches_to_both_ends),
        cmocka_unit_test(test_drops_what_was_changed_longest_ago),
        cmocka_unit_test(test_agrees_with_a_list_of_pages),
    };
    return cmocka_run_group_tests_name("mappings", tests, NULL, NULL);
}
