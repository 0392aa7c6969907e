/* What a hostile guest may try against its child and the monitor. That the guards are what stops it is shown
 * by test_child_unguarded.c, which tries the same where one of them was left out. */
#include "child_attacks.h"
#include "child_guest.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NUMBERS = 600, X32 = 0x40000000, KICKS_FEW = 200 };

/* ---- system calls ---- */

/* The guest's system call with every argument zero: it traps, and goes on. */
static void try_numbers(uint32_t from, enum child_trap_kind expected)
{
    for (uint32_t number = 0; number <= NUMBERS; number++) {
        registers =
            (struct child_registers){.general = {.rip = CODE, .rsp = DATA + PAGE, .rax = from + number}};
        if (run() != expected)
            fail_msg("number %#x: trap %d, vector %u, at %#lx", from + number, trap.kind, trap.vector,
                registers.general.rip);
        assert_int_equal(trap.number, from + number);
        assert_int_equal(registers.general.rip, CODE + 2);
    }
}

static void every_system_call_traps(void **state)
{
    (void)state;
    need_children();
    PUT("syscall");
    try_numbers(0, CHILD_SYSCALL);
    try_numbers(X32, CHILD_SYSCALL);
    PUT("int $0x80");
    if (has_int80())
        try_numbers(0, CHILD_INT80);
    assert_int_equal(count_maps(child), 2);
}

static void no_system_call_maps_anything(void **state)
{
    (void)state;
    need_children();
    assert_false(attack_by_own_call());
    assert_false(attack_by_int80());
    assert_false(attack_by_jump_into_stub());
    assert_false(attack_by_descriptor());
}

/* All numbers at all SYSCALL instructions of the stub. Whatever comes of it, a child that lives has only its
 * two mappings, and one that does not is replaced. */
static void jumps_into_the_stub_gain_nothing(void **state)
{
    (void)state;
    need_children();
    family->kicks_max = KICKS_FEW;
    for (unsigned at = 0; (at = stub_syscall(at)) < PAGE; at++) {
        for (uint32_t number = 0; number <= NUMBERS; number += at % 3 + 1) {
            PUT("jmp *%r15");
            registers = (struct child_registers){.general = {.rip = CODE,
                                                     .rsp = DATA + PAGE / 2,
                                                     .rax = number,
                                                     .rdi = NOWHERE,
                                                     .rsi = PAGE,
                                                     .rdx = 7,
                                                     .r10 = 0x32,
                                                     .r8 = UINT64_MAX,
                                                     .r12 = CODE,
                                                     .r15 = CHILD_TOP + at}};
            child_kick_in_ms(20);
            enum child_trap_kind kind = run();
            child_kick_cancel();
            if (kind == CHILD_DIED)
                child_renew();
            assert_int_equal(count_maps(child), 2);
        }
    }
}

static void nothing_is_left_of_vcost_in_a_child(void **state)
{
    (void)state;
    need_children();
    assert_int_equal(count_maps(child), 2);
    assert_int_equal(count_descriptors(child->guest_number), 0);
    assert_false(attack_by_leftovers());
}

static void the_stub_and_the_orders_are_only_to_be_read(void **state)
{
    (void)state;
    need_children();
    assert_false(attack_by_orders());
    PUT("movq $0, (%rdi)\nud2");
    registers.general.rdi = CHILD_TOP;
    registers.general.rip = CODE;
    assert_int_equal(run(), CHILD_EXCEPTION);
    assert_int_equal(trap.vector, 14);
    assert_int_equal(trap.address, CHILD_TOP);
}

static void a_guest_has_no_processes_of_its_own(void **state)
{
    (void)state;
    need_children();
    assert_false(attack_by_fork());
}

/* ---- the mailbox ---- */

