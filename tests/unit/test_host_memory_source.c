/* host/memory: pages come from the source that was named, or it is told why not. */
#include "test_host_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include "host/hugetlb.h"

#include <inttypes.h>

#define GIANT ((size_t)GIB)
static const struct numa_nodes anywhere;

/* ---- names and sizes ---- */

static void each_page_size_has_its_usual_source(void **state)
{
    (void)state;
    struct memory memory = map_from(MEMORY_AUTO, PAGE, 4 * KIB);
    assert_string_equal(memory_source_name(memory.source), "small");
    memory_unmap(&memory);
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    memory = map_from(MEMORY_AUTO, PAGE, 2 * MIB);
    assert_string_equal(memory_source_name(memory.source), "thp");
    assert_int_equal(memory.bytes, 2 * MIB);
    memory_unmap(&memory);
}

static void sources_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"auto", "small", "thp", "collapse", "hugetlb", "unknown"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(memory_source_name((enum memory_source)i), names[i]);
}

static void a_size_that_a_source_does_not_have_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum memory_source source;
        uint64_t page_bytes;
    } wrong[] = {{MEMORY_SMALL, 2 * MIB}, {MEMORY_THP, 4 * KIB}, {MEMORY_THP, GIB}, {MEMORY_COLLAPSE, GIB},
        {MEMORY_HUGETLB, 4 * KIB}, {MEMORY_HUGETLB, 2 * MIB + GIB}, {MEMORY_HUGETLB, 0}, {MEMORY_AUTO, 0},
        {MEMORY_AUTO, 8 * KIB}, {MEMORY_AUTO, 4 * MIB}, {(enum memory_source)77, 4 * KIB}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct memory_request request = {
            .bytes = MIB, .page_bytes = wrong[i].page_bytes, .source = wrong[i].source};
        struct memory memory = {.bytes = 77};
        struct error error = {0};
        assert_true(is_refused(memory_map_request(&memory, &request, &error), &error, EINVAL,
            "4 KiB (small), 2 MiB (thp, collapse, hugetlb) and 1 GiB (hugetlb)"));
        assert_int_equal(memory.bytes, 77);
    }
}

/* ---- collapse ---- */

/* Asked of the kernel itself: the code under test must not decide that there is nothing to test. */
static bool kernel_can_collapse(void)
{
    size_t bytes = 4 * MIB;
    char *there = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(there != MAP_FAILED);
    uintptr_t start = ((uintptr_t)there + 2 * MIB - 1) & ~(uintptr_t)(2 * MIB - 1);
    memset(there, 1, bytes);
    bool can = !madvise((void *)start, 2 * MIB, 25) || errno != EINVAL; /* MADV_COLLAPSE */
    assert_int_equal(munmap(there, bytes), 0);
    return can;
}

static bool has_thp(void)
{
    return read_fact("/sys/kernel/mm/transparent_hugepage/enabled").known;
}

static void collapsed_pages_are_large_and_keep_what_was_in_them(void **state)
{
    (void)state;
    if (!has_thp() || !kernel_can_collapse())
        SKIP("this kernel is older than 6.1 or has no transparent large pages");
    struct memory memory = map_from(MEMORY_COLLAPSE, 70 * MIB + 1, 2 * MIB);
    assert_int_equal(memory.bytes, 72 * MIB);
    assert_true(has_flag(&memory, "nh"));
    memset((char *)memory.base + 66 * MIB, 0x77, PAGE);
    assert_true(obtained(&memory, 0, memory.bytes).huge_bytes == 0);
    populate(&memory, true);
    is_as_asked(&memory);
    assert_true(obtained(&memory, 0, memory.bytes).share_2m == 1.0);
    assert_int_equal(((unsigned char *)memory.base)[66 * MIB + 5], 0x77);
    assert_int_equal(((unsigned char *)memory.base)[66 * MIB + PAGE], 0);
    memory_unmap(&memory);
}

/* ---- shared ---- */

