/* host/memory: pages that were got are held against those that were asked for, and what was got instead is
 * said. */
#include "test_host_memory.h"

#include <sys/ioctl.h>

#define GIANT ((size_t)GIB)

/* ---- is it as asked for? ---- */

static void pages_of_the_size_asked_for_pass_and_others_do_not(void **state)
{
    (void)state;
    struct error error = {0};
    struct memory memory = map_from(MEMORY_SMALL, 4 * MIB, 4 * KIB);
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
        "only 0 of 4 MiB of memory are in place"));
    populate(&memory, true);
    is_as_asked(&memory);
    memory.page_bytes = 2 * MIB;
    memory.source = MEMORY_COLLAPSE;
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
        "only 0 of 4 MiB of memory are in pages of 2 MiB"));
    assert_int_equal(memory_check_obtained(&memory, 1, memory.bytes, &error), -EINVAL);
    memory_unmap(&memory);
}

static void large_pages_are_not_taken_for_small_ones(void **state)
{
    (void)state;
    struct error error = {0};
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    struct memory memory = map_from(MEMORY_THP, 8 * MIB, 2 * MIB);
    populate(&memory, true);
    is_as_asked(&memory);
    memory.page_bytes = 4 * KIB;
    memory.source = MEMORY_SMALL;
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
        "only 0 of 8 MiB of memory are in pages of 4 KiB"));
    memory_unmap(&memory);
}

/* One large page of four that is in pieces is enough. */
static void a_single_broken_page_is_noticed(void **state)
{
    (void)state;
    struct error error = {0};
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    struct memory memory = map_from(MEMORY_THP, 8 * MIB, 2 * MIB);
    populate(&memory, true);
    break_page(&memory, 4 * MIB);
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
        "only 6 of 8 MiB of memory are in pages of 2 MiB as was asked for (thp)"));
    memory_unmap(&memory);
}

/* Not because there are none, but because this process is not to have any. */
static int thp_is_switched_off_steps(void)
{
    struct memory memory;
    struct memory_request request = {.bytes = 4 * MIB, .page_bytes = 2 * MIB, .source = MEMORY_THP};
    struct error error = {0};
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) || memory_map_request(&memory, &request, &error))
        return 1;
    if (memory_populate(&memory, true, NULL, NULL, &error))
        return 2;
    return is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
               "only 0 of 4 MiB of memory are in pages of 2 MiB as was asked for (thp): transparent large "
               "pages are switched off for this process")
               ? 0
               : 3;
}

static void transparent_pages_that_are_not_given_are_no_error_until_they_are_checked(void **state)
{
    (void)state;
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    in_child(thp_is_switched_off_steps);
}

/* ---- parts of mixed memory ---- */

static struct memory half_small(void)
{
    struct memory memory = map_from(MEMORY_THP, 8 * MIB, 2 * MIB);
    populate(&memory, true);
    break_page(&memory, 0);
    break_page(&memory, 2 * MIB);
    return memory;
}

static void a_part_of_mixed_memory_is_told_exactly(void **state)
{
    (void)state;
    struct error error = {0};
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    if (!pagemap_can_scan())
        SKIP("this kernel is older than 6.7");
    struct memory memory = half_small();
    struct memory_pages part = obtained(&memory, 4 * MIB, 4 * MIB);
    assert_true(part.exact && part.share_2m == 1.0 && part.resident_bytes == 4 * MIB);
    part = obtained(&memory, 3 * MIB + 1, 2 * MIB); /* one byte in: 4 KiB more than 2 MiB */
    assert_true(part.exact && part.range_bytes == 2 * MIB + PAGE && part.resident_bytes == part.range_bytes);
    assert_true(part.huge_bytes == MIB + PAGE);
    assert_non_null(strstr(part.proof.text, "pagemap"));
    assert_int_equal(memory_check_obtained(&memory, 4 * MIB, 4 * MIB, &error), 0);
    assert_int_equal(memory_check_obtained(&memory, 4 * MIB - 1, 4 * MIB, &error), -EPROTO);
    memory_unmap(&memory);
}

/* The last half is all large, but a kernel before 6.7 cannot tell. */
static int no_scan_steps(void)
{
    struct memory memory = half_small();
    struct memory_pages pages;
    struct error error = {0};
    if (forbid(SYS_ioctl, 1, _IOWR('f', 16, char[96]), _IOWR('f', 16, char[96]), ENOTTY))
        return 1;
    if (memory_obtained(&memory, 4 * MIB, 4 * MIB, &pages, &error) || pages.exact || pages.share_2m != 0.5)
        return 2;
    if (!is_refused(memory_check_obtained(&memory, 4 * MIB, 4 * MIB, &error), &error, ENODATA, "Linux 6.7"))
        return 3;
    return memory_obtained(&memory, 0, 8 * MIB, &pages, &error) || !pages.exact || pages.share_2m != 0.5 ? 4
                                                                                                         : 0;
}

