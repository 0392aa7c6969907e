/* Shadow paging's synchronization, case by case: how often a guest is interrupted for what it does, and what
 * its children lose and get. */
#include "cmocka_all.h"

#include "few_frames.h"
#include "monitor/deprivileged/shadow_sync.h"
#include "paging/page_tables.h"

#include <errno.h>

#define TABLE UINT64_C(0x8000) /* where the guest maps its table of level 1, frame 3 */

static struct shadow shadow;

/* The chain, with what it leads to accessed; the lowest table maps itself at TABLE. */
static int setup(void **state)
{
    struct error error;
    (void)state;
    few_frames_clear();
    few_frames_chain();
    memory[3][8] = FRAME(3) | DATA;
    shadow = (struct shadow){
        .physical_bits = 46, .tables_max = 64, .fill = 512, .runs = {.carry_out = record_runs}};
    if (shadow_add(&shadow, GPA(FEW_START), memory, sizeof memory, &error) < 0)
        return -1;
    int rc = shadow_switch(&shadow, GPA(FRAME(0)), &error);
    record.count = 0;
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    shadow_free(&shadow);
    return 0;
}

static struct fault_outcome fault(uint64_t address, unsigned access)
{
    struct fault_outcome outcome;
    struct error error;
    assert_int_equal(shadow_fault(&shadow, GVA(address), access, &outcome, &error), 0);
    return outcome;
}

static void expect_fault(uint64_t address, unsigned access, int kind)
{
    assert_int_equal(fault(address, access).kind, kind);
}

static void store(unsigned frame, unsigned index, uint64_t value)
{
    struct error error;
    assert_int_equal(shadow_store(&shadow, GPA(entry_at(frame, index)), &value, sizeof value, &error), 0);
}

static void flush(uint64_t address)
{
    struct error error;
    assert_int_equal(shadow_flush(&shadow, GVA(address), &error), 0);
}

static void switch_to(unsigned frame)
{
    struct error error;
    assert_int_equal(shadow_switch(&shadow, GPA(FRAME(frame)), &error), 0);
}

static void expect_run(size_t index, enum run_kind kind, uint64_t from, uint64_t bytes, unsigned rights)
{
    assert_true(index < record.count);
    const struct run *run = &record.runs[index];
    if (run->kind != kind || run->from.value != from || run->bytes != bytes || run->rights != rights)
        fail_msg("run %zu: kind %d, from 0x%lx, %lu bytes, rights %x", index, run->kind, run->from.value,
            run->bytes, run->rights);
}

enum { ALL = PAGE_READ | PAGE_WRITE | PAGE_USER | PAGE_EXECUTE };

/* Faults that find nothing changed in the tables that they lead through: the table that is mapped at `table`
 * is protected again, once. */
static void expect_protected(uint64_t address, uint64_t table)
{
    unsigned count = 0;
    record.count = 0;
    for (unsigned i = 0; i < 5; i++)
        expect_fault(address, 0, FAULT_FILLED);
    for (size_t i = 0; i < record.count; i++)
        if (record.runs[i].kind == RUN_PROTECT) {
            expect_run(i, RUN_PROTECT, table, 4096, ALL & ~PAGE_WRITE);
            count++;
        }
    assert_int_equal(count, 1);
}

/* One fault to make the table writable, one for all that was written there. */
static void many_entries_take_two_faults(void **state)
{
    (void)state;
    expect_fault(TABLE, 0, FAULT_FILLED); /* readable, since it is a table that a walk has led through */
    expect_run(record.count - 1, RUN_MAP, TABLE, 4096, ALL & ~PAGE_WRITE);
    record.count = 0;
    expect_fault(TABLE, FAULT_WRITE, FAULT_FILLED);
    expect_run(0, RUN_MAP, TABLE, 4096, ALL);
    for (unsigned i = 0; i < 40; i++)
        memory[3][16 + i] = FRAME(10 + i) | DATA; /* what the guest does without a fault */
    record.count = 0;
    expect_fault(0x10000, FAULT_WRITE, FAULT_FILLED);
    assert_int_equal(record.count, 1);
    expect_run(0, RUN_MAP, 0x10000, 40 * 4096, ALL);
    assert_int_equal(record.runs[0].to.value, FRAME(10));
    assert_int_equal(shadow.counts.stores, 1);
    assert_int_equal(shadow.counts.compared, 1);
    assert_int_equal(shadow.counts.hidden, 3);
}

