/* Shadow paging's synchronization against the naive MMU: a guest that stores to its own tables, by whatever
 * mapping it has of them, and a CPU whose only TLB is what the runs have mapped. Where that misses, what
 * happens is what the tables say now; what it holds may be stale, but not behind an INVLPG or a write to CR3.
 * Memory stays the same bit for bit, accessed and dirty bits too.
 *
 *   test_shadow_random [OPERATIONS [SEED]] */
#include "cmocka_all.h"

#include "base/random.h"
#include "monitor/deprivileged/shadow_sync.h"
#include "naive_guest.h"
#include "naive_tlb.h"
#include "paging/page_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 1000, POOL = 32, TRIES = 4, RECENT = 32 };

static int operations = 100000;
static uint64_t seed_given;
static struct naive_tlb tlb;
static struct shadow *shadow;
static uint64_t recent[RECENT]; /* addresses that were accessed */
static struct {
    uint64_t hits, stale, filled, faults, devices, stores, table_stores, flushes, switches;
} seen;

static const struct setting {
    enum sync_kind sync;
    unsigned fill, room;
    size_t tables_max;
} * setting;

/* Mostly each frame keeps to one level, so that ways are long; now and then any frame is a table of any. */
static uint64_t table_of(unsigned level)
{
    uint64_t number = dice(POOL);
    return FIRST_START + (dice(12) ? number / 4 * 4 + level - 1 : number) * 4096;
}

/* ---- what may be in a TLB ---- */

static bool is_current(uint64_t space, uint64_t address, uint64_t to, unsigned rights)
{
    struct naive_leaf leaf = naive_walk(&ours, space, address);
    return leaf.reached && leaf.accessed && leaf.to == to &&
           (!(rights & PAGE_WRITE) || (leaf.write && leaf.dirty)) && (!(rights & PAGE_USER) || leaf.user) &&
           (!(rights & PAGE_EXECUTE) || leaf.execute);
}

static void fail_cell(const char *when, uint64_t space, uint64_t address, uint64_t to, unsigned rights)
{
    fail_msg("%s: 0x%" PRIx64 " of 0x%" PRIx64 " is mapped to 0x%" PRIx64 " with rights %x", when, address,
        space, to, rights);
}

/* In the address space in use nothing is mapped that the tables do not say now. */
static void mapped(void *context, uint64_t space, uint64_t address, uint64_t to, unsigned rights, bool anew)
{
    (void)context;
    if (anew && !is_current(space, address, to, rights))
        fail_cell("newly", space, address, to, rights);
}

static void check_flushed(uint64_t address)
{
    const struct tlb_cell *cell = tlb_look(&tlb, root, address);
    if (cell && !is_current(root, address, cell->to, cell->rights))
        fail_cell("after INVLPG", root, address, cell->to, cell->rights);
}

static void check_switched(void)
{
    for (unsigned page = 0; page < TLB_PAGES; page++) {
        const struct tlb_cell *cell = tlb_look(&tlb, root, tlb_address(page));
        if (cell && !is_current(root, tlb_address(page), cell->to, cell->rights))
            fail_cell("after a write to CR3", root, tlb_address(page), cell->to, cell->rights);
    }
}

/* ---- what the guest does ---- */

static bool allowed(const struct tlb_cell *cell, unsigned code)
{
    return cell && (!(code & 2) || cell->rights & PAGE_WRITE) && (!(code & 4) || cell->rights & PAGE_USER) &&
           (!(code & 16) || cell->rights & PAGE_EXECUTE);
}

/* By the TLB alone. */
static bool hits(uint64_t address, unsigned code, uint64_t *to)
{
    const struct tlb_cell *cell = tlb_look(&tlb, root, address);
    if (!allowed(cell, code))
        return false;
    struct naive_leaf leaf = naive_walk(&theirs, root, address);
    seen.hits++;
    seen.stale += !leaf.reached || leaf.to != cell->to || ((code & 2) && !(leaf.write && leaf.dirty));
    *to = cell->to;
    return true;
}