static void is_the_same_by_its_descriptor(const struct memory *memory)
{
    char *other = mmap(NULL, memory->bytes, PROT_READ, MAP_SHARED, memory->descriptor, 0);
    assert_true(other != MAP_FAILED);
    memset((char *)memory->base + memory->bytes - PAGE, 0x77, PAGE);
    assert_memory_equal(other + memory->bytes - PAGE, (char *)memory->base + memory->bytes - PAGE, PAGE);
    assert_int_equal(munmap(other, memory->bytes), 0);
}

static void shared_memory_is_had_by_its_descriptor_in_small_pages(void **state)
{
    (void)state;
    struct memory memory =
        map_request(&(struct memory_request){.bytes = 5 * MIB, .page_bytes = 4 * KIB, .shared = true});
    assert_true(memory.shared);
    populate(&memory, true);
    is_as_asked(&memory);
    is_the_same_by_its_descriptor(&memory);
    int descriptor = memory.descriptor;
    assert_int_equal(ftruncate(descriptor, PAGE), -1); /* nobody can take it away */
    memory_unmap(&memory);
    assert_int_equal(fcntl(descriptor, F_GETFD), -1);
}

static void shared_memory_is_had_in_large_pages(void **state)
{
    (void)state;
    if (!has_thp() || !kernel_can_collapse())
        SKIP("this kernel is older than 6.1 or has no transparent large pages");
    struct memory memory =
        map_request(&(struct memory_request){.bytes = 6 * MIB, .page_bytes = 2 * MIB, .shared = true});
    assert_int_equal(memory.source, MEMORY_COLLAPSE);
    memset((char *)memory.base + 3 * MIB, 0x55, PAGE);
    populate(&memory, true);
    is_as_asked(&memory);
    assert_int_equal(((unsigned char *)memory.base)[3 * MIB + 5], 0x55);
    is_the_same_by_its_descriptor(&memory);
    memory_unmap(&memory);
}

static void private_memory_becomes_shared_where_it_is(void **state)
{
    (void)state;
    struct error error;
    struct memory memory = map_from(MEMORY_SMALL, 3 * PAGE, 4 * KIB);
    char *base = memory.base;
    memset(base + PAGE, 0x33, PAGE);
    assert_int_equal(memory_share(&memory, &error), 0);
    assert_true(memory.base == base);
    assert_int_equal(base[PAGE + 7], 0x33);
    is_the_same_by_its_descriptor(&memory);
    int descriptor = memory.descriptor;
    assert_int_equal(memory_share(&memory, &error), 0);
    assert_int_equal(memory.descriptor, descriptor);
    memory_unmap(&memory);
}

static void reading_collapses_nothing(void **state)
{
    (void)state;
    if (!has_thp())
        SKIP("this kernel has no transparent large pages");
    struct memory memory = map_from(MEMORY_COLLAPSE, 4 * MIB, 2 * MIB);
    populate(&memory, false);
    assert_true(obtained(&memory, 0, memory.bytes).resident_bytes == 0);
    memory_unmap(&memory);
}

static bool stop_at(void *context)
{
    int *left = context;
    return (*left)-- == 0;
}

static void collapsing_stops_when_it_is_told_to(void **state)
{
    (void)state;
    struct error error = {0};
    int left = 3; /* two pieces to fault in, one to collapse, then */
    if (!has_thp() || !kernel_can_collapse())
        SKIP("this kernel is older than 6.1 or has no transparent large pages");
    struct memory memory = map_from(MEMORY_COLLAPSE, 100 * MIB, 2 * MIB);
    assert_int_equal(memory_populate(&memory, true, stop_at, &left, &error), -EINTR);
    assert_true(obtained(&memory, 0, memory.bytes).huge_bytes == 64 * MIB);
    memory_unmap(&memory);
}

/* How populating ends if MADV_COLLAPSE fails with `code`. */
static int collapse_fails_with(struct memory *memory, unsigned code, struct error *error)
{
    *memory = map_from(MEMORY_COLLAPSE, 8 * MIB, 2 * MIB);
    if (forbid(SYS_madvise, 2, 25, 25, code))
        return 1;
    return memory_populate(memory, true, NULL, NULL, error);
}

static int no_collapse_steps(void)
{
    struct memory memory;
    struct error error = {0};
    return !is_refused(collapse_fails_with(&memory, EINVAL, &error), &error, ENOTSUP, "Linux 6.1");
}

