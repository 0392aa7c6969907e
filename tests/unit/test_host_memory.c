/* host/memory: the pages that were asked for are the pages that are had, and what cannot be had is refused.
 */
#include "test_host_memory.h"

#include "host/smaps.h"

#include <signal.h>
#include <sys/resource.h>

/* AddressSanitizer and its kin make mlock() do nothing: then there is nothing to test. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define MLOCK_IS_FAKED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(MLOCK_IS_FAKED)
#define MLOCK_IS_REAL 0
#else
#define MLOCK_IS_REAL 1
#endif

static struct memory map(size_t bytes, uint64_t page_bytes)
{
    struct memory memory;
    struct error error = {0};
    int rc = memory_map(&memory, bytes, page_bytes, &error);
    if (rc)
        fail_msg("memory_map: %s", error.text);
    return memory;
}

static size_t resident_pages(const struct memory *memory)
{
    size_t count = memory->bytes / PAGE, resident = 0;
    unsigned char *vector = malloc(count);
    assert_non_null(vector);
    assert_int_equal(mincore(memory->base, memory->bytes, vector), 0);
    for (size_t i = 0; i < count; i++)
        resident += vector[i] & 1;
    free(vector);
    return resident;
}

static void small_pages_are_small(void **state)
{
    (void)state;
    struct memory memory = map(32 * MIB, 4 * KIB);
    populate(&memory, true);
    struct memory_pages pages = obtained(&memory, 0, memory.bytes);
    assert_true(pages.exact);
    assert_true(pages.resident_bytes == 32 * MIB);
    assert_true(pages.huge_bytes == 0);
    assert_true(pages.share_2m == 0);
    assert_true(pages.kernel_page_bytes == 4 * KIB);
    assert_true(pages.mmu_page_bytes == 4 * KIB);
    memory_unmap(&memory);
}

/* Where large pages are given only to those who ask, the test above passes without MADV_NOHUGEPAGE too; the
 * flag "nh" in smaps is there only with it. */
static void small_pages_stay_small_where_large_ones_are_always_given(void **state)
{
    (void)state;
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    struct memory memory = map(4 * MIB, 4 * KIB);
    assert_true(has_flag(&memory, "nh"));
    memory_unmap(&memory);
}

/* The detector can tell: large pages that are there are seen, as a whole and in part. */
static void large_pages_are_seen(void **state)
{
    (void)state;
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    struct memory memory = map(32 * MIB, 2 * MIB);
    populate(&memory, true);
    struct memory_pages pages = obtained(&memory, 0, memory.bytes);
    assert_true(pages.exact);
    assert_true(pages.share_2m == 1.0);
    assert_true(pages.huge_bytes == 32 * MIB);
    pages = obtained(&memory, 5 * PAGE, 3 * MIB);
    assert_true(pages.exact);
    assert_true(pages.share_2m == 1.0);
    assert_true(pages.resident_bytes == 3 * MIB);
    memory_unmap(&memory);
}

/* Half of the memory is made small again: the share is told as a half of the whole. */
static void mixed_pages_are_told_as_mixed(void **state)
{
    (void)state;
    if (!large_pages_are_to_be_had())
        SKIP("this kernel gives no transparent large pages");
    struct memory memory = map(8 * MIB, 2 * MIB);
    populate(&memory, true);
    for (size_t offset = 0; offset < 4 * MIB; offset += 2 * MIB)
        break_page(&memory, offset);
    struct memory_pages pages = obtained(&memory, 0, memory.bytes);
    assert_true(pages.exact);
    assert_true(pages.share_2m == 0.5);
    memory_unmap(&memory);
}

static void neighbours_do_not_blur_the_figures(void **state)
{
    (void)state;
    struct memory first = map(4 * MIB, 4 * KIB), second = map(4 * MIB, 4 * KIB);
    populate(&first, true);
    struct memory_pages full = obtained(&first, 0, first.bytes), empty = obtained(&second, 0, second.bytes);
    assert_true(full.exact && full.resident_bytes == 4 * MIB);
    assert_true(empty.exact && empty.resident_bytes == 0 && empty.share_2m == 0);
    memory_unmap(&first);
    memory_unmap(&second);
}

