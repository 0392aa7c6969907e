#include "cmocka_all.h"

#include "base/random.h"
#include "base/size.h"
#include "monitor/guest_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, SLOTS = 8 };

static struct guest_memory memory;

static int open_memory(void **state)
{
    (void)state;
    memory = (struct guest_memory){.slots = SLOTS};
    return 0;
}

static int close_memory(void **state)
{
    (void)state;
    guest_memory_free(&memory);
    return 0;
}

static struct guest_region region(unsigned slot, uint64_t start, uint64_t bytes)
{
    return (struct guest_region){slot, 0, GPA(start), backing_private((void *)0x10000, bytes)};
}

static int set(const struct guest_region *region)
{
    struct error error;
    int rc = guest_memory_check(&memory, region, &error);
    if (rc == 0)
        guest_memory_set(&memory, region);
    else
        assert_int_equal(error.code, -rc);
    return rc;
}

static void what_is_not_whole_pages_is_refused(void **state)
{
    struct guest_region wrong[] = {region(0, 1, PAGE), region(0, PAGE, PAGE + 1), region(0, PAGE, PAGE),
        region(0, PAGE, PAGE), region(0, PAGE, PAGE)};
    (void)state;
    wrong[2].backing.host = (void *)0x10001;
    wrong[3].backing.offset = 512;
    wrong[4].backing.host = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(set(&wrong[i]), -EINVAL);
    assert_int_equal(memory.count, 0);
}

static void what_passes_the_end_is_refused(void **state)
{
    const uint64_t end = UINT64_C(1) << 52;
    struct guest_region wrong[] = {region(0, end, PAGE), region(0, end - PAGE, 2 * PAGE),
        region(0, UINT64_MAX - PAGE + 1, PAGE), region(0, PAGE, UINT64_MAX - PAGE + 1),
        region(SLOTS, 0, PAGE)};
    struct guest_region last = region(0, end - PAGE, PAGE);
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(set(&wrong[i]), -EINVAL);
    assert_int_equal(set(&last), 0);
}

static void what_overlaps_another_slot_is_refused(void **state)
{
    struct guest_region first = region(0, 4 * PAGE, 4 * PAGE);
    struct guest_region wrong[] = {region(1, 0, 5 * PAGE), region(1, 7 * PAGE, PAGE),
        region(1, 0, 100 * PAGE), region(1, 5 * PAGE, PAGE)};
    struct guest_region beside[] = {region(1, 0, 4 * PAGE), region(2, 8 * PAGE, PAGE)};
    (void)state;
    assert_int_equal(set(&first), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(set(&wrong[i]), -EEXIST);
    assert_int_equal(set(&beside[0]), 0);
    assert_int_equal(set(&beside[1]), 0);
}

static void a_slot_in_use_takes_another_logging_and_nothing_else(void **state)
{
    struct guest_region first = region(3, 0, PAGE), changed = first;
    (void)state;
    assert_int_equal(set(&first), 0);
    changed.flags = REGION_LOG_DIRTY;
    assert_int_equal(set(&changed), 0);
    assert_int_equal(memory.list[0].flags, REGION_LOG_DIRTY);
    changed.flags = REGION_READ_ONLY;
    assert_int_equal(set(&changed), -EBUSY);
    changed = region(3, 0, 2 * PAGE);
    assert_int_equal(set(&changed), -EBUSY);
    changed = region(4, PAGE, PAGE);
    changed.flags = 1U << 31;
    assert_int_equal(set(&changed), -EINVAL);
}

static void what_is_removed_can_be_used_again(void **state)
{
    struct guest_region first = region(3, 0, PAGE), none = region(3, 0, 0), other = region(3, PAGE, 3 * PAGE);
    (void)state;
    assert_int_equal(set(&none), -ENOENT);
    assert_int_equal(set(&first), 0);
    assert_int_equal(set(&none), 0);
    assert_int_equal(set(&none), -ENOENT);
    assert_int_equal(set(&other), 0);
}

/* Whatever comes and goes: what is placed is always accepted. */
static void a_place_is_found_where_there_is_room(void **state)
{
    enum { MOST = 100 };
    struct guest_region given[MOST];
    size_t count = 0;
    uint64_t seed = 11;
    (void)state;
    memory.slots = MOST;
    for (int i = 0; i < 5000; i++) {
        if (count == MOST || (count && random_below(&seed, 2))) {
            size_t at = random_below(&seed, count);
            struct guest_region none = {.slot = given[at].slot};
            assert_int_equal(set(&none), 0);
            given[at] = given[--count];
            continue;
        }
        struct guest_region placed = region(0, 0, (1 + random_below(&seed, 3000)) * MIB);
        guest_memory_place(&memory, GPA(4 * GIB), GIB, &placed);
        assert_true(placed.start.value >= 4 * GIB && placed.start.value % GIB == 0);
        assert_true(placed.start.value <= 4 * GIB + 3 * GIB * (count + 1));
        assert_int_equal(set(&placed), 0);
        given[count++] = placed;
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_memory, close_memory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_whole_pages_is_refused),
        TEST(what_passes_the_end_is_refused),
        TEST(what_overlaps_another_slot_is_refused),
        TEST(a_slot_in_use_takes_another_logging_and_nothing_else),
        TEST(what_is_removed_can_be_used_again),
        TEST(a_place_is_found_where_there_is_room),
    };
    return cmocka_run_group_tests_name("guest_memory", tests, NULL, NULL);
}
