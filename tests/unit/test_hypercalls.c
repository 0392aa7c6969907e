/* Hypercalls, case by case: what arguments are refused, how much is carried out at once, and in which order.
 */
#include "cmocka_all.h"

#include "abi/domain.h"
#include "few_frames.h"
#include "monitor/deprivileged/hypercalls.h"
#include "paging/page_tables.h"

#include <errno.h>

enum { BATCH = 60 };                     /* the frames of the batch */
#define BAD UINT64_C(0x0000800000000000) /* not canonical */

static struct hypercalls calls;
static struct hypercall_outcome outcome;

static int setup(void **state)
{
    struct error error;
    (void)state;
    few_frames_clear();
    few_frames_chain();
    calls = (struct hypercalls){.frames = {.physical_bits = 46, .tables_max = 600},
        .runs = {.carry_out = record_runs},
        .stub = 0x1234000,
        .fill = 1};
    if (frames_add(&calls.frames, GPA(FEW_START), memory, sizeof memory, &error) < 0)
        return -1;
    return hypercalls_start(&calls, GPA(FRAME(0)), &error);
}

static int teardown(void **state)
{
    (void)state;
    hypercalls_free(&calls);
    return 0;
}

static int64_t ask(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct error error;
    const uint64_t arguments[6] = {a, b, c, d};
    assert_int_equal(hypercalls_do(&calls, number, arguments, &outcome, &error), 0);
    assert_true(outcome.answer >= 0 || (error.code == -outcome.answer && error.text[0]));
    return outcome.answer;
}

static void batch(unsigned index, uint64_t where, uint64_t value)
{
    memory[BATCH][2 * index] = where;
    memory[BATCH][2 * index + 1] = value;
}

