#include "load.h"

#include "base/random.h"
#include "base/size.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- what the processes do ---- */

static const size_t stream_bytes = 128 * MIB, visitor_bytes = 1 * MIB;

/* Bursts and pauses of the one that comes and goes, ms. */
enum { BURST_MIN = 2, BURST_MAX = 30, PAUSE_MIN = 20, PAUSE_MAX = 200 };

static _Noreturn void stream(char *memory, size_t bytes)
{
    for (unsigned value = 0;; value++) {
        memset(memory, (int)(value & 0xff), bytes);
        __asm__ volatile("" ::"r"(memory) : "memory");
    }
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void pause_ms(uint64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static _Noreturn void come_and_go(char *memory, size_t bytes)
{
    uint64_t random = (uint64_t)getpid();
    for (;;) {
        double end = now_ms() + BURST_MIN + (double)random_below(&random, BURST_MAX - BURST_MIN + 1);
        while (now_ms() < end) {
            memset(memory, (int)(random & 0xff), bytes);
            __asm__ volatile("" ::"r"(memory) : "memory");
        }
        pause_ms(PAUSE_MIN + random_below(&random, PAUSE_MAX - PAUSE_MIN + 1));
    }
}

static _Noreturn void spin(char *memory, size_t bytes)
{
    for (;;)
        memory[(size_t)now_ms() % bytes]++;
}

/* ---- starting and stopping ---- */

const char *const load_names[LOAD_KINDS] = {"none", "made", "a hog"};

/* The first CPU that the machine gives and that is not this one; this one if there is none. */
static unsigned other_than(unsigned cpu)
{
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    if (sched_setaffinity(0, sizeof all, &all) == 0 && sched_getaffinity(0, sizeof all, &all) == 0)
        for (unsigned other = 0; other < CPU_SETSIZE; other++)
            if (other != cpu && CPU_ISSET(other, &all))
                return other;
    return cpu;
}

static _Noreturn void run(unsigned cpu, size_t bytes, void (*work)(char *memory, size_t bytes))
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the parent, which stops the load */
    char *memory = malloc(bytes);
    if (!memory || sched_setaffinity(0, sizeof one, &one) < 0)
        _exit(1);
    work(memory, bytes);
    _exit(0);
}

static const struct {
    const size_t *bytes;
    void (*work)(char *memory, size_t bytes);
    int elsewhere; /* not on the measuring CPU */
} parts[LOAD_KINDS][LOAD_PROCESSES] = {
    [LOAD_NEIGHBOURS] = {{&stream_bytes, stream, 1}, {&visitor_bytes, come_and_go, 0}},
    [LOAD_HOG] = {{&visitor_bytes, spin, 0}},
};

int load_start(struct load *load, enum load_kind kind, unsigned cpu, struct error *error)
{
    *load = (struct load){0};
    for (size_t i = 0; i < LOAD_PROCESSES && parts[kind][i].work; i++) {
        pid_t parent = getpid(), child = fork();
        if (child < 0)
            return error_errno(error, errno, "a process that makes load cannot be started");
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                _exit(1);
            run(parts[kind][i].elsewhere ? other_than(cpu) : cpu, *parts[kind][i].bytes, parts[kind][i].work);
        }
        load->processes[i] = child;
    }
    return 0;
}

void load_stop(struct load *load)
{
    for (size_t i = 0; i < LOAD_PROCESSES; i++) {
        if (load->processes[i] <= 0)
            continue;
        kill(load->processes[i], SIGKILL);
        while (waitpid(load->processes[i], NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *load = (struct load){0};
}
