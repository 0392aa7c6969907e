/* paging/ against a naive map: an array from 4 KiB page to what it is. A million random operations of all
 * sizes, with 4 levels and with 5, and what a CPU would do meanwhile. */
#include "cmocka_all.h"
#include "repeated.h"

#include "base/random.h"
#include "base/size.h"
#include "paging/table_pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPERATIONS = 500000, /* with each depth */
    COMPARISONS = 8,     /* of the whole */
    PAGES = 1 << 19,     /* 2 GiB of guest memory */
    HOT_PAGES = 2048,    /* most operations meet in 8 MiB */
    TABLES = 1200,       /* enough for all of it in pages of 4 KiB */
    FEW_TABLES = 7,
};

struct page {
    uint32_t frame;
    uint32_t pages; /* of the leaf that it belongs to; 0: not mapped */
    uint8_t rights;
    bool hidden, accessed, dirty;
};

static struct page *naive;
static struct table_pool pool;
static struct page_tables tables;
static uint64_t base, seed;
static bool short_of_tables;

static gva_t address(uint64_t page)
{
    return GVA(base + page * 4096);
}

/* ---- the naive map ---- */

/* Makes leaves smaller until none lies across the beginning of a page. */
static void naive_part(uint64_t page)
{
    while (page < PAGES && naive[page].pages && page % naive[page].pages) {
        uint32_t pages = naive[page].pages;
        for (uint64_t first = page - page % pages, i = 0; i < pages; i++)
            naive[first + i].pages = pages / 512;
    }
}

static unsigned naive_rights(const struct page *page)
{
    unsigned readable = page->rights & (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE) ? PAGE_READ : 0;
    return page->pages && !page->hidden && readable ? page->rights | readable : 0;
}

static int naive_map(uint64_t first, uint64_t count, uint32_t frame, uint32_t leaf, unsigned rights)
{
    for (uint64_t i = 0; i < count; i++)
        if (naive[first + i].pages)
            return -EEXIST;
    for (uint64_t i = 0; i < count; i++)
        naive[first + i] =
            (struct page){.frame = frame + (uint32_t)i, .pages = leaf, .rights = (uint8_t)rights};
    return 0;
}

static void naive_set(uint64_t page, bool accessed, bool dirty)
{
    uint32_t pages = naive[page].pages;
    for (uint64_t first = page - page % pages, i = 0; i < pages; i++) {
        naive[first + i].accessed = accessed;
        naive[first + i].dirty = dirty;
    }
}

/* ---- operations on both ---- */

typedef int change_function(struct page_tables *, gva_t, uint64_t, struct error *);

struct range {
    uint64_t first, count, leaf;
};

/* Of small leaves mostly, in the middle, where the root's entries change; of 1 GiB rarely, which is slow
 * here. */
static struct range any_range(void)
{
    uint64_t dice = random_below(&seed, 4000), most;
    struct range range = {.leaf = dice == 0 ? 1 << 18 : dice < 1000 ? 512 : 1};
    uint64_t slots = range.leaf == 1 << 18 ? 2 : HOT_PAGES / range.leaf;
    uint64_t start = range.leaf == 1 << 18 ? 0 : (PAGES - HOT_PAGES) / 2;
    range.first = start + random_below(&seed, slots) * range.leaf;
    most = (start + slots * range.leaf - range.first) / range.leaf;
    range.count = (1 + random_below(&seed, random_below(&seed, 20) && most > 8 ? 8 : most)) * range.leaf;
    return range;
}

static void change(struct range range, change_function *function);

static void map(struct range range)
{
    if (range.leaf == 1 << 18) /* or there would never be room */
        change(range, page_tables_unmap);
    struct error error;
    uint32_t frame = (uint32_t)(random_below(&seed, 1 << 10) * range.leaf);
    unsigned rights = (unsigned)random_below(&seed, 16);
    int rc = page_tables_map(&tables, address(range.first), GPA(frame * UINT64_C(4096)), range.count * 4096,
        range.leaf * 4096, rights, &error);
    if (rc == -ENOMEM && short_of_tables)
        return;
    assert_int_equal(rc, naive_map(range.first, range.count, frame, (uint32_t)range.leaf, rights));
}

