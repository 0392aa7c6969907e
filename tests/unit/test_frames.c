/* Frame types, case by case: above all what a guest may try that wants to write its own tables. */
#include "cmocka_all.h"

#include "few_frames.h"
#include "monitor/deprivileged/frames.h"

#include <errno.h>
#include <stdlib.h>

static struct frames frames;

static int setup(void **state)
{
    struct error error;
    (void)state;
    few_frames_clear();
    frames = (struct frames){.physical_bits = 46, .tables_max = 32};
    return frames_add(&frames, GPA(FEW_START), memory, sizeof memory, &error);
}

static int teardown(void **state)
{
    (void)state;
    frames_free(&frames);
    return 0;
}

static int pin(unsigned frame, unsigned level)
{
    struct error error = {0};
    int rc = frames_pin(&frames, GPA(FRAME(frame)), level, &error);
    assert_true(rc == 0 || (rc == -error.code && error.text[0]));
    return rc;
}

static int unpin(unsigned frame)
{
    return frames_unpin(&frames, GPA(FRAME(frame)), NULL);
}

static int set(unsigned frame, unsigned index, uint64_t value)
{
    struct entry_change change;
    struct error error = {0};
    int rc = frames_set(&frames, GPA(entry_at(frame, index)), value, false, &change, &error);
    assert_true(rc == 0 || (rc == -error.code && error.text[0]));
    return rc;
}

static void expect(unsigned frame, enum frame_type type, uint32_t references)
{
    struct frame_use use;
    assert_true(frames_look(&frames, GPA(FRAME(frame)), &use));
    assert_int_equal(use.type, type);
    assert_int_equal(use.references, references);
}

static void expect_all_free(void)
{
    struct frame_use use;
    for (unsigned i = 0; i < FEW_FRAMES; i++) {
        expect(i, FRAME_FREE, 0);
        frames_look(&frames, GPA(FRAME(i)), &use);
        assert_true(!use.large && !use.pinned);
    }
    assert_int_equal(frames.tables, 0);
}

static void a_root_puts_all_that_it_leads_to_in_use(void **state)
{
    (void)state;
    few_frames_chain();
    memory[3][7] = FRAME(10) | DATA;
    memory[3][8] = FRAME(10) | DATA;
    memory[3][9] = FRAME(11) | P;
    assert_int_equal(pin(0, 4), 0);
    expect(0, FRAME_TABLE_4, 0);
    expect(1, FRAME_TABLE_3, 1);
    expect(2, FRAME_TABLE_2, 1);
    expect(3, FRAME_TABLE_1, 1);
    expect(10, FRAME_WRITABLE, 2);
    expect(11, FRAME_FREE, 0);
    assert_int_equal(pin(0, 4), -EEXIST);
    assert_int_equal(pin(0, 3), -EBUSY);
    assert_int_equal(pin(2, 2), 0); /* besides */
    assert_int_equal(unpin(0), 0);
    expect(2, FRAME_TABLE_2, 0);
    expect(10, FRAME_WRITABLE, 2);
    assert_int_equal(unpin(0), -ENOENT);
    assert_int_equal(unpin(2), 0);
    expect_all_free();
}

static void no_table_is_mapped_writable(void **state)
{
    (void)state;
    few_frames_chain();
    assert_int_equal(pin(0, 4), 0);
    for (unsigned table = 0; table < 4; table++) {
        assert_int_equal(set(3, 1, FRAME(table) | P | W), -EBUSY);
        assert_int_equal(set(3, 1, FRAME(table) | P), 0); /* to read it is fine */
        assert_int_equal(set(3, 1, FRAME(table) | P | W), -EBUSY);
    }
    assert_int_equal(set(2, 1, 0x400000 | P | W | LARGE), 0); /* no table in it: 0 to 3 lie before */
    assert_int_equal(set(2, 2, FRAME(8) | LINK), -EBUSY);     /* this one would */
    assert_int_equal(set(2, 3, 0x200000 | P | W | LARGE), -EBUSY);
    assert_int_equal(set(2, 3, 0x200000 | P | LARGE), 0);
    assert_int_equal(set(2, 1, 0), 0);
    assert_int_equal(set(2, 2, FRAME(8) | LINK), 0);
    assert_int_equal(set(2, 1, 0x400000 | P | W | LARGE), -EBUSY);
}