static int fragmented_steps(void)
{
    struct memory memory;
    struct error error = {0};
    if (collapse_fails_with(&memory, ENOMEM, &error))
        return 2;
    return is_refused(memory_check_obtained(&memory, 0, memory.bytes, &error), &error, EPROTO,
               "only 0 of 8 MiB of memory are in pages of 2 MiB as was asked for (collapse): the host's "
               "memory "
               "is too fragmented")
               ? 0
               : 3;
}

static int busy_steps(void)
{
    struct memory memory;
    struct error error = {0};
    if (collapse_fails_with(&memory, EAGAIN, &error))
        return 2;
    return memory_check_obtained(&memory, 0, memory.bytes, &error) == -EPROTO ? 0 : 3;
}

static void collapsing_that_fails_says_why(void **state)
{
    (void)state;
    if (!has_thp())
        SKIP("this kernel has no transparent large pages");
    in_child(no_collapse_steps);
    in_child(fragmented_steps);
    in_child(busy_steps);
}

/* ---- hugetlb: what there is ---- */

static void pool(const char *folder, uint64_t kib, const char *total, const char *free)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/hugepages-%" PRIu64 "kB/nr_hugepages", folder, kib);
    tree_file(path, total);
    (void)snprintf(path, sizeof path, "%s/hugepages-%" PRIu64 "kB/free_hugepages", folder, kib);
    tree_file(path, free);
}

static int map_hugetlb(size_t bytes, uint64_t page_bytes, const struct numa_nodes *nodes, struct error *error)
{
    struct memory memory;
    struct memory_request request = {
        .bytes = bytes, .page_bytes = page_bytes, .source = MEMORY_HUGETLB, .nodes = *nodes};
    int rc = memory_map_request(&memory, &request, error);
    if (!rc)
        memory_unmap(&memory);
    return rc;
}

