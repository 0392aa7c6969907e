/* Hypercalls, frame types and the runs that they lead to, against the naive MMU: random requests, sensible
 * and hostile, random accesses of a CPU whose only TLB is what the runs have mapped. The guest's memory stays
 * the same bit for bit, accessed and dirty bits too; a page fault has the same error code; nothing stale is
 * left after a request.
 *
 *   test_paravirt_random [OPERATIONS [SEED]] */
#include "cmocka_all.h"

#include "base/random.h"
#include "monitor/deprivileged/hypercalls.h"
#include "naive_guest.h"
#include "naive_tlb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 2000, BATCH_MAX = 8 };

/* Where the guest keeps batches. */
#define BATCH GUEST_LAST_FRAME
#define ROOT FIRST_START

static int operations = 100000;
static uint64_t seed_given;
static struct naive_types types; /* of theirs, now */
static struct naive_pins pins;
static struct naive_tlb tlb;
static struct hypercalls *calls;
static struct {
    uint64_t reached, faults, devices, done, refused, pinned, switched, changed;
} seen;

/* A table of a level that is in use, if that many tries find one. */
static uint64_t table_of(unsigned level)
{
    for (int i = 0; i < 40; i++) {
        uint64_t frame = i % 4 ? FIRST_START + dice(32) * 4096 : any_frame();
        if (types.type[naive_frame(&theirs, frame)] == level)
            return frame;
    }
    return any_frame();
}

/* ---- what should come of it ---- */

static void collect(void)
{
    naive_collect(&theirs, &pins, &types);
    assert_false(types.wrong);
}

static bool is_pinned(uint64_t table, unsigned level)
{
    for (unsigned i = 0; i < pins.count; i++)
        if (pins.list[i].table == table && (!level || pins.list[i].level == level))
            return true;
    return false;
}

/* An entry of theirs becomes another, if that is allowed: 0, or a negative errno, of which -EINVAL, -EBUSY
 * and -EFAULT are one here, since several may be right. */
static int naive_set(uint64_t where, uint64_t value, bool keep)
{
    int frame = naive_frame(&theirs, where);
    unsigned level = frame < 0 || types.type[frame] == 5 ? 0 : types.type[frame];
    if (!level)
        return -ENOENT;
    uint64_t *entry = naive_word(&theirs, where), old = *entry;
    const uint64_t same = 0x000ffffffffff001;
    if (keep && (old & 1) != 0 && (old & same) == (value & same))
        value = (value & ~UINT64_C(0x60)) | (old & 0x60);
    static struct naive_types then;
    then = types;
    if (level == 1 || (old & value & 1) == 0 || ((old ^ value) & (same | 0x80)) != 0 || value >> 46 & 0x3f ||
        value & 0x80)
        naive_also(&theirs, &then, value, level);
    if (then.wrong)
        return -EBUSY;
    *entry = value;
    collect();
    return 0;
}

static int64_t alike(int64_t answer)
{
    return answer == -EINVAL || answer == -EFAULT ? -EBUSY : answer;
}

static int64_t ask(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    static struct hypercall_outcome outcome;
    struct error error;
    const uint64_t arguments[6] = {a, b, c, d};
    assert_int_equal(hypercalls_do(calls, number, arguments, &outcome, &error), 0);
    return outcome.answer;
}

static void expect(const char *what, int64_t answer, int64_t expected)
{
    if (alike(answer) != alike(expected))
        fail_msg("%s: answered %" PRId64 " instead of %" PRId64, what, answer, expected);
    if (expected < 0)
        seen.refused++;
    else
        seen.done++;
}

/* ---- requests ---- */

static void update(void)
{
    unsigned count = 1 + (unsigned)dice(BATCH_MAX), level = 1 + (unsigned)dice(2) * (unsigned)dice(4);
    uint64_t table = table_of(level), index = any_index(level);
    int64_t expected = 0, status = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t kind = dice(30) ? dice(2) : dice(8), where = table + index * 8;
        uint64_t value = any_entry(level);
        both_write(BATCH + i * 16, where | kind);
        both_write(BATCH + i * 16 + 8, value);
        if (status == 0)
            status = kind > 1 ? -EINVAL : naive_set(where, value, kind == 1);
        expected += status == 0;
        index = dice(3) ? (index + 1) % 512 : any_index(level);
    }
    expect("update", ask(HYPERCALL_UPDATE, BATCH, count, 0, 0), expected ? expected : status);
}