static void what_is_writable_becomes_no_table(void **state)
{
    (void)state;
    few_frames_chain();
    memory[3][0] = FRAME(20) | DATA;
    assert_int_equal(pin(0, 4), 0);
    for (unsigned level = 1; level <= 4; level++)
        assert_int_equal(pin(20, level), -EBUSY);
    assert_int_equal(set(2, 1, FRAME(20) | LINK), -EBUSY);
    assert_int_equal(set(3, 0, FRAME(20) | P), 0);
    assert_int_equal(set(2, 1, FRAME(20) | LINK), 0);
    expect(20, FRAME_TABLE_1, 1);
}

static void tables_in_themselves_are_refused(void **state)
{
    (void)state;
    memory[0][1] = FRAME(0) | LINK;
    for (unsigned level = 2; level <= 4; level++)
        assert_int_equal(pin(0, level), -EBUSY);
    memory[0][1] = FRAME(1) | LINK;
    memory[1][1] = FRAME(2) | LINK;
    memory[2][1] = FRAME(0) | LINK;
    assert_int_equal(pin(0, 4), -EBUSY);
    expect_all_free();
    memory[2][1] = 0;
    assert_int_equal(pin(0, 4), 0);
    assert_int_equal(set(2, 1, FRAME(0) | LINK), -EBUSY);
    assert_int_equal(set(1, 1, FRAME(1) | LINK), -EBUSY);
    expect(2, FRAME_TABLE_2, 1);
}

static void wild_entries_are_refused(void **state)
{
    static const struct {
        unsigned level; /* of the table */
        uint64_t entry;
        int answer;
    } cases[] = {
        {4, 0x7fffffff000 | LINK, -EFAULT},
        {3, FEW_START - 4096 + LINK, -EFAULT},
        {2, FRAME(FEW_FRAMES) | LINK, -EFAULT},
        {4, FRAME(9) | LINK | LARGE, -EINVAL},
        {3, 0x40000000 | P | LARGE, -EINVAL}, /* 1 GiB */
        {2, 0x401000 | P | LARGE, -EINVAL},
        {2, 0x400000 | P | LARGE | 0x2000, -EINVAL},
        {1, FRAME(9) | P | LARGE, -EINVAL},
        {1, (UINT64_C(1) << 46) | P, -EINVAL},
        {2, (UINT64_C(1) << 51) | P | LARGE, -EINVAL},
        {1, (UINT64_C(1) << 45) | P | W, 0},  /* a device */
        {1, UINT64_C(0xfffffffffffffffe), 0}, /* not present: anything */
        {3, UINT64_C(0x8000000000000080), 0},
    };
    (void)state;
    few_frames_chain();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memory[4 - cases[i].level][5] = cases[i].entry;
        assert_int_equal(pin(0, 4), cases[i].answer);
        assert_int_equal(unpin(0), cases[i].answer ? -ENOENT : 0);
        expect_all_free();
        memory[4 - cases[i].level][5] = 0;
        assert_int_equal(pin(0, 4), 0);
        assert_int_equal(set(4 - cases[i].level, 5, cases[i].entry), cases[i].answer);
        assert_int_equal(memory[4 - cases[i].level][5], cases[i].answer ? 0 : cases[i].entry);
        assert_int_equal(unpin(0), 0);
        memory[4 - cases[i].level][5] = 0;
    }
}

static void entries_elsewhere_are_not_set(void **state)
{
    (void)state;
    few_frames_chain();
    assert_int_equal(set(3, 0, 0), -ENOENT); /* not in use yet */
    assert_int_equal(pin(0, 4), 0);
    assert_int_equal(set(9, 0, 0), -ENOENT);
    assert_int_equal(set(FEW_FRAMES, 0, 0), -ENOENT);
    struct entry_change change;
    assert_int_equal(frames_set(&frames, GPA(FRAME(3) + 4), 0, false, &change, NULL), -EINVAL);
}

static void there_are_no_more_tables_than_told(void **state)
{
    (void)state;
    frames.tables_max = 3;
    few_frames_chain();
    assert_int_equal(pin(0, 4), -ENOMEM);
    expect_all_free();
    frames.tables_max = 4;
    assert_int_equal(pin(0, 4), 0);
    assert_int_equal(pin(9, 1), -ENOMEM);
}