static void sizes_are_rounded_up_and_the_base_is_aligned(void **state)
{
    (void)state;
    static const struct {
        size_t asked, page_bytes, got;
    } sizes[] = {{1, PAGE, PAGE}, {PAGE, PAGE, PAGE}, {PAGE + 1, PAGE, 2 * PAGE},
        {3 * MIB + 17, PAGE, 3 * MIB + PAGE}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct memory memory = map(sizes[i].asked, sizes[i].page_bytes);
        assert_int_equal(memory.bytes, sizes[i].got);
        assert_int_equal((uintptr_t)memory.base % (2 * MIB), 0);
        memset(memory.base, 0x5a, memory.bytes);
        memory_unmap(&memory);
        assert_null(memory.base);
        memory_unmap(&memory);
    }
    if (large_pages_are_to_be_had()) {
        struct memory memory = map(2 * MIB + 1, 2 * MIB);
        assert_int_equal(memory.bytes, 4 * MIB);
        memory_unmap(&memory);
    }
}

/* Does a child that writes there die of it? */
static bool write_is_fatal(char *at)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        *(volatile char *)at = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

/* 3 and 4 MiB: newer kernels place the second on a boundary of 2 MiB by themselves, the first not. */
static void what_runs_over_either_end_is_caught(void **state)
{
    (void)state;
    for (size_t bytes = 3 * MIB; bytes <= 4 * MIB; bytes += MIB) {
        struct memory memory = map(bytes, 4 * KIB);
        char *base = memory.base, *end = base + bytes;
        assert_false(write_is_fatal(base));
        assert_false(write_is_fatal(end - 1));
        assert_true(write_is_fatal(base - 1));
        assert_true(write_is_fatal(end));
        assert_true(base - (char *)memory.reserved >= (ptrdiff_t)PAGE);
        assert_true((char *)memory.reserved + memory.reserved_bytes - end >= (ptrdiff_t)PAGE);
        memory_unmap(&memory);
    }
}

static void unmapping_gives_all_of_it_back(void **state)
{
    (void)state;
    struct smaps smaps;
    struct memory memory = map(4 * MIB, 4 * KIB);
    uint64_t start = (uintptr_t)memory.reserved, bytes = memory.reserved_bytes;
    memory_unmap(&memory);
    assert_int_equal(smaps_look(start, bytes, &smaps), -ENODATA);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct memory memory = {.bytes = 77};
    struct error error;
    struct memory_pages pages;
    assert_int_equal(memory_map(&memory, 4096, 8192, &error), -EINVAL);
    assert_int_equal(memory_map(&memory, 4096, 0, &error), -EINVAL);
    assert_int_equal(memory_map(&memory, 0, 4096, &error), -EINVAL);
    assert_int_equal(memory_map(&memory, SIZE_MAX, 4096, &error), -ENOMEM);
    assert_int_equal(memory_map(&memory, SIZE_MAX / 2, 4096, &error), -ENOMEM);
    assert_int_equal(memory.bytes, 77);
    memory = map(PAGE, PAGE);
    assert_int_equal(memory_obtained(&memory, 0, 0, &pages, &error), -EINVAL);
    assert_int_equal(memory_obtained(&memory, PAGE, 1, &pages, &error), -EINVAL);
    assert_int_equal(memory_obtained(&memory, 1, SIZE_MAX, &pages, &error), -EINVAL);
    memory_unmap(&memory);
}

static void more_memory_than_this_machine_has_is_refused(void **state)
{
    (void)state;
    struct memory memory;
    struct error error;
    size_t total = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(memory_map(&memory, total, 4 * KIB, &error), -ENOMEM);
    assert_int_equal(error.code, ENOMEM);
    assert_non_null(strstr(error.text, "MiB available"));
}

static void the_figures_of_the_host_decide(void **state)
{
    (void)state;
    struct memory memory;
    struct error error;
    tree_file("/proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 204800 kB\n");
    assert_int_equal(memory_map(&memory, 100 * MIB, 4 * KIB, &error), -ENOMEM);
    assert_non_null(strstr(error.text, "100 MiB"));
    assert_non_null(strstr(error.text, "200 MiB"));
    assert_int_equal(memory_map(&memory, 50 * MIB, 4 * KIB, &error), 0);
    memory_unmap(&memory);
}

