/* What a signal frame says (monitor/deprivileged/signal_frame.h), and that a hostile one says no more. */
#include "cmocka_all.h"

#include "monitor/deprivileged/signal_frame.h"

#include <linux/audit.h>
#include <signal.h>
#include <string.h>

static void registers_go_in_and_out(void **state)
{
    (void)state;
    struct signal_frame frame;
    struct vcpu_registers in, out;
    memset(&frame, 0xa5, sizeof frame);
    uint64_t *words = (uint64_t *)&in;
    for (unsigned i = 0; i < sizeof in / sizeof *words; i++)
        words[i] = UINT64_C(0x0101010101010101) * (i + 1);
    frame_write_registers(&frame, &in);
    frame_read_registers(&frame, &out);
    assert_memory_equal(&in, &out, sizeof in);
    assert_int_equal(frame.cs, 0x33); /* whatever it was: 64-bit code, at CPL 3 */
    assert_int_equal(frame.ss, 0x2b);
    assert_int_equal(frame.mask, 0);
}

static void signals_become_traps(void **state)
{
    (void)state;
    static const struct {
        int number;
        uint64_t vector;
        unsigned expected;
    } faults[] = {
        {SIGSEGV, 14, 14},
        {SIGSEGV, 13, 13},
        {SIGBUS, 17, 17},
        {SIGFPE, 0, 0},
        {SIGFPE, 19, 19},
        {SIGTRAP, 1, 1},
        {SIGTRAP, 3, 3},
        {SIGILL, 6, 6},
        {SIGILL, 14, 6}, /* raised by a system call: the vector is an old one */
        {SIGSEGV, UINT64_MAX, 13},
    };
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct child_trap trap = {0};
        const struct signal_frame frame = {
            .number = faults[i].number, .vector = faults[i].vector, .error_code = 6, .cr2 = 0x1234};
        assert_true(frame_read_trap(&frame, &trap));
        assert_int_equal(trap.kind, CHILD_EXCEPTION);
        assert_int_equal(trap.vector, faults[i].expected);
        assert_int_equal(trap.error_code, 6);
        assert_int_equal(trap.address, trap.vector == 14 ? 0x1234 : 0); /* CR2 is stale otherwise */
    }
}

static void memory_that_ends_is_told(void **state)
{
    (void)state;
    struct child_trap trap = {0};
    assert_true(frame_read_trap(&(struct signal_frame){.number = SIGBUS, .vector = 14}, &trap));
    assert_true(trap.no_memory);
}

static void calls_are_told_apart(void **state)
{
    (void)state;
    struct signal_frame frame = {.number = SIGSYS};
    struct child_trap trap = {0};
    frame.info.call.number = 77;
    frame.info.call.architecture = AUDIT_ARCH_X86_64;
    assert_true(frame_read_trap(&frame, &trap));
    assert_int_equal(trap.kind, CHILD_SYSCALL);
    assert_int_equal(trap.number, 77);
    frame.info.call.architecture = AUDIT_ARCH_I386;
    assert_true(frame_read_trap(&frame, &trap));
    assert_int_equal(trap.kind, CHILD_INT80);
}

static void other_signals_are_forged(void **state)
{
    (void)state;
    for (int number = -2; number < 70; number++) {
        const bool known = number == SIGSYS || number == SIGSEGV || number == SIGBUS || number == SIGILL ||
                           number == SIGFPE || number == SIGTRAP;
        struct child_trap trap = {0};
        assert_int_equal(frame_read_trap(&(struct signal_frame){.number = number}, &trap), known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_go_in_and_out),
        cmocka_unit_test(signals_become_traps),
        cmocka_unit_test(memory_that_ends_is_told),
        cmocka_unit_test(calls_are_told_apart),
        cmocka_unit_test(other_signals_are_forged),
    };
    return cmocka_run_group_tests_name("signal_frame", tests, NULL, NULL);
}