static void places_are_followed_so_far(void **state)
{
    struct table_place places[4];
    (void)state;
    few_frames_chain();
    memory[2][511] = FRAME(3) | P | U; /* the last table once more, with less rights */
    assert_int_equal(pin(0, 4), 0);
    assert_int_equal(frames_places(&frames, GPA(FRAME(3)), places, 4), 2);
    unsigned second = places[0].from.value ? 0 : 1;
    assert_int_equal(places[second].from.value, 511 * UINT64_C(0x200000));
    assert_int_equal(places[second].bits, U);
    assert_int_equal(places[!second].from.value, 0);
    assert_int_equal(places[!second].bits, W | U | A);
    assert_int_equal(frames_places(&frames, GPA(FRAME(3)), places, 1), 2);
    assert_int_equal(frames_places(&frames, GPA(FRAME(9)), places, 4), 0);
}

/* 512 * 512 ways up, and no root at the end of any. */
static void ways_that_lead_nowhere_end(void **state)
{
    struct table_place places[4];
    (void)state;
    for (unsigned i = 0; i < 512; i++) {
        memory[2][i] = FRAME(3) | LINK;
        memory[1][i] = FRAME(2) | LINK;
    }
    assert_int_equal(pin(1, 3), 0);
    expect(3, FRAME_TABLE_1, 512);
    assert_int_equal(frames_places(&frames, GPA(FRAME(3)), places, 4), 5);
}

static void memory_does_not_change_under_tables(void **state)
{
    static uint64_t more[512];
    struct error error;
    (void)state;
    few_frames_chain();
    assert_int_equal(pin(0, 4), 0);
    assert_int_equal(frames_add(&frames, GPA(0x10000), more, sizeof more, &error), -EBUSY);
    assert_int_equal(frames_remove(&frames, GPA(FEW_START), &error), -EBUSY);
    assert_int_equal(unpin(0), 0);
    assert_int_equal(frames_add(&frames, GPA(FEW_START), more, sizeof more, &error), -EEXIST);
    assert_int_equal(frames_add(&frames, GPA(0x10000), more, sizeof more, &error), 0);
    assert_ptr_equal(frames_host(&frames, GPA(0x10008)), &more[1]);
    assert_null(frames_host(&frames, GPA(0x11000)));
    assert_null(frames_span(&frames, GPA(0x10008), sizeof more));
    assert_int_equal(frames_remove(&frames, GPA(0x10000), &error), 0);
    assert_int_equal(frames_remove(&frames, GPA(0x10000), &error), -ENOENT);
}

static void pins_come_back_where_they_still_can(void **state)
{
    struct frame_pins pins;
    struct error error;
    (void)state;
    few_frames_chain();
    assert_int_equal(pin(0, 4), 0);
    assert_int_equal(pin(9, 2), 0);
    assert_int_equal(pin(12, 4), 0);
    assert_int_equal(frames_forget(&frames, &pins, &error), 0);
    expect_all_free();
    assert_int_equal(pins.count, 3);
    memory[9][0] = FRAME(9) | LINK;
    assert_int_equal(frames_pin_again(&frames, &pins, &error), -EBUSY);
    expect(0, FRAME_TABLE_4, 0);
    expect(9, FRAME_FREE, 0);
    expect(12, FRAME_TABLE_4, 0);
    free(pins.list);
}

/* Nobody should; but a monitor does not fall over because somebody does. */
static void writes_behind_our_back_do_no_harm(void **state)
{
    (void)state;
    few_frames_chain();
    memory[2][1] = FRAME(4) | LINK;
    memory[3][0] = FRAME(10) | DATA;
    assert_int_equal(pin(0, 4), 0);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 512; j++)
            memory[i][j] = (FRAME((i * 512 + j) % 80) & ~UINT64_C(0xfff)) | (j % 2 ? LINK : DATA);
    memory[2][1] = 0;
    assert_int_equal(set(2, 1, FRAME(5) | LINK), 0);
    expect(4, FRAME_FREE, 0);
    assert_int_equal(unpin(0), 0);
    assert_int_equal(frames.tables, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_root_puts_all_that_it_leads_to_in_use),
        CASE(no_table_is_mapped_writable),
        CASE(what_is_writable_becomes_no_table),
        CASE(tables_in_themselves_are_refused),
        CASE(wild_entries_are_refused),
        CASE(entries_elsewhere_are_not_set),
        CASE(there_are_no_more_tables_than_told),
        CASE(places_are_followed_so_far),
        CASE(ways_that_lead_nowhere_end),
        CASE(memory_does_not_change_under_tables),
        CASE(pins_come_back_where_they_still_can),
        CASE(writes_behind_our_back_do_no_harm),
    };
    return cmocka_run_group_tests_name("frame types", tests, NULL, NULL);
}
