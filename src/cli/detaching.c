#include "cli/detaching.h"

#include "cli/interrupt.h"
#include "cli/outputs.h"
#include "cli/status.h"
#include "report/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int detaching_fork(const char *log, int *report, int *hear, struct error *error)
{
    int ends[2], output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (output < 0)
        return error_errno(error, errno, "cannot write the log %.300s", log);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        close(output);
        return error_errno(error, errno, "cannot start a domain in the background");
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        setsid();
        signal(SIGHUP, SIG_IGN);
        interrupt_forget(); /* who waits for it tells it so itself */
        int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
            dup2(output, STDERR_FILENO) < 0)
            _exit(STATUS_FAILED);
        close(nothing);
        close(output);
        *report = ends[1];
        return 0;
    }
    close(ends[1]);
    close(output);
    *report = -1;
    *hear = ends[0];
    if (child > 0)
        return 0;
    close(ends[0]);
    return error_start(error, errno, "a process for the domain");
}

int detaching_hear(int hear, const char *log, struct start *start, struct error *error)
{
    enum { LOOK_MS = 200 };
    struct pollfd watched = {hear, POLLIN, 0};
    struct progress_line line;
    ssize_t count = -1;
    progress_start(&line, stderr, false, locale_is_utf8());
    do {
        if (interrupt_asked(NULL))
            (void)shutdown(hear, SHUT_WR); /* the child looks for that */
        if (poll(&watched, 1, LOOK_MS) <= 0)
            continue;
        count = recv(hear, start, sizeof *start, 0);
        if (count == (ssize_t)sizeof *start && start->on_the_way)
            progress_update(&line, start->fraction, start->seconds_left, start->what);
    } while (count < 0 || (count == (ssize_t)sizeof *start && start->on_the_way));
    progress_clear(&line);
    close(hear);
    return count == (ssize_t)sizeof *start
               ? 0
               : error_set(error, EIO, "the domain's process ended before the domain ran: see %.300s", log);
}
