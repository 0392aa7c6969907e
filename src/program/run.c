#include "program/run.h"

#include "base/checksum.h"
#include "host/schedule_wait.h"
#include "measure/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT, ERR, TELL, MARKS, STREAMS };

/* ---- in the child ---- */

static const char padding_name[] = "VCOST_PADDING";

static const char *apply_environment(const struct conditions *conditions)
{
    char *padding = NULL;
    if (conditions->padding && (padding = malloc(conditions->padding + 1))) {
        memset(padding, 'x', conditions->padding);
        padding[conditions->padding] = '\0';
        setenv(padding_name, padding, 1); /* a copy */
        free(padding);
    }
    for (size_t i = 0; i < conditions->variable_count; i++)
        if (setenv(conditions->variables[i].name, conditions->variables[i].value, 1))
            return "its environment";
    return NULL;
}

static const char *apply_memory(const struct conditions *conditions)
{
    enum { MPOL_BIND_MODE = 2, MPOL_INTERLEAVE_MODE = 3, NODES = 1024, BITS = 64 };
    uint64_t nodes[NODES / BITS] = {0};
    if (conditions->memory == MEMORY_USUAL)
        return NULL;
    bool bind = conditions->memory == MEMORY_OF_NODE;
    if (bind)
        nodes[conditions->node / BITS % (NODES / BITS)] |= UINT64_C(1) << conditions->node % BITS;
    else if (syscall(SYS_get_mempolicy, NULL, nodes, NODES, NULL, 4 /* MPOL_F_MEMS_ALLOWED */))
        return "the nodes that it may use";
    return syscall(SYS_set_mempolicy, bind ? MPOL_BIND_MODE : MPOL_INTERLEAVE_MODE, nodes, NODES)
               ? "its memory's nodes"
               : NULL;
}

/* What could not be done; NULL: all was, errno tells why not. */
static const char *apply(const struct conditions *conditions)
{
    const char *failed = apply_environment(conditions);
    if (!failed)
        failed = apply_memory(conditions);
    if (!failed && CPU_COUNT(&conditions->cpus) &&
        sched_setaffinity(0, sizeof conditions->cpus, &conditions->cpus) < 0)
        failed = "the CPUs that it may use";
    if (!failed && conditions->without_large && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
        failed = "no large pages";
    if (!failed && conditions->fixed_addresses && personality(ADDR_NO_RANDOMIZE) < 0)
        failed = "fixed addresses";
    return failed;
}

/* Told to the parent before exec(): what failed. */
struct refusal {
    int code;
    char what[40]; /* "" : exec() itself */
};

/* One digit, which is all that some shells take, and none of those that a program may expect next. What is
 * closed when the program begins is in nobody's way, but for `tell`. */
static void offer_marks(int end, int tell)
{
    enum { HIGHEST = 9 };
    char number[] = "9";
    for (int at = HIGHEST; at > STDERR_FILENO; at--) {
        int flags = fcntl(at, F_GETFD);
        if (at == tell || at == end || (flags >= 0 && !(flags & FD_CLOEXEC)))
            continue;
        number[0] = (char)('0' + at);
        if (dup2(end, at) == at)
            setenv("VCOST_STEADY", number, 1);
        return;
    }
}

/* It is in a session of its own, so that nobody else would end it when this process is killed. */
static void end_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() != parent)
        _exit(126);
}

static _Noreturn void become(const struct program *program, const struct conditions *conditions, bool marks,
    pid_t parent, int in, int pipes[STREAMS][2])
{
    int out = program->output ? program->output : pipes[OUT][1], err = pipes[ERR][1], tell = pipes[TELL][1];
    sigset_t none;
    setsid(); /* first: a Ctrl-C is vcost's, which ends it */
    end_with(parent);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    const char *failed = "its standard streams";
    bool streams =
        dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0;
    if (streams && marks)
        offer_marks(pipes[MARKS][1], tell);
    if (streams && !(failed = apply(conditions)))
        execvp(program->words[0], (char *const *)program->words);
    struct refusal refusal = {.code = errno};
    if (failed)
        snprintf(refusal.what, sizeof refusal.what, "%s", failed);
    if (write(tell, &refusal, sizeof refusal) < 0)
        _exit(126);
    _exit(127);
}

/* ---- its end and its output, as they come ---- */

struct running {
    pid_t pid;
    int process;          /* pidfd; -1: there is none, and it is looked at often */
    int streams[STREAMS]; /* -1: has ended */
    struct refusal refusal;
    bool refused;
    double first_mark;       /* clock_seconds(); NAN: there was none */
    double first_ran;        /* and how long its first thread had run then */
    struct checksum written; /* to stdout */
    char said[RUN_SAID_BYTES];
    size_t said_length;
};

