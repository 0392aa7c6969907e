/* New processes: page tables made and destroyed. */
#include "event/internal.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child ends by itself, at once: only a kernel that always says so interrupts this again and again. */
static int wait_for(pid_t child, struct error *error)
{
    enum { INTERRUPTIONS_MAX = 1000 };
    int status, interruptions = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR || interruptions++ == INTERRUPTIONS_MAX)
            return error_errno(error, errno == EINTR ? EAGAIN : errno, "cannot wait for a child process");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return error_set(error, EPROTO, "a child process that should do nothing did not end well");
}

int event_fork_and_exit(struct event_bench *bench, struct error *error)
{
    (void)bench;
    pid_t child = fork();
    if (child < 0)
        return error_start(error, errno, "a process");
    if (child == 0)
        _exit(0);
    return wait_for(child, error);
}

#define PROGRAM "/bin/true"

static int spawn_program(struct event_bench *bench, struct error *error)
{
    char *const arguments[] = {(char *)PROGRAM, NULL}, *const environment[] = {NULL};
    pid_t child;
    (void)bench;
    int rc = posix_spawn(&child, PROGRAM, NULL, NULL, arguments, environment);
    if (rc)
        return error_start(error, rc, PROGRAM);
    return wait_for(child, error);
}

#define ARTICLE_PROCESS                                                                                      \
    "New processes: every one needs page tables, which with shadow paging the monitor has to build a "       \
    "second time."

static const struct event rows[] = {
    {
        .name = "fork-exit",
        .group = EVENT_MEMORY,
        .unit = "process",
        .summary = "fork(), exit in the child, wait for it",
        .article = ARTICLE_PROCESS,
        .source = "fork(2); lmbench, lat_proc",
        .steps = "The page tables of this process, which has a few MiB of memory, are copied and its pages "
                 "write-protected; the child exits "
                 "at once and "
                 "its tables are destroyed; the parent sees its end.",
        .advice = "Use threads, or processes that live longer; vfork() or posix_spawn() to start programs.",
        .native = {.make = event_fork_and_exit, .waits = true},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "exec",
        .group = EVENT_MEMORY,
        .unit = "process",
        .summary = "starting " PROGRAM " by posix_spawn() and waiting for its end",
        .article = ARTICLE_PROCESS,
        .source = "posix_spawn(3), execve(2); lmbench, lat_proc",
        .steps =
            "A child is made without copying page tables, gets a new address space, maps the program and its "
            "libraries, faults their pages in and exits.",
        .advice = "Start fewer programs; link small ones statically.",
        .native = {.make = spawn_program, .waits = true},
        .guest = NEEDS_LINUX,
    },
};

const struct event_family events_process = EVENT_FAMILY(rows);
