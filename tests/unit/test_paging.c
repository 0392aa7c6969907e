/* domain/x86_64/paging: what was mapped is what a walk finds, for every page size, and nothing else. */
#include "cmocka_all.h"

#include "base/size.h"
#include "domain/x86_64/paging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS UINT64_C(0x000ffffffffff000)

static char *memory;
static struct page_tables tables;

static int start(void **state)
{
    struct error error;
    (void)state;
    memory = calloc(1, 4 * MIB);
    return page_tables_init(&tables, memory, 4 * KIB, 4 * MIB, &error);
}

static int end(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static void map(uint64_t from, uint64_t to, uint64_t bytes, uint64_t page)
{
    struct error error;
    assert_int_equal(
        page_tables_map(&tables, GVA(from), GPA(to), bytes, page, PAGE_USER | PAGE_WRITE, &error), 0);
}

static void assert_translates(uint64_t from, uint64_t to, uint64_t page)
{
    uint64_t bytes = 0, *leaf = page_tables_leaf(&tables, GVA(from), &bytes);
    assert_non_null(leaf);
    assert_int_equal(bytes, page);
    assert_int_equal((*leaf & ADDRESS) + from % page, to);
    assert_int_equal(*leaf & (PAGE_PRESENT | PAGE_USER | PAGE_WRITE), PAGE_PRESENT | PAGE_USER | PAGE_WRITE);
    assert_int_equal((*leaf & PAGE_LARGE) != 0, page > 4 * KIB);
}

static void every_page_size_is_found_again(void **state)
{
    (void)state;
    const uint64_t pages[] = {4 * KIB, 2 * MIB, 1 * GIB};
    for (size_t i = 0; i < 3; i++) {
        uint64_t page = pages[i], from = 0x7f0000000000 + i * 512 * GIB, to = 16 * GIB;
        map(from, to, 3 * page, page);
        for (uint64_t offset = 0; offset < 3 * page; offset += page / 2)
            assert_translates(from + offset, to + offset, page);
        uint64_t bytes;
        assert_null(page_tables_leaf(&tables, GVA(from + 3 * page), &bytes));
        assert_null(page_tables_leaf(&tables, GVA(from - 1), &bytes));
    }
}

static void upper_half_addresses_work(void **state)
{
    (void)state;
    map(0xffffffff80000000, 0x5000, 8 * KIB, 4 * KIB);
    assert_translates(0xffffffff80001010, 0x6010, 4 * KIB);
}

static void misaligned_mappings_are_refused(void **state)
{
    struct error error;
    (void)state;
    assert_int_equal(page_tables_map(&tables, GVA(0x1000), GPA(0x800), 4 * KIB, 4 * KIB, 0, &error), -EINVAL);
    assert_int_equal(page_tables_map(&tables, GVA(0x1000), GPA(0), 2 * MIB, 2 * MIB, 0, &error), -EINVAL);
    assert_int_equal(page_tables_map(&tables, GVA(0), GPA(0), 8 * KIB, 8 * KIB, 0, &error), -EINVAL);
}

static void the_estimate_of_tables_is_enough_and_not_wasteful(void **state)
{
    (void)state;
    uint64_t before = tables.next, need = page_tables_need(700 * MIB, 4 * KIB);
    map(0x7ffff000 - 4 * KIB, 0, 700 * MIB, 4 * KIB); /* straddles everything that can be straddled */
    assert_true(tables.next - before <= need);
    assert_true(need < 700 * MIB / 512 + 64 * KIB);
}

static void running_out_of_tables_is_an_error(void **state)
{
    struct error error;
    (void)state;
    assert_int_equal(page_tables_map(&tables, GVA(0), GPA(0), 4 * GIB, 4 * KIB, 0, &error), -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_page_size_is_found_again, start, end),
        cmocka_unit_test_setup_teardown(upper_half_addresses_work, start, end),
        cmocka_unit_test_setup_teardown(misaligned_mappings_are_refused, start, end),
        cmocka_unit_test_setup_teardown(the_estimate_of_tables_is_enough_and_not_wasteful, start, end),
        cmocka_unit_test_setup_teardown(running_out_of_tables_is_an_error, start, end),
    };
    return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
