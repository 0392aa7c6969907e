/* paging/: what was mapped is what a walk finds, for every page size and depth, and nothing else.
 * test_paging_random.c holds them against a naive map. */
#include "cmocka_all.h"

#include "base/size.h"
#include "paging/table_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES = 3072, ALL = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE | PAGE_USER };
#define FIRST UINT64_C(0x100000)

static struct table_pool pool;
static struct page_tables tables;

static void open_tables(unsigned levels, size_t pages)
{
    struct error error;
    pool =
        (struct table_pool){.base = aligned_alloc(4096, pages * 4096), .first = GPA(FIRST), .pages = pages};
    assert_non_null(pool.base);
    memset(pool.base, 0xff, pages * 4096);
    assert_int_equal(table_pool_init(&pool, &error), 0);
    tables = (struct page_tables){.memory = table_pool_memory(&pool), .levels = levels};
    assert_int_equal(page_tables_init(&tables, &error), 0);
}

static int open_4(void **state)
{
    (void)state;
    open_tables(4, TABLES);
    return 0;
}

static int open_5(void **state)
{
    (void)state;
    open_tables(5, TABLES);
    return 0;
}

/* Tables in use, as the pool knows it. */
static size_t taken(void)
{
    size_t count = 0;
    for (size_t i = 0; i < pool.pages; i++)
        count += pool.states[i] == 1;
    return count;
}

static int close_tables(void **state)
{
    (void)state;
    page_tables_free(&tables);
    size_t left = taken();
    table_pool_free(&pool);
    free(pool.base);
    return left ? -1 : 0;
}

static int map(uint64_t from, uint64_t to, uint64_t bytes, uint64_t page, unsigned rights)
{
    struct error error;
    int rc = page_tables_map(&tables, GVA(from), GPA(to), bytes, page, rights, &error);
    assert_true(rc == 0 || (error.code == -rc && error.text[0]));
    return rc;
}

static struct page_leaf leaf_at(uint64_t address)
{
    struct page_walk walk;
    page_tables_walk(&tables, GVA(address), &walk);
    return walk.leaf;
}

static void assert_leaf(uint64_t address, uint64_t to, uint64_t page, unsigned rights)
{
    struct page_walk walk;
    page_tables_walk(&tables, GVA(address), &walk);
    struct page_leaf leaf = walk.leaf;
    assert_int_equal(leaf.bytes, page);
    assert_int_equal((walk.read[walk.reads - 1].entry & PAGE_BIT_LARGE) != 0, page > 4 * KIB);
    assert_int_equal(leaf.from.value, address & -page);
    assert_int_equal(leaf.to.value + address % page, to);
    assert_int_equal(leaf.rights, rights);
}

/* ---- one thing at a time ---- */

static void every_page_size_is_found_again(void **state)
{
    (void)state;
    const uint64_t pages[] = {4 * KIB, 2 * MIB, 1 * GIB};
    for (size_t i = 0; i < 3; i++) {
        uint64_t page = pages[i], from = 0x7e0000000000 + i * 512 * GIB, to = 16 * GIB;
        assert_int_equal(map(from, to, 3 * page, page, ALL), 0);
        for (uint64_t offset = 0; offset < 3 * page; offset += page / 2)
            assert_leaf(from + offset, to + offset, page, ALL);
        assert_int_equal(leaf_at(from + 3 * page).bytes, 0);
        assert_int_equal(leaf_at(from - 1).bytes, 0);
    }
}

