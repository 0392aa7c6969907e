/* A child by itself (monitor/deprivileged/child.h): guests of a few instructions. What a hostile one may try
 * is in test_child_safety.c. */
#include "child_guest.h"

#include "monitor/deprivileged/cpuid.h"
#include "monitor/deprivileged/child_look.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void exchanges_all_registers(void **state)
{
    (void)state;
    need_children();
    PUT("syscall");
    uint64_t *words = (uint64_t *)&registers.general;
    for (unsigned i = 0; i < 16; i++)
        words[i] = UINT64_C(0x1111111111111111) * i;
    registers.fs_base = 0x123456789000;
    registers.gs_base = 0x7ffffffff000;
    assert_int_equal(run(), CHILD_SYSCALL);
    assert_int_equal(trap.number, 0);
    assert_int_equal(registers.general.rip, CODE + 2);
    assert_int_equal(registers.general.rcx, CODE + 2);
    for (unsigned i = 0; i < 16; i++)
        if (i != 2 && i != 11)
            assert_int_equal(words[i], UINT64_C(0x1111111111111111) * i);
    assert_int_equal(registers.fs_base, 0x123456789000);
    assert_int_equal(registers.gs_base, 0x7ffffffff000);
}

static void reports_exceptions(void **state)
{
    (void)state;
    need_children();
    PUT("ud2");
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 6);
    assert_int_equal(registers.general.rip, CODE);
    PUT("hlt");
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 13);
    PUT("movq %rax, 0x30000123");
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 14);
    assert_int_equal(trap.address, NOWHERE + 0x123);
    assert_int_equal(trap.error_code, 6);
    assert_int_equal(registers.general.rip, CODE);
    PUT("xorl %ecx, %ecx\ndivl %ecx");
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 0);
    registers.general.rip = CODE;
    PUT("int $0x40");
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 13);
    assert_int_equal(trap.error_code, 0x40 * 8 + 2);
    PUT("int3");
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 3);
    assert_int_equal(registers.general.rip, CODE + 1);
    registers.general.rip = CODE;
    PUT("movl $77, %eax\nint $0x80");
    assert_int_equal(run(), CHILD_INT80);
    assert_int_equal(trap.number, 77);
}

/* Where the CPU can, Linux refuses it to guests, and the monitor answers; elsewhere the CPU does. */
static void cpuid_is_refused_where_that_is_possible(void **state)
{
    (void)state;
    need_children();
    PUT("cpuid\nud2");
    registers.general.rax = 0;
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, cpuid_is_trapped() ? 13 : 6);
    assert_int_equal(registers.general.rip, cpuid_is_trapped() ? CODE : CODE + 2);
    assert_true(cpuid_is_trapped() == (registers.general.rbx == 0));
}

static void calls_without_a_signal(void **state)
{
    (void)state;
    need_children();
    PUT("movabsq $0x7fffffe00100, %r11\n"
        "leaq 1f(%rip), %rcx\n"
        "jmp *%r11\n"
        "1: movq %rax, %rbx\n"
        "syscall");
    uint64_t *words = (uint64_t *)&registers.general;
    for (unsigned i = 0; i < 16; i++)
        words[i] = UINT64_C(0x1111111111111111) * i;
    assert_int_equal(run(), CHILD_CALLED);
    assert_int_equal(registers.general.rip, registers.general.rcx);
    for (unsigned i = 0; i < 16; i++)
        if (i != 2 && i != 11)
            assert_int_equal(words[i], UINT64_C(0x1111111111111111) * i);
    registers.general.rax = 4711;
    registers.fs_base = 0x1000;
    assert_int_equal(run(), CHILD_SYSCALL);
    assert_int_equal(registers.general.rbx, 4711);
    assert_int_equal(registers.fs_base, 0x1000);
}

static void maps_protects_and_unmaps(void **state)
{
    (void)state;
    need_children();
    PUT("1: incq (%rdi)\njmp 1f\n1: syscall");
    registers.general.rdi = NOWHERE;
    assert_int_equal(run(), CHILD_EXCEPTION);
    OK(child_map(child, NOWHERE, memory_number, 2 * PAGE, PAGE, CHILD_READ, &error));
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.error_code & 2, 2);
    OK(child_protect(child, NOWHERE, PAGE, CHILD_READ | CHILD_WRITE, &error));
    assert_int_equal(run(), CHILD_SYSCALL);
    assert_int_equal(memory[2 * PAGE], 1);
    OK(child_unmap(child, NOWHERE, PAGE, &error));
    registers.general.rip = CODE;
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.error_code, 6);
}