static void arguments_out_of_range_are_refused(void **state)
{
    const uint64_t at = FRAME(BATCH), end = FRAME(FEW_FRAMES);
    const struct {
        uint64_t number, arguments[4];
        int answer;
    } cases[] = {
        {HYPERCALL_FIRST - 1, {0}, -ENOSYS},
        {HYPERCALL(HYPERCALL_COUNT), {0}, -ENOSYS},
        {0, {0}, -ENOSYS},
        {UINT64_MAX, {0}, -ENOSYS},
        {HYPERCALL_ASK | UINT64_C(0x100000000), {0}, -ENOSYS},
        {HYPERCALL_ASK, {3}, -EINVAL},
        {HYPERCALL_ASK, {UINT64_MAX}, -EINVAL},
        {HYPERCALL_CONSOLE, {at, 0}, -EINVAL},
        {HYPERCALL_CONSOLE, {at, HYPERCALL_CONSOLE_BYTES + 1}, -EINVAL},
        {HYPERCALL_CONSOLE, {end - 1, 2}, -EFAULT},
        {HYPERCALL_CONSOLE, {UINT64_MAX, 1}, -EFAULT},
        {HYPERCALL_UPDATE, {at, 0}, -EINVAL},
        {HYPERCALL_UPDATE, {at, HYPERCALL_BATCH + 1}, -EINVAL},
        {HYPERCALL_UPDATE, {at, UINT64_C(1) << 60}, -EINVAL},
        {HYPERCALL_UPDATE, {at + 4, 1}, -EINVAL},
        {HYPERCALL_UPDATE, {end - 8, 1}, -EFAULT},
        {HYPERCALL_UPDATE, {UINT64_MAX - 7, 1}, -EFAULT},
        {HYPERCALL_MAP, {BAD, 0, 0}, -EINVAL},
        {HYPERCALL_MAP, {8, 0, 0}, -EINVAL},
        {HYPERCALL_MAP, {4096, P | LARGE, 0}, -EINVAL},
        {HYPERCALL_MAP, {4096, 0, 2}, -EINVAL},
        {HYPERCALL_MAP, {UINT64_C(1) << 30, 0, 0}, -ENOENT},
        {HYPERCALL_MAP, {0, FRAME(0) | P | W, 0}, -EBUSY},
        {HYPERCALL_UNMAP, {0, 0}, -EINVAL},
        {HYPERCALL_UNMAP, {0, 4097}, -EINVAL},
        {HYPERCALL_UNMAP, {1, 4096}, -EINVAL},
        {HYPERCALL_UNMAP, {0, HYPERCALL_RANGE_BYTES + 4096}, -EINVAL},
        {HYPERCALL_UNMAP, {BAD - 4096, 8192}, -EINVAL},
        {HYPERCALL_UNMAP, {-UINT64_C(4096), 8192}, -EINVAL},
        {HYPERCALL_PROTECT, {0, 4096, P, 0}, -EINVAL},
        {HYPERCALL_PROTECT, {0, 4096, 0, D}, -EINVAL},
        {HYPERCALL_PROTECT, {0, 4096, W, W}, -EINVAL},
        {HYPERCALL_PIN, {FRAME(9), 0}, -EINVAL},
        {HYPERCALL_PIN, {FRAME(9), 5}, -EINVAL},
        {HYPERCALL_PIN, {FRAME(9), UINT64_C(0x100000001)}, -EINVAL},
        {HYPERCALL_PIN, {FRAME(9) + 8, 1}, -EINVAL},
        {HYPERCALL_PIN, {end, 1}, -EFAULT},
        {HYPERCALL_PIN, {FRAME(0), 4}, -EEXIST},
        {HYPERCALL_UNPIN, {FRAME(0)}, -EBUSY},
        {HYPERCALL_UNPIN, {FRAME(1)}, -ENOENT},
        {HYPERCALL_UNPIN, {end}, -ENOENT},
        {HYPERCALL_SWITCH, {FRAME(1), 0}, -ENOENT},
        {HYPERCALL_SWITCH, {end, 0}, -ENOENT},
        {HYPERCALL_SWITCH, {FRAME(0), 8}, -EINVAL},
        {HYPERCALL_SWITCH, {FRAME(0), BAD}, -EINVAL},
        {HYPERCALL_ENTRIES, {at + 4}, -EINVAL},
        {HYPERCALL_ENTRIES, {end - 8}, -EFAULT},
        {HYPERCALL_STACK, {0}, -EINVAL},
        {HYPERCALL_STACK, {BAD}, -EINVAL},
        {HYPERCALL_TICK, {HYPERCALL_TICK_MIN - 1}, -EINVAL},
        {HYPERCALL_TICK, {HYPERCALL_TICK_MAX + 1}, -EINVAL},
        {HYPERCALL_OUT, {0x10000, 0}, -EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint64_t *a = cases[i].arguments;
        if (ask(cases[i].number, a[0], a[1], a[2], a[3]) != cases[i].answer || outcome.kind != OUTCOME_ANSWER)
            fail_msg("case %zu answers %d", i, (int)outcome.answer);
    }
    assert_int_equal(record.count, 0);
    assert_int_equal(calls.counts.unknown, 5);
    assert_int_equal(calls.counts.refused, sizeof cases / sizeof *cases - 5);
}

static void what_a_cpu_does_next_is_told(void **state)
{
    (void)state;
    assert_int_equal(ask(HYPERCALL_ASK, HYPERCALL_ASK_VERSION, 0, 0, 0), HYPERCALL_VERSION);
    assert_int_equal(ask(HYPERCALL_ASK, HYPERCALL_ASK_STUB, 0, 0, 0), 0x1234000);
    assert_int_equal(ask(HYPERCALL_ASK, HYPERCALL_ASK_BATCH, 0, 0, 0), HYPERCALL_BATCH);
    assert_int_equal(ask(HYPERCALL_SWITCH, FRAME(0) | 0x8000000000000fff, 0x5000, 0, 0), 0);
    assert_int_equal(outcome.kind, OUTCOME_SWITCH);
    assert_int_equal(outcome.stack.value, 0x5000);
    ask(HYPERCALL_STACK, 0x6000, 0, 0, 0);
    assert_int_equal(outcome.kind, OUTCOME_STACK);
    ask(HYPERCALL_OUT, 0xe4, UINT64_C(0x100000002), 0, 0);
    assert_int_equal(outcome.kind, OUTCOME_OUT);
    assert_int_equal(outcome.port, 0xe4);
    assert_int_equal(outcome.value, 2);
    ask(HYPERCALL_TICK, HYPERCALL_TICK_MAX, 0, 0, 0);
    assert_int_equal(outcome.nanoseconds, HYPERCALL_TICK_MAX);
    memcpy((char *)memory[BATCH] + 1, "a\n\x1b[2J\x80", 7);
    ask(HYPERCALL_CONSOLE, FRAME(BATCH) + 1, 7, 0, 0);
    assert_int_equal(outcome.kind, OUTCOME_CONSOLE);
    assert_memory_equal(outcome.text, "a\n?[2J?", 7);
    memset(memory[BATCH], 0, sizeof memory[BATCH]);
    memory[BATCH][33] = BAD;
    assert_int_equal(ask(HYPERCALL_ENTRIES, FRAME(BATCH), 0, 0, 0), -EINVAL);
    memory[BATCH][33] = 0x7000;
    assert_int_equal(ask(HYPERCALL_ENTRIES, FRAME(BATCH), 0, 0, 0), 0);
    assert_int_equal(outcome.entries.entry[HYPERCALL_ENTRY_TICK], 0x7000);
}

static void frames_to_return_to_are_checked(void **state)
{
    const struct hypercall_frame user = {.cs = DOMAIN_USER_CS, .ss = DOMAIN_USER_SS};
    struct hypercall_frame frame = user;
    (void)state;
    assert_int_equal(hypercall_frame_check(&frame), 0);
    frame.rip = BAD;
    assert_int_equal(hypercall_frame_check(&frame), -EINVAL);
    frame = user;
    frame.rsp = BAD;
    assert_int_equal(hypercall_frame_check(&frame), -EINVAL);
    frame = user;
    frame.ss = DOMAIN_KERNEL_SS;
    assert_int_equal(hypercall_frame_check(&frame), -EINVAL);
    frame.cs = DOMAIN_KERNEL_CS;
    assert_int_equal(hypercall_frame_check(&frame), 0);
    frame.cs = 0x33; /* of the host */
    assert_int_equal(hypercall_frame_check(&frame), -EINVAL);
}

static void neighbours_are_carried_out_together(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++)
        batch(i, entry_at(3, i), FRAME(10 + i) | DATA);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH), 40, 0, 0), 40);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.runs[0].kind, RUN_MAP);
    assert_int_equal(record.runs[0].bytes, 40 * 4096);
    assert_int_equal(record.runs[0].to.value, FRAME(10));
    assert_int_equal(record.runs[0].rights, PAGE_READ | PAGE_WRITE | PAGE_USER | PAGE_EXECUTE);
    record.count = 0;
    assert_int_equal(ask(HYPERCALL_PROTECT, 0, 40 * 4096, NX, W), 40);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.runs[0].kind, RUN_PROTECT);
    assert_int_equal(record.runs[0].rights, PAGE_READ | PAGE_USER);
    record.count = 0;
    assert_int_equal(ask(HYPERCALL_UNMAP, 0, HYPERCALL_RANGE_BYTES, 0, 0), HYPERCALL_RANGE_BYTES / 4096);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.runs[0].kind, RUN_UNMAP);
    assert_int_equal(record.runs[0].bytes, 40 * 4096);
    assert_int_equal(calls.counts.updates, 120);
}

