/* A storm of signals: from a timer, from children, from the program's own threads, and by faults, with
 * handlers on a stack of their own that are interrupted themselves. None may be lost that Linux promises
 * (real-time signals and faults), and no register of what they interrupt:
 *
 *     storm ROUNDS */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 1 << 16, SENDERS = 3, PAGE = 4096 };

static long rounds;
static volatile long queued, faults, ticks, off_stack;
static volatile uint64_t sum; /* of what came with them */
static char *page, *stack;

static void note_place(void)
{
    char here;
    if (&here < stack || &here >= stack + STACK_BYTES)
        __atomic_fetch_add(&off_stack, 1, __ATOMIC_RELAXED);
}

static void take_queued(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    note_place();
    queued++;
    sum += (unsigned)info->si_value.sival_int;
}

/* Opens the page; the fault comes again by the next round's mprotect(). */
static void take_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    note_place();
    if (info->si_addr == page)
        faults++;
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static void take_tick(int number)
{
    (void)number;
    ticks++;
}

static void on(int number, void *handler, int flags)
{
    struct sigaction action = {.sa_flags = flags};
    if (flags & SA_SIGINFO)
        action.sa_sigaction = (void (*)(int, siginfo_t *, void *))handler;
    else
        action.sa_handler = (void (*)(int))handler;
    sigaction(number, &action, NULL);
}

/* The kernel's queue has an end: then it tries again. */
static void send(pid_t to, int number, long count)
{
    for (long i = 1; i <= count; i++)
        while (sigqueue(to, number, (union sigval){.sival_int = (int)i}) < 0 && errno == EAGAIN)
            usleep(1000);
}

static void *send_from_thread(void *context)
{
    (void)context;
    send(getpid(), SIGRTMIN + 1, rounds);
    return NULL;
}

/* A loop whose registers every handler in between must leave alone. */
static uint64_t count_up(long times)
{
    uint64_t a = 1, b = 2, c = 3, d = 4;
    double x = 0;
    for (long i = 0; i < times; i++) {
        a += b;
        b ^= c + a;
        c += d << 1;
        d += a >> 3;
        x += 0.5;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+x"(x));
    }
    return a ^ b ^ c ^ d ^ (uint64_t)x;
}

int main(int argc, char **argv)
{
    enum { TIMES = 20000 };
    const struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    pthread_t thread;
    sigset_t all, none;
    pid_t senders[SENDERS];
    long disturbed = 0, interrupted = 0, wanted;
    rounds = argc > 1 ? atol(argv[1]) : 100;
    wanted = (SENDERS + 1) * rounds;
    stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = STACK_BYTES}, NULL);
    for (int i = 0; i < 3; i++)
        on(SIGRTMIN + i, (void *)take_queued, SA_SIGINFO | SA_ONSTACK | (i == 1 ? SA_RESTART : 0));
    on(SIGSEGV, (void *)take_fault, SA_SIGINFO | SA_ONSTACK);
    on(SIGALRM, (void *)take_tick, SA_ONSTACK | SA_RESTART);
    const uint64_t right = count_up(TIMES);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < SENDERS; i++)
        if ((senders[i] = fork()) == 0) {
            send(getppid(), SIGRTMIN + i, rounds);
            _exit(0);
        }
    sigfillset(&all); /* they are for the first thread */
    pthread_sigmask(SIG_SETMASK, &all, &none);
    pthread_create(&thread, NULL, send_from_thread, NULL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    for (long i = 0; i < rounds || queued < wanted; i++) {
        if (i < rounds) {
            mprotect(page, PAGE, PROT_READ);
            *(volatile char *)page += 1;
        }
        disturbed += count_up(TIMES) != right;
        interrupted += poll(NULL, 0, 1) < 0 && errno != EINTR;
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < SENDERS; i++)
        while (waitpid(senders[i], NULL, 0) < 0 && errno == EINTR)
            continue;
    setitimer(ITIMER_REAL, &never, NULL);
    printf("queued %ld, their sum %llu, faults %ld, ticks %d, disturbed %ld, off the stack %ld, wrong %ld\n",
        queued, (unsigned long long)sum, faults, ticks > 0, disturbed, off_stack, interrupted);
    return 0;
}