static struct child_change any_change(void)
{
    const uint64_t first = (uint64_t)rand() % 600, room = 600 - first;
    const uint64_t pages = 1 + (uint64_t)rand() % (rand() % 10 ? 8 : 600);
    return (struct child_change){.kind = (uint32_t)rand() % 3,
        .rights = CHILD_READ | (rand() % 2 ? CHILD_WRITE : 0),
        .start = NOWHERE + first * PAGE,
        .bytes = (pages < room ? pages : room) * PAGE,
        .offset = (rand() % 3 ? first : (uint64_t)rand() % 64) * PAGE,
        .memory = memory_number};
}

static void counts_mappings_as_the_kernel_does(void **state)
{
    (void)state;
    need_children();
    struct child_change list[700];
    struct child_counts counts;
    srand(4);
    for (unsigned round = 0; round < 60; round++) {
        size_t count = round % 20 == 7 ? 700 : 1 + (size_t)rand() % 20;
        for (size_t i = 0; i < count; i++)
            list[i] = any_change();
        OK(child_change(child, list, count, &error));
        child_counts(child, &counts);
        assert_int_equal(counts.mappings, count_maps(child));
    }
    assert_int_equal(counts.drops, 0);
}

static void keeps_within_the_budget(void **state)
{
    (void)state;
    need_children();
    struct child_counts counts;
    family->mappings_max = 100;
    for (uint64_t i = 0; i < 600; i++) {
        OK(child_map(child, NOWHERE + i * PAGE * 600, memory_number, i * PAGE, PAGE, CHILD_READ, &error));
        assert_in_range(count_maps(child), 1, 100);
    }
    child_counts(child, &counts);
    assert_int_equal(counts.mappings, count_maps(child));
    assert_in_range(counts.drops, 10, 600);
    PUT("movb 0x30000000 + 599 * 4096 * 600, %al\nud2"); /* CODE was dropped, too: it is mapped again */
    OK(child_map(child, CODE, memory_number, 0, PAGE, CHILD_READ | CHILD_EXECUTE, &error));
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 6);
}

static void *kick_later(void *unused)
{
    (void)unused;
    usleep(20000);
    child_kick(child);
    return NULL;
}

static void kicks_one_that_spins(void **state)
{
    (void)state;
    need_children();
    PUT("1: jmp 1b");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, kick_later, NULL), 0);
    assert_int_equal(run(), CHILD_KICKED);
    pthread_join(thread, NULL);
    child_kick(child);
    assert_int_equal(run(), CHILD_KICKED);
    PUT("ud2");
    assert_int_equal(run(), CHILD_EXCEPTION);
}

static int another_cpu(void)
{
    cpu_set_t set;
    int mine = sched_getcpu();
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (cpu != mine && CPU_ISSET(cpu, &set))
                return cpu;
    return -1;
}

static void hands_over_by_each_transport(void **state)
{
    (void)state;
    need_children();
    struct spare_cpu spare = {.number = (unsigned)another_cpu()};
    if (another_cpu() < 0) {
        print_message("# skip: there is one CPU only\n");
        skip();
    }
    PUT("1: incq %rbx\nsyscall\njmp 1b");
    registers.general.rbx = 0;
    for (unsigned i = 0; i < 4000; i++) {
        if (i % 500 == 0)
            OK(children_transport(family, (enum child_transport)(i / 500 % 3), &spare, &error));
        assert_int_equal(run(), CHILD_SYSCALL);
        assert_int_equal(registers.general.rbx, i + 1);
    }
    assert_int_equal(spare.handovers[SPARE_SLEEP] + spare.handovers[SPARE_SPIN], 4000);
    assert_true(spare.known); /* what was learnt is kept, */
    const struct transport_switch learnt = spare.choice;
    spare.held = true; /* and nothing more is learnt by whoever is to stay with it */
    OK(children_transport(family, CHILD_EITHER, &spare, &error));
    const uint64_t before = spare.handovers[learnt.mode];
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(run(), CHILD_SYSCALL);
    assert_int_equal(spare.handovers[learnt.mode] - before, 500);
    assert_memory_equal(&spare.choice, &learnt, sizeof learnt);
    assert_int_equal(children_transport(family, CHILD_SPIN, NULL, &error), -EINVAL);
    OK(children_transport(family, CHILD_SLEEP, NULL, &error));
}