/* Seen from all address spaces that have the table, each in one piece. */
static void each_place_gets_its_run(void **state)
{
    (void)state;
    memory[5][256] = memory[0][0];
    assert_int_equal(ask(HYPERCALL_PIN, FRAME(5), 4, 0, 0), 0);
    for (unsigned i = 0; i < 8; i++)
        batch(i, entry_at(3, i), FRAME(10 + i) | DATA);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH), 8, 0, 0), 8);
    assert_int_equal(record.count, 2);
    unsigned upper = record.runs[0].root.value == FRAME(5) ? 0 : 1;
    assert_int_equal(record.runs[upper].from.value, 0xffff800000000000);
    assert_int_equal(record.runs[!upper].from.value, 0);
    assert_int_equal(record.runs[!upper].bytes, 8 * 4096);
}

static void too_many_places_end_all_mappings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLACES_MAX + 1; i++)
        batch(i, entry_at(2, i), FRAME(3) | LINK);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH), PLACES_MAX + 1, 0, 0), PLACES_MAX + 1);
    record.count = 0;
    assert_int_equal(ask(HYPERCALL_MAP, 0, FRAME(10) | DATA, 0, 0), 0);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.runs[0].kind, RUN_FORGET);
}

static void a_batch_that_fails_tells_how_far_it_came(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        batch(i, entry_at(3, i), FRAME(10 + i) | DATA);
    batch(3, entry_at(3, 3), FRAME(2) | DATA);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH), 5, 0, 0), 3);
    assert_int_equal(record.runs[0].bytes, 3 * 4096);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH) + 3 * 16, 2, 0, 0), -EBUSY);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH) + 4 * 16, 1, 0, 0), 1);
    batch(0, entry_at(3, 0) | 2, 0);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH), 1, 0, 0), -EINVAL);
    assert_int_equal(memory[3][3], 0);
}

static void accessed_and_dirty_bits_are_kept_if_asked(void **state)
{
    (void)state;
    memory[3][0] = 0;
    assert_int_equal(ask(HYPERCALL_MAP, 0, FRAME(10) | P | W | U, 0, 0), 0);
    assert_int_equal(record.count, 0); /* neither accessed nor dirty: faults will ask */
    memory[3][0] |= A | D;
    assert_int_equal(ask(HYPERCALL_MAP, 0, FRAME(10) | P, HYPERCALL_KEEP, 0), 0);
    assert_int_equal(memory[3][0], FRAME(10) | P | A | D);
    assert_int_equal(ask(HYPERCALL_MAP, 0, FRAME(11) | P, HYPERCALL_KEEP, 0), 0);
    assert_int_equal(memory[3][0], FRAME(11) | P);
    memory[3][0] |= A;
    assert_int_equal(ask(HYPERCALL_MAP, 0, FRAME(11) | P, HYPERCALL_SET, 0), 0);
    assert_int_equal(memory[3][0], FRAME(11) | P);
}