/* What a model must be able to follow: each entry lies in the table that the one before names. */
static void a_walk_tells_the_entries_that_it_reads(void **state)
{
    struct page_walk walk;
    const uint64_t at = 0x7f0000603000;
    (void)state;
    assert_int_equal(map(at, 0x5000, 4 * KIB, 4 * KIB, PAGE_READ | PAGE_USER), 0);
    page_tables_walk(&tables, GVA(at + 8), &walk);
    assert_int_equal(walk.reads, tables.levels);
    uint64_t table = tables.root.value;
    for (unsigned i = 0; i < walk.reads; i++) {
        unsigned shift = 12 + 9 * (tables.levels - 1 - i);
        assert_int_equal(walk.read[i].where.value, table + (at >> shift) % 512 * 8);
        assert_memory_equal(&walk.read[i].entry, pool.base + walk.read[i].where.value - FIRST, 8);
        table = walk.read[i].entry & 0x000ffffffffff000;
    }
    assert_int_equal(table, 0x5000);
    page_tables_walk(&tables, GVA(at + 2 * MIB), &walk); /* beside it the walk ends a level earlier */
    assert_int_equal(walk.reads, tables.levels - 1);
    assert_int_equal(walk.read[walk.reads - 1].entry, 0);
    assert_int_equal(walk.leaf.bytes, 0);
    page_tables_walk(&tables, GVA(UINT64_C(1) << 60), &walk); /* not canonical */
    assert_int_equal(walk.reads, 0);
}

static void both_halves_and_their_last_pages_can_be_mapped(void **state)
{
    const uint64_t half = UINT64_C(1) << (11 + 9 * tables.levels);
    (void)state;
    assert_int_equal(map(-8 * KIB, 0x5000, 8 * KIB, 4 * KIB, ALL), 0);
    assert_int_equal(map(half - 4 * KIB, 0x9000, 4 * KIB, 4 * KIB, ALL), 0);
    assert_leaf(-4 * KIB + 16, 0x6010, 4 * KIB, ALL);
    assert_leaf(half - 8, 0x9ff8, 4 * KIB, ALL);
    assert_int_equal(map(half, 0, 4 * KIB, 4 * KIB, ALL), -EINVAL);
    assert_int_equal(map(-half - 4 * KIB, 0, 8 * KIB, 4 * KIB, ALL), -EINVAL);
    assert_int_equal(map(-4 * KIB, 0, 8 * KIB, 4 * KIB, ALL), -EINVAL); /* over the end */
}

static void misaligned_and_endless_mappings_are_refused(void **state)
{
    (void)state;
    assert_int_equal(map(0x1000, 0x800, 4 * KIB, 4 * KIB, ALL), -EINVAL);
    assert_int_equal(map(0x1000, 0, 2 * MIB, 2 * MIB, ALL), -EINVAL);
    assert_int_equal(map(0, 0, 8 * KIB, 8 * KIB, ALL), -EINVAL);
    assert_int_equal(map(0, 0, 0, 4 * KIB, ALL), -EINVAL);
    assert_int_equal(map(0, UINT64_C(1) << 52, 4 * KIB, 4 * KIB, ALL), -EINVAL);
    assert_int_equal(map(0, -2 * MIB, 4 * MIB, 2 * MIB, ALL), -EINVAL);
    assert_int_equal(taken(), 1);
}

static void code_may_do_what_the_rights_say(void **state)
{
    const struct {
        unsigned asked, got;
    } rights[] = {{PAGE_READ, PAGE_READ}, {PAGE_WRITE | PAGE_USER, PAGE_READ | PAGE_WRITE | PAGE_USER},
        {PAGE_EXECUTE, PAGE_READ | PAGE_EXECUTE}, {ALL, ALL}};
    struct error error;
    (void)state;
    assert_int_equal(map(0, 2 * MIB, 2 * MIB, 2 * MIB, PAGE_READ), 0);
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        assert_int_equal(page_tables_protect(&tables, GVA(0), 2 * MIB, rights[i].asked, &error), 0);
        assert_leaf(0, 2 * MIB, 2 * MIB, rights[i].got);
    }
    assert_int_equal(page_tables_protect(&tables, GVA(0), 2 * MIB, 0, &error), 0);
    assert_int_equal(leaf_at(0).bytes, 0);
}

