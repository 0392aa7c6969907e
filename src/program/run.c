#include "program/run.h"

#include "base/checksum.h"
#include "base/clean.h"
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT, ERR, TELL, MARKS, STREAMS };

/* ---- in the child ---- */

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
    if (streams && !(failed = conditions_apply(conditions)))
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

/* What has come by one of the streams. */
typedef void taker(struct running *running, const struct run_limits *limits, struct run_end *end,
    const char *bytes, size_t count);

static void take_output(struct running *running, const struct run_limits *limits, struct run_end *end,
    const char *bytes, size_t count)
{
    checksum_add(&running->written, bytes, count);
    end->out_bytes += count;
    if (limits->kept)
        keep_end(limits->kept, &end->kept_length, limits->kept_bytes, bytes, count);
}

static void take_said(struct running *running, const struct run_limits *limits, struct run_end *end,
    const char *bytes, size_t count)
{
    (void)limits;
    (void)end;
    keep_end(running->said, &running->said_length, sizeof running->said - 1, bytes, count);
}

static void take_refusal(struct running *running, const struct run_limits *limits, struct run_end *end,
    const char *bytes, size_t count)
{
    (void)limits;
    (void)end;
    running->refused = count == sizeof running->refusal;
    if (running->refused)
        memcpy(&running->refusal, bytes, count);
}

static void take_mark(struct running *running, const struct run_limits *limits, struct run_end *end,
    const char *bytes, size_t count)
{
    (void)limits;
    (void)bytes;
    (void)count;
    double now = clock_seconds(), ran = schedule_ran(running->pid);
    if (isnan(running->first_mark)) {
        running->first_mark = now;
        running->first_ran = ran;
    } else {
        end->steady_seconds = now - running->first_mark;
        end->steady_cpu = ran - running->first_ran;
    }
}

static taker *const takers[STREAMS] = {
    [OUT] = take_output, [ERR] = take_said, [TELL] = take_refusal, [MARKS] = take_mark};

/* False: the stream has ended. */
static bool take(struct running *running, int stream, const struct run_limits *limits, struct run_end *end)
{
    char bytes[64 << 10];
    ssize_t got = read(running->streams[stream], bytes, sizeof bytes);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got > 0)
        takers[stream](running, limits, end, bytes, (size_t)got);
    return got > 0;
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

/* Takes what comes next, waiting at most until it has run for so many seconds. False: it has ended. */
static bool take_next(
    struct running *running, double began, double until, const struct run_limits *limits, struct run_end *end)
{
    struct pollfd fds[STREAMS + 1];
    for (int i = 0; i < STREAMS; i++)
        fds[i] = (struct pollfd){.fd = running->streams[i], .events = POLLIN};
    fds[STREAMS] = (struct pollfd){.fd = running->process, .events = POLLIN};
    double wait = until - (clock_seconds() - began);
    int ms = wait <= 0 ? 0 : wait > 0.1 ? 100 : (int)(wait * 1e3) + 1;
    int ready = poll(fds, STREAMS + 1, running->process < 0 ? 1 : ms);
    end->seconds = clock_seconds() - began;
    if (running->process < 0 ? has_ended(running) : ready > 0 && fds[STREAMS].revents)
        return false;
    if (ready > 0)
        take_all(running, fds, limits, end);
    return true;
}

/* Until it has ended or must; 0 or -EINTR. */
static int watch(struct running *running, double began, const struct run_limits *limits, struct run_end *end)
{
    double most = limits->seconds, next_look = limits->watcher ? first_look : most;
    bool finishing = false;
    while (take_next(running, began, fmin(next_look, most), limits, end)) {
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
    return 0;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void set_use(const struct rusage *use, struct run_end *end)
{
    end->user_seconds = seconds_of(use->ru_utime);
    end->system_seconds = seconds_of(use->ru_stime);
    end->cpu_seconds = end->user_seconds + end->system_seconds;
    end->faults = (uint64_t)use->ru_minflt;
    end->read_faults = (uint64_t)use->ru_majflt;
    end->peak_bytes = (uint64_t)use->ru_maxrss * 1024;
    end->waits = (uint64_t)use->ru_nvcsw;
    end->switches = (uint64_t)use->ru_nivcsw;
}

/* Waits for it, which has ended or is killed here, and ends what it left behind. */
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
    if (limits->left) {
        left_end(limits->left);
        left_add_use(&use, &limits->left->use);
    }
    kill(-running->pid, SIGKILL);
    set_use(&use, end);
    text_said(running->said, running->said_length, end->said, sizeof end->said);
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
