/* Processes and threads by clone3(2), each way that it can be asked, and where it fails; clone(2) where the
 * two differ. A line for each says what came of it. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, STACK_BYTES = 64 << 10, TO_PAGE_END = 96 };
enum { OF_THREADS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM };

static char *stack, *readonly;

static void tell(const char *what, long result, bool as_number)
{
    const char *name = result == -1 ? strerror(errno) : as_number ? "a number" : "done";
    printf("%s: %s\n", what, name);
}

static long clone3(const struct clone_args *asked)
{
    errno = 0;
    return syscall(SYS_clone3, asked, sizeof *asked);
}

/* A child that there was not to be is gone at once. */
static void fails(const char *what, struct clone_args asked)
{
    long child = clone3(&asked);
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, __WALL);
    tell(what, child, true);
}

/* ---- where it fails ---- */

/* The structure ends where its page does. */
static void sizes(void)
{
    static const size_t tries[] = {0, 63, 64, 72, 80, 88, TO_PAGE_END, TO_PAGE_END + 1, PAGE, PAGE + 1, -1UL};
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages + PAGE, PAGE, PROT_NONE);
    for (int newer = 0; newer < 2; newer++) {
        for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
            struct clone_args *asked = (struct clone_args *)(pages + PAGE - TO_PAGE_END);
            char what[64];
            memset(asked, 0, TO_PAGE_END);
            asked->exit_signal = SIGCHLD;
            pages[PAGE - 1] = (char)newer;
            errno = 0;
            long child = syscall(SYS_clone3, asked, tries[i]);
            if (child == 0)
                _exit(0);
            if (child > 0)
                waitpid((pid_t)child, NULL, 0);
            snprintf(what, sizeof what, "%zu bytes, something %s them", tries[i], newer ? "in" : "not in");
            tell(what, child, true);
        }
    }
    errno = 0;
    tell("from nowhere", syscall(SYS_clone3, 8, sizeof(struct clone_args)), true);
    tell("from the kernel", syscall(SYS_clone3, -4096L, sizeof(struct clone_args)), true);
    munmap(pages, 2 * PAGE);
}

static void errors(void)
{
    const uint64_t at = (uintptr_t)stack, bytes = STACK_BYTES, none[2] = {0, 0}, there = (uintptr_t)none;
    int place;
    const uint64_t here = (uintptr_t)&place;
    fails("an unknown flag", (struct clone_args){.flags = 1ULL << 40, .exit_signal = SIGCHLD});
    fails("a signal among the flags", (struct clone_args){.flags = SIGCHLD});
    fails("detached", (struct clone_args){.flags = CLONE_DETACHED, .exit_signal = SIGCHLD});
    fails("signal 64", (struct clone_args){.exit_signal = 64});
    fails("signal 65", (struct clone_args){.exit_signal = 65});
    fails("signal 273", (struct clone_args){.exit_signal = 256 + SIGCHLD});
    fails("a thread with a signal",
        (struct clone_args){.flags = OF_THREADS, .exit_signal = SIGCHLD, .stack = at, .stack_size = bytes});
    fails("a sibling with a signal", (struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD});
    fails("a thread without handlers",
        (struct clone_args){.flags = CLONE_THREAD | CLONE_VM, .stack = at, .stack_size = bytes});
    fails("handlers without memory", (struct clone_args){.flags = CLONE_SIGHAND, .exit_signal = SIGCHLD});
    fails("handlers and none",
        (struct clone_args){.flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD});
    fails("both namespace and directory",
        (struct clone_args){.flags = CLONE_FS | CLONE_NEWNS, .exit_signal = SIGCHLD});
    fails("a stack of no bytes", (struct clone_args){.exit_signal = SIGCHLD, .stack = at});
    fails("bytes of no stack", (struct clone_args){.exit_signal = SIGCHLD, .stack_size = bytes});
    fails("a stack around the end",
        (struct clone_args){.exit_signal = SIGCHLD, .stack = -8ULL, .stack_size = 16});
    fails(
        "the kernel's stack", (struct clone_args){.exit_signal = SIGCHLD, .stack = -PAGE, .stack_size = 16});
    fails("numbers at no place", (struct clone_args){.exit_signal = SIGCHLD, .set_tid_size = 1});
    fails("no numbers at a place", (struct clone_args){.exit_signal = SIGCHLD, .set_tid = there});
    fails("33 numbers", (struct clone_args){.exit_signal = SIGCHLD, .set_tid = there, .set_tid_size = 33});
    fails("a number from nowhere",
        (struct clone_args){.exit_signal = SIGCHLD, .set_tid = 8, .set_tid_size = 1});
    fails("number 0", (struct clone_args){.exit_signal = SIGCHLD, .set_tid = there, .set_tid_size = 1});
    fails("a number for each of more namespaces",
        (struct clone_args){.exit_signal = SIGCHLD, .set_tid = there, .set_tid_size = 32});
    fails("no group", (struct clone_args){.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = 900});
    fails("a group of too large a number",
        (struct clone_args){.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = 1ULL << 31});
    fails("a group that is none",
        (struct clone_args){.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = 1});
    fails("a descriptor to nowhere",
        (struct clone_args){.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = 8});
    fails("a descriptor to what is read only",
        (struct clone_args){.flags = CLONE_PIDFD, .exit_signal = SIGCHLD, .pidfd = (uintptr_t)readonly});
    fails(
        "descriptor and number at one place", (struct clone_args){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                                                  .exit_signal = SIGCHLD,
                                                  .pidfd = here,
                                                  .parent_tid = here});
    fails("numbers to nowhere",
        (struct clone_args){.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
            .exit_signal = SIGCHLD,
            .parent_tid = 8,
            .child_tid = 8});
}