/* What should come of a miss: as naive_access(), or -2: a device. */
static int expect_miss(uint64_t address, unsigned code, uint64_t *to)
{
    int expected = naive_access(&theirs, root, address, code, to);
    return expected == 0 && naive_frame(&theirs, *to) < 0 ? -2 : expected;
}

/* A miss that the tables allow: 0 and *to. `store` is told if the instruction is to be emulated. */
static int miss(uint64_t address, unsigned code, uint64_t *to, bool *store)
{
    struct fault_outcome outcome;
    struct error error;
    uint64_t expected_to = 0;
    int expected = -3;
    *store = false;
    for (int tries = 0; tries < TRIES; tries++) {
        assert_int_equal(shadow_fault(shadow, GVA(address), code, &outcome, &error), 0);
        if (outcome.kind == FAULT_AGAIN)
            continue;
        expected = expect_miss(address, code, &expected_to);
        int is = outcome.kind == FAULT_INJECT   ? (outcome.error_code ? (int)outcome.error_code : -1)
                 : outcome.kind == FAULT_DEVICE ? -2
                                                : 0;
        if (is != expected || (is == 0 && outcome.to.value != expected_to))
            fail_msg("0x%" PRIx64 " by %x: %d at 0x%" PRIx64 " instead of %d at 0x%" PRIx64, address, code,
                is, outcome.to.value, expected, expected_to);
        *to = expected_to;
        *store = outcome.kind == FAULT_STORE;
        const struct tlb_cell *cell = tlb_look(&tlb, root, address);
        if (is != 0 || *store || (allowed(cell, code) && cell->to == expected_to))
            return is;
    }
    fail_msg("0x%" PRIx64 " faults again and again", address);
    return expected;
}

static void count_miss(int outcome)
{
    seen.filled += outcome == 0;
    seen.faults += outcome > 0 || outcome == -1;
    seen.devices += outcome == -2;
}

/* One access; if it is a store, of `value` at an offset. */
static void access_at(uint64_t address, unsigned code, unsigned offset, uint64_t value)
{
    uint64_t to = 0;
    bool emulated = false;
    struct error error;
    if (!hits(address, code, &to)) {
        int outcome = miss(address, code, &to, &emulated);
        count_miss(outcome);
        if (outcome != 0)
            return;
    }
    recent[dice(RECENT)] = address;
    if (!(code & 2))
        return;
    seen.stores++;
    *naive_word(&theirs, to + offset) = value;
    if (emulated)
        assert_int_equal(shadow_store(shadow, GPA(to + offset), &value, sizeof value, &error), 0);
    else
        *naive_word(&ours, to + offset) = value;
}

static uint64_t familiar_address(void)
{
    return dice(2) ? recent[dice(RECENT)] : any_address();
}

static void access_any(void)
{
    static const unsigned codes[] = {0, 2, 4, 6, 16, 20, 0, 6};
    unsigned level = 1 + (unsigned)dice(4);
    access_at(familiar_address(), codes[dice(8)], any_index(level) * 8, any_entry(level));
}

/* An address by which the guest can store to a table, or to any if a few tries find none. */
static bool find_way(uint64_t *table, uint64_t *address)
{
    for (int tries = 0; tries < 60; tries++) {
        *address = any_address();
        struct naive_leaf leaf = naive_walk(&theirs, root, *address);
        uint64_t frame = leaf.to & -UINT64_C(4096);
        if (leaf.reached && leaf.write &&
            (frame == *table || (tries > 40 && frame - FIRST_START < POOL * 4096))) {
            *table = frame;
            return true;
        }
    }
    return false;
}

/* An entry as it was, but for some bits; or any. */
static uint64_t other_entry(uint64_t entry, unsigned level)
{
    static const uint64_t bits[] = {1, 2, 4, 0x20, 0x40, 0x60, 0x200, UINT64_C(1) << 63, 0x1000};
    return dice(4) ? entry ^ bits[dice(sizeof bits / sizeof *bits)] : any_entry(level);
}