/* A link without a right takes it from all leaves below, as it does for the CPU. */
static void a_walk_tells_what_all_entries_allow_together(void **state)
{
    struct page_walk walk;
    (void)state;
    assert_int_equal(map(0, 0x5000, 4 * KIB, 4 * KIB, ALL), 0);
    page_tables_walk(&tables, GVA(0), &walk);
    uint64_t *link = (uint64_t *)(pool.base + walk.read[1].where.value - FIRST);
    *link = (*link & ~PAGE_BIT_WRITE) | PAGE_BIT_NO_EXECUTE;
    assert_int_equal(leaf_at(0).rights, PAGE_READ | PAGE_USER);
}

/* ---- leaves of different sizes at one place ---- */

/* The entry of a large leaf is no table. */
static void a_small_page_inside_a_large_one_is_refused(void **state)
{
    (void)state;
    assert_int_equal(map(0, 4 * MIB, 2 * MIB, 2 * MIB, ALL), 0);
    assert_int_equal(map(4 * KIB, 0x5000, 4 * KIB, 4 * KIB, ALL), -EEXIST);
    assert_int_equal(map(0, 1 * GIB, 1 * GIB, 1 * GIB, ALL), -EEXIST);
    assert_int_equal(map(1 * GIB, 0, 1 * GIB, 1 * GIB, ALL), 0);
    assert_int_equal(map(1 * GIB + 6 * MIB, 0, 2 * MIB, 2 * MIB, ALL), -EEXIST);
    assert_leaf(4 * KIB, 4 * MIB + 4 * KIB, 2 * MIB, ALL);
    assert_leaf(1 * GIB + 6 * MIB, 6 * MIB, 1 * GIB, ALL);
}

/* A range that is only partly free gets nothing, and no table stays. */
static void a_refused_mapping_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(map(1 * GIB, 0, 4 * KIB, 4 * KIB, 0), 0); /* not present, but there */
    size_t before = taken();
    assert_int_equal(map(1 * GIB - 4 * MIB, 0, 8 * MIB, 4 * KIB, ALL), -EEXIST);
    assert_int_equal(leaf_at(1 * GIB - 4 * MIB).bytes, 0);
    assert_int_equal(taken(), before);
}

static void a_change_inside_a_large_leaf_splits_it(void **state)
{
    struct error error;
    const uint64_t hole = 1 * GIB + 6 * MIB + 16 * KIB;
    (void)state;
    assert_int_equal(map(1 * GIB, 8 * GIB, 1 * GIB, 1 * GIB, ALL), 0);
    assert_int_equal(page_tables_unmap(&tables, GVA(hole), 8 * KIB, &error), 0);
    assert_int_equal(leaf_at(hole).bytes, 0);
    assert_leaf(hole - 1, 8 * GIB + 6 * MIB + 16 * KIB - 1, 4 * KIB, ALL);
    assert_leaf(hole + 8 * KIB, 8 * GIB + 6 * MIB + 24 * KIB, 4 * KIB, ALL);
    assert_leaf(1 * GIB + 4 * MIB, 8 * GIB + 4 * MIB, 2 * MIB, ALL);
    assert_leaf(2 * GIB - 1, 9 * GIB - 1, 2 * MIB, ALL);
    assert_int_equal(page_tables_protect(&tables, GVA(1 * GIB), 8 * KIB, PAGE_READ, &error), 0);
    assert_leaf(1 * GIB + 8 * KIB, 8 * GIB + 8 * KIB, 4 * KIB, ALL);
    assert_leaf(1 * GIB + 4 * KIB, 8 * GIB + 4 * KIB, 4 * KIB, PAGE_READ);
}

static void add_bits(void *context, const struct page_leaf *leaf)
{
    int *bits = context;
    bits[0]++;
    bits[1] += leaf->accessed;
    bits[2] += leaf->dirty;
}