static void map(void)
{
    bool large = dice(8) == 0;
    uint64_t address = any_address(), entry = any_entry(large ? 2 : 1), how = dice(2);
    large = (entry & 0x81) == 0x81;
    if (large && dice(4))
        address &= -UINT64_C(0x200000);
    struct naive_leaf leaf = naive_walk(&theirs, root, address);
    uint64_t where = leaf.entries[large ? 2 : 3];
    int expected = address % (large ? 0x200000 : 4096) ? -EINVAL
                   : where                             ? naive_set(where, entry, how)
                                                       : -ENOENT;
    expect("map", ask(HYPERCALL_MAP, address, entry, how, 0), expected);
}

static void change_range(void)
{
    uint64_t from = any_address(), bytes = (1 + dice(dice(8) ? 16 : 1500)) * 4096, done = 0;
    uint64_t bits[] = {2, 4, UINT64_C(1) << 63}, set = dice(2) ? bits[dice(3)] : 0, clear = bits[dice(3)];
    bool unmap = dice(2);
    int64_t status = 0;
    if (set == clear)
        clear = 0;
    if (from + bytes - 1 < from || (from ^ (from + bytes - 1)) >> 47)
        status = -EINVAL;
    while (status == 0 && done < bytes) {
        struct naive_leaf leaf = naive_walk(&theirs, root, from + done);
        uint64_t step = leaf.reached ? leaf.bytes : 4096;
        if (leaf.reached && ((from + done) % step || step > bytes - done))
            status = -EINVAL;
        else if (leaf.reached) {
            uint64_t where = leaf.entries[step == 4096 ? 3 : 2], old = *naive_word(&theirs, where);
            status = naive_set(where, unmap ? 0 : (old | set) & ~clear, !unmap);
        }
        done += status == 0 ? step : 0;
    }
    int64_t expected = done ? (int64_t)(done / 4096) : status;
    expect("range",
        unmap ? ask(HYPERCALL_UNMAP, from, bytes, 0, 0) : ask(HYPERCALL_PROTECT, from, bytes, set, clear),
        expected);
}

static int naive_pin(uint64_t table, unsigned level)
{
    static struct naive_types then;
    if (is_pinned(table, 0))
        return is_pinned(table, level) ? -EEXIST : -EBUSY;
    pins.list[pins.count].table = table;
    pins.list[pins.count++].level = level;
    naive_collect(&theirs, &pins, &then);
    if (then.wrong) {
        pins.count--;
        return -EBUSY;
    }
    types = then;
    return 0;
}

/* In memory that is no table in use anything may be laid out: something new, or much like a table that is
 * there. */
static void fill_frame(uint64_t frame, unsigned level)
{
    const uint64_t *like = dice(3) ? naive_word(&theirs, level == 4 ? root : table_of(level)) : NULL;
    for (int i = 0; i < 512; i++)
        both_write(frame + (uint64_t)i * 8, like ? like[i] : 0);
    for (unsigned i = 0, count = (unsigned)dice(like ? 2 : 10); i < count; i++)
        both_write(
            frame + any_index(level) * 8, dice(8) ? any_entry(level) & ~UINT64_C(2) : any_entry(level));
}

static void lay_out(void)
{
    uint64_t frame = any_frame();
    unsigned type = types.type[naive_frame(&theirs, frame)];
    if (!type || type == 5)
        fill_frame(frame, 1 + (unsigned)dice(4));
}

static void pin(void)
{
    unsigned level = dice(3) ? 4 : 1 + (unsigned)dice(4);
    uint64_t table = dice(3) ? any_frame() : table_of(level);
    if (pins.count == NAIVE_PINS)
        return;
    if (dice(4) && types.type[naive_frame(&theirs, table)] % 5 == 0)
        fill_frame(table, level);
    int expected = naive_pin(table, level);
    seen.pinned += expected == 0 && level == 4;
    expect("pin", ask(HYPERCALL_PIN, table, level, 0, 0), expected);
}

static void unpin(void)
{
    uint64_t table = dice(4) && pins.count ? pins.list[dice(pins.count)].table : any_frame();
    int expected = table == root ? -EAGAIN : -ENOENT;
    for (unsigned i = 0; i < pins.count && table != root; i++)
        if (pins.list[i].table == table) {
            pins.list[i] = pins.list[--pins.count];
            expected = 0;
        }
    collect();
    expect("unpin", ask(HYPERCALL_UNPIN, table, 0, 0, 0), expected == -EAGAIN ? -EBUSY : expected);
}

static void switch_space(void)
{
    uint64_t table = dice(4) && pins.count ? pins.list[dice(pins.count)].table : any_frame();
    int expected = is_pinned(table, 4) ? 0 : -ENOENT;
    seen.switched += expected == 0 && table != root;
    expect("switch", ask(HYPERCALL_SWITCH, table | dice(4096), 0, 0, 0), expected);
    root = expected == 0 ? table : root;
}

/* ---- the guest's own doing ---- */

