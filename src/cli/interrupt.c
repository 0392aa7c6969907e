#include "cli/interrupt.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static volatile sig_atomic_t caught;

static void remember(int number)
{
    caught = number;
}

/* ---- CPU time ---- */

/* What is left for the report once the measuring has to end: so much, or a part of a limit that is small. */
static const double reserve_seconds = 1;
static const double reserve_share = 0.25;

static rlim_t cpu_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_CPU, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

/* The kernel's own signal comes at the limit, and where the hard limit is the same (ulimit -t sets both) the
 * end comes with it; a timer of our own comes before. */
static void watch_cpu_time(void)
{
    const struct sigaction catch = {.sa_handler = remember};
    struct sigevent tell = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU};
    timer_t timer;
    rlim_t limit = cpu_limit();
    sigaction(SIGXCPU, &catch, NULL);
    if (limit == RLIM_INFINITY || timer_create(CLOCK_PROCESS_CPUTIME_ID, &tell, &timer) < 0)
        return;
    double whole = limit ? (double)limit : 1; /* the kernel takes 0 for 1 */
    double end = whole - fmin(reserve_seconds, reserve_share * whole);
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)end, .tv_nsec = (long)((end - floor(end)) * 1e9)}};
    timer_settime(timer, TIMER_ABSTIME, &when, NULL);
}

/* ---- what asks to stop ---- */

/* Without SA_RESTART, so that a guest that is running is interrupted too; SA_RESETHAND, so that the second
 * signal kills. */
void interrupt_catch(void)
{
    static const struct {
        int number;
        bool always; /* also if whoever started this has it ignored, as nohup and a shell's & do */
    } signals[] = {{SIGINT, false}, {SIGTERM, true}, {SIGHUP, false}};
    const struct sigaction catch = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction before;
        if (sigaction(signals[i].number, NULL, &before) == 0 &&
            (signals[i].always || before.sa_handler != SIG_IGN))
            sigaction(signals[i].number, &catch, NULL);
    }
    watch_cpu_time();
}

void interrupt_forget(void)
{
    caught = 0;
    interrupt_catch();
}

bool interrupt_asked(void *unused)
{
    (void)unused;
    return caught != 0;
}

const char *interrupt_reason(void *unused)
{
    static char text[160];
    (void)unused;
    if (caught != SIGXCPU)
        return "stopped by the user";
    snprintf(text, sizeof text,
        "the limit on CPU time of %llu s (ulimit -t) is nearly used up: raise it, or measure less (--quick, "
        "--time)",
        (unsigned long long)cpu_limit());
    return text;
}

bool interrupt_limited(void)
{
    return caught == SIGXCPU;
}

void interrupt_finish(void)
{
    if (!caught || caught == SIGXCPU)
        return;
    fflush(NULL);
    signal(caught, SIG_DFL);
    raise(caught);
}
