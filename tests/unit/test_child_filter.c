/* The filters of a child's two tasks (monitor/deprivileged/child_filter.h), run by an interpreter of the few
 * instructions that they use (Linux, Documentation/networking/filter.rst). */
#include "cmocka_all.h"

#include "monitor/deprivileged/child.h"
#include "monitor/deprivileged/child_desk.h"
#include "monitor/deprivileged/child_filter.h"

#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 4096, WORDS = 16 };

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t value;
    assert_true(offset % 4 == 0 && offset <= sizeof *data - 4);
    memcpy(&value, (const char *)data + offset, sizeof value);
    return value;
}

static uint32_t combine(const struct sock_filter *at, uint32_t a, uint32_t x)
{
    const uint32_t operand = BPF_SRC(at->code) == BPF_X ? x : at->k;
    switch (BPF_OP(at->code)) {
    case BPF_ADD:
        return a + operand;
    case BPF_SUB:
        return a - operand;
    case BPF_AND:
        return a & operand;
    default:
        fail_msg("operation %#x", at->code);
        return 0;
    }
}

static bool holds(const struct sock_filter *at, uint32_t a, uint32_t x)
{
    const uint32_t operand = BPF_SRC(at->code) == BPF_X ? x : at->k;
    switch (BPF_OP(at->code)) {
    case BPF_JEQ:
        return a == operand;
    case BPF_JGT:
        return a > operand;
    case BPF_JGE:
        return a >= operand;
    default:
        fail_msg("jump %#x", at->code);
        return false;
    }
}

static uint32_t interpret(const struct filter *filter, const struct seccomp_data *data)
{
    uint32_t a = 0, x = 0, words[WORDS] = {0};
    for (unsigned i = 0; i < filter->count; i++) {
        const struct sock_filter *at = &filter->code[i];
        switch (BPF_CLASS(at->code)) {
        case BPF_LD:
            a = BPF_MODE(at->code) == BPF_ABS   ? load(data, at->k)
                : BPF_MODE(at->code) == BPF_MEM ? words[at->k % WORDS]
                                                : at->k;
            break;
        case BPF_ST:
            words[at->k % WORDS] = a;
            break;
        case BPF_MISC:
            x = a;
            break;
        case BPF_ALU:
            a = combine(at, a, x);
            break;
        case BPF_JMP:
            i += BPF_OP(at->code) == BPF_JA ? at->k : holds(at, a, x) ? at->jt : at->jf;
            break;
        case BPF_RET:
            return at->k;
        default:
            fail_msg("class of %#x", at->code);
        }
    }
    fail_msg("the filter does not answer");
    return 0;
}

static struct filter guest, helper;

static int make_filters(void **state)
{
    (void)state;
    filter_guest(&guest);
    filter_helper(&helper);
    return 0;
}

/* From the stub's page. */
static struct seccomp_data call(
    int number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    return (struct seccomp_data){.nr = number,
        .arch = AUDIT_ARCH_X86_64,
        .instruction_pointer = CHILD_TOP + 0x234,
        .args = {a, b, c, d, e, f}};
}

static void expect(const struct filter *filter, struct seccomp_data data, bool allowed)
{
    const uint32_t refusal = filter == &guest ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS;
    assert_int_equal(interpret(filter, &data), allowed ? SECCOMP_RET_ALLOW : refusal);
}

static void filters_have_room(void **state)
{
    (void)state;
    assert_in_range(guest.count, 10, DESK_FILTER_MAX);
    assert_in_range(helper.count, 50, DESK_FILTER_MAX);
}

static void guest_may_wait_wake_and_return(void **state)
{
    (void)state;
    const uint64_t turn = DESK_BASE + DESK_TURN;
    expect(&guest, call(SYS_futex, turn, FUTEX_WAIT, 1, 0, 0, 0), true);
    expect(&guest, call(SYS_futex, turn, FUTEX_WAKE, 1, 0, 0, 0), true);
    expect(&guest, call(SYS_rt_sigreturn, 1, 2, 3, 4, 5, 6), true);
    expect(&guest, call(SYS_futex, turn + 4, FUTEX_WAIT, 1, 0, 0, 0), false);
    expect(&guest, call(SYS_futex, turn + (UINT64_C(1) << 32), FUTEX_WAIT, 1, 0, 0, 0), false);
    expect(&guest, call(SYS_futex, DESK_BASE + DESK_SEQUENCE, FUTEX_WAIT, 1, 0, 0, 0), false);
    expect(&guest, call(SYS_futex, turn, FUTEX_REQUEUE, 1, 0, 0, 0), false);
    expect(&guest, call(SYS_futex, turn, (UINT64_C(1) << 32) | FUTEX_WAIT, 1, 0, 0, 0), false);
}

