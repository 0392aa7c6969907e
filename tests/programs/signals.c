/* Signals as programs use them: each line says what came of one. */
#include <errno.h>
#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf resume;
static volatile sig_atomic_t came, code;
static volatile int on_stack;
static char *place;
static char stack[1 << 16];
static char *volatile nowhere = (char *)8;

static void jump(int number, siginfo_t *info, void *context)
{
    (void)context;
    came = number;
    code = info->si_code;
    siglongjmp(resume, 1);
}

static void count(int number, siginfo_t *info, void *context)
{
    char here;
    (void)context;
    (void)info;
    came = number;
    on_stack = &here >= stack && &here < stack + sizeof stack;
}

static void open_page(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    came++;
    mprotect((void *)((unsigned long)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
}

static void on(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
}

/* As data, where a file is and behind its end. */
static void fetch_data(void)
{
    int file = memfd_create("data", 0);
    char *data = ftruncate(file, 100) == 0 ? mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
    on(SIGBUS, jump, 0);
    for (int twice = 0; twice < 2; twice++) {
        if (!sigsetjmp(resume, 1))
            ((void (*)(void))(uintptr_t)data)();
        printf("data are no code: %d %d\n", came, code);
        if (!sigsetjmp(resume, 1))
            ((void (*)(void))(uintptr_t)(data + 4096))();
        printf("behind the end of a file: %d %d\n", came, code);
    }
}

static void faults(void)
{
    volatile int zero = 0, result = 0;
    on(SIGSEGV, jump, 0);
    on(SIGFPE, jump, 0);
    on(SIGILL, jump, 0);
    on(SIGTRAP, jump, 0);
    place = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(place + 4096, 4096);
    if (!sigsetjmp(resume, 1))
        *(volatile char *)place = 1;
    printf("write to what is read only: %d %d\n", came, code);
    if (!sigsetjmp(resume, 1))
        result = *(volatile unsigned char *)(place + 4096);
    printf("read of nothing: %d %d\n", came, code);
    if (!sigsetjmp(resume, 1))
        result = 1 / zero;
    printf("division: %d %d\n", came, code);
    if (!sigsetjmp(resume, 1))
        __builtin_trap();
    printf("no instruction: %d %d\n", came, code);
    if (!sigsetjmp(resume, 1))
        __asm__ volatile("int3");
    printf("breakpoint: %d %d\n", came, code);
    if (!sigsetjmp(resume, 1))
        __asm__ volatile("hlt");
    printf("privileged: %d %d %d\n", came, code, result);
    fetch_data();
}

static void pages_on_demand(void)
{
    char *pages = mmap(NULL, 64 << 12, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int sum = 0;
    came = 0;
    on(SIGSEGV, open_page, 0);
    for (int i = 0; i < 64; i++)
        pages[i << 12] = (char)i;
    for (int i = 0; i < 64; i++)
        sum += (unsigned char)pages[i << 12];
    printf("pages on demand: %d %d\n", came, sum);
}

/* The registers of a loop must be there when a handler that uses them has returned. */
__attribute__((target("avx2"))) static void registers(void)
{
    __m256i vector = _mm256_set_epi64x(1, 2, 3, 4);
    long sum[4];
    on(SIGALRM, count, 0);
    const struct itimerval often = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 30000000; i++) {
        vector = _mm256_add_epi64(vector, _mm256_set_epi64x(1, 1, 1, 1));
        __asm__ volatile("" : "+x"(vector));
    }
    setitimer(ITIMER_REAL, &never, NULL);
    _mm256_storeu_si256((__m256i *)sum, vector);
    printf("registers: %ld %ld %ld %ld\n", sum[0], sum[1], sum[2], sum[3]);
}

static void calls(void)
{
    char byte;
    int ends[2], status;
    struct timespec moment = {5, 0};
    if (pipe(ends) < 0)
        exit(1);
    came = 0;
    on(SIGALRM, count, 0);
    ualarm(20000, 0);
    int got = (int)read(ends[0], &byte, 1), code_of = errno;
    printf("read without restart: %d %d\n", got, got < 0 ? code_of : 0);
    ualarm(20000, 0);
    got = nanosleep(&moment, &moment);
    printf("sleep: %d %d\n", got, errno);
    on(SIGALRM, count, SA_RESTART);
    came = 0;
    if (fork() == 0) {
        usleep(60000);
        _exit(write(ends[1], "x", 1) != 1);
    }
    ualarm(20000, 0);
    got = (int)read(ends[0], &byte, 1);
    printf("read with restart: %d %c %d\n", got, byte, came);
    wait(&status);
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&own, NULL);
    on(SIGUSR1, count, SA_ONSTACK);
    raise(SIGUSR1);
    printf("on a stack of its own: %d %d\n", came, on_stack);
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    came = 0;
    sigprocmask(SIG_BLOCK, &set, &before);
    raise(SIGUSR1);
    printf("blocked: %d", came);
    sigsuspend(&before);
    sigpending(&before);
    printf(", then %d, pending %d\n", came, sigismember(&before, SIGUSR1));
    if (fork() == 0)
        abort();
    wait(&status);
    printf("abort: %d\n", WTERMSIG(status));
    if (fork() == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)nowhere = 1;
    }
    wait(&status);
    printf("segmentation fault: %d\n", WTERMSIG(status));
}

int main(int count_of, char **words)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    faults();
    pages_on_demand();
    calls();
    if (__builtin_cpu_supports("avx2"))
        registers();
    if (count_of > 1)
        raise(atoi(words[1]));
    return 0;
}