static void accessed_and_dirty_bits_live_through_splits_and_are_cleared(void **state)
{
    struct error error;
    int bits[3] = {0};
    (void)state;
    tables.preset = PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY;
    assert_int_equal(map(0, 0, 2 * MIB, 2 * MIB, ALL), 0);
    assert_int_equal(page_tables_scan(&tables, GVA(4 * KIB), 4 * KIB, PAGE_BIT_DIRTY, NULL, NULL, &error), 0);
    assert_int_equal(page_tables_split(&tables, GVA(0), 4 * KIB, &error), 0);
    assert_int_equal(page_tables_protect(&tables, GVA(0), 2 * MIB, PAGE_READ, &error), 0);
    assert_int_equal(
        page_tables_scan(&tables, GVA(0), 8 * KIB, PAGE_BIT_ACCESSED, add_bits, bits, &error), 0);
    assert_int_equal(page_tables_scan(&tables, GVA(0), 1 * GIB, 0, add_bits, bits, &error), 0);
    assert_int_equal(bits[0], 2 + 512);
    assert_int_equal(bits[1], 2 + 510);
    assert_int_equal(bits[2], 0);
    assert_leaf(0, 0, 4 * KIB, PAGE_READ); /* not the bits of rights, whatever is asked for */
    assert_int_equal(page_tables_scan(&tables, GVA(0), 4 * KIB, UINT64_MAX, NULL, NULL, &error), 0);
    assert_leaf(0, 0, 4 * KIB, PAGE_READ);
}

static void what_is_hidden_comes_back_as_it_was(void **state)
{
    struct error error;
    (void)state;
    assert_int_equal(map(0, 2 * MIB, 2 * MIB, 2 * MIB, PAGE_READ | PAGE_USER), 0);
    assert_int_equal(map(2 * MIB, 0, 4 * KIB, 4 * KIB, 0), 0);
    assert_int_equal(page_tables_hide(&tables, GVA(4 * KIB), 2 * MIB, &error), 0);
    assert_int_equal(leaf_at(4 * KIB).bytes, 0);
    assert_leaf(0, 2 * MIB, 4 * KIB, PAGE_READ | PAGE_USER);
    assert_int_equal(page_tables_show(&tables, GVA(0), 4 * MIB, &error), 0);
    assert_leaf(4 * KIB, 2 * MIB + 4 * KIB, 4 * KIB, PAGE_READ | PAGE_USER);
    assert_int_equal(leaf_at(2 * MIB).bytes, 0); /* it never was present */
}

/* ---- tables ---- */

static void the_estimate_of_tables_is_enough_and_not_wasteful(void **state)
{
    (void)state;
    size_t before = taken();
    uint64_t need = page_tables_need(tables.levels, 700 * MIB, 4 * KIB);
    assert_int_equal(
        map(0x7ffff000 - 4 * KIB, 0, 700 * MIB, 4 * KIB, ALL), 0); /* straddles all that can be */
    assert_true((taken() - before) * 4096 <= need);
    assert_true(need < 700 * MIB / 512 + 64 * KIB);
}

static void empty_tables_are_given_back(void **state)
{
    struct error error;
    (void)state;
    assert_int_equal(map(512 * GIB - 2 * MIB, 0, 4 * MIB, 4 * KIB, ALL), 0);
    assert_int_equal(taken(), 1 + tables.levels - 3 + 3 + 3 - 1);
    assert_int_equal(page_tables_unmap(&tables, GVA(512 * GIB), 2 * MIB, &error), 0);
    assert_int_equal(taken(), tables.levels);
    assert_int_equal(page_tables_unmap(&tables, GVA(0), 1024 * GIB, &error), 0);
    assert_int_equal(taken(), 1);
}

static int forget(void *context, struct error *error)
{
    int *asked = context;
    return (*asked)++ ? error_set(error, EIO, "once is enough") : 0;
}

/* Who has cached a table must have forgotten it before it is another one. */
static void a_table_is_used_again_only_after_forgetting(void **state)
{
    struct error error;
    int asked = 0;
    (void)state;
    assert_int_equal(close_tables(NULL), 0);
    open_tables(4, 5);
    pool.forget = forget;
    pool.context = &asked;
    for (int times = 0; times < 2; times++) {
        assert_int_equal(map(0, 0, 4 * KIB, 4 * KIB, ALL), 0); /* three of the four beside the root */
        assert_int_equal(page_tables_unmap(&tables, GVA(0), 4 * KIB, &error), 0);
        assert_int_equal(asked, times);
    }
    assert_int_equal(map(0, 0, 4 * KIB, 4 * KIB, ALL), -EIO);
    assert_int_equal(taken(), 1);
}