/* The end of what has come, in a buffer of `size` bytes. */
static void keep_end(char *kept, size_t *length, size_t size, const char *bytes, size_t count)
{
    if (count > size) {
        bytes += count - size;
        count = size;
    }
    size_t gone = *length + count > size ? *length + count - size : 0;
    memmove(kept, kept + gone, *length - gone);
    memcpy(kept + *length - gone, bytes, count);
    *length += count - gone;
}

/* False: the stream has ended. */
static bool take(struct running *running, int stream, const struct run_limits *limits, struct run_end *end)
{
    char bytes[64 << 10];
    ssize_t got = read(running->streams[stream], bytes, sizeof bytes);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    size_t count = (size_t)got;
    if (stream == OUT) {
        checksum_add(&running->written, bytes, count);
        end->out_bytes += count;
        if (limits->kept)
            keep_end(limits->kept, &end->kept_length, limits->kept_bytes, bytes, count);
    } else if (stream == ERR) {
        keep_end(running->said, &running->said_length, sizeof running->said - 1, bytes, count);
    } else if (stream == MARKS) {
        double now = clock_seconds(), ran = schedule_ran(running->pid);
        if (isnan(running->first_mark)) {
            running->first_mark = now;
            running->first_ran = ran;
        } else {
            end->steady_seconds = now - running->first_mark;
            end->steady_cpu = ran - running->first_ran;
        }
    } else if (count == sizeof running->refusal) {
        memcpy(&running->refusal, bytes, count);
        running->refused = true;
    }
    return true;
}

static void take_all(
    struct running *running, const struct pollfd *fds, const struct run_limits *limits, struct run_end *end)
{
    for (int i = 0; i < STREAMS; i++) {
        if (running->streams[i] < 0 || !fds[i].revents || take(running, i, limits, end))
            continue;
        close(running->streams[i]);
        running->streams[i] = -1;
    }
}

/* What is still in the pipes after its end; whoever else holds them is not waited for. */
static void take_rest(struct running *running, const struct run_limits *limits, struct run_end *end)
{
    enum { PIECES_MAX = 64 }; /* more than a pipe holds */
    for (int i = 0; i < STREAMS; i++) {
        struct pollfd fd = {.fd = running->streams[i], .events = POLLIN};
        for (int piece = 0; piece < PIECES_MAX && fd.fd >= 0 && poll(&fd, 1, 0) == 1; piece++)
            if (!take(running, i, limits, end))
                break;
        if (running->streams[i] >= 0)
            close(running->streams[i]);
    }
}

static bool has_ended(const struct running *running)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)running->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* ---- one run ---- */

static const double first_look = 0.005, looks_grow = 1.4, finish_seconds = 10;

/* Until it has ended or must; 0 or -EINTR. */
static int watch(struct running *running, double began, const struct run_limits *limits, struct run_end *end)
{
    double most = limits->seconds, next_look = limits->watcher ? first_look : most;
    bool finishing = false;
    for (;;) {
        struct pollfd fds[STREAMS + 1];
        for (int i = 0; i < STREAMS; i++)
            fds[i] = (struct pollfd){.fd = running->streams[i], .events = POLLIN};
        fds[STREAMS] = (struct pollfd){.fd = running->process, .events = POLLIN};
        double now = clock_seconds() - began, until = next_look < most ? next_look : most;
        double wait = until - now;
        int ms = wait <= 0 ? 0 : wait > 0.1 ? 100 : (int)(wait * 1e3) + 1;
        int ready = poll(fds, STREAMS + 1, running->process < 0 ? 1 : ms);
        end->seconds = clock_seconds() - began;
        if (running->process < 0 ? has_ended(running) : ready > 0 && fds[STREAMS].revents)
            return 0;
        if (ready > 0)
            take_all(running, fds, limits, end);
        if (stop_asked(limits->stop))
            return -EINTR;
        if (!finishing && stop_asked(limits->finish)) {
            kill(-running->pid, SIGTERM);
            finishing = true;
            most = end->seconds + finish_seconds;
        }
        if (end->seconds >= most) {
            end->timed_out = true;
            return 0;
        }
        if (limits->watcher && end->seconds >= next_look) {
            /* execve() closes it: before that vcost would be seen. */
            if (running->streams[TELL] < 0)
                limits->watcher->look(running->pid, limits->watcher->context);
            next_look = (clock_seconds() - began) * looks_grow;
        }
    }
}