/* The guest says that it has stopped, and runs on. */
static void a_forged_mailbox_harms_only_its_guest(void **state)
{
    (void)state;
    need_children();
    for (uint32_t turn = 0; turn < 8; turn++) {
        if (turn == TURN_GUEST)
            continue;
        PUT("1: movl %eax, (%rdi)\njmp 1b");
        registers.general = (struct vcpu_registers){.rip = CODE, .rax = turn, .rdi = DESK_BASE + DESK_TURN};
        for (unsigned i = 0; i < 20 && run() != CHILD_DIED; i++)
            registers.general.rip = CODE;
        child_renew();
    }
    assert_false(attack_by_mailbox());
    child_renew();
}

/* It scribbles over all that it may write while the monitor changes what is mapped: the helper's word is the
 * kernel's. */
static void a_guest_cannot_forge_a_change(void **state)
{
    (void)state;
    need_children();
    PUT("1: movq %rdi, %rbx\n"
        "2: movq %rax, (%rbx)\n"
        "incq (%rsi)\n"
        "addq $8, %rbx\n"
        "cmpq %rdx, %rbx\n"
        "jb 2b\n"
        "jmp 1b");
    registers.general = (struct vcpu_registers){.rip = CODE,
        .rax = TURN_CALLED,
        .rdi = DESK_BASE + DESK_MAILBOX,
        .rdx = DESK_BASE + DESK_BYTES,
        .rsi = NOWHERE};
    volatile uint64_t *counter = (volatile uint64_t *)(void *)(memory + 2 * PAGE);
    OK(child_map(child, NOWHERE, memory_number, 2 * PAGE, PAGE, CHILD_READ | CHILD_WRITE, &error));
    assert_int_equal(run(), CHILD_CALLED);
    for (unsigned i = 0; i < 50; i++) {
        OK(child_map(child, NOWHERE + PAGE, memory_number, (3 + i) * PAGE, PAGE, CHILD_READ, &error));
        assert_int_equal(count_maps(child), 4);
        OK(child_unmap(child, NOWHERE + PAGE, PAGE, &error));
        assert_int_equal(count_maps(child), 3);
    }
    OK(child_unmap(child, NOWHERE, PAGE, &error));
    uint64_t last = *counter;
    usleep(2000);
    assert_true(last > 0);
    assert_int_equal(*counter, last);
}

/* ---- one that will not stop ---- */

static void a_deaf_guest_is_killed(void **state)
{
    (void)state;
    need_children();
    assert_false(attack_by_deafness());
    assert_int_equal(child_map(child, NOWHERE, memory_number, 0, PAGE, CHILD_READ, &error), -ESRCH);
    assert_int_equal(run(), CHILD_DIED);
    child_renew();
    forge_return(~UINT64_C(0), "ud2"); /* a fault that is blocked */
    assert_int_equal(run(), CHILD_DIED);
    child_renew();
    PUT("ud2");
    assert_int_equal(run(), CHILD_EXCEPTION);
}

static void one_that_sleeps_in_the_stub_is_killed(void **state)
{
    (void)state;
    need_children();
    family->kicks_max = KICKS_FEW;
    unsigned at = stub_syscall(stub_syscall(stub_syscall(0) + 1) + 1); /* where the stub waits */
    PUT("movl $202, %eax\nxorl %esi, %esi\njmp *%r15");
    registers.general = (struct vcpu_registers){
        .rip = CODE, .rdi = DESK_BASE + DESK_TURN, .rdx = TURN_GUEST, .r12 = CODE, .r15 = CHILD_TOP + at};
    assert_int_equal(child_run_kicked(5), CHILD_DIED);
}

static void a_trap_flood_is_only_traps(void **state)
{
    (void)state;
    need_children();
    PUT("1: syscall\njmp 1b");
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(run(), CHILD_SYSCALL);
}

/* ---- dying ---- */

static void *kill_soon(void *pidfd)
{
    usleep((useconds_t)rand() % 3000);
    pidfd_send_signal(*(int *)pidfd, SIGKILL, NULL, 0);
    return NULL;
}