/* A table that is written between faults stays writable; one that is not is protected at the third. */
static void a_quiet_table_is_protected_again(void **state)
{
    (void)state;
    expect_fault(TABLE, FAULT_WRITE, FAULT_FILLED);
    for (unsigned i = 0; i < 10; i++) {
        expect_fault(TABLE, 0, FAULT_FILLED); /* finds nothing changed, */
        memory[3][16 + i] = FRAME(10 + i) | DATA;
        record.count = 0;
        expect_fault(0x10000 + i * 4096, 0, FAULT_FILLED); /* and finds this */
        for (size_t k = 0; k < record.count; k++)
            assert_int_not_equal(record.runs[k].kind, RUN_PROTECT);
    }
    assert_int_equal(shadow.counts.stores, 1);
    expect_protected(0x10000, TABLE);
    expect_fault(TABLE, FAULT_WRITE, FAULT_FILLED);
    assert_int_equal(shadow.counts.stores, 2);
}

static void hidden_faults_are_pages_by_fill(void **state)
{
    (void)state;
    shadow.fill = 4;
    for (unsigned i = 16; i < 32; i++)
        memory[3][i] = FRAME(10 + i) | DATA;
    for (unsigned i = 16; i < 32; i += 4) {
        expect_fault((i + 1) * 4096, FAULT_USER, FAULT_FILLED);
        expect_run(record.count - 1, RUN_MAP, i * UINT64_C(4096), 4 * 4096, ALL);
    }
    assert_int_equal(shadow.counts.hidden, 4);
}

/* The guest's kernel has another child than its user code. */
static void each_side_is_filled(void **state)
{
    (void)state;
    for (unsigned i = 16; i < 24; i++)
        memory[3][i] = FRAME(10 + i) | DATA;
    expect_fault(0x10000, 0, FAULT_FILLED);
    record.count = 0;
    expect_fault(0x10000, FAULT_USER, FAULT_FILLED);
    expect_run(record.count - 1, RUN_MAP, 0x10000, 8 * 4096, ALL);
    record.count = 0;
    expect_fault(0x10000, FAULT_USER, FAULT_FILLED); /* it was lost: that page alone */
    expect_run(0, RUN_MAP, 0x10000, 4096, ALL);
}

static void each_store_is_told(void **state)
{
    (void)state;
    shadow.sync = SYNC_WRITE;
    expect_fault(TABLE, 0, FAULT_FILLED);
    for (unsigned i = 0; i < 10; i++) {
        struct fault_outcome outcome = fault(TABLE + (16 + i) * 8, FAULT_WRITE);
        assert_int_equal(outcome.kind, FAULT_STORE);
        assert_int_equal(outcome.to.value, entry_at(3, 16 + i));
        store(3, 16 + i, FRAME(10 + i) | DATA);
    }
    assert_int_equal(shadow.counts.stores, 10);
    record.count = 0;
    expect_fault(0x10000, 0, FAULT_FILLED);
    expect_run(0, RUN_MAP, 0x10000, 10 * 4096, ALL);
    record.count = 0;
    store(3, 17, FRAME(11) | (DATA & ~W)); /* seen at once */
    expect_run(0, RUN_PROTECT, 0x11000, 4096, ALL & ~PAGE_WRITE);
    store(3, 18, 0);
    expect_run(1, RUN_UNMAP, 0x12000, 4096, 0);
    assert_int_equal(shadow.counts.compared, 0);
}

static void stale_entries_last_until_invlpg(void **state)
{
    (void)state;
    for (unsigned i = 16; i < 20; i++)
        memory[3][i] = FRAME(i) | DATA;
    expect_fault(0x10000, 0, FAULT_FILLED);
    expect_fault(TABLE, FAULT_WRITE, FAULT_FILLED);
    memory[3][16] = 0;
    memory[3][17] &= ~(uint64_t)W;
    memory[3][18] = FRAME(30) | DATA;
    record.count = 0;
    flush(0x13000); /* has not changed */
    flush(0x14000); /* was never there */
    assert_int_equal(record.count, 0);
    flush(0x10000);
    flush(0x11000);
    flush(0x12000);
    assert_int_equal(record.count, 3);
    expect_run(0, RUN_UNMAP, 0x10000, 4096, 0);
    expect_run(1, RUN_PROTECT, 0x11000, 4096, ALL & ~PAGE_WRITE);
    expect_run(2, RUN_UNMAP, 0x12000, 4096, 0);
}