static void tell_said(const struct running *running, char *text)
{
    size_t length = running->said_length;
    while (length && (running->said[length - 1] == '\n' || running->said[length - 1] == '\r'))
        length--;
    for (size_t i = 0; i < length; i++) {
        char c = running->said[i];
        text[i] = c == '\n' || c == '\t' ? ' ' : (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
    }
    text[length] = '\0';
}

static void reap(struct running *running, const struct run_limits *limits, struct run_end *end)
{
    enum { TRIES = 1000 };
    struct rusage use = {0};
    if (end->timed_out || stop_asked(limits->stop)) {
        kill(-running->pid, SIGKILL);
        kill(running->pid, SIGKILL); /* it may not lead its group yet */
    }
    if (limits->left)
        left_wait_end(limits->left);
    end->kept_seconds = schedule_waited(running->pid);
    pid_t got = -1;
    for (int i = 0; i < TRIES && got < 0; i++)
        if ((got = wait4(running->pid, &end->status, 0, &use)) < 0 && errno != EINTR)
            break;
    take_rest(running, limits, end);
    if (limits->left)
        left_end(limits->left);
    kill(-running->pid, SIGKILL);
    end->user_seconds = (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6;
    end->system_seconds = (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6;
    end->cpu_seconds = end->user_seconds + end->system_seconds;
    end->faults = (uint64_t)use.ru_minflt;
    end->read_faults = (uint64_t)use.ru_majflt;
    end->peak_bytes = (uint64_t)use.ru_maxrss * 1024;
    end->waits = (uint64_t)use.ru_nvcsw;
    end->switches = (uint64_t)use.ru_nivcsw;
    tell_said(running, end->said);
}

static int cannot_start(const struct program *program, const struct refusal *refusal, struct error *error)
{
    if (refusal->what[0])
        return error_errno(
            error, refusal->code, "cannot set %s for %.200s", refusal->what, program->words[0]);
    return error_errno(error, refusal->code, "cannot start %.300s", program->words[0]);
}

static void close_pipes(int pipes[STREAMS][2])
{
    for (int i = 0; i < STREAMS; i++)
        for (int end = 0; end < 2; end++)
            if (pipes[i][end] >= 0)
                close(pipes[i][end]);
}

static int open_streams(const struct program *program, int *in, int pipes[STREAMS][2], struct error *error)
{
    const char *input = program->input ? program->input : "/dev/null";
    memset(pipes, -1, sizeof(int[STREAMS][2]));
    if ((*in = open(input, O_RDONLY | O_CLOEXEC)) < 0)
        return error_errno(error, errno, "cannot read %.300s", input);
    for (int i = 0; i < STREAMS; i++)
        if (pipe2(pipes[i], O_CLOEXEC) < 0) {
            int code = errno;
            close(*in);
            close_pipes(pipes);
            return error_errno(error, code, "cannot make a pipe");
        }
    return 0;
}

/* Its process, and the ends of the pipes that are ours. */
static int start(struct running *running, const struct program *program, const struct conditions *conditions,
    bool marks, int in, int pipes[STREAMS][2], struct error *error)
{
    const pid_t parent = getpid();
    running->pid = fork();
    if (running->pid == 0)
        become(program, conditions, marks, parent, in, pipes);
    int code = errno;
    close(in);
    for (int i = 0; i < STREAMS; i++) {
        running->streams[i] = pipes[i][0];
        close(pipes[i][1]);
        if (running->pid < 0)
            close(running->streams[i]);
    }
    if (running->pid < 0)
        return error_start(error, code, "a process");
    running->process = (int)syscall(SYS_pidfd_open, running->pid, 0);
    return 0;
}

int program_run(const struct program *program, const struct conditions *conditions,
    const struct run_limits *limits, struct run_end *end, struct error *error)
{
    struct run_end made = {.steady_seconds = NAN, .steady_cpu = NAN};
    struct running running = {.process = -1, .first_mark = NAN};
    int in, pipes[STREAMS][2];
    int rc = open_streams(program, &in, pipes, error);
    if (rc < 0)
        return rc;
    if (limits->left)
        left_begin(limits->left);
    checksum_begin(&running.written, false);
    double began = clock_seconds();
    rc = start(&running, program, conditions, limits->marks, in, pipes, error);
    if (rc < 0 && limits->left)
        left_end(limits->left);
    if (rc < 0)
        return rc;
    if (limits->left)
        left_wait(limits->left, running.pid);
    rc = watch(&running, began, limits, &made);
    reap(&running, limits, &made);
    made.out_digest = checksum_end(&running.written);
    if (running.process >= 0)
        close(running.process);
    if (running.refused)
        return cannot_start(program, &running.refusal, error);
    if (rc < 0)
        return error_set(error, EINTR, "%s", stop_reason(limits->stop));
    *end = made;
    return 0;
}

void run_status_text(int status, char text[static RUN_STATUS_BYTES])
{
    if (WIFSIGNALED(status))
        snprintf(text, RUN_STATUS_BYTES, "was killed by signal %d (%.50s)", WTERMSIG(status),
            strsignal(WTERMSIG(status)));
    else
        snprintf(text, RUN_STATUS_BYTES, "ended with exit status %d", WEXITSTATUS(status));
}
