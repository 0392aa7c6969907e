/* The nursery: a program of its own, executed once for a family of children (child.c). It has left everything
 * of its process but the pages at the top (child_desk.h) before it makes the first child, so that each child
 * starts empty. Freestanding: no C library, no variables, only the stack.
 *
 * No guest ever runs in this address space, so what it does may be believed. It ends when the monitor's end
 * of the socket is closed, by whatever happens to the monitor, and its children with it (PDEATHSIG, which
 * looks at the thread that made a child: this one has no other). */
#include "child_desk.h"

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <errno.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef ARCH_SET_CPUID /* Linux 4.12 */
#define ARCH_SET_CPUID 0x1012
#endif
#define SIGNAL_RESTORER 0x04000000  /* the kernel's SA_RESTORER */
#define STACK_AUTODISARM (1U << 31) /* SS_AUTODISARM: the frame is always at the same place */
#define DISPATCH 59                 /* PR_SET_SYSCALL_USER_DISPATCH */
#define DISPATCH_ON 1
#define EXECUTABLE_TOP UINT64_C(0x7ffffffff000)

#pragma GCC visibility push(hidden)
extern const char stub_signal[], stub_restore[];
_Noreturn void stub_spawn(long flags, uint64_t stack);
_Noreturn void stub_enter(void);
_Noreturn void guest_prepare(void);
_Noreturn void nursery(void);
#pragma GCC visibility pop

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static _Noreturn void leave(void)
{
    for (;;)
        call(__NR_exit_group, 1, 0, 0, 0, 0, 0);
}

/* ---- a child ---- */

static volatile uint32_t *desk_word(uint64_t offset)
{
    return (volatile uint32_t *)(DESK_BASE + offset);
}

static _Noreturn void fail(unsigned step, long code)
{
    *desk_word(DESK_FAILED_CODE) = (uint32_t)-code;
    *desk_word(DESK_FAILED_STEP) = step;
    *desk_word(DESK_TURN) = TURN_DEAD;
    leave();
}

static void check(unsigned step, long result)
{
    if (result < 0)
        fail(step, result);
}

/* To die with the nursery, whose process number is `parent`. */
static bool bind_to(long parent)
{
    call(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    return call(__NR_getppid, 0, 0, 0, 0, 0, 0) == parent;
}

static _Noreturn void become_helper(void)
{
    if (!bind_to(*desk_word(DESK_PARENT)))
        fail(STEP_PARENT, 0);
    stub_spawn(CLONE_VM | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD,
        DESK_BASE + DESK_STACK + DESK_STACK_BYTES - 8);
}

/* As the kernel has it. */
struct kernel_sigaction {
    const void *handler;
    unsigned long flags;
    const void *restorer;
    uint64_t mask;
};

static void take_signals(void)
{
    static const unsigned char signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGUSR1};
    const struct kernel_sigaction action = {.handler = stub_signal,
        .flags = SA_SIGINFO | SA_ONSTACK | SIGNAL_RESTORER,
        .restorer = stub_restore,
        .mask = ~UINT64_C(0)};
    for (unsigned i = 0; i < sizeof signals; i++)
        check(STEP_SIGNALS, call(__NR_rt_sigaction, signals[i], (long)&action, 0, sizeof action.mask, 0, 0));
}

/* Seccomp passes over a few numbers (uretprobe, uprobe: Linux 6.13), this does not, but it is for any task to
 * undo and no guard. Before Linux 5.11 there is none, nor any such number. From here on system calls work in
 * the stub's page only. */
static void dispatch_calls(void)
{
    call(__NR_prctl, DISPATCH, DISPATCH_ON, DESK_TOP, DESK_STUB_BYTES, 0, 0);
}

/* The guest's task, on what becomes its signal stack. */
void guest_prepare(void)
{
    const stack_t stack = {.ss_sp = (void *)(DESK_BASE + DESK_STACK),
        .ss_flags = (int)STACK_AUTODISARM,
        .ss_size = DESK_STACK_BYTES};
    if (!bind_to(*desk_word(DESK_PARENT)))
        fail(STEP_PARENT, 0);
    check(STEP_DESCRIPTORS, call(__NR_close_range, 0, ~0U, 0, 0, 0, 0));
    check(STEP_TID, call(__NR_set_tid_address, DESK_BASE + DESK_TURN, 0, 0, 0, 0, 0));
    check(STEP_STACK, call(__NR_sigaltstack, (long)&stack, 0, 0, 0, 0, 0));
    take_signals();
    dispatch_calls();
    stub_enter();
}

/* ---- the nursery ---- */

enum { DESCRIPTORS = 2 };

struct letter {
    struct nursery_request request;
    int descriptors[DESCRIPTORS]; /* -1: none */
};

union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
};