static bool allowed(const struct tlb_cell *cell, unsigned code)
{
    return cell && (!(code & 2) || cell->rights & PAGE_WRITE) && (!(code & 4) || cell->rights & PAGE_USER) &&
           (!(code & 16) || cell->rights & PAGE_EXECUTE);
}

/* 0 and *to, an error code of a page fault, or -2 and *to: a device. */
static int access_ours(uint64_t address, unsigned code, uint64_t *to)
{
    for (int tries = 0; tries < 3; tries++) {
        const struct tlb_cell *cell = tlb_look(&tlb, root, address);
        struct fault_outcome outcome;
        struct error error;
        if (allowed(cell, code)) {
            *to = cell->to;
            return 0;
        }
        assert_int_equal(hypercalls_fault(calls, GVA(address), code, &outcome, &error), 0);
        *to = outcome.to.value;
        if (outcome.kind == FAULT_INJECT)
            return outcome.error_code ? (int)outcome.error_code : -1;
        if (outcome.kind == FAULT_DEVICE)
            return -2;
        assert_int_equal(outcome.kind, FAULT_FILLED);
    }
    fail_msg("0x%" PRIx64 " faults again and again", address);
    return 0;
}

static void access_any(void)
{
    static const unsigned codes[] = {0, 2, 4, 6, 16, 20, 2, 6};
    unsigned code = codes[dice(8)];
    uint64_t address = any_address(), to = 0, expected_to = 0;
    int is = access_ours(address, code, &to),
        expected = naive_access(&theirs, root, address, code, &expected_to);
    int frame = expected == 0 ? naive_frame(&theirs, expected_to) : 0;
    if (expected == 0 && frame < 0)
        expected = -2;
    if (is != expected || (expected == 0 && to != expected_to))
        fail_msg("0x%" PRIx64 " by %x: %d at 0x%" PRIx64 " instead of %d at 0x%" PRIx64, address, code, is,
            to, expected, expected_to);
    seen.reached += expected == 0;
    seen.devices += expected == -2;
    seen.faults += expected > 0;
    if (expected != 0 || !(code & 2))
        return;
    assert_true(types.type[frame] == 5); /* never a table */
    uint64_t where = to + any_index(1) * 8, value = any_entry(1);
    if (to != BATCH) {
        both_write(where, value);
        assert_ptr_equal(frames_host(&calls->frames, GPA(where)), naive_word(&ours, where));
    }
}

/* ---- comparing ---- */

static void compare_frame(uint64_t frame)
{
    int number = naive_frame(&theirs, frame);
    struct frame_use use;
    assert_true(frames_look(&calls->frames, GPA(frame), &use));
    unsigned type = use.type == FRAME_FREE && use.large ? FRAME_WRITABLE : use.type;
    unsigned references = use.references + use.pinned + (type == FRAME_WRITABLE ? use.large : 0);
    if (type != types.type[number] || references != types.references[number])
        fail_msg("the frame at 0x%" PRIx64 " is %u, %u times, instead of %u, %u times", frame, type,
            references, types.type[number], types.references[number]);
    assert_int_equal(use.pinned, is_pinned(frame, 0));
    assert_int_equal(frames_may_write(&calls->frames, GPA(frame)), type == 0 || type == 5);
}

static void compare_cell(uint64_t space, uint64_t address, const struct tlb_cell *cell)
{
    struct naive_leaf leaf = naive_walk(&theirs, space, address);
    bool fine = leaf.reached && leaf.accessed && leaf.to == cell->to &&
                (!(cell->rights & PAGE_WRITE) || (leaf.write && leaf.dirty)) &&
                (!(cell->rights & PAGE_USER) || leaf.user) &&
                (!(cell->rights & PAGE_EXECUTE) || leaf.execute);
    if (!fine)
        fail_msg("0x%" PRIx64 " of 0x%" PRIx64 " is mapped to 0x%" PRIx64 " with rights %x", address, space,
            cell->to, cell->rights);
}

static void compare_whole(void)
{
    for (int i = 0; i < NAIVE_PIECES; i++) {
        assert_memory_equal(ours.piece[i].host, theirs.piece[i].host, ours.piece[i].bytes);
        for (uint64_t at = 0; at < ours.piece[i].bytes; at += 4096)
            compare_frame(ours.piece[i].start + at);
    }
    for (int i = 0; i < TLB_ROOTS; i++)
        for (unsigned page = 0; tlb.space[i].root && page < TLB_PAGES; page++)
            if (tlb.space[i].cell[page].rights) {
                assert_true(is_pinned(tlb.space[i].root, 4));
                compare_cell(tlb.space[i].root, tlb_address(page), &tlb.space[i].cell[page]);
            }
}

/* ---- from outside ---- */

static int by_address(const void *first, const void *second)
{
    const uint64_t *a = first, *b = second;
    return *a < *b ? -1 : *a > *b;
}