static void a_write_to_cr3_looks_at_what_was_written(void **state)
{
    (void)state;
    memory[3][16] = FRAME(16) | DATA;
    memory[3][17] = FRAME(17) | DATA;
    expect_fault(0x10000, 0, FAULT_FILLED);
    switch_to(0);
    assert_int_equal(shadow.counts.compared, 0);
    expect_fault(TABLE, FAULT_WRITE, FAULT_FILLED);
    memory[3][17] = 0;
    record.count = 0;
    switch_to(4);
    assert_int_equal(shadow.counts.compared, 1);
    assert_int_equal(record.count, 1);
    expect_run(0, RUN_UNMAP, 0x11000, 4096, 0);
    assert_int_equal(record.runs[0].root.value, FRAME(0)); /* of the other one */
}

static void a_link_takes_all_below_it_away(void **state)
{
    (void)state;
    memory[3][16] = FRAME(16) | DATA;
    expect_fault(0x10000, 0, FAULT_FILLED);
    assert_int_equal(shadow.tables_used, 4);
    record.count = 0;
    store(1, 0, 0);
    expect_run(0, RUN_UNMAP, 0, 1 << 30, 0);
    assert_int_equal(shadow.tables_used, 2);
    expect_fault(0x10000, FAULT_USER, FAULT_INJECT);
}

static void accessed_and_dirty_are_set_at_the_first_use(void **state)
{
    (void)state;
    memory[3][16] = FRAME(16) | P | W | U;
    memory[3][17] = FRAME(17) | P | W | U;
    expect_fault(0x10000, FAULT_USER, FAULT_FILLED);
    assert_int_equal(memory[3][16], FRAME(16) | P | W | U | A);
    assert_int_equal(memory[3][17], FRAME(17) | P | W | U); /* its neighbour was not used */
    expect_run(record.count - 1, RUN_MAP, 0x10000, 4096, ALL & ~PAGE_WRITE);
    expect_fault(0x10000, FAULT_USER | FAULT_WRITE, FAULT_FILLED);
    assert_int_equal(memory[3][16], FRAME(16) | DATA);
    expect_run(record.count - 1, RUN_MAP, 0x10000, 4096, ALL);
}

static void the_guests_own_faults_are_told(void **state)
{
    (void)state;
    memory[3][16] = FRAME(16) | P | A;
    memory[3][17] = FRAME(17) | P | A | UINT64_C(1) << 46;
    memory[3][18] = 0x10000000 | P | W | A;
    assert_int_equal(fault(0x10000, FAULT_WRITE).error_code, FAULT_PRESENT | FAULT_WRITE);
    assert_int_equal(fault(0x10000, FAULT_USER).error_code, FAULT_PRESENT | FAULT_USER);
    assert_int_equal(fault(0x11000, 0).error_code, FAULT_PRESENT | FAULT_RESERVED);
    assert_int_equal(fault(0x14000, FAULT_FETCH).error_code, FAULT_FETCH);
    assert_int_equal(fault(0x400000, 0).error_code, 0);
    assert_int_equal(shadow.counts.injected, 5);
    struct fault_outcome outcome = fault(0x12abc, FAULT_WRITE);
    assert_int_equal(outcome.kind, FAULT_DEVICE);
    assert_int_equal(outcome.to.value, 0x10000abc);
}

/* Entry 511 of the root leads to the root: the guest sees its tables by way of themselves, as some systems
 * do. */
static void tables_in_themselves_work(void **state)
{
    (void)state;
    memory[0][511] = FRAME(0) | LINK | D;
    expect_fault(0xfffffffffffff000, 0, FAULT_FILLED); /* the root */
    expect_run(record.count - 1, RUN_MAP, 0xfffffffffffff000, 4096, ALL & ~PAGE_WRITE);
    expect_fault(0xffffff8000000000, FAULT_WRITE, FAULT_FILLED); /* the lowest table */
    expect_run(record.count - 1, RUN_MAP, 0xffffff8000000000, 4096, ALL);
    memory[3][16] = FRAME(16) | DATA;
    record.count = 0;
    expect_fault(0x10000, 0, FAULT_FILLED);
    expect_run(0, RUN_PROTECT, 0xffffff8000000000, 4096, ALL & ~PAGE_WRITE);
    expect_run(record.count - 1, RUN_MAP, 0x10000, 4096, ALL);
}