static void populate_makes_every_page_resident(void **state)
{
    (void)state;
    struct memory memory = map(70 * MIB, 4 * KIB);
    assert_int_equal(resident_pages(&memory), 0);
    memset((char *)memory.base + 66 * MIB, 0x77, PAGE);
    populate(&memory, true);
    assert_int_equal(resident_pages(&memory), 70 * MIB / PAGE);
    assert_int_equal(((unsigned char *)memory.base)[66 * MIB + 5], 0x77);
    memory_unmap(&memory);
}

static void populate_for_reading_takes_no_memory(void **state)
{
    (void)state;
    struct memory memory = map(8 * MIB, 4 * KIB);
    populate(&memory, false);
    assert_true(obtained(&memory, 0, memory.bytes).resident_bytes == 0);
    memory_unmap(&memory);
}

static bool stop_at(void *context)
{
    int *left = context;
    return (*left)-- == 0;
}

static void populate_stops_when_it_is_told_to(void **state)
{
    (void)state;
    struct memory memory = map(200 * MIB, 4 * KIB);
    struct error error = {0};
    int left = 2;
    assert_int_equal(memory_populate(&memory, true, stop_at, &left, &error), -EINTR);
    assert_int_equal(error.code, EINTR);
    assert_int_equal(resident_pages(&memory), 128 * MIB / PAGE);
    left = 100;
    assert_int_equal(memory_populate(&memory, true, stop_at, &left, &error), 0);
    assert_int_equal(left, 96);
    memory_unmap(&memory);
}

static void a_page_that_cannot_be_had_is_an_error_and_no_signal(void **state)
{
    (void)state;
    struct memory memory = map(4 * MIB, 4 * KIB);
    struct error error = {0};
    assert_int_equal(munmap((char *)memory.base + 2 * MIB, PAGE), 0);
    assert_int_equal(memory_populate(&memory, true, NULL, NULL, &error), -ENOMEM);
    assert_non_null(strstr(error.text, "4 MiB"));
    memory_unmap(&memory);
}

/* ---- an old kernel ---- */

/* What the child does; the number of the step that failed. */
static int populate_on_an_old_kernel(void)
{
    struct memory memory;
    struct error error;
    unsigned char vector[8 * MIB / PAGE];
    if (memory_map(&memory, 8 * MIB, 4 * KIB, &error))
        return 1;
    memset((char *)memory.base + MIB, 0x77, PAGE);
    if (forbid(SYS_madvise, 2, 22, 23, EINVAL)) /* MADV_POPULATE_READ and _WRITE */
        return 2;
    if (madvise(memory.base, PAGE, 23) == 0 || errno != EINVAL)
        return 3;
    if (memory_populate(&memory, false, NULL, NULL, &error) ||
        memory_populate(&memory, true, NULL, NULL, &error))
        return 4;
    if (mincore(memory.base, memory.bytes, vector))
        return 5;
    for (size_t i = 0; i < sizeof vector; i++)
        if (!(vector[i] & 1))
            return 6;
    return ((unsigned char *)memory.base)[MIB + 5] == 0x77 ? 0 : 7;
}

static void populate_works_on_kernels_before_5_14(void **state)
{
    (void)state;
    in_child(populate_on_an_old_kernel);
}

/* ---- lock ---- */

#if MLOCK_IS_REAL

static void locked_memory_is_locked(void **state)
{
    (void)state;
    struct error error = {0};
    struct memory memory = map(4 * PAGE, 4 * KIB);
    if (memory_lock(&memory, &error))
        fail_msg("%s", error.text);
    assert_true(has_flag(&memory, "lo"));
    memory_unmap(&memory);
}

