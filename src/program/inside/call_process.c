/* System calls that make, change and end threads and processes. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- fork ---- */

/* In the child: this thread alone, over a copy of the memory, with a virtual machine of its own. */
static void go_on_as_child(struct thread *thread, const void *extended, uint64_t flags, uint64_t child_number)
{
    struct process *process = thread->process;
    struct error error;
    const uint32_t number = (uint32_t)getpid();
    thread->id = getpid();
    thread->first = true;
    thread->cpu = NULL;
    thread->clear_on_exit = flags & CLONE_CHILD_CLEARTID ? child_number : 0;
    process->threads = 1;
    pthread_mutex_init(&process->actions_lock, NULL);
    int rc = domain_renew(process->domain, &error);
    window_go_on(process->window);
    if (rc == 0) {
        thread->cpu = domain_first_cpu(process->domain);
        rc = thread_open(thread, &error);
    }
    if (rc == 0)
        rc = domain_set_extended(thread->cpu, extended, &error);
    if (rc < 0)
        process_fail(process, &error);
    if (flags & CLONE_CHILD_SETTID)
        access_write(process, child_number, &number, sizeof number);
    thread->caught = 0;
    signals_let(thread);
}

/* Signals and namespaces are the kernel's business; what the C library has for a fork of its own is not
 * needed where this thread is alone. */
static pid_t make_process(const struct process *process, uint64_t flags)
{
    enum {
        OWN = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_VFORK | CLONE_VM |
              CLONE_SETTLS
    };
    uint64_t rest = flags & ~(uint64_t)OWN;
    if (rest == SIGCHLD && process->threads > 1)
        return fork();
    return (pid_t)syscall(SYS_clone, rest, 0, NULL, NULL, 0);
}

/* The parent of a vfork() waits until the child has ended or executed something: its end of the pipe is gone
 * then. */
static void wait_for(int pipe_end)
{
    char none;
    while (read(pipe_end, &none, 1) < 0 && errno == EINTR)
        continue;
}

static int64_t fork_process(struct thread *thread, uint64_t flags, const uint64_t tell[2])
{
    struct process *process = thread->process;
    struct error error;
    int ends[2] = {-1, -1};
    void *extended = calloc(1, domain_extended_bytes(process->domain));
    if (!extended || domain_get_extended(thread->cpu, extended, &error) < 0 ||
        (flags & CLONE_VFORK && pipe2(ends, O_CLOEXEC) < 0)) {
        free(extended);
        return -EAGAIN;
    }
    signals_block();
    window_hold(process->window);
    pid_t pid = make_process(process, flags);
    int code = errno;
    if (pid == 0) {
        if (ends[0] >= 0) {
            fcntl(ends[1], F_DUPFD_CLOEXEC, process->kept.first);
            close(ends[0]);
            close(ends[1]);
        }
        go_on_as_child(thread, extended, flags, tell[1]);
        free(extended);
        return 0;
    }
    window_go_on(process->window);
    free(extended);
    if (ends[1] >= 0)
        close(ends[1]);
    if (pid > 0) {
        const uint32_t number = (uint32_t)pid;
        tally_add(&process->tally->forks, 1);
        if (flags & CLONE_PARENT_SETTID)
            access_write(process, tell[0], &number, sizeof number);
        if (ends[0] >= 0)
            wait_for(ends[0]);
    }
    if (ends[0] >= 0)
        close(ends[0]);
    signals_let(thread);
    return pid < 0 ? -code : pid;
}

/* ---- clone ---- */

static int64_t start_thread(struct thread *thread, uint64_t flags, const uint64_t *arguments)
{
    enum { NEEDED = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD };
    struct domain_user user = thread->user;
    if ((flags & NEEDED) != NEEDED || !arguments[1])
        return -EINVAL; /* threads of one process share all this in a domain */
    user.registers.rax = 0;
    user.registers.rsp = arguments[1];
    if (flags & CLONE_SETTLS)
        user.fs_base = arguments[4];
    const uint64_t tell[2] = {
        flags & CLONE_PARENT_SETTID ? arguments[2] : 0, flags & CLONE_CHILD_SETTID ? arguments[3] : 0};
    signals_block();
    int64_t number = thread_start(thread, &user, flags & CLONE_CHILD_CLEARTID ? arguments[3] : 0, tell);
    signals_let(thread);
    return number;
}

