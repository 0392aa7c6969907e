#include "bare_stop.h"

#include "measure/clock.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBER = 600, PAGE = 4096, STACK = 16 * PAGE };

struct bare_stop {
    enum bare_stop_kind kind;
    pid_t process;
    char *stack;        /* of the process, shared with it */
    atomic_int *answer; /* the listener's descriptor, or a negative errno; 0: none yet */
};

static void call_for_ever(void)
{
    for (;;)
        syscall(NUMBER, 1, 2, 3, 4, 5, 6);
}

/* The descriptor is made in the table that both share. */
static int notify(void *context)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NUMBER, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof code / sizeof *code, code};
    const struct bare_stop *stop = context;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    atomic_store(stop->answer, fd < 0 ? -errno : (int)fd);
    if (fd >= 0)
        call_for_ever();
    return 1;
}

static int be_traced(void *context)
{
    const struct bare_stop *stop = context;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    atomic_store(stop->answer, ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? -errno : 1);
    raise(SIGSTOP);
    call_for_ever();
    return 1;
}

struct bare_stop *bare_stop_open(enum bare_stop_kind kind, const char **why)
{
    int (*const is[])(void *) = {[BARE_NOTIFICATION] = notify, [BARE_PTRACE] = be_traced};
    struct bare_stop *stop =
        mmap(NULL, PAGE + STACK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stop == MAP_FAILED) {
        *why = strerror(errno);
        return NULL;
    }
    *stop = (struct bare_stop){.kind = kind,
        .stack = (char *)stop + PAGE,
        .answer = (atomic_int *)(void *)((char *)stop + PAGE / 2)};
    stop->process = clone(is[kind], stop->stack + STACK, CLONE_FILES | SIGCHLD, stop);
    while (stop->process > 0 && !atomic_load(stop->answer) && waitpid(stop->process, NULL, WNOHANG) == 0)
        sched_yield();
    int answer = stop->process > 0 ? atomic_load(stop->answer) : -errno;
    if (answer > 0 && kind == BARE_PTRACE && waitpid(stop->process, NULL, 0) != stop->process)
        answer = -errno;
    if (answer > 0)
        return stop;
    *why = strerror(answer ? -answer : ECHILD);
    bare_stop_close(stop);
    return NULL;
}

static int answer_notification(int listener)
{
    struct seccomp_notif asked = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
        return -1;
    struct seccomp_notif_resp answer = {.id = asked.id, .val = (int64_t)asked.data.args[0]};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* With its registers, of which one is the answer. */
static int let_go_on(pid_t process)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_SYSEMU, process, 0, 0) < 0 || waitpid(process, NULL, 0) != process ||
        ptrace(PTRACE_GETREGS, process, 0, &registers) < 0)
        return -1;
    registers.rax = registers.rdi;
    return ptrace(PTRACE_SETREGS, process, 0, &registers) < 0 ? -1 : 0;
}

uint64_t bare_stop_ticks(struct bare_stop *stop, uint64_t count)
{
    uint64_t start = clock_ticks();
    for (; count; count--)
        if ((stop->kind == BARE_PTRACE ? let_go_on(stop->process)
                                       : answer_notification(atomic_load(stop->answer))) < 0)
            return 0;
    return clock_ticks() - start;
}

void bare_stop_close(struct bare_stop *stop)
{
    if (stop->process > 0) {
        kill(stop->process, SIGKILL);
        waitpid(stop->process, NULL, 0);
    }
    if (stop->kind == BARE_NOTIFICATION && atomic_load(stop->answer) > 0)
        close(atomic_load(stop->answer));
    munmap(stop, PAGE + STACK);
}