/* Without the right to lock anything; in a child, for rights do not come back. */
static int lock_without_rights(void)
{
    static const struct rlimit tight = {0, 0};
    struct memory memory;
    struct error error = {0};
    if (memory_map(&memory, MIB, 4 * KIB, &error))
        return 1;
    if (setrlimit(RLIMIT_MEMLOCK, &tight) || (geteuid() == 0 && setresuid(65534, 65534, 65534)))
        return 2;
    if (memory_lock(&memory, &error) >= 0 || error.code == 0)
        return 3;
    return strstr(error.text, "RLIMIT_MEMLOCK") && strstr(error.text, "1 MiB") &&
                   strstr(error.text, "ulimit -l")
               ? 0
               : 4;
}

static void a_refused_lock_names_the_limit_and_what_to_do(void **state)
{
    (void)state;
    in_child(lock_without_rights);
}

#endif

/* ---- a hidden or hostile /proc ---- */

static struct memory_pages look_under_tree(const struct memory *memory)
{
    struct memory_pages pages;
    struct error error;
    assert_int_equal(memory_obtained(memory, 0, memory->bytes, &pages, &error), 0);
    return pages;
}

static void a_hidden_proc_makes_the_pages_unknown(void **state)
{
    (void)state;
    struct memory memory = map(PAGE, 4 * KIB);
    struct memory_pages pages = look_under_tree(&memory);
    assert_false(pages.proof.known);
    assert_non_null(strstr(pages.proof.text, "smaps"));
    tree_garbage("/proc/self/smaps", 400000);
    pages = look_under_tree(&memory);
    assert_false(pages.proof.known);
    tree_file("/proc/self/smaps", "1000-2000 rw-p 0 0:0 0\nRss: 4 kB\nAnonHugePages: 4 kB\n");
    pages = look_under_tree(&memory);
    assert_false(pages.proof.known);
    memory_unmap(&memory);
}

static void fields_of_other_mappings_are_not_taken(void **state)
{
    (void)state;
    struct smaps smaps;
    tree_file("/proc/self/smaps",
        "1000-2000 rw-p 0 0:0 0\nSize: 4 kB\nRss: 4 kB\n"
        "200000-600000 rw-p 0 0:0 0\nRss: 4096 kB\nAnonHugePages: 2048 kB\nKernelPageSize: 4 kB\n"
        "VmFlags: rd wr\n600000-700000 r--p 0 0:0 0\nRss: 77 kB\nAnonHugePages: 55 kB\n");
    assert_int_equal(smaps_look(0x200000, 0x400000, &smaps), 0);
    assert_true(smaps.mapped_bytes == 4 * MIB && smaps.overlap_bytes == 4 * MIB);
    assert_true(smaps.resident_bytes == 4 * MIB && smaps.huge_bytes == 2 * MIB);
    assert_true(smaps.kernel_page_bytes == 4 * KIB && smaps.mmu_page_bytes == 0);
    assert_int_equal(smaps_look(0x800000, 0x1000, &smaps), -ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_pages_are_small),
        cmocka_unit_test(small_pages_stay_small_where_large_ones_are_always_given),
        cmocka_unit_test(large_pages_are_seen),
        cmocka_unit_test(mixed_pages_are_told_as_mixed),
        cmocka_unit_test(neighbours_do_not_blur_the_figures),
        cmocka_unit_test(sizes_are_rounded_up_and_the_base_is_aligned),
        cmocka_unit_test(what_runs_over_either_end_is_caught),
        cmocka_unit_test(unmapping_gives_all_of_it_back),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(more_memory_than_this_machine_has_is_refused),
        WITH_TREE(the_figures_of_the_host_decide),
        cmocka_unit_test(populate_makes_every_page_resident),
        cmocka_unit_test(populate_for_reading_takes_no_memory),
        cmocka_unit_test(populate_stops_when_it_is_told_to),
        cmocka_unit_test(a_page_that_cannot_be_had_is_an_error_and_no_signal),
        cmocka_unit_test(populate_works_on_kernels_before_5_14),
#if MLOCK_IS_REAL
        cmocka_unit_test(locked_memory_is_locked),
        cmocka_unit_test(a_refused_lock_names_the_limit_and_what_to_do),
#endif
        WITH_TREE(a_hidden_proc_makes_the_pages_unknown),
        WITH_TREE(fields_of_other_mappings_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