/* What is taken from children is taken before the frame is a table: another virtual CPU may write meanwhile.
 */
static int not_yet_a_table(void *context, const struct run *runs, size_t count, struct error *error)
{
    struct frame_use use;
    for (size_t i = 0; i < count; i++)
        if (runs[i].kind == RUN_UNMAP && runs[i].from.value == 0) {
            assert_true(frames_look(&calls.frames, GPA(FRAME(10)), &use));
            assert_int_equal(use.type, FRAME_FREE);
            ++*(int *)context;
        }
    return record_runs(context, runs, count, error);
}

static void a_frame_is_taken_from_children_before_it_is_a_table(void **state)
{
    int seen = 0;
    (void)state;
    assert_int_equal(ask(HYPERCALL_MAP, 0, FRAME(10) | DATA, 0, 0), 0);
    calls.runs.carry_out = not_yet_a_table;
    calls.runs.context = &seen;
    batch(0, entry_at(3, 0), 0);
    batch(1, entry_at(2, 1), FRAME(10) | LINK);
    assert_int_equal(ask(HYPERCALL_UPDATE, FRAME(BATCH), 2, 0, 0), 2);
    assert_int_equal(seen, 1);
}

static void a_root_that_is_unpinned_loses_all(void **state)
{
    (void)state;
    assert_int_equal(ask(HYPERCALL_PIN, FRAME(5), 4, 0, 0), 0);
    assert_int_equal(ask(HYPERCALL_UNPIN, FRAME(5), 0, 0, 0), 0);
    assert_int_equal(record.count, 2);
    assert_int_equal(record.runs[0].kind, RUN_UNMAP);
    assert_int_equal(record.runs[0].root.value, FRAME(5));
    assert_int_equal(record.runs[0].bytes, UINT64_C(1) << 47);
    assert_int_equal(record.runs[1].from.value, 0xffff800000000000);
}

/* 16 pages, by four at a time. */
static void hidden_faults_are_pages_by_fill(void **state)
{
    struct fault_outcome fault;
    struct error error;
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        memory[3][i] = FRAME(10 + i) | DATA;
    calls.fill = 4;
    for (uint64_t i = 0; i < 16; i += 4) {
        assert_int_equal(
            hypercalls_fault(&calls, GVA((i + 3) * 4096), FAULT_WRITE | FAULT_USER, &fault, &error), 0);
        assert_int_equal(fault.kind, FAULT_FILLED);
        assert_int_equal(fault.to.value, FRAME(13 + i));
        assert_int_equal(record.count, i / 4 + 1);
        assert_int_equal(record.runs[i / 4].from.value, i * 4096);
        assert_int_equal(record.runs[i / 4].bytes, 4 * 4096);
    }
    assert_int_equal(calls.counts.hidden, 4);
    assert_int_equal(hypercalls_fault(&calls, GVA(20 * 4096), 0, &fault, &error), 0);
    assert_int_equal(fault.kind, FAULT_INJECT);
    assert_int_equal(fault.error_code, 0);
    memory[3][20] = 0x10000000 | P | W;
    assert_int_equal(hypercalls_fault(&calls, GVA(20 * 4096 + 8), FAULT_WRITE, &fault, &error), 0);
    assert_int_equal(fault.kind, FAULT_DEVICE);
    assert_int_equal(fault.to.value, 0x10000008);
}

static void a_monitor_that_cannot_go_on_says_so(void **state)
{
    const uint64_t arguments[6] = {0, FRAME(10) | DATA};
    struct error error;
    (void)state;
    record.answer = -ENOMEM;
    assert_int_equal(hypercalls_do(&calls, HYPERCALL_MAP, arguments, &outcome, &error), -ENOMEM);
    assert_string_equal(error.text, "as the test wants it");
    record.answer = 0;
    assert_int_equal(hypercalls_do(&calls, HYPERCALL_YIELD, arguments, &outcome, &error), 0);
    assert_int_equal(outcome.kind, OUTCOME_YIELD);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(arguments_out_of_range_are_refused),
        CASE(what_a_cpu_does_next_is_told),
        CASE(frames_to_return_to_are_checked),
        CASE(neighbours_are_carried_out_together),
        CASE(each_place_gets_its_run),
        CASE(too_many_places_end_all_mappings),
        CASE(a_batch_that_fails_tells_how_far_it_came),
        CASE(accessed_and_dirty_bits_are_kept_if_asked),
        CASE(a_frame_is_taken_from_children_before_it_is_a_table),
        CASE(a_root_that_is_unpinned_loses_all),
        CASE(hidden_faults_are_pages_by_fill),
        CASE(a_monitor_that_cannot_go_on_says_so),
    };
    return cmocka_run_group_tests_name("hypercalls", tests, NULL, NULL);
}