static void store_to_table(void)
{
    unsigned level = dice(2) ? 1 : 1 + (unsigned)dice(4);
    struct naive_leaf leaf = naive_walk(&theirs, root, recent[dice(RECENT)]);
    uint64_t where = dice(3) ? leaf.entries[4 - level] : 0, address;
    where = where ? where : table_of(level) + any_index(level) * 8;
    uint64_t table = where & -UINT64_C(4096);
    if (!find_way(&table, &address))
        return;
    seen.table_stores++;
    access_at(address, 2, where & 4095, other_entry(*naive_word(&theirs, table | (where & 4095)), level));
    for (unsigned i = 0, count = (unsigned)dice(2) * (unsigned)dice(4); i < count; i++)
        access_at(address, 2, any_index(level) * 8, any_entry(level));
}

/* A frame of the pool becomes a table of its level, which leads on to others of the pool; also by a large
 * page. */
static void lay_out(unsigned number, void (*put)(uint64_t where, uint64_t value))
{
    unsigned level = number % 4 + 1;
    for (unsigned i = 0; i < (level == 1 ? 2 * HOT_ENTRIES : 3); i++) {
        uint64_t index =
            level == 1 ? i / HOT_ENTRIES * (512 - HOT_ENTRIES) + i % HOT_ENTRIES : i % 2 * 511 + i / 2;
        uint64_t frame = level == 1 ? dice(POOL) : dice(POOL / 4) * 4 + level - 2;
        uint64_t entry = (FIRST_START + frame * 4096) | (level == 1 ? (dice(2) ? 0x67 : 0x07) : 0x27);
        bool large = level == 2 && dice(4) == 0;
        put(FIRST_START + number * 4096 + index * 8, large ? (dice(2) ? 0xe7 : 0x87) : entry);
    }
}

static void put_for_guest(uint64_t where, uint64_t value)
{
    struct error error;
    *naive_word(&theirs, where) = value;
    assert_int_equal(shadow_store(shadow, GPA(where), &value, sizeof value, &error), 0);
}

static void repair(void)
{
    lay_out((unsigned)dice(POOL), put_for_guest);
}

/* By the monitor, for the guest: any bytes of it. */
static void store_for_guest(void)
{
    unsigned level = 1 + (unsigned)dice(4);
    struct error error;
    uint64_t where = table_of(level) + any_index(level) * 8, value = any_entry(level);
    size_t skip = dice(4) ? 0 : dice(8), bytes = dice(4) ? 8 - skip : 1;
    memcpy((char *)naive_word(&theirs, where) + skip, &value, bytes);
    assert_int_equal(shadow_store(shadow, GPA(where + skip), &value, bytes, &error), 0);
}

static void flush(void)
{
    struct error error;
    uint64_t address = familiar_address();
    assert_int_equal(shadow_flush(shadow, GVA(address), &error), 0);
    seen.flushes++;
    check_flushed(address);
}

static void switch_space(void)
{
    struct error error;
    uint64_t next = dice(3) ? FIRST_START + (dice(3) * 4 + 3) * 4096 : table_of(4);
    root = dice(3) ? next : root;
    assert_int_equal(shadow_switch(shadow, GPA(root | dice(4096)), &error), 0);
    seen.switches++;
    check_switched();
}

/* A monitor that has only so many children. */
static void end_space(void)
{
    int space = (int)dice(TLB_ROOTS);
    uint64_t gone = tlb.space[space].root;
    if (gone == root)
        return;
    shadow_end_space(shadow, GPA(gone));
    tlb_end_space(&tlb, space);
}

static void forget(void)
{
    struct error error;
    assert_int_equal(shadow_forget(shadow, &error), 0);
    assert_int_equal(tlb.used, 0);
}

/* ---- all of it ---- */

static void compare_whole(void)
{
    for (int i = 0; i < NAIVE_PIECES; i++)
        assert_memory_equal(ours.piece[i].host, theirs.piece[i].host, ours.piece[i].bytes);
}

