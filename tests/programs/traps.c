/* What instructions trap for, and the two old ways into the kernel: each line says what came of one. */
#include <asm/prctl.h>
#include <errno.h>
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf resume;
static volatile sig_atomic_t code;

static void jump(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    code = info->si_code;
    siglongjmp(resume, 1);
}

/* ---- arithmetic ---- */

static volatile double zero = 0, one = 1, tiny = 1e-300, huge = 1e300, third = 3, denormal = 1e-310, result;
static volatile long double long_zero = 0, long_one = 1, long_result;

static void divide(void)
{
    result = one / zero;
}
static void nothing_by_nothing(void)
{
    result = zero / zero;
}
static void too_small(void)
{
    result = tiny * tiny;
}
static void too_large(void)
{
    result = huge * huge;
}
static void inexact(void)
{
    result = one / third;
}
static void of_a_denormal(void)
{
    result = denormal + one;
}
static void divide_x87(void)
{
    long_result = long_one / long_zero;
    __asm__ volatile("fwait");
}
static void nothing_x87(void)
{
    long_result = long_zero / long_zero;
    __asm__ volatile("fwait");
}

static void arithmetic(void)
{
    enum { DENORMAL = 2 };
    static const struct {
        const char *name;
        void (*function)(void);
        int trapped;
    } cases[] = {
        {"division by zero", divide, FE_ALL_EXCEPT & ~FE_INEXACT},
        {"invalid", nothing_by_nothing, FE_ALL_EXCEPT & ~FE_INEXACT},
        {"underflow", too_small, FE_ALL_EXCEPT & ~FE_INEXACT},
        {"overflow", too_large, FE_ALL_EXCEPT & ~FE_INEXACT},
        {"inexact", inexact, FE_ALL_EXCEPT},
        {"denormal", of_a_denormal, FE_ALL_EXCEPT | DENORMAL},
        {"x87: division by zero", divide_x87, FE_ALL_EXCEPT & ~FE_INEXACT},
        {"x87: invalid", nothing_x87, FE_ALL_EXCEPT & ~FE_INEXACT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        code = 0;
        feclearexcept(FE_ALL_EXCEPT);
        feenableexcept(cases[i].trapped);
        unsigned control;
        __asm__ volatile("stmxcsr %0" : "=m"(control));
        control = cases[i].trapped & DENORMAL ? control & ~0x100u : control;
        __asm__ volatile("ldmxcsr %0" ::"m"(control));
        if (sigsetjmp(resume, 1) == 0)
            cases[i].function();
        fesetenv(FE_DFL_ENV);
        printf("%s: code %d\n", cases[i].name, (int)code);
    }
}

/* ---- the end of the stack ---- */

static int deeper(int depth)
{
    volatile char room[1000];
    room[0] = (char)depth;
    return depth < 1 << 30 ? deeper(depth + 1) + room[0] : 0;
}

static void overflow(void)
{
    static char own[1 << 16];
    const stack_t stack = {.ss_sp = own, .ss_size = sizeof own};
    sigaltstack(&stack, NULL);
    for (int i = 0; i < 2; i++) {
        code = 0;
        if (sigsetjmp(resume, 1) == 0)
            deeper(0);
        printf("the stack's end: code %d\n", (int)code);
    }
}

/* ---- ways into the kernel ---- */

static void vsyscall(void)
{
    int (*const get_time)(struct timeval *, void *) = (void *)0xffffffffff600000;
    time_t (*const get_seconds)(time_t *) = (void *)0xffffffffff600400;
    long (*const get_cpu)(unsigned *, unsigned *, void *) = (void *)0xffffffffff600800;
    struct timeval now = {0, 0};
    time_t seconds = 0;
    unsigned cpu = 99999;
    if (sigsetjmp(resume, 1)) {
        printf("vsyscall: there is none\n");
        return;
    }
    printf("vsyscall: %d", get_time(&now, NULL));
    printf(" %d", get_seconds(&seconds) == seconds && seconds - now.tv_sec < 2);
    printf(" %ld", get_cpu(&cpu, NULL, NULL));
    printf(" %d\n", cpu < 99999 && seconds > 1000000);
}

static long int80(long number, long first, long second, long third_word)
{
    long got;
    __asm__ volatile("int $0x80"
                     : "=a"(got)
                     : "a"(number), "b"(first), "c"(second), "d"(third_word)
                     : "memory");
    return got;
}

static void old_calls(void)
{
    enum { EXIT = 1, FORK, READ, GETPID = 20, DUP = 41 };
    if (sigsetjmp(resume, 1)) {
        printf("int 0x80: there is none\n");
        return;
    }
    printf("int 0x80: %d", int80(GETPID, 0, 0, 0) == getpid());
    printf(" %ld %ld", int80(DUP, 99, 0, 0), int80(READ, 0, 1, 2));
    fflush(stdout);
    long child = int80(FORK, 0, 0, 0);
    if (child == 0)
        int80(EXIT, 7, 0, 0);
    int status = 0;
    waitpid((pid_t)child, &status, 0);
    printf(" %d\n", WEXITSTATUS(status));
}

static void bases(void)
{
    const unsigned long last = (1ul << 47) - 4096;
    for (int i = 0; i < 2; i++) {
        errno = 0;
        long rc = syscall(SYS_arch_prctl, ARCH_SET_GS, last - (unsigned long)!i);
        printf("a base at the end of memory: %ld %s\n", rc, strerror(errno));
    }
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    arithmetic();
    overflow();
    vsyscall();
    old_calls();
    bases();
    return 0;
}
