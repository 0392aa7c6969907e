/* Trials in processes of their own. */
#include "experiment/verify_internal.h"

#include "measure/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 20 }; /* so often it is looked whether to stop */

/* In a group of its own: Ctrl-C is for who waits. What a monitor starts ends with it. */
static _Noreturn void run(const struct apart *apart, const struct trial *begun, int answer)
{
    struct trial trial = *begun;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    apart->run(apart->context, &trial);
    _exit(write(answer, &trial, sizeof trial) != sizeof trial);
}

enum answer { ANSWERED, ENDED, LATE, STOPPED };

/* What comes is less than a pipe takes at once: all of it or nothing. */
static enum answer await(const struct apart *apart, int from, struct trial *answer)
{
    const double end = clock_seconds() + apart->seconds;
    struct pollfd ready = {.fd = from, .events = POLLIN};
    while (clock_seconds() < end) {
        if (stop_asked(apart->stop))
            return STOPPED;
        if (poll(&ready, 1, LOOK_MS) > 0)
            return read(from, answer, sizeof *answer) == sizeof *answer ? ANSWERED : ENDED;
    }
    return LATE;
}

/* Its own end, where it has come to that; status as waitpid() tells it. */
static int end(pid_t process, bool by_itself)
{
    int status = 0;
    if (!by_itself)
        kill(process, SIGKILL);
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static void take(struct trial *trial, const struct trial *answer)
{
    memcpy(trial->guest, answer->guest, sizeof trial->guest);
    memcpy(trial->reason, answer->reason, sizeof trial->reason);
    trial->guest[sizeof trial->guest - 1] = trial->reason[sizeof trial->reason - 1] = '\0';
    trial->verdict = answer->verdict < TRIAL_VERDICTS ? answer->verdict : TRIAL_FAILED;
}

static void judge(const struct apart *apart, pid_t process, int from, struct trial *trial)
{
    struct trial answer;
    const enum answer came = await(apart, from, &answer);
    const int status = end(process, came == ANSWERED || came == ENDED);
    if (came == ANSWERED)
        take(trial, &answer);
    else if (came == LATE)
        trial_fails(trial, "the monitor has not come back within %g s", apart->seconds);
    else if (came == ENDED && WIFSIGNALED(status))
        trial_fails(
            trial, "the monitor was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (came == ENDED)
        trial_fails(trial, "the monitor ended without an answer, with status %d", WEXITSTATUS(status));
}

void trial_apart(const struct apart *apart, struct trial *trial)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        trial_fails(trial, "cannot make a pipe to a process of its own: %s", strerror(errno));
        return;
    }
    pid_t process = fork();
    if (process == 0)
        run(apart, trial, ends[1]);
    close(ends[1]);
    if (process < 0)
        trial_fails(trial, "cannot start a process of its own: %s", strerror(errno));
    else
        judge(apart, process, ends[0], trial);
    close(ends[0]);
}