static long receive(struct letter *letter)
{
    union control control;
    struct iovec part = {&letter->request, sizeof letter->request};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    long bytes = call(__NR_recvmsg, DESK_FD_SOCKET, (long)&message, 0, 0, 0, 0);
    letter->descriptors[0] = letter->descriptors[1] = -1;
    if (bytes == sizeof letter->request && message.msg_controllen >= CMSG_LEN(sizeof(int))) {
        const int *given = (const int *)CMSG_DATA(&control.header);
        unsigned count = (unsigned)((control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (unsigned i = 0; i < count && i < DESCRIPTORS; i++)
            letter->descriptors[i] = given[i];
    }
    return bytes;
}

static void close_descriptor(int descriptor)
{
    if (descriptor >= 0)
        call(__NR_close, descriptor, 0, 0, 0, 0, 0);
}

static long map_desk(int descriptor)
{
    const int at = MAP_SHARED | MAP_FIXED;
    long rc = call(__NR_mmap, DESK_BASE, DESK_ORDERS_END, PROT_READ, at, descriptor, 0);
    return rc < 0 ? rc
                  : call(__NR_mmap, DESK_BASE + DESK_ORDERS_END, DESK_BYTES - DESK_ORDERS_END,
                        PROT_READ | PROT_WRITE, at, descriptor, DESK_ORDERS_END);
}

/* The helper shares the nursery's descriptors: it sees memory that comes later. The guest's task gets a table
 * of its own. The desk is mapped here only meanwhile. */
static long fork_child(int desk)
{
    long rc = map_desk(desk);
    if (rc >= 0) {
        *desk_word(DESK_PARENT) = (uint32_t)call(__NR_getpid, 0, 0, 0, 0, 0, 0);
        rc = call(__NR_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0, 0);
        if (rc == 0)
            become_helper();
    }
    call(__NR_munmap, DESK_BASE, DESK_BYTES, 0, 0, 0, 0);
    return rc;
}

/* Descriptors get lost on the way where no more may be open. */
static void make_child(const struct letter *letter, struct nursery_answer *answer)
{
    long rc = letter->descriptors[1] < 0 ? -EMFILE : fork_child(letter->descriptors[0]);
    answer->code = rc < 0 ? (int32_t)rc : 0;
    answer->helper = (int32_t)rc;
    answer->reply = letter->descriptors[1];
}

static void put_at(int descriptor, int number, struct nursery_answer *answer)
{
    long rc = descriptor < 0 ? -EMFILE : call(__NR_dup2, descriptor, number, 0, 0, 0, 0);
    answer->code = rc < 0 ? (int32_t)rc : 0;
}

static void serve(struct letter *letter)
{
    struct nursery_answer answer = {0, 0, -1};
    switch (letter->request.kind) {
    case NURSERY_CHILD:
        make_child(letter, &answer);
        break;
    case NURSERY_MEMORY:
        put_at(letter->descriptors[0], letter->request.argument, &answer);
        break;
    case NURSERY_FORGET: /* the socket takes the number: nobody can map it */
        put_at(DESK_FD_SOCKET, letter->request.argument, &answer);
        break;
    default:
        close_descriptor(letter->request.argument);
    }
    call(__NR_sendto, DESK_FD_SOCKET, (long)&answer, sizeof answer, MSG_NOSIGNAL, 0, 0);
}

/* Takes all numbers of memories, so that no other descriptor that comes gets one of them. */
static void reserve_numbers(void)
{
    for (long at = 0; at >= 0 && at < DESK_FD_MEMORY + DESK_FD_MEMORY_MAX - 1;)
        at = call(__NR_dup, DESK_FD_SOCKET, 0, 0, 0, 0, 0);
}

/* Nothing is left of a guest that is killed: 1 also keeps the kernel from piping a dump to a program. */
static void forbid_core_dumps(void)
{
    const struct rlimit least = {1, 1}, none = {0, 0};
    if (call(__NR_prlimit64, 0, RLIMIT_CORE, (long)&least, 0, 0, 0) < 0)
        call(__NR_prlimit64, 0, RLIMIT_CORE, (long)&none, 0, 0, 0);
}

/* Its children's tasks begin without it, too, and the monitor answers (cpuid.h). Fails, and does nothing,
 * where the CPU cannot refuse it. */
static void refuse_cpuid(void)
{
    call(__NR_arch_prctl, ARCH_SET_CPUID, 0, 0, 0, 0, 0);
}

static void leave_all_else(void)
{
    const struct kernel_sigaction ignore = {.handler = (const void *)SIG_IGN};
    const uint64_t end = DESK_NURSERY_STACK + DESK_NURSERY_STACK_BYTES;
    call(__NR_munmap, 0, DESK_TOP, 0, 0, 0, 0);
    call(__NR_munmap, (long)end, (long)(EXECUTABLE_TOP - end), 0, 0, 0, 0);
    call(__NR_close_range, DESK_FD_IMAGE, ~0U, 0, 0, 0, 0);
    call(__NR_close_range, 0, DESK_FD_SOCKET - 1, 0, 0, 0, 0);
    call(__NR_prctl, PR_SET_NAME, (long)"vcost-guests", 0, 0, 0, 0);
    call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
    forbid_core_dumps();
    refuse_cpuid();
    call(__NR_rt_sigaction, SIGCHLD, (long)&ignore, 0, sizeof ignore.mask, 0, 0);
}

void nursery(void)
{
    struct letter letter;
    leave_all_else();
    reserve_numbers();
    while (receive(&letter) == sizeof letter.request) {
        serve(&letter);
        if (letter.request.kind != NURSERY_CHILD) /* whose helper answers by it */
            close_descriptor(letter.descriptors[1]);
        close_descriptor(letter.descriptors[0]);
    }
    leave();
}
