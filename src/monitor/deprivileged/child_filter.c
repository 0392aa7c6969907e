#include "monitor/deprivileged/child_filter.h"

#include "monitor/deprivileged/child_desk.h"

#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* A filter is a list of blocks: all tests of a block hold, or what comes behind it is next. A rule is a block
 * that ends in a permission. */

#define LOW(field) ((uint32_t)offsetof(struct seccomp_data, field))
#define HIGH(field) (LOW(field) + 4)
#define ARGUMENT(number) (offsetof(struct seccomp_data, args) + 8 * (number))

static void add(struct filter *filter, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    filter->code[filter->count++] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
}

static void load(struct filter *filter, uint32_t offset)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void answer(struct filter *filter, uint32_t action)
{
    add(filter, BPF_RET | BPF_K, action, 0, 0);
}

/* Where a block ends is not known before; this stands for it. */
enum { TO_END = UINT8_MAX };

static void is_equal(struct filter *filter, uint32_t k)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, k, 0, TO_END);
}

static void is_at_most(struct filter *filter, uint32_t k)
{
    add(filter, BPF_JMP | BPF_JGT | BPF_K, k, TO_END, 0);
}

static void and (struct filter * filter, uint32_t k)
{
    add(filter, BPF_ALU | BPF_AND | BPF_K, k, 0, 0);
}

static void end_block(struct filter *filter, unsigned start)
{
    for (unsigned i = start; i < filter->count; i++) {
        struct sock_filter *at = &filter->code[i];
        if (BPF_CLASS(at->code) != BPF_JMP)
            continue;
        if (at->jt == TO_END)
            at->jt = (uint8_t)(filter->count - i - 1);
        if (at->jf == TO_END)
            at->jf = (uint8_t)(filter->count - i - 1);
    }
}

static void end_rule(struct filter *filter, unsigned start)
{
    answer(filter, SECCOMP_RET_ALLOW);
    end_block(filter, start);
}

/* A 64-bit field of seccomp_data in one page, or of one value. */
static void is_in_page(struct filter *filter, uint32_t offset, uint64_t page)
{
    load(filter, offset + 4);
    is_equal(filter, (uint32_t)(page >> 32));
    load(filter, offset);
    and(filter, ~UINT32_C(0xfff));
    is_equal(filter, (uint32_t)page);
}

static void is_value(struct filter *filter, uint32_t offset, uint64_t value)
{
    load(filter, offset + 4);
    is_equal(filter, (uint32_t)(value >> 32));
    load(filter, offset);
    is_equal(filter, (uint32_t)value);
}

static unsigned begin_rule(struct filter *filter, uint32_t number)
{
    unsigned start = filter->count;
    load(filter, LOW(nr));
    is_equal(filter, number);
    is_in_page(filter, LOW(instruction_pointer), DESK_TOP);
    return start;
}

/* Of every other architecture (INT 0x80) nothing is allowed. x32 is this one, with other numbers. */
static void only_this_architecture(struct filter *filter, uint32_t otherwise)
{
    load(filter, LOW(arch));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    answer(filter, otherwise);
}

static void allow_futex(struct filter *filter, uint64_t word, uint32_t operation)
{
    unsigned start = begin_rule(filter, SYS_futex);
    is_value(filter, ARGUMENT(0), word);
    is_value(filter, ARGUMENT(1), operation);
    end_rule(filter, start);
}

void filter_guest(struct filter *filter)
{
    filter->count = 0;
    only_this_architecture(filter, SECCOMP_RET_TRAP);
    allow_futex(filter, DESK_BASE + DESK_TURN, FUTEX_WAIT);
    allow_futex(filter, DESK_BASE + DESK_TURN, FUTEX_WAKE);
    end_rule(filter, begin_rule(filter, SYS_rt_sigreturn));
    answer(filter, SECCOMP_RET_TRAP);
}

/* ---- the helper's ---- */

/* Scratch words: of the sum of the first two arguments the low half, the carry, and whether the range that
 * they name ends below CHILD_TOP. */
