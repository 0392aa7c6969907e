/* What the guest answers itself, gettid, as natively: registers and flags behind it, also where each
 * instruction traps, in threads and children, while signals come, and once a filter is to see it. Prints what
 * it found; the same each time.
 *
 *     answers [SIGNALS [steps]]            so many are waited for; a number alone: no instruction traps */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CARRY = 1,
    PARITY = 4,
    ADJUST = 0x10,
    ZERO = 0x40,
    SIGN = 0x80,
    TRAP = 0x100,
    DIRECTION = 0x400,
    OVERFLOW = 0x800
};

struct after {
    uint64_t result, behind, expected, flags, kept;
};

static struct after ask(uint64_t flags)
{
    struct after after;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n"
                     "    push %5\n"
                     "    popfq\n"
                     "    mov $186, %%eax\n"
                     "    syscall\n"
                     "1:  mov %%r11, %4\n"
                     "    pushfq\n"
                     "    pop %3\n"
                     "    cld\n"
                     "    mov %%rcx, %1\n"
                     "    lea 1b(%%rip), %2\n"
                     "    lea 128(%%rsp), %%rsp\n"
                     : "=&a"(after.result), "=&r"(after.behind), "=&r"(after.expected), "=&r"(after.flags),
                     "=&r"(after.kept)
                     : "r"(flags)
                     : "rcx", "r11", "cc", "memory");
    return after;
}

static unsigned wrong_flags(void)
{
    static const unsigned bits[] = {CARRY, PARITY, ADJUST, ZERO, SIGN, OVERFLOW, DIRECTION};
    enum { BITS = sizeof bits / sizeof bits[0], LEVEL = 0x3000 /* the domain's, where PUSHF tells it */ };
    unsigned wrong = 0;
    for (unsigned i = 0; i < 1 << BITS; i++) {
        uint64_t flags = 0x202;
        for (unsigned bit = 0; bit < BITS; bit++)
            flags |= i >> bit & 1 ? bits[bit] : 0;
        struct after after = ask(flags);
        wrong += after.result != (uint64_t)getpid() || after.behind != after.expected ||
                 (after.flags & ~(uint64_t)LEVEL) != flags || (after.kept & ~(uint64_t)LEVEL) != flags;
    }
    return wrong;
}

/* ---- while it traps ---- */

static volatile unsigned traps;

static void count_trap(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    traps++;
}

static uint64_t step(void)
{
    uint64_t result;
    traps = 0;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n"
                     "    pushfq\n"
                     "    orq $0x100, (%%rsp)\n"
                     "    popfq\n"
                     "    mov $186, %%eax\n"
                     "    syscall\n"
                     "    nop\n"
                     "    pushfq\n"
                     "    andq $~0x100, (%%rsp)\n"
                     "    popfq\n"
                     "    lea 128(%%rsp), %%rsp\n"
                     : "=&a"(result)
                     :
                     : "rcx", "r11", "cc", "memory");
    return result;
}

/* ---- others ---- */

static volatile int ready;

static void *say_number(void *number)
{
    *(long *)number = syscall(SYS_gettid);
    return NULL;
}

static long number_of_thread(void)
{
    pthread_t thread;
    long number = 0;
    pthread_create(&thread, NULL, say_number, &number);
    pthread_join(thread, NULL);
    return number;
}

static int ends_well(pid_t child)
{
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int in_child(int borrows)
{
    pid_t child = borrows ? vfork() : fork();
    if (child == 0)
        _exit(syscall(SYS_gettid) != syscall(SYS_getpid));
    return ends_well(child) && syscall(SYS_gettid) == getpid();
}

/* ---- signals ---- */

static volatile unsigned rings;

static void ring(int number)
{
    (void)number;
    rings++;
}

static unsigned long wrong_meanwhile(unsigned wanted)
{
    const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    const uint64_t own = (uint64_t)getpid();
    unsigned long wrong = 0;
    signal(SIGALRM, ring);
    if (wanted)
        setitimer(ITIMER_REAL, &often, NULL);
    while (rings < wanted) /* with no call that leaves */
        wrong += ask(0x202 | CARRY).result != own;
    setitimer(ITIMER_REAL, &never, NULL);
    return wrong;
}

/* ---- filters ---- */

static void *ask_until_refused(void *context)
{
    (void)context;
    ready = 1;
    while (syscall(SYS_gettid) > 0)
        continue;
    return NULL;
}

static int refuse_to_all(void)
{
    struct sock_filter refuse[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof refuse / sizeof refuse[0], refuse};
    pthread_t thread;
    long number = 0;
    pthread_create(&thread, NULL, ask_until_refused, NULL);
    while (!ready)
        sched_yield();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
        return -1;
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, say_number, &number); /* and those that come after */
    pthread_join(thread, NULL);
    return number == -1 && syscall(SYS_gettid) == -1;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = count_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    printf("flags: %u wrong\n", wrong_flags());
    if (argc != 2) {
        uint64_t stepped = step();
        printf("steps: %u, %d\n", traps, stepped == (uint64_t)getpid());
    }
    long number = number_of_thread();
    printf("a thread's: %d, a child's: %d, %d\n", number != getpid() && number > 0, in_child(0), in_child(1));
    printf("signals: %lu wrong\n", wrong_meanwhile(argc > 1 ? (unsigned)atoi(argv[1]) : 500));
    printf("filtered: %d\n", refuse_to_all());
    return 0;
}