/* Tables that a guest could write may name a table twice, or none. */
static void a_table_that_is_given_back_twice_is_handed_out_once(void **state)
{
    struct error error;
    gpa_t table, first, second;
    (void)state;
    assert_int_equal(close_tables(NULL), 0);
    open_tables(4, 3);
    assert_int_equal(tables.memory.take(&pool, &table, &error), 0);
    tables.memory.give(&pool, table);
    tables.memory.give(&pool, table);
    tables.memory.give(&pool, GPA(FIRST + 3 * 4096));
    tables.memory.give(&pool, GPA(FIRST - 4096));
    tables.memory.give(&pool, GPA(table.value + 8));
    assert_int_equal(tables.memory.take(&pool, &first, &error), 0);
    assert_int_equal(tables.memory.take(&pool, &second, &error), 0);
    assert_int_not_equal(first.value, second.value);
    assert_int_equal(tables.memory.take(&pool, &table, &error), -ENOMEM);
    assert_null(tables.memory.at(&pool, GPA(FIRST + 3 * 4096)));
    assert_null(tables.memory.at(&pool, GPA(FIRST + 8)));
    tables.memory.give(&pool, first);
    tables.memory.give(&pool, second);
}

/* Nothing stays of a mapping for which there are not tables enough, and what was there is there. */
static void running_out_of_tables_changes_nothing(void **state)
{
    struct error error;
    (void)state;
    assert_int_equal(close_tables(NULL), 0);
    open_tables(4, 6);
    assert_int_equal(map(0, 0, 2 * MIB, 2 * MIB, ALL), 0);
    assert_int_equal(map(64 * MIB, 0, 16 * MIB, 4 * KIB, ALL), -ENOMEM);
    assert_int_equal(map(512 * GIB, 0, 4 * GIB, 2 * MIB, ALL), -ENOMEM);
    assert_int_equal(taken(), 3);
    assert_int_equal(map(64 * MIB, 0, 6 * MIB, 4 * KIB, ALL), 0);
    assert_int_equal(page_tables_protect(&tables, GVA(4 * KIB), 4 * KIB, PAGE_READ, &error), -ENOMEM);
    assert_int_equal(page_tables_unmap(&tables, GVA(4 * KIB), 4 * KIB, &error), -ENOMEM);
    assert_leaf(4 * KIB, 4 * KIB, 2 * MIB, ALL);
}

#define WITH(test, open) cmocka_unit_test_setup_teardown(test, open, close_tables)
#define BOTH(test)                                                                                           \
    {#test " (4 levels)", test, open_4, close_tables, NULL},                                                 \
    {                                                                                                        \
#test " (5 levels)", test, open_5, close_tables, NULL                                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(every_page_size_is_found_again),
        BOTH(a_walk_tells_the_entries_that_it_reads),
        BOTH(both_halves_and_their_last_pages_can_be_mapped),
        BOTH(misaligned_and_endless_mappings_are_refused),
        WITH(code_may_do_what_the_rights_say, open_4),
        BOTH(a_walk_tells_what_all_entries_allow_together),
        BOTH(a_small_page_inside_a_large_one_is_refused),
        WITH(a_refused_mapping_changes_nothing, open_4),
        WITH(a_change_inside_a_large_leaf_splits_it, open_4),
        WITH(accessed_and_dirty_bits_live_through_splits_and_are_cleared, open_4),
        WITH(what_is_hidden_comes_back_as_it_was, open_4),
        BOTH(the_estimate_of_tables_is_enough_and_not_wasteful),
        BOTH(empty_tables_are_given_back),
        WITH(a_table_is_used_again_only_after_forgetting, open_4),
        WITH(a_table_that_is_given_back_twice_is_handed_out_once, open_4),
        WITH(running_out_of_tables_changes_nothing, open_4),
    };
    return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
