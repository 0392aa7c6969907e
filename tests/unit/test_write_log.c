/* Which pages of a region were written: by bit, and what is alike. */
#include "cmocka_all.h"

#include "monitor/deprivileged/write_log.h"

#include <errno.h>
#include <string.h>

enum { PAGE = 4096, PAGES = 130 };
static const gpa_t start = {0x40000000};

static gpa_t page_at(uint64_t number)
{
    return GPA(start.value + number * PAGE + 17);
}

static struct write_log started(void)
{
    struct write_log log = {.count = 0};
    struct error error;
    assert_int_equal(write_log_start(&log, 3, start, PAGES * PAGE, &error), 0);
    return log;
}

static void all_count_as_written_at_first_and_none_beyond(void **state)
{
    struct write_log log = started();
    uint64_t bitmap[3];
    (void)state;
    write_log_read(&log, 3, bitmap);
    assert_true(bitmap[0] == UINT64_MAX && bitmap[1] == UINT64_MAX && bitmap[2] == 3);
    write_log_note(&log, page_at(PAGES));
    write_log_note(&log, GPA(start.value - 1));
    write_log_read(&log, 3, bitmap);
    assert_true(bitmap[2] == 3);
    write_log_stop(&log, 3);
}

static void what_was_cleared_counts_when_it_is_written_again(void **state)
{
    struct write_log log = started();
    const uint64_t some[] = {UINT64_MAX, 0xff};
    uint64_t bitmap[3];
    struct error error;
    (void)state;
    assert_int_equal(write_log_clear(&log, 3, 0, 128, some, &error), 0);
    write_log_note(&log, page_at(5));
    write_log_read(&log, 3, bitmap);
    assert_true(bitmap[0] == 1 << 5 && bitmap[1] == ~UINT64_C(0xff) && bitmap[2] == 3);
    assert_int_equal(write_log_clear(&log, 3, 1, 64, some, &error), -EINVAL);
    assert_int_equal(write_log_clear(&log, 3, 192, 64, some, &error), -EINVAL);
    assert_int_equal(write_log_clear(&log, 3, 128, 128, some, &error), -EINVAL);
    write_log_stop(&log, 3);
}

static void neighbours_that_are_alike_are_told_together(void **state)
{
    struct write_log log = started();
    const uint64_t some[] = {0xf0};
    struct error error;
    bool written;
    (void)state;
    assert_int_equal(write_log_clear(&log, 3, 0, 64, some, &error), 0);
    assert_int_equal(write_log_alike(&log, GPA(start.value), 100 * PAGE, &written), 4 * PAGE);
    assert_true(written);
    assert_int_equal(write_log_alike(&log, GPA(start.value + 4 * PAGE), 100 * PAGE, &written), 4 * PAGE);
    assert_false(written);
    assert_int_equal(write_log_alike(&log, GPA(start.value + 4 * PAGE), PAGE, &written), PAGE);
    assert_false(written);
    assert_int_equal(write_log_alike(&log, GPA(start.value + 8 * PAGE), 100 * PAGE, &written), 100 * PAGE);
    assert_true(written);
    write_log_stop(&log, 3);
    assert_int_equal(write_log_alike(&log, GPA(start.value), 7 * PAGE, &written), 7 * PAGE);
    assert_true(written);
}

static void regions_are_recorded_each_for_itself(void **state)
{
    struct write_log log = started();
    const uint64_t all[] = {UINT64_MAX};
    uint64_t bitmap[3], other;
    struct error error;
    (void)state;
    assert_int_equal(write_log_start(&log, 3, start, PAGES * PAGE, &error), 0);
    assert_int_equal(write_log_start(&log, 4, GPA(0), 64 * PAGE, &error), 0);
    assert_int_equal(log.count, 2);
    assert_int_equal(write_log_clear(&log, 4, 0, 64, all, &error), 0);
    write_log_note(&log, GPA(2 * PAGE));
    write_log_read(&log, 4, &other);
    write_log_read(&log, 3, bitmap);
    assert_true(other == 4 && bitmap[0] == UINT64_MAX);
    write_log_stop(&log, 3);
    assert_false(write_log_records(&log, 3));
    write_log_note(&log, GPA(5 * PAGE));
    write_log_note(&log, page_at(0));
    write_log_read(&log, 4, &other);
    assert_true(other == (1 << 2 | 1 << 5));
    write_log_note(NULL, page_at(0));
    write_log_stop_all(&log);
    for (unsigned slot = 0; slot < WRITE_LOG_REGIONS; slot++)
        assert_int_equal(write_log_start(&log, slot, GPA((uint64_t)slot << 30), PAGE, &error), 0);
    assert_int_equal(write_log_start(&log, 99, GPA(UINT64_C(1) << 40), PAGE, &error), -EBUSY);
    write_log_stop_all(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_count_as_written_at_first_and_none_beyond),
        cmocka_unit_test(what_was_cleared_counts_when_it_is_written_again),
        cmocka_unit_test(neighbours_that_are_alike_are_told_together),
        cmocka_unit_test(regions_are_recorded_each_for_itself),
    };
    return cmocka_run_group_tests_name("write_log", tests, NULL, NULL);
}