static unsigned new_rights;

static int protect(struct page_tables *changed, gva_t from, uint64_t bytes, struct error *error)
{
    return page_tables_protect(changed, from, bytes, new_rights, error);
}

static void naive_change(struct page *page, change_function *function)
{
    if (function == page_tables_unmap)
        *page = (struct page){0};
    else if (function == page_tables_hide)
        page->hidden |= naive_rights(page) != 0;
    else if (function == page_tables_show)
        page->hidden = false;
    else
        page->rights = (uint8_t)new_rights, page->hidden = false;
}

static void take_size(void *context, const struct page_leaf *leaf)
{
    (void)context;
    for (uint64_t i = 0; i < leaf->bytes / 4096; i++)
        naive[(leaf->from.value - base) / 4096 + i].pages = (uint32_t)(leaf->bytes / 4096);
}

static void change(struct range range, change_function *function)
{
    struct error error;
    new_rights = (unsigned)random_below(&seed, 16);
    int rc = function(&tables, address(range.first), range.count * 4096, &error);
    if (rc == -ENOMEM && short_of_tables) { /* what is large may have become smaller, and no more */
        assert_int_equal(
            page_tables_scan(&tables, address(0), PAGES * UINT64_C(4096), 0, take_size, NULL, &error), 0);
        return;
    }
    assert_int_equal(rc, 0);
    naive_part(range.first);
    naive_part(range.first + range.count);
    for (uint64_t i = range.first; i < range.first + range.count; i++)
        if (naive[i].pages)
            naive_change(&naive[i], function);
}

/* As a CPU does that reads or writes there. */
static void touch(uint64_t page)
{
    struct page_walk walk;
    page_tables_walk(&tables, address(page), &walk);
    if (!walk.leaf.bytes)
        return;
    bool dirty = random_below(&seed, 2);
    uint64_t entry = walk.read[walk.reads - 1].where.value;
    *(uint64_t *)(pool.base + entry - pool.first.value) |= PAGE_BIT_ACCESSED | (dirty ? PAGE_BIT_DIRTY : 0);
    naive_set(page, true, dirty || naive[page].dirty);
}

static void clear_bits(struct range range)
{
    struct error error;
    const uint64_t bits[] = {PAGE_BIT_ACCESSED, PAGE_BIT_DIRTY, PAGE_BIT_ACCESSED | PAGE_BIT_DIRTY};
    uint64_t clear = bits[random_below(&seed, 3)], step;
    assert_int_equal(
        page_tables_scan(&tables, address(range.first), range.count * 4096, clear, NULL, NULL, &error), 0);
    for (uint64_t i = range.first; i < range.first + range.count; i += step) {
        struct page *page = &naive[i];
        step = page->pages ? page->pages - i % page->pages : 1;
        if (page->pages)
            naive_set(
                i, page->accessed && !(clear & PAGE_BIT_ACCESSED), page->dirty && !(clear & PAGE_BIT_DIRTY));
    }
}

/* ---- comparing ---- */

static void compare_leaf(const struct page_leaf *leaf, uint64_t page)
{
    const struct page *expected = &naive[page];
    uint32_t inside = expected->pages ? page % expected->pages : 0;
    unsigned rights = leaf->rights & PAGE_READ ? leaf->rights : 0;
    if (leaf->bytes != expected->pages * UINT64_C(4096) || leaf->from.value != address(page - inside).value ||
        leaf->to.value / 4096 != expected->frame - inside || rights != naive_rights(expected) ||
        leaf->accessed != expected->accessed || leaf->dirty != expected->dirty)
        fail_msg("page %" PRIu64 " of frame %u, %u pages, rights %x is told to be of %" PRIx64 ", %" PRIu64
                 " bytes, rights %x",
            page, expected->frame, expected->pages, naive_rights(expected), leaf->to.value, leaf->bytes,
            rights);
}