static void without_a_scan_a_part_of_mixed_memory_is_not_proved(void **state)
{
    (void)state;
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    in_child(no_scan_steps);
}

/* More regions than fit one answer of the kernel; and its zero page is no memory. */
static void many_scattered_pages_are_counted(void **state)
{
    (void)state;
    struct pagemap pagemap;
    if (!pagemap_can_scan())
        SKIP("this kernel is older than 6.7");
    struct memory memory = map_from(MEMORY_SMALL, 1000 * PAGE, 4 * KIB);
    populate(&memory, false);
    assert_int_equal(pagemap_look((uintptr_t)memory.base, memory.bytes, &pagemap), 0);
    assert_true(pagemap.resident_bytes == 0 && pagemap.large_bytes == 0);
    for (size_t i = 0; i < 1000; i += 3)
        *((volatile char *)memory.base + i * PAGE) = 1;
    assert_int_equal(pagemap_look((uintptr_t)memory.base, memory.bytes, &pagemap), 0);
    assert_true(pagemap.resident_bytes == 334 * PAGE && pagemap.large_bytes == 0);
    memory_unmap(&memory);
}

/* ---- made-up figures ---- */

/* Memory that is not there, with the smaps of it. */
static struct memory made_up(enum memory_source source, size_t bytes, uint64_t page_bytes, const char *fields)
{
    char text[1024];
    (void)snprintf(
        text, sizeof text, "40000000-%zx rw-p 00000000 00:00 0\n%s", (size_t)0x40000000 + bytes, fields);
    tree_file("/proc/self/smaps", text);
    return (struct memory){
        .base = (void *)0x40000000, .bytes = bytes, .page_bytes = page_bytes, .source = source};
}

#define GIANT_FIELDS "KernelPageSize: 1048576 kB\nMMUPageSize: 1048576 kB\nRss: 0 kB\nAnonHugePages: 0 kB\n"

static void pages_of_1g_are_told_from_those_of_2m(void **state)
{
    (void)state;
    struct error error = {0};
    struct memory memory = made_up(MEMORY_HUGETLB, 2 * GIANT, GIB,
        GIANT_FIELDS "Shared_Hugetlb: 1048576 kB\nPrivate_Hugetlb: 1048576 kB\n");
    struct memory_pages pages = obtained(&memory, 0, memory.bytes);
    assert_true(pages.giant_bytes == 2 * GIANT && pages.huge_bytes == 0);
    assert_true(pages.share_1g == 1.0 && pages.share_2m == 0);
    is_as_asked(&memory);
    pages = obtained(&memory, 5, 1); /* all alike: holds for a part */
    assert_true(pages.exact && pages.giant_bytes == PAGE);
    memory.page_bytes = 2 * MIB;
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
        "only 0 of 2048 MiB of memory are in pages of 2 MiB as was asked for (hugetlb)"));
    memory = made_up(MEMORY_HUGETLB, 2 * GIANT, GIB, GIANT_FIELDS "Private_Hugetlb: 1048576 kB\n");
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
        "only 1024 of 2048 MiB of memory are in place"));
}

static void a_machine_without_transparent_pages_is_told_where_to_allow_them(void **state)
{
    (void)state;
    struct error error = {0};
    struct memory memory = made_up(MEMORY_THP, 1024 * MIB, 2 * MIB,
        "Rss: 1048576 kB\nAnonHugePages: 524288 kB\nKernelPageSize: 4 kB\nMMUPageSize: 4 kB\n");
    tree_file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
        "only 512 of 1024 MiB of memory are in pages of 2 MiB as was asked for (thp): transparent large "
        "pages "
        "are switched off"));
    tree_file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    assert_true(is_refused(
        memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO, "too fragmented"));
}

static void what_is_hidden_is_not_proved(void **state)
{
    (void)state;
    struct error error = {0};
    struct memory memory = made_up(MEMORY_SMALL, 4 * MIB, 4 * KIB, "Rss: 4096 kB\n");
    is_as_asked(&memory);
    tree_file("/proc/self/smaps", "");
    assert_true(is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, ENODATA,
        "cannot be proved: /proc/self/smaps does not show this memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_the_size_asked_for_pass_and_others_do_not),
        cmocka_unit_test(large_pages_are_not_taken_for_small_ones),
        cmocka_unit_test(a_single_broken_page_is_noticed),
        cmocka_unit_test(transparent_pages_that_are_not_given_are_no_error_until_they_are_checked),
        cmocka_unit_test(a_part_of_mixed_memory_is_told_exactly),
        cmocka_unit_test(without_a_scan_a_part_of_mixed_memory_is_not_proved),
        cmocka_unit_test(many_scattered_pages_are_counted),
        WITH_TREE(pages_of_1g_are_told_from_those_of_2m),
        WITH_TREE(a_machine_without_transparent_pages_is_told_where_to_allow_them),
        WITH_TREE(what_is_hidden_is_not_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