static void too_few_hugetlb_pages_are_told_with_how_to_get_more(void **state)
{
    (void)state;
    struct error error = {0};
    pool("/sys/kernel/mm/hugepages", 2048, "10\n", "5\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "3\n");
    assert_true(is_refused(map_hugetlb(8 * MIB, 2 * MIB, &anywhere, &error), &error, ENOTSUP,
        "4 hugetlb pages of 2 MiB are needed, but 2 of 10 are free: root reserves them with `echo 12 > "
        "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages`"));
    assert_null(strstr(error.text, "at boot"));
    pool("/sys/kernel/mm/hugepages", 1048576, "0\n", "0\n");
    assert_true(is_refused(map_hugetlb(GIANT + 1, GIB, &anywhere, &error), &error, ENOTSUP,
        "2 hugetlb pages of 1024 MiB are needed, but 0 of 0 are free: root reserves them with `echo 2 > "
        "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages`, or better at boot"));
}

static void a_size_without_a_pool_is_told(void **state)
{
    (void)state;
    struct error error = {0};
    pool("/sys/kernel/mm/hugepages", 2048, "10\n", "5\n");
    assert_true(is_refused(
        map_hugetlb(GIANT, GIB, &anywhere, &error), &error, ENOTSUP, "no hugetlb pages of 1024 MiB"));
}

static void hugetlb_pages_are_counted_on_their_nodes(void **state)
{
    (void)state;
    struct error error = {0};
    const struct numa_nodes nodes = {.bits = {1 << 1 | 1 << 2}};
    struct hugetlb_pool found;
    pool("/sys/kernel/mm/hugepages", 2048, "100\n", "90\n");
    pool("/sys/devices/system/node/node1/hugepages", 2048, "6\n", "1\n");
    pool("/sys/devices/system/node/node2/hugepages", 2048, "4\n", "2\n");
    assert_int_equal(hugetlb_look(2 * MIB, &nodes, &found), 0);
    assert_true(found.total == 10 && found.free == 3 && found.more == 0);
    assert_int_equal(hugetlb_check(2 * MIB, 6 * MIB, &nodes, &error), 0);
    assert_true(is_refused(hugetlb_check(2 * MIB, 8 * MIB, &nodes, &error), &error, ENOTSUP,
        "4 hugetlb pages of 2 MiB are needed on NUMA node 1-2, but 3 of 10 are free: root reserves them with "
        "`echo 11 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages`"));
}

static void pages_that_the_kernel_may_add_count_as_well(void **state)
{
    (void)state;
    struct error error = {0};
    struct hugetlb_pool found;
    pool("/sys/kernel/mm/hugepages", 2048, "10\n", "0\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages", "5\n");
    tree_file("/sys/kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages", "2\n");
    assert_int_equal(hugetlb_look(2 * MIB, &anywhere, &found), 0);
    assert_true(found.free == 0 && found.more == 3);
    assert_int_equal(hugetlb_check(2 * MIB, 6 * MIB, &anywhere, &error), 0);
    assert_int_equal(hugetlb_check(2 * MIB, 8 * MIB, &anywhere, &error), -ENOTSUP);
}

/* The made-up pool has them, the kernel does not: its word counts. 4 TiB are more than any pool here. */
static void the_kernel_has_the_last_word(void **state)
{
    (void)state;
    struct error error = {0};
    pool("/sys/kernel/mm/hugepages", 2048, "9999999\n", "9999999\n");
    assert_true(is_refused(map_hugetlb(4096 * GIB, 2 * MIB, &anywhere, &error), &error, ENOMEM,
        "2097152 hugetlb pages of 2 MiB although 9999999 are free"));
}

static void more_hugetlb_pages_than_this_machine_has_are_refused(void **state)
{
    (void)state;
    struct error error = {0};
    struct hugetlb_pool found;
    static const uint64_t sizes[] = {2 * MIB, GIB};
    for (size_t i = 0; i < 2; i++) {
        if (hugetlb_look(sizes[i], &anywhere, &found))
            assert_true(
                is_refused(map_hugetlb(MIB, sizes[i], &anywhere, &error), &error, ENOTSUP, "hugetlb"));
        else
            assert_true(
                is_refused(map_hugetlb((found.free + found.more + 1) * sizes[i], sizes[i], &anywhere, &error),
                    &error, ENOTSUP, "/nr_hugepages`"));
    }
}

/* ---- hugetlb: what it gives, where root has reserved some ---- */

static uint64_t free_pages(uint64_t page_bytes)
{
    struct hugetlb_pool found;
    return hugetlb_look(page_bytes, &anywhere, &found) ? 0 : found.free;
}

/* All that is promised of hugetlb pages, with two of them. */
static void try_hugetlb(uint64_t page_bytes)
{
    struct error error = {0};
    uint64_t free = free_pages(page_bytes);
    struct memory memory = map_from(MEMORY_HUGETLB, page_bytes + 1, page_bytes);
    assert_int_equal(memory.bytes, 2 * page_bytes);
    assert_int_equal((uintptr_t)memory.base % page_bytes, 0);
    *((volatile char *)memory.base + page_bytes) = 0x77;
    assert_int_equal(memory_check_obtained(&memory, 0, memory.bytes, &error), -EPROTO);
    populate(&memory, true);
    is_as_asked(&memory);
    struct memory_pages pages = obtained(&memory, 0, memory.bytes);
    assert_true(pages.exact && pages.resident_bytes == memory.bytes && pages.kernel_page_bytes == page_bytes);
    assert_true(page_bytes == GIB ? pages.share_1g == 1.0 : pages.share_2m == 1.0);
    assert_int_equal(memory_check_obtained(&memory, MIB + PAGE, MIB, &error), 0);
    assert_int_equal(*((volatile char *)memory.base + page_bytes), 0x77);
    assert_true(free_pages(page_bytes) == free - 2);
    memory_unmap(&memory);
    assert_true(free_pages(page_bytes) == free);
}

static void hugetlb_pages_of_2m_are_had(void **state)
{
    (void)state;
    if (free_pages(2 * MIB) < 2)
        SKIP("fewer than two hugetlb pages of 2 MiB are free");
    try_hugetlb(2 * MIB);
}

static void hugetlb_pages_of_1g_are_had(void **state)
{
    (void)state;
    if (free_pages(GIB) < 2)
        SKIP("fewer than two hugetlb pages of 1 GiB are free");
    try_hugetlb(GIB);
}

/* A part of half-filled memory: exact where the kernel can scan. */
static void a_part_of_hugetlb_is_told_exactly(void **state)
{
    (void)state;
    struct error error = {0};
    if (free_pages(2 * MIB) < 2)
        SKIP("fewer than two hugetlb pages of 2 MiB are free");
    struct memory memory = map_from(MEMORY_HUGETLB, 4 * MIB, 2 * MIB);
    *((volatile char *)memory.base + 2 * MIB) = 1;
    struct memory_pages whole = obtained(&memory, 0, 4 * MIB), half = obtained(&memory, 2 * MIB, 2 * MIB);
    assert_true(whole.exact && whole.resident_bytes == 2 * MIB && whole.huge_bytes == 2 * MIB);
    assert_true(half.exact == pagemap_can_scan());
    assert_true(half.resident_bytes == 2 * MIB && half.huge_bytes == 2 * MIB);
    assert_int_equal(
        memory_check_obtained(&memory, 2 * MIB, 2 * MIB, &error), pagemap_can_scan() ? 0 : -ENODATA);
    memory_unmap(&memory);
}

/* ---- hugetlb pages that were promised and are not to be had; without any, ordinary memory stands in ---- */

static int populate_fails_with(unsigned code, int wanted, const char *words)
{
    struct memory memory = map_from(MEMORY_SMALL, 8 * MIB, 4 * KIB);
    struct error error = {0};
    memory.page_bytes = 2 * MIB;
    memory.source = MEMORY_HUGETLB;
    memset(memory.base, 1, 2 * MIB);
    if (forbid(SYS_madvise, 2, 23, 23, code)) /* MADV_POPULATE_WRITE */
        return 1;
    return is_refused(memory_populate(&memory, true, NULL, NULL, &error), &error, wanted, words) ? 0 : 2;
}

static int missing_page_steps(void)
{
    bool enough = free_pages(2 * MIB) >= 3; /* then somebody else, or a limit, takes them */
    return populate_fails_with(EFAULT, enough ? ENOMEM : ENOTSUP, "3 hugetlb pages of 2 MiB");
}

static int hugetlb_on_an_old_kernel_steps(void)
{
    return populate_fails_with(EINVAL, ENOTSUP, "Linux 5.14");
}

static void a_hugetlb_page_that_is_missing_is_an_error_and_no_signal(void **state)
{
    (void)state;
    in_child(missing_page_steps);
    in_child(hugetlb_on_an_old_kernel_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_page_size_has_its_usual_source),
        cmocka_unit_test(sources_have_names),
        cmocka_unit_test(a_size_that_a_source_does_not_have_is_refused),
        cmocka_unit_test(shared_memory_is_had_by_its_descriptor_in_small_pages),
        cmocka_unit_test(shared_memory_is_had_in_large_pages),
        cmocka_unit_test(private_memory_becomes_shared_where_it_is),
        cmocka_unit_test(collapsed_pages_are_large_and_keep_what_was_in_them),
        cmocka_unit_test(reading_collapses_nothing),
        cmocka_unit_test(collapsing_stops_when_it_is_told_to),
        cmocka_unit_test(collapsing_that_fails_says_why),
        WITH_TREE(too_few_hugetlb_pages_are_told_with_how_to_get_more),
        WITH_TREE(a_size_without_a_pool_is_told),
        WITH_TREE(hugetlb_pages_are_counted_on_their_nodes),
        WITH_TREE(pages_that_the_kernel_may_add_count_as_well),
        WITH_TREE(the_kernel_has_the_last_word),
        cmocka_unit_test(more_hugetlb_pages_than_this_machine_has_are_refused),
        cmocka_unit_test(hugetlb_pages_of_2m_are_had),
        cmocka_unit_test(hugetlb_pages_of_1g_are_had),
        cmocka_unit_test(a_part_of_hugetlb_is_told_exactly),
        cmocka_unit_test(a_hugetlb_page_that_is_missing_is_an_error_and_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