/* clone(flags, stack, parent's number, child's number, TLS). A child that shares the memory without being a
 * thread gets a copy of it: its parent waits for it (vfork, posix_spawn), or the call is refused. */
int64_t call_clone(struct thread *thread, const uint64_t *arguments)
{
    uint64_t flags = arguments[0];
    if (flags & CLONE_THREAD)
        return start_thread(thread, flags, arguments);
    if (flags & CLONE_VM && !(flags & CLONE_VFORK))
        return -ENOSYS;
    int64_t pid = fork_process(thread, flags, (const uint64_t[]){arguments[2], arguments[3]});
    if (pid == 0 && arguments[1])
        thread->user.registers.rsp = arguments[1];
    if (pid == 0 && flags & CLONE_SETTLS)
        thread->user.fs_base = arguments[4];
    return pid;
}

int64_t call_fork(struct thread *thread, const uint64_t *arguments)
{
    (void)arguments;
    return fork_process(thread, SIGCHLD, (const uint64_t[]){0, 0});
}

int64_t call_vfork(struct thread *thread, const uint64_t *arguments)
{
    (void)arguments;
    return fork_process(thread, CLONE_VFORK | SIGCHLD, (const uint64_t[]){0, 0});
}

/* ---- the end ---- */

int64_t call_exit(struct thread *thread, const uint64_t *arguments)
{
    thread_end(thread, (int)arguments[0]);
}

int64_t call_exit_group(struct thread *thread, const uint64_t *arguments)
{
    (void)thread;
    _exit((int)arguments[0]);
}

/* ---- what a thread or process is ---- */

int64_t call_set_tid_address(struct thread *thread, const uint64_t *arguments)
{
    thread->clear_on_exit = arguments[0];
    return thread->id;
}

int64_t call_arch_prctl(struct thread *thread, const uint64_t *arguments)
{
    enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS, GET_CPUID = 0x1011, SET_CPUID };
    struct domain_user *user = &thread->user;
    uint64_t value = arguments[1];
    switch ((int)arguments[0]) {
    case SET_FS:
    case SET_GS:
        if (value >> 47)
            return -EPERM;
        *((int)arguments[0] == SET_FS ? &user->fs_base : &user->gs_base) = value;
        return 0;
    case GET_FS:
        return access_write(thread->process, value, &user->fs_base, sizeof value);
    case GET_GS:
        return access_write(thread->process, value, &user->gs_base, sizeof value);
    case GET_CPUID:
        return 1;
    case SET_CPUID:
        return -ENODEV;
    default:
        return -EINVAL; /* AMX (ARCH_REQ_XCOMP_PERM) among them */
    }
}

/* Those that would change what the monitor itself may do. */
int64_t call_prctl(struct thread *thread, const uint64_t *arguments)
{
    enum { SET_TSC = 26, SET_MM = 35, USER_DISPATCH = 59 };
    switch ((int)arguments[0]) {
    case PR_SET_SECCOMP:
    case SET_TSC:
    case SET_MM:
    case USER_DISPATCH:
        return -EINVAL;
    default:
        for (int i = 1; i < 5; i++)
            if (window_is_foreign(thread->process->window, arguments[i]))
                return -EFAULT;
        return call_host(thread, SYS_prctl, arguments);
    }
}

/* What would make every page executable would do so for the monitor alone. */
int64_t call_personality(struct thread *thread, const uint64_t *arguments)
{
    uint64_t kept[6] = {arguments[0]};
    if ((uint32_t)kept[0] != UINT32_MAX && kept[0] & READ_IMPLIES_EXEC)
        return -EINVAL;
    return call_host(thread, SYS_personality, kept);
}