/* Two children on one CPU, of which the one that waits must not take it from the other. */
static void children_take_turns_while_they_spin(void **state)
{
    (void)state;
    need_children();
    struct child *pair[2] = {child};
    struct child_registers own[2];
    OK(child_open(family, &pair[1], &error));
    OK(child_map(pair[1], CODE, memory_number, 0, PAGE, CHILD_READ | CHILD_EXECUTE, &error));
    struct spare_cpu spare = {.number = (unsigned)(another_cpu() < 0 ? sched_getcpu() : another_cpu())};
    OK(children_transport(family, CHILD_SPIN, &spare, &error));
    PUT("1: incq %rbx\nsyscall\njmp 1b");
    own[0] = own[1] = registers;
    for (unsigned i = 0; i < 500; i++) {
        OK(child_run(pair[i % 2], &own[i % 2], &trap, &error));
        assert_int_equal(trap.kind, CHILD_SYSCALL);
        assert_int_equal(own[i % 2].general.rbx, i / 2 + 1);
    }
    child_close(pair[1]);
}

/* Small and large pieces, from the start of 64 KiB or not: the helper has Linux enter nearly all of it. */
static void enters_pages_before_they_are_touched(void **state)
{
    (void)state;
    need_children();
    static const unsigned counts[] = {1, 16, 31, 100, 512};
    memset(memory + 2 * PAGE, 1, (PAGES - 2) * (size_t)PAGE);
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        const struct child_change change = {.kind = CHILD_MAP,
            .rights = CHILD_READ | CHILD_WRITE,
            .start = NOWHERE + i * 7 * PAGE,
            .bytes = counts[i] * (uint64_t)PAGE,
            .offset = 2 * PAGE,
            .memory = memory_number,
            .populate = true};
        struct child_pages before, after;
        OK(child_pages(child, &before));
        OK(child_change(child, &change, 1, &error));
        OK(child_pages(child, &after));
        assert_in_range(after.small - before.small, counts[i] - counts[i] / 16, counts[i]);
        OK(child_unmap(child, change.start, change.bytes, &error));
    }
}

static void keeps_the_fpu_state(void **state)
{
    (void)state;
    need_children();
    struct child *other;
    unsigned char save[16384];
    assert_in_range(child_fpu_bytes(child), 512, sizeof save);
    PUT("movq %rax, %xmm7\nmovabsq $0x7fffffe00100, %r11\nleaq 1f(%rip), %rcx\njmp *%r11\n1: movq %xmm7, "
        "%rbx\nud2");
    registers.general.rax = 0x1234567890abcdef;
    assert_int_equal(run(), CHILD_CALLED);
    OK(child_fpu_get(child, save, &error));
    OK(child_open(family, &other, &error));
    OK(child_map(other, CODE, memory_number, 0, PAGE, CHILD_READ | CHILD_EXECUTE, &error));
    OK(child_fpu_put(other, save, &error));
    OK(child_run(other, &registers, &trap, &error));
    assert_int_equal(trap.kind, CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 6);
    assert_int_equal(registers.general.rbx, 0x1234567890abcdef);
    child_close(other);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, child_guest_open, child_guest_close)
    const struct CMUnitTest tests[] = {
        CASE(exchanges_all_registers),
        CASE(reports_exceptions),
        CASE(cpuid_is_refused_where_that_is_possible),
        CASE(calls_without_a_signal),
        CASE(maps_protects_and_unmaps),
        CASE(counts_mappings_as_the_kernel_does),
        CASE(keeps_within_the_budget),
        CASE(kicks_one_that_spins),
        CASE(hands_over_by_each_transport),
        CASE(children_take_turns_while_they_spin),
        CASE(enters_pages_before_they_are_touched),
        CASE(keeps_the_fpu_state),
    };
    return cmocka_run_group_tests_name("child", tests, child_guest_find_out, NULL);
}
