#include "program/left.h"

#include "host/read_text.h"
#include "measure/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

const double left_seconds = 5;

/* ---- the kernel's list ---- */

struct children {
    pid_t all[LEFT_BEFORE_MAX];
    size_t count;
};

/* Of one thread of this process; a number that was cut off is nobody's child, or is met again. */
static bool take_children(const char *thread, void *context)
{
    enum { TEXT_BYTES = 1024 };
    struct children *children = context;
    char path[64], text[TEXT_BYTES];
    snprintf(path, sizeof path, "/proc/self/task/%.20s/children", thread);
    if (read_text(path, text, sizeof text) < 0)
        return true;
    char *at = text;
    for (long child; children->count < LEFT_BEFORE_MAX && (child = strtol(at, &at, 10)) > 0;)
        children->all[children->count++] = (pid_t)child;
    return children->count < LEFT_BEFORE_MAX;
}

static struct children children_now(void)
{
    struct children children = {.count = 0};
    read_each_name("/proc/self/task", take_children, &children);
    return children;
}

/* ---- what has come since ---- */

static bool was_there(const struct left *left, pid_t child)
{
    for (size_t i = 0; i < left->before_count; i++)
        if (left->before[i] == child)
            return true;
    return false;
}

static void note(struct left *left, pid_t child)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)child);
    if (left->count++ == 0 && read_line(path, left->name, sizeof left->name) < 0)
        snprintf(left->name, sizeof left->name, "process %d", (int)child);
}

static void add_time(struct timeval *sum, const struct timeval *more)
{
    enum { A_SECOND_US = 1000000 };
    sum->tv_sec += more->tv_sec + (sum->tv_usec + more->tv_usec) / A_SECOND_US;
    sum->tv_usec = (sum->tv_usec + more->tv_usec) % A_SECOND_US;
}

void left_add_use(struct rusage *sum, const struct rusage *more)
{
    add_time(&sum->ru_utime, &more->ru_utime);
    add_time(&sum->ru_stime, &more->ru_stime);
    sum->ru_minflt += more->ru_minflt;
    sum->ru_majflt += more->ru_majflt;
    sum->ru_nvcsw += more->ru_nvcsw;
    sum->ru_nivcsw += more->ru_nivcsw;
    if (sum->ru_maxrss < more->ru_maxrss)
        sum->ru_maxrss = more->ru_maxrss;
}

/* 0: it has not ended; below 0: it is no child. */
static pid_t wait_for(struct left *left, pid_t child)
{
    struct rusage use;
    pid_t got = wait4(child, NULL, WNOHANG, &use);
    if (got > 0)
        left_add_use(&left->use, &use);
    return got;
}

/* What is no child of this process any more has, too. */
static bool has_ended(pid_t child)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

/* One that has ended by itself is only waited for. What is not a child of this process is not killed: until
 * it is waited for, nobody else can have its number. */
static void end_child(struct left *left, pid_t child, double until)
{
    static const struct timespec nap = {.tv_nsec = 1000000};
    if (!has_ended(child)) {
        note(left, child);
        kill(child, SIGKILL);
    }
    while (wait_for(left, child) == 0 && clock_seconds() < until)
        nanosleep(&nap, NULL);
}

/* ---- what ends by itself meanwhile ---- */

static bool wait_for_those_since(struct left *left)
{
    const struct children children = children_now();
    bool waited = false;
    for (size_t i = 0; i < children.count; i++)
        if (children.all[i] != left->program && !was_there(left, children.all[i]))
            waited |= wait_for(left, children.all[i]) > 0;
    return waited;
}

/* Until the program has ended, which its owner sees to. A child that has ended, and was there before, or is
 * not told by the kernel, is nobody's to wait for here, and makes waitid() return at once: then it looks from
 * time to time. */
static void *wait_for_orphans(void *context)
{
    static const struct timespec nap = {.tv_nsec = 5000000};
    struct left *left = context;
    siginfo_t ended = {0};
    while (
        !has_ended(left->program) && (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0 || errno == EINTR)) {
        if (!wait_for_those_since(left) || was_there(left, ended.si_pid))
            nanosleep(&nap, NULL);
    }
    return NULL;
}

void left_wait(struct left *left, pid_t program)
{
    left->program = program;
    left->waits = pthread_create(&left->waiter, NULL, wait_for_orphans, left) == 0;
}

void left_wait_end(struct left *left)
{
    if (left->waits)
        pthread_join(left->waiter, NULL);
    left->waits = false;
}

/* ---- from before it is started until after it has ended ---- */

void left_begin(struct left *left)
{
    const struct children children = children_now();
    *left = (struct left){.before_count = children.count};
    for (size_t i = 0; i < children.count; i++)
        left->before[i] = children.all[i];
    if (prctl(PR_GET_CHILD_SUBREAPER, &left->was_reaper, 0, 0, 0))
        left->was_reaper = 0;
    if (children.count < LEFT_BEFORE_MAX)
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* When one ends, its own children come to this process: once more, until nobody is left. */
void left_end(struct left *left)
{
    double until = clock_seconds() + left_seconds;
    bool found = left->before_count < LEFT_BEFORE_MAX;
    while (found && clock_seconds() < until) {
        const struct children children = children_now();
        found = false;
        for (size_t k = 0; k < children.count; k++)
            if (!was_there(left, children.all[k])) {
                end_child(left, children.all[k], until);
                found = true;
            }
    }
    prctl(PR_SET_CHILD_SUBREAPER, left->was_reaper, 0, 0, 0);
}