enum { SUM, CARRY, INSIDE };

static void store(struct filter *filter, uint32_t word)
{
    add(filter, BPF_ST, word, 0, 0);
}

static void load_number(struct filter *filter, uint32_t number)
{
    add(filter, BPF_LD | BPF_IMM, number, 0, 0);
}

static void add_fields(struct filter *filter, uint32_t a, uint32_t b)
{
    load(filter, a);
    add(filter, BPF_MISC | BPF_TAX, 0, 0, 0);
    load(filter, b);
    add(filter, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
}

/* A = high half of the sum. Too large halves are left out first, so that it does not overflow. */
static void sum_range(struct filter *filter)
{
    add_fields(filter, ARGUMENT(1), ARGUMENT(0));
    store(filter, SUM);
    add(filter, BPF_JMP | BPF_JGE | BPF_X, 0, 0, 2); /* not less than one of its parts */
    load_number(filter, 0);
    add(filter, BPF_JMP | BPF_JA, 1, 0, 0);
    load_number(filter, 1);
    store(filter, CARRY);
    add_fields(filter, ARGUMENT(1) + 4, ARGUMENT(0) + 4);
    add(filter, BPF_MISC | BPF_TAX, 0, 0, 0);
    add(filter, BPF_LD | BPF_MEM, CARRY, 0, 0);
    add(filter, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
}

static void judge_range(struct filter *filter)
{
    const uint32_t high = (uint32_t)(DESK_TOP >> 32), low = (uint32_t)DESK_TOP;
    load_number(filter, 0);
    store(filter, INSIDE);
    unsigned start = filter->count;
    load(filter, ARGUMENT(0) + 4);
    is_at_most(filter, high);
    load(filter, ARGUMENT(1) + 4);
    is_at_most(filter, high);
    sum_range(filter);
    is_at_most(filter, high);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, high, 0, 2); /* lower: whatever the low half is */
    add(filter, BPF_LD | BPF_MEM, SUM, 0, 0);
    is_at_most(filter, low);
    load_number(filter, 1);
    store(filter, INSIDE);
    end_block(filter, start);
}

static unsigned begin_range_rule(struct filter *filter, uint32_t number)
{
    unsigned start = begin_rule(filter, number);
    add(filter, BPF_LD | BPF_MEM, INSIDE, 0, 0);
    is_equal(filter, 1);
    return start;
}

static void are_rights(struct filter *filter)
{
    load(filter, ARGUMENT(2) + 4);
    is_equal(filter, 0);
    load(filter, ARGUMENT(2));
    is_at_most(filter, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void allow_map(struct filter *filter)
{
    unsigned start = begin_range_rule(filter, SYS_mmap);
    are_rights(filter);
    load(filter, ARGUMENT(3) + 4);
    is_equal(filter, 0);
    load(filter, ARGUMENT(3));
    and(filter, ~(uint32_t)MAP_POPULATE);
    is_equal(filter, MAP_SHARED | MAP_FIXED);
    load(filter, ARGUMENT(4));
    add(filter, BPF_ALU | BPF_SUB | BPF_K, DESK_FD_MEMORY, 0, 0);
    is_at_most(filter, DESK_FD_MEMORY_MAX - 1);
    end_rule(filter, start);
}

void filter_helper(struct filter *filter)
{
    unsigned start;
    filter->count = 0;
    only_this_architecture(filter, SECCOMP_RET_KILL_PROCESS);
    judge_range(filter);
    allow_futex(filter, DESK_BASE + DESK_SEQUENCE, FUTEX_WAIT);
    start = begin_rule(filter, SYS_write);
    is_in_page(filter, ARGUMENT(1), DESK_TOP);
    is_value(filter, ARGUMENT(2), 8);
    end_rule(filter, start);
    allow_map(filter);
    end_rule(filter, begin_range_rule(filter, SYS_munmap));
    start = begin_range_rule(filter, SYS_mprotect);
    are_rights(filter);
    end_rule(filter, start);
    answer(filter, SECCOMP_RET_KILL_PROCESS);
}