/* Tables inside of a large page are read-only there, the rest is not. */
static void large_pages_leave_tables_out(void **state)
{
    (void)state;
    memory[2][1] = 0x400000 | DATA | LARGE;
    memory[2][2] = FRAME(10) | LINK; /* frame 10 lies 5 frames into that page */
    memory[10][0] = FRAME(40) | DATA;
    expect_fault(0x400000, 0, FAULT_FILLED);
    record.count = 0;
    expect_fault(0x200000, FAULT_WRITE, FAULT_FILLED);
    assert_int_equal(record.count, 3);
    expect_run(0, RUN_MAP, 0x200000, 5 * 4096, ALL);
    expect_run(1, RUN_MAP, 0x205000, 4096, ALL & ~PAGE_WRITE);
    expect_run(2, RUN_MAP, 0x206000, 506 * 4096, ALL);
    expect_fault(0x205000, FAULT_WRITE, FAULT_FILLED);
    expect_run(3, RUN_MAP, 0x205000, 4096, ALL);
    expect_protected(0x400000, 0x205000);
}

static void what_is_too_much_is_forgotten(void **state)
{
    (void)state;
    memory[3][16] = FRAME(16) | DATA;
    for (unsigned i = 0; i < 64; i++) {
        store(2, i, FRAME(3) | LINK);
        expect_fault(i * UINT64_C(0x200000) + 0x10000, 0, FAULT_FILLED);
    }
    store(3, 16, 0);
    assert_int_equal(record.runs[record.count - 1].kind, RUN_FORGET);
    assert_int_equal(shadow.tables_used, 0);
    shadow.tables_max = 8;
    for (unsigned i = 0; i < 8; i++)
        store(2, i, FRAME(20 + i) | LINK);
    record.count = 0;
    for (uint64_t i = 0; i < 5; i++)
        expect_fault(i * 0x200000, FAULT_USER, FAULT_INJECT);
    assert_int_equal(record.count, 0);
    expect_fault(5 * UINT64_C(0x200000), FAULT_USER, FAULT_AGAIN);
    assert_int_equal(record.runs[0].kind, RUN_FORGET);
    expect_fault(5 * UINT64_C(0x200000), FAULT_USER, FAULT_INJECT);
}

static void a_space_that_ends_leaves_nothing(void **state)
{
    (void)state;
    memory[4][0] = FRAME(5) | LINK;
    memory[5][0] = FRAME(2) | LINK; /* shares the lower ones */
    expect_fault(TABLE, 0, FAULT_FILLED);
    switch_to(4);
    expect_fault(TABLE, 0, FAULT_FILLED);
    assert_int_equal(shadow.tables_used, 6);
    shadow_end_space(&shadow, GPA(FRAME(4)));
    assert_int_equal(shadow.tables_used, 6); /* it is in use */
    shadow_end_space(&shadow, GPA(FRAME(0)));
    assert_int_equal(shadow.tables_used, 4);
    switch_to(0);
    shadow_end_space(&shadow, GPA(FRAME(4)));
    assert_int_equal(shadow.tables_used, 0);
}

static void roots_without_memory_only_fault(void **state)
{
    struct error error;
    (void)state;
    switch_to(FEW_FRAMES);
    assert_int_equal(fault(0, 0).kind, FAULT_INJECT);
    uint64_t value = 0;
    assert_int_equal(shadow_store(&shadow, GPA(FRAME(FEW_FRAMES)), &value, 8, &error), -EFAULT);
    assert_int_equal(shadow_store(&shadow, GPA(FRAME(1) - 4), &value, 8, &error), -EFAULT);
    assert_int_equal(shadow_store(&shadow, GPA(FRAME(0)), &value, 0, &error), -EFAULT);
    assert_int_equal(shadow.tables_used, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(many_entries_take_two_faults),
        CASE(a_quiet_table_is_protected_again),
        CASE(hidden_faults_are_pages_by_fill),
        CASE(each_side_is_filled),
        CASE(each_store_is_told),
        CASE(stale_entries_last_until_invlpg),
        CASE(a_write_to_cr3_looks_at_what_was_written),
        CASE(a_link_takes_all_below_it_away),
        CASE(accessed_and_dirty_are_set_at_the_first_use),
        CASE(the_guests_own_faults_are_told),
        CASE(tables_in_themselves_work),
        CASE(large_pages_leave_tables_out),
        CASE(what_is_too_much_is_forgotten),
        CASE(a_space_that_ends_leaves_nothing),
        CASE(roots_without_memory_only_fault),
    };
    return cmocka_run_group_tests_name("shadow synchronization", tests, NULL, NULL);
}