/* Runs and changes go on until the child's end is noticed. */
static void live_until_death(int *pidfd)
{
    pthread_t thread;
    int rc = 0;
    PUT("1: syscall\njmp 1b");
    assert_int_equal(pthread_create(&thread, NULL, kill_soon, pidfd), 0);
    for (unsigned i = 0; rc == 0 && run() != CHILD_DIED; i++)
        rc = child_map(child, NOWHERE + i % 8 * PAGE, memory_number, 0, PAGE, CHILD_READ, &error);
    pthread_join(thread, NULL);
}

static void a_child_may_die_at_any_point(void **state)
{
    (void)state;
    need_children();
    for (unsigned i = 0; i < 10; i++) {
        live_until_death(&child->guest);
        child_renew();
        live_until_death(&child->helper);
        child_renew();
    }
    assert_false(attack_by_dying());
    child_renew();
    live_until_death(&family->nursery);
    struct child *other = NULL;
    assert_true(child_open(family, &other, &error) < 0);
    assert_null(other);
}

/* Families come up, or say that they do not, whenever their nursery is killed. */
static void the_nursery_may_die_at_any_point(void **state)
{
    (void)state;
    need_children();
    for (unsigned i = 0; i < 40; i++) {
        struct children *other = NULL;
        struct child *guest = NULL;
        pthread_t thread;
        OK(children_open(NULL, &other, &error));
        assert_int_equal(pthread_create(&thread, NULL, kill_soon, &other->nursery), 0);
        for (int rc = 0; rc == 0;) {
            rc = child_open(other, &guest, &error);
            if (rc == 0)
                child_close(guest);
        }
        assert_true(error.text[0]);
        pthread_join(thread, NULL);
        children_close(other);
    }
}

static void no_child_outlives_the_monitor(void **state)
{
    (void)state;
    need_children();
    assert_false(attack_by_outliving());
}

static void *open_elsewhere(void *out)
{
    child_guest_open(NULL);
    (void)out;
    return NULL;
}

static void children_outlive_the_thread_that_made_them(void **state)
{
    (void)state;
    need_children();
    pthread_t thread;
    child_guest_close(NULL);
    assert_int_equal(pthread_create(&thread, NULL, open_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    usleep(5000);
    PUT("ud2");
    assert_int_equal(run(), CHILD_EXCEPTION);
    child_renew();
    assert_int_equal(run(), CHILD_EXCEPTION);
}

static bool stop_now(void *context)
{
    return *(bool *)context;
}

static void *ask_to_stop(void *flag)
{
    usleep(10000);
    __atomic_store_n((bool *)flag, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void the_stop_flag_ends_a_run(void **state)
{
    (void)state;
    need_children();
    static bool flag;
    const struct stop stop = {.asked = stop_now, .context = &flag};
    pthread_t thread;
    PUT("1: jmp 1b");
    family->stop = &stop;
    assert_int_equal(pthread_create(&thread, NULL, ask_to_stop, &flag), 0);
    assert_int_equal(run(), CHILD_KICKED);
    pthread_join(thread, NULL);
    family->stop = NULL;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, child_guest_open, child_guest_close)
    const struct CMUnitTest tests[] = {
        CASE(every_system_call_traps),
        CASE(no_system_call_maps_anything),
        CASE(jumps_into_the_stub_gain_nothing),
        CASE(a_guest_has_no_processes_of_its_own),
        CASE(nothing_is_left_of_vcost_in_a_child),
        CASE(the_stub_and_the_orders_are_only_to_be_read),
        CASE(a_forged_mailbox_harms_only_its_guest),
        CASE(a_guest_cannot_forge_a_change),
        CASE(a_deaf_guest_is_killed),
        CASE(one_that_sleeps_in_the_stub_is_killed),
        CASE(a_trap_flood_is_only_traps),
        CASE(a_child_may_die_at_any_point),
        CASE(the_nursery_may_die_at_any_point),
        CASE(no_child_outlives_the_monitor),
        CASE(children_outlive_the_thread_that_made_them),
        CASE(the_stop_flag_ends_a_run),
    };
    child_patience_ms = 60000;
    return cmocka_run_group_tests_name("child_safety", tests, child_guest_find_out, NULL);
}