static void start(void);

/* The host writes an entry of a table in use. What no longer stands is no longer pinned. */
static void change_from_outside(void)
{
    unsigned level = 1 + (unsigned)dice(4);
    struct naive_pins old = pins;
    struct frame_pins kept;
    struct error error;
    assert_int_equal(hypercalls_change_begin(calls, &kept, &error), 0);
    both_write(table_of(level) + any_index(level) * 8, any_entry(level));
    qsort(old.list, old.count, sizeof old.list[0], by_address);
    pins.count = 0;
    collect();
    for (unsigned i = 0; i < old.count; i++)
        naive_pin(old.list[i].table, old.list[i].level);
    bool stands = is_pinned(root, 4);
    assert_int_equal(hypercalls_change_end(calls, &kept, &error) == 0, stands);
    seen.changed++;
    if (!stands)
        start();
}

/* ---- all of it ---- */

static void release(void)
{
    if (calls)
        hypercalls_free(calls);
    free(calls);
    guest_free();
    calls = NULL;
}

static unsigned fill, room;

/* A root some of whose entries lead to a table of each level. */
static void start(void)
{
    struct error error;
    release();
    memset(&tlb, 0, sizeof tlb);
    tlb.memory = &ours;
    tlb.room = room;
    calls = calloc(1, sizeof *calls);
    assert_non_null(calls);
    calls->frames.physical_bits = 46;
    calls->frames.tables_max = 1000;
    calls->runs.carry_out = tlb_carry_out;
    calls->runs.context = &tlb;
    calls->fill = fill;
    guest_take_memory();
    for (int i = 0; i < NAIVE_PIECES; i++)
        assert_int_equal(frames_add(&calls->frames, GPA(ours.piece[i].start), ours.piece[i].host,
                             ours.piece[i].bytes, &error),
            0);
    root = ROOT;
    for (unsigned level = 4; level; level--)
        for (unsigned i = 0; i < (level == 1 ? HOT_ENTRIES : 3); i++)
            both_write(ROOT + (4 - level) * 4096 + i % 2 * 511 * 8 + i / 2 * 8,
                level > 1 ? (ROOT + (5 - level) * 4096) | 0x27 : (SECOND_START + i * 4096) | 0x67);
    pins = (struct naive_pins){1, {{ROOT, 4}}};
    collect();
    assert_int_equal(hypercalls_start(calls, GPA(ROOT), &error), 0);
}

static void operate(void)
{
    static void (*const kinds[])(void) = {update, update, update, update, map, map, change_range, pin, unpin,
        switch_space, lay_out, lay_out, lay_out};
    uint64_t kind = dice(28);
    if (dice(2000) == 0)
        change_from_outside();
    else
        (kind < sizeof kinds / sizeof *kinds ? kinds[kind] : access_any)();
}

static void run(uint64_t from, unsigned filled, unsigned pages)
{
    guest_seed = seed_given + from;
    guest_table_of = table_of;
    fill = filled;
    room = pages;
    memset(&seen, 0, sizeof seen);
    start();
    for (int i = 0; i < operations / 4; i++) {
        operate();
        if (i % WHOLE == 0)
            compare_whole();
    }
    compare_whole();
    print_message("# %" PRIu64 " reached, %" PRIu64 " faults, %" PRIu64 " devices, %" PRIu64
                  " requests done, %" PRIu64 " refused, %" PRIu64 " roots pinned, %" PRIu64
                  " switches, %" PRIu64 " changes, %u tables at the end\n",
        seen.reached, seen.faults, seen.devices, seen.done, seen.refused, seen.pinned, seen.switched,
        seen.changed, types.tables);
    /* What is never reached is not compared either. */
    uint64_t least = (uint64_t)operations / 4 / 100;
    assert_true(seen.reached > 4 * least && seen.faults > 4 * least && seen.done > 4 * least &&
                seen.refused > 4 * least);
    assert_true(seen.pinned && seen.switched && seen.devices);
    release();
}

static void single_pages_agree(void **state)
{
    (void)state;
    run(1, 1, 0);
}

static void fill_around_agrees(void **state)
{
    (void)state;
    run(2, 16, 0);
    run(3, 512, 0);
}

static void a_budget_of_mappings_agrees(void **state)
{
    (void)state;
    run(4, 8, 600);
}

int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_pages_agree),
        cmocka_unit_test(fill_around_agrees),
        cmocka_unit_test(a_budget_of_mappings_agrees),
    };
    operations = count > 1 ? atoi(words[1]) : operations;
    seed_given = count > 2 ? strtoull(words[2], NULL, 0) : 0;
    return cmocka_run_group_tests_name("paravirtual page tables against a naive MMU", tests, NULL, NULL);
}