static void guest_may_do_nothing_else(void **state)
{
    (void)state;
    for (int number = 0; number < 1024; number++) {
        struct seccomp_data data = call(number, DESK_BASE + DESK_TURN, FUTEX_WAIT, 1, 0, 0, 0);
        expect(&guest, data, number == SYS_futex || number == SYS_rt_sigreturn);
        data.nr |= 0x40000000; /* x32 */
        expect(&guest, data, false);
        data.nr = number;
        data.arch = AUDIT_ARCH_I386;
        expect(&guest, data, false);
        data.arch = AUDIT_ARCH_X86_64;
        data.instruction_pointer = CHILD_TOP - 2;
        expect(&guest, data, false);
        data.instruction_pointer = CHILD_TOP + PAGE;
        expect(&guest, data, false);
        data.instruction_pointer = 0x10000234;
        expect(&guest, data, false);
    }
}

/* ---- the helper's ---- */

static struct seccomp_data map(uint64_t start, uint64_t bytes)
{
    return call(SYS_mmap, start, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, DESK_FD_MEMORY, 0);
}

static void helper_maps_below_the_top(void **state)
{
    (void)state;
    static const struct {
        uint64_t start, bytes;
        bool inside;
    } ranges[] = {
        {0x10000, PAGE, true},
        {0x10000, CHILD_TOP - 0x10000, true},
        {CHILD_TOP - PAGE, PAGE, true},
        {CHILD_TOP - PAGE, 2 * PAGE, false},
        {CHILD_TOP, PAGE, false},
        {0x7ffeffffffff & ~0xfffULL, PAGE, true},
        {0x7ffefffff000, 0xffe01000, true},
        {0x7ffefffff000, 0xffe02000, false},
        {0x7fff00000000, 0xffe00000, true},
        {0x7fff00000000, 0xffe01000, false},
        {0x10000, CHILD_TOP, false},
        {0x10000, UINT64_MAX - 0xffff, false},
        {0x7ffff0000000, UINT64_MAX & ~0xfffULL, false},
        {0xffffffff80000000, PAGE, false},
        {0x100000000, 0xffffffff00000000, false},
    };
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct seccomp_data data = map(ranges[i].start, ranges[i].bytes);
        expect(&helper, data, ranges[i].inside);
        data.nr = SYS_munmap;
        expect(&helper, data, ranges[i].inside);
        data.nr = SYS_mprotect;
        expect(&helper, data, ranges[i].inside);
    }
}

static void helper_maps_memory_only(void **state)
{
    (void)state;
    struct seccomp_data data = map(0x10000, PAGE);
    for (uint64_t fd = 0; fd < 100; fd++) {
        data.args[4] = fd;
        expect(&helper, data, fd >= DESK_FD_MEMORY && fd < DESK_FD_MEMORY + DESK_FD_MEMORY_MAX);
    }
    data.args[4] = UINT64_MAX;
    expect(&helper, data, false);
    static const struct {
        uint64_t flags;
        bool allowed;
    } flags[] = {
        {MAP_SHARED | MAP_FIXED, true},
        {MAP_SHARED | MAP_FIXED | MAP_POPULATE, true},
        {MAP_SHARED, false},
        {MAP_PRIVATE | MAP_FIXED, false},
        {MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, false},
        {MAP_SHARED | MAP_FIXED | MAP_LOCKED, false},
        {MAP_SHARED | MAP_FIXED | UINT64_C(1) << 32, false},
    };
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        data = map(0x10000, PAGE);
        data.args[3] = flags[i].flags;
        expect(&helper, data, flags[i].allowed);
    }
    for (uint64_t rights = 0; rights < 16; rights++) {
        data = map(0x10000, PAGE);
        data.args[2] = rights;
        expect(&helper, data, rights < 8);
        data.nr = SYS_mprotect;
        expect(&helper, data, rights < 8);
        data.args[2] |= UINT64_C(1) << 32;
        expect(&helper, data, false);
    }
}

static void helper_may_do_nothing_else(void **state)
{
    (void)state;
    for (int number = 0; number < 1024; number++) {
        const bool maps = number == SYS_munmap || number == SYS_mprotect;
        struct seccomp_data data = call(number, 0x10000, PAGE, PROT_READ, 0, 0, 0);
        expect(&helper, data, maps);
        data.instruction_pointer = 0x10000234;
        expect(&helper, data, false);
    }
    expect(&helper, call(SYS_futex, DESK_BASE + DESK_SEQUENCE, FUTEX_WAIT, 1, 0, 0, 0), true);
    expect(&helper, call(SYS_futex, DESK_BASE + DESK_TURN, FUTEX_WAIT, 1, 0, 0, 0), false);
    expect(&helper, call(SYS_write, 70, CHILD_TOP + 0x300, 8, 0, 0, 0), true);
    expect(&helper, call(SYS_write, 70, CHILD_TOP + 0x300, 9, 0, 0, 0), false);
    expect(&helper, call(SYS_write, 70, DESK_BASE + DESK_MAILBOX, 8, 0, 0, 0), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_have_room),
        cmocka_unit_test(guest_may_wait_wake_and_return),
        cmocka_unit_test(guest_may_do_nothing_else),
        cmocka_unit_test(helper_maps_below_the_top),
        cmocka_unit_test(helper_maps_memory_only),
        cmocka_unit_test(helper_may_do_nothing_else),
    };
    return cmocka_run_group_tests_name("child_filter", tests, make_filters, NULL);
}