static void expect_nothing(uint64_t page)
{
    if (naive[page].pages)
        fail_msg("page %" PRIu64 " is told not to be mapped", page);
}

static void compare_page(uint64_t page)
{
    struct page_walk walk;
    page_tables_walk(&tables, address(page), &walk);
    if (naive_rights(&naive[page]))
        compare_leaf(&walk.leaf, page);
    else
        assert_int_equal(walk.leaf.bytes, 0);
}

/* Between the last leaf and this one there is none. */
static void compare_next(void *context, const struct page_leaf *leaf)
{
    uint64_t *next = context, page = (leaf->from.value - base) / 4096;
    for (; *next < page; ++*next)
        expect_nothing(*next);
    for (; *next < page + leaf->bytes / 4096; ++*next)
        compare_leaf(leaf, *next);
}

static void compare_all(void)
{
    struct error error;
    uint64_t next = 0;
    assert_int_equal(
        page_tables_scan(&tables, address(0), PAGES * UINT64_C(4096), 0, compare_next, &next, &error), 0);
    for (; next < PAGES; next++)
        expect_nothing(next);
}

static void operate(void)
{
    static change_function *const functions[] = {
        page_tables_unmap, page_tables_unmap, protect, protect, page_tables_hide, page_tables_show};
    uint64_t dice = random_below(&seed, 16);
    struct range range = any_range();
    if (dice < 6)
        map(range);
    else if (dice < 12)
        change(range, functions[dice - 6]);
    else if (dice < 15)
        touch(range.first);
    else
        clear_bits(range);
    compare_page(range.first);
    compare_page(range.first + range.count - 1);
    compare_page((PAGES - HOT_PAGES) / 2 + random_below(&seed, HOT_PAGES));
}

static void run(unsigned levels, size_t pages, uint64_t start, unsigned most)
{
    const unsigned operations = repeated(most);
    struct error error;
    size_t left = 0;
    seed = levels + pages;
    base = start;
    short_of_tables = pages < TABLES;
    naive = calloc(PAGES, sizeof *naive);
    pool =
        (struct table_pool){.base = aligned_alloc(4096, pages * 4096), .first = GPA(0x7000), .pages = pages};
    assert_true(naive && pool.base);
    assert_int_equal(table_pool_init(&pool, &error), 0);
    tables = (struct page_tables){.memory = table_pool_memory(&pool), .levels = levels};
    assert_int_equal(page_tables_init(&tables, &error), 0);
    for (unsigned i = 0; i < operations; i++) {
        operate();
        if (i % (operations / COMPARISONS) == 0)
            compare_all();
    }
    page_tables_free(&tables);
    for (size_t i = 0; i < pages; i++)
        left += pool.states[i] == 1;
    assert_int_equal(left, 0);
    table_pool_free(&pool);
    free(pool.base);
    free(naive);
}

/* Each where an entry of the root ends: 512 GiB with 4 levels, 256 TiB with 5. */
static void four_levels_agree(void **state)
{
    (void)state;
    run(4, TABLES, 512 * GIB - 1 * GIB, OPERATIONS);
}

static void five_levels_agree(void **state)
{
    (void)state;
    run(5, TABLES, 262144 * GIB - 1 * GIB, OPERATIONS);
}

static void the_upper_half_agrees(void **state)
{
    (void)state;
    run(4, TABLES, -2 * GIB, OPERATIONS / 10);
}

static void a_shortage_of_tables_changes_nothing_that_translates(void **state)
{
    (void)state;
    run(4, FEW_TABLES, 512 * GIB - 1 * GIB, OPERATIONS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_levels_agree),
        cmocka_unit_test(five_levels_agree),
        cmocka_unit_test(the_upper_half_agrees),
        cmocka_unit_test(a_shortage_of_tables_changes_nothing_that_translates),
    };
    return cmocka_run_group_tests_name("paging against a naive map", tests, NULL, NULL);
}