/* ---- processes ---- */

static void end_of(const char *what, pid_t child, int options)
{
    int status = -1;
    errno = 0;
    bool got = waitpid(child, &status, options) == child;
    printf("%s: %s %x\n", what, got ? "ended" : strerror(errno), (unsigned)status);
}

/* A descriptor of the process that is readable when it has ended, and has its end. */
static void end_by_descriptor(const char *what, int descriptor, pid_t child)
{
    struct pollfd one = {.fd = descriptor, .events = POLLIN};
    siginfo_t info = {.si_pid = 0};
    int before = poll(&one, 1, 0);
    kill(child, SIGTERM);
    int after = poll(&one, 1, 20000);
    int rc = waitid(P_PIDFD, (id_t)descriptor, &info, WEXITED);
    printf(
        "%s: %d before, %d after, %d %d %d\n", what, before, after, rc, info.si_pid == child, info.si_status);
    close(descriptor);
}

static void described(bool newer)
{
    int descriptor = -1, number = -1;
    struct clone_args asked = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
        .exit_signal = SIGCHLD,
        .pidfd = (uintptr_t)&descriptor,
        .parent_tid = (uintptr_t)&number};
    long child = newer ? clone3(&asked) : syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &descriptor, 0, 0);
    if (child == 0)
        for (;;)
            pause();
    if (newer)
        printf("its number: %d\n", number == child);
    end_by_descriptor(newer ? "a descriptor" : "a descriptor by clone", descriptor, (pid_t)child);
}

static atomic_int own_number;

/* Both numbers in the child's memory; the place that is cleared at the end is nobody's any more. */
static void numbered(void)
{
    struct clone_args asked = {.flags = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
        .exit_signal = SIGCHLD,
        .child_tid = (uintptr_t)&own_number};
    long child = clone3(&asked);
    if (child == 0)
        _exit(own_number == getpid() ? 3 : 4);
    end_of("its own number", (pid_t)child, 0);
    printf("in its parent: %d\n", own_number);
}

static void handle(int number)
{
    (void)number;
}

static const char *how(int number)
{
    struct sigaction now;
    sigaction(number, NULL, &now);
    return now.sa_handler == SIG_DFL ? "default" : now.sa_handler == SIG_IGN ? "ignored" : "handled";
}

/* With and without handlers: and what is done. */
static void without_handlers(uint64_t flags)
{
    struct clone_args asked = {.flags = flags, .exit_signal = SIGCHLD};
    signal(SIGUSR1, handle);
    signal(SIGUSR2, SIG_IGN);
    fflush(stdout);
    long child = clone3(&asked);
    if (child == 0) {
        printf("USR1 %s, USR2 %s, TERM %s\n", how(SIGUSR1), how(SIGUSR2), how(SIGTERM));
        fflush(stdout);
        raise(SIGUSR2);
        raise(SIGUSR1);
        _exit(5);
    }
    end_of(flags ? "without handlers" : "with handlers", (pid_t)child, 0);
    printf("its parent: USR1 %s, USR2 %s\n", how(SIGUSR1), how(SIGUSR2));
    signal(SIGUSR2, SIG_DFL);
}

