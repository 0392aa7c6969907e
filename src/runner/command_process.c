#include "runner/command_process.h"

#include "base/clean.h"
#include "measure/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- start ---- */

enum { READ_END, WRITE_END, PIPES = 3 };

static void close_pipes(int pipes[PIPES][2])
{
    for (size_t i = 0; i < PIPES; i++)
        for (size_t end = 0; end < 2; end++)
            if (pipes[i][end] >= 0)
                close(pipes[i][end]);
}

static int open_pipes(int pipes[PIPES][2], struct error *error)
{
    for (size_t i = 0; i < PIPES; i++)
        pipes[i][0] = pipes[i][1] = -1;
    for (size_t i = 0; i < PIPES; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) < 0) {
            int code = errno;
            close_pipes(pipes);
            return error_errno(error, code, "cannot make a pipe");
        }
    }
    return 0;
}

/* In the child. Only what may be called after fork(). */
static _Noreturn void become(int pipes[PIPES][2], const char *command, const struct pin *pin)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (pin && pin->before)
        pin_pause(pin);
    if (dup2(pipes[0][READ_END], STDIN_FILENO) >= 0 && dup2(pipes[1][WRITE_END], STDOUT_FILENO) >= 0 &&
        dup2(pipes[2][WRITE_END], STDERR_FILENO) >= 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int command_process_start(
    struct command_process *process, const char *command, const struct pin *pin, struct error *error)
{
    int pipes[PIPES][2]; /* its stdin, stdout, stderr */
    int rc = open_pipes(pipes, error);
    if (rc < 0)
        return rc;
    pid_t pid = fork();
    if (pid == 0)
        become(pipes, command, pin);
    if (pid < 0) {
        int code = errno;
        close_pipes(pipes);
        return error_start(error, code, "a process");
    }
    *process = (struct command_process){
        .pid = pid, .in = pipes[0][WRITE_END], .out = pipes[1][READ_END], .said_fd = pipes[2][READ_END]};
    close(pipes[0][READ_END]);
    close(pipes[1][WRITE_END]);
    close(pipes[2][WRITE_END]);
    fcntl(process->said_fd, F_SETFL, O_NONBLOCK);
    return 0;
}

/* ---- while it runs ---- */

/* Appends to the end of what was said, from which the beginning goes. */
static void keep(struct command_process *process, const char *piece, size_t length)
{
    size_t room = sizeof process->said - process->said_length;
    if (length > room) {
        size_t gone = length - room;
        memmove(process->said, process->said + gone, process->said_length - gone);
        process->said_length -= gone;
    }
    memcpy(process->said + process->said_length, piece, length);
    process->said_length += length;
}

static void take_said(struct command_process *process)
{
    char piece[COMMAND_SAID_BYTES / 2];
    ssize_t got = process->said_fd < 0 ? -1 : read(process->said_fd, piece, sizeof piece);
    if (got > 0) {
        keep(process, piece, (size_t)got);
    } else if (got == 0) {
        close(process->said_fd);
        process->said_fd = -1;
    }
}

enum {
    LOOK_MS = 100,             /* between two looks whether to stop: a signal may come just before poll() */
    INTERRUPTIONS_MAX = 100000 /* on end: more than real signals make of one wait */
};

int command_process_wait(
    struct command_process *process, double deadline, const struct stop *stop, struct error *error)
{
    for (int interruptions = 0;;) {
        struct pollfd fds[] = {
            {.fd = process->out, .events = POLLIN}, {.fd = process->said_fd, .events = POLLIN}};
        if (stop_asked(stop))
            return error_set(error, EINTR, "stopped while waiting for an answer");
        int ready = poll(fds, 2, LOOK_MS);
        if (ready < 0 && errno != EINTR)
            return error_errno(error, errno, "cannot wait for an answer");
        interruptions = ready < 0 ? interruptions + 1 : 0;
        if (interruptions > INTERRUPTIONS_MAX)
            return error_set(error, EIO,
                "waiting for an answer is interrupted again and again: find out who sends signals, or which "
                "sandbox refuses poll()");
        if (ready > 0 && fds[1].revents)
            take_said(process);
        if (ready > 0 && fds[0].revents)
            return 0;
        if (clock_seconds() > deadline)
            return error_set(error, ETIMEDOUT, "no answer came in time");
    }
}

/* ---- its end ---- */

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
}

enum { STEP_MS = 5 };

/* Waits for its end without taking its status, so that its number stays its own; true if it has come. */
static bool await_end(struct command_process *process, double seconds)
{
    double until = clock_seconds() + seconds;
    do {
        siginfo_t info = {0};
        take_said(process);
        if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
            return true;
        pause_ms(STEP_MS);
    } while (clock_seconds() < until);
    return false;
}

static void reap(struct command_process *process)
{
    enum { TRIES = 1000 };
    kill(-process->pid, SIGKILL);
    for (int i = 0; i < TRIES; i++)
        if (waitpid(process->pid, &process->status, 0) >= 0 || errno != EINTR)
            break;
    process->ended = true;
}

enum { SIGNALS = 64 };

static void describe_status(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) > 128 && WEXITSTATUS(status) <= 128 + SIGNALS)
        snprintf(text, size, "ended with exit status %d (signal %d, as shells tell it)", WEXITSTATUS(status),
            WEXITSTATUS(status) - 128);
    else if (WEXITSTATUS(status) == 127)
        snprintf(text, size, "ended with exit status 127 (a command was not found)");
    else
        snprintf(text, size, "ended with exit status %d", WEXITSTATUS(status));
}

enum { TOLD_BYTES = 240 };

void command_process_tell_end(struct command_process *process, char *text, size_t size)
{
    static const double patience = 2;
    char how[80] = "closed its stdout", said[TOLD_BYTES];
    if (await_end(process, patience)) {
        reap(process);
        describe_status(process->status, how, sizeof how);
    }
    take_said(process);
    text_said(process->said, process->said_length, said, sizeof said);
    snprintf(text, size, said[0] ? "%s and said: %s" : "%s and said nothing on stderr", how, said);
}

void command_process_end(struct command_process *process, double grace_seconds)
{
    static const double after_term = 0.5;
    if (!process->pid)
        return;
    close(process->in);
    if (!process->ended && !await_end(process, grace_seconds)) {
        kill(-process->pid, SIGTERM);
        await_end(process, after_term);
    }
    if (!process->ended)
        reap(process);
    close(process->out);
    if (process->said_fd >= 0)
        close(process->said_fd);
    process->pid = 0;
}