static void start(void)
{
    struct error error;
    memset(&tlb, 0, sizeof tlb);
    tlb.memory = &ours;
    tlb.room = setting->room;
    tlb.mapped = mapped;
    shadow = calloc(1, sizeof *shadow);
    assert_non_null(shadow);
    *shadow = (struct shadow){.sync = setting->sync,
        .fill = setting->fill,
        .physical_bits = 46,
        .tables_max = setting->tables_max,
        .runs = {.carry_out = tlb_carry_out, .context = &tlb}};
    guest_take_memory();
    for (int i = 0; i < NAIVE_PIECES; i++)
        assert_int_equal(
            shadow_add(shadow, GPA(ours.piece[i].start), ours.piece[i].host, ours.piece[i].bytes, &error), 0);
    for (unsigned number = 0; number < POOL; number++)
        lay_out(number, both_write);
    root = FIRST_START + 3 * 4096;
    for (int i = 0; i < RECENT; i++)
        recent[i] = any_address();
    assert_int_equal(shadow_switch(shadow, GPA(root), &error), 0);
}

static void operate(void)
{
    static void (*const kinds[])(void) = {flush, flush, switch_space, store_for_guest, repair, repair,
        store_to_table, store_to_table, store_to_table, store_to_table, store_to_table};
    uint64_t kind = dice(24);
    if (dice(300) == 0)
        end_space();
    else if (dice(3000) == 0)
        forget();
    else
        (kind < sizeof kinds / sizeof *kinds ? kinds[kind] : access_any)();
}

static void run(const struct setting *given, uint64_t number, int count)
{
    setting = given;
    guest_seed = seed_given + number;
    guest_table_of = table_of;
    memset(&seen, 0, sizeof seen);
    start();
    for (int i = 0; i < count; i++) {
        operate();
        if (i % WHOLE == 0)
            compare_whole();
    }
    compare_whole();
    print_message("# %" PRIu64 " hits, %" PRIu64 " of them stale; %" PRIu64 " filled, %" PRIu64
                  " faults, %" PRIu64 " devices; %" PRIu64 " stores, %" PRIu64 " to tables (%" PRIu64
                  " told); %" PRIu64 " tables compared; %" PRIu64 " times forgotten\n",
        seen.hits, seen.stale, seen.filled, seen.faults, seen.devices, seen.stores, seen.table_stores,
        shadow->counts.stores, shadow->counts.compared, shadow->counts.forgotten);
    /* What is never reached is not compared either. */
    uint64_t least = (uint64_t)count / 100;
    assert_true(seen.hits > 4 * least && seen.filled > 4 * least && seen.faults > 4 * least &&
                seen.stores > 4 * least);
    assert_true(seen.devices && seen.table_stores > least && shadow->counts.stores > least);
    shadow_free(shadow);
    free(shadow);
    guest_free();
}

static void lazy_agrees(void **state)
{
    (void)state;
    run(&(struct setting){SYNC_LAZY, 1, 0, 1000}, 1, operations / 4);
    run(&(struct setting){SYNC_LAZY, 512, 0, 1000}, 2, operations / 4);
}

static void write_agrees(void **state)
{
    (void)state;
    run(&(struct setting){SYNC_WRITE, 1, 0, 1000}, 3, operations / 4);
}

static void scarce_tables_and_mappings_agree(void **state)
{
    (void)state;
    run(&(struct setting){SYNC_LAZY, 16, 600, 8}, 4, operations / 8);
    run(&(struct setting){SYNC_WRITE, 16, 600, 12}, 5, operations / 8);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lazy_agrees),
        cmocka_unit_test(write_agrees),
        cmocka_unit_test(scarce_tables_and_mappings_agree),
    };
    operations = count > 1 ? atoi(words[1]) : operations;
    seed_given = count > 2 ? strtoull(words[2], NULL, 0) : 0;
    return cmocka_run_group_tests_name("shadow page tables against a naive MMU", tests, NULL, NULL);
}