static void told_by_another_signal(void)
{
    static const uint64_t signals[] = {0, SIGUSR2};
    signal(SIGUSR2, SIG_IGN);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct clone_args asked = {.exit_signal = signals[i]};
        long child = clone3(&asked);
        if (child == 0)
            _exit(7);
        end_of("told by another signal, waited for as any", (pid_t)child, 0);
        end_of("told by another signal", (pid_t)child, __WALL);
    }
    signal(SIGUSR2, SIG_DFL);
}

/* ---- on another stack ---- */

/* The child begins behind the system call on its stack, from which it takes what it is to call. */
static long begin(struct clone_args *asked, void (*function)(void))
{
    long result = SYS_clone3;
    uintptr_t *top = (uintptr_t *)(uintptr_t)(asked->stack + asked->stack_size);
    top[-1] = (uintptr_t)function;
    asked->stack_size -= sizeof *top;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "pop %%rax\n\t"
                     "call *%%rax\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(result)
                     : "D"(asked), "S"(sizeof *asked)
                     : "rcx", "r11", "memory", "cc");
    asked->stack_size += sizeof *top;
    return result;
}

static atomic_int written, seen_number;

static void write_and_exit(void)
{
    char here;
    written = (uintptr_t)&here >= (uintptr_t)stack && (uintptr_t)&here < (uintptr_t)stack + STACK_BYTES;
    seen_number = own_number == (int)syscall(SYS_getpid);
    syscall(SYS_exit, 9);
}

static void shares(const char *what, uint64_t flags)
{
    int number = -1, descriptor = -1;
    struct clone_args asked = {
        .flags = CLONE_VM | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | CLONE_PIDFD | flags,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)stack,
        .stack_size = STACK_BYTES,
        .child_tid = (uintptr_t)&own_number,
        .parent_tid = (uintptr_t)&number,
        .pidfd = (uintptr_t)&descriptor};
    written = 0;
    long child = begin(&asked, write_and_exit);
    struct pollfd one = {.fd = descriptor, .events = POLLIN};
    int ready = poll(&one, 1, 20000);
    end_of(what, (pid_t)child, 0);
    printf("%s: written %d, numbers %d %d, by descriptor %d\n", what, written, number == child, seen_number,
        ready);
    close(descriptor);
}

/* What a thread has in its own memory (FS base) is at its own place. */
static uint64_t thread_memory[64];

static void look_and_end(void)
{
    uint64_t value;
    __asm__("mov %%fs:8, %0" : "=r"(value));
    written = (int)value;
    seen_number = own_number == (int)syscall(SYS_gettid);
    syscall(SYS_exit, 0);
}

static void threads(void)
{
    int number = -1, descriptor = -1;
    struct clone_args asked = {
        .flags = OF_THREADS | CLONE_SETTLS | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
        .stack = (uintptr_t)stack,
        .stack_size = STACK_BYTES,
        .tls = (uintptr_t)thread_memory,
        .child_tid = (uintptr_t)&own_number,
        .parent_tid = (uintptr_t)&number,
        .pidfd = (uintptr_t)&descriptor};
    thread_memory[1] = 77;
    for (int i = 0; i < 2; i++) {
        own_number = -1;
        long thread = begin(&asked, look_and_end);
        for (int now; thread > 0 && (now = own_number);)
            syscall(SYS_futex, &own_number, FUTEX_WAIT, now, NULL, NULL, 0);
        printf("thread: %s, own memory %d, numbers %d %d\n", thread > 0 ? "made" : strerror((int)-thread),
            written, number == thread, seen_number);
        if (i == 0) {
            asked.flags |= CLONE_PIDFD; /* Linux 6.9 and later */
            continue;
        }
        struct pollfd one = {.fd = descriptor, .events = POLLIN};
        printf("by descriptor: %d\n", thread > 0 ? poll(&one, 1, 20000) : 0);
    }
    asked.pidfd = 8;
    long thread = begin(&asked, look_and_end);
    printf("thread, a descriptor to nowhere: %s\n", thread > 0 ? "made" : strerror((int)-thread));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    readonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGRTMAX, SIG_IGN); /* a child tells its end by it */
    sizes();
    errors();
    described(true);
    described(false);
    numbered();
    without_handlers(0);
    without_handlers(CLONE_CLEAR_SIGHAND);
    told_by_another_signal();
    shares("waited for", CLONE_VFORK);
    shares("side by side", 0);
    shares("side by side, the same files", CLONE_FILES | CLONE_FS);
    threads();
    described(true); /* once more, of one that has threads */
    return 0;
}
