/* System calls that make threads and processes. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/borrower.h"
#include "program/inside/children.h"
#include "program/inside/machine_thread.h"
#include "program/inside/roll.h"
#include "program/inside/seat.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- fork ---- */

/* In the child: this thread alone, over a copy of the memory. */
static void become_child(struct thread *thread, uint64_t flags, uint64_t child_number)
{
    struct process *process = thread->process;
    thread->id = getpid();
    thread->first = true;
    thread->cpu = NULL;
    thread->caught = 0; /* of its parent's: what comes from here on is its own */
    thread->clear_on_exit = flags & CLONE_CHILD_CLEARTID ? child_number : 0;
    process->threads = 1;
    process->threaded = false;
    process->borrowed = false;
    children_number(process, flags);
    process->files = 0;
    thread->holder = NULL;
    roll_begin(thread);
    seats_forget();
    pthread_mutex_init(&process->actions_lock, NULL);
}

/* With a virtual machine of its own. */
static void go_on_as_child(struct thread *thread, const void *extended, uint64_t flags, uint64_t child_number)
{
    struct process *process = thread->process;
    struct error error;
    const uint32_t number = (uint32_t)getpid();
    become_child(thread, flags, child_number);
    int rc = domain_renew(process->domain, &error);
    if (rc == 0)
        rc = window_after_fork(process->window, &error);
    window_go_on(process->window);
    if (rc == 0)
        rc = thread_open_first(thread, extended, &error);
    if (rc == 0)
        rc = machine_begin(thread, &error);
    if (rc < 0)
        process_fail(process, &error);
    if (flags & CLONE_CHILD_SETTID)
        access_write(process, child_number, &number, sizeof number);
    if (getpid() == 1) /* the first of a namespace, which its parent was not */
        signals_take_defaults(process);
    signals_let(thread);
}

/* Signals and namespaces are the kernel's business; what the C library has for a fork of its own is not
 * needed where this thread has always been alone: one that is about to end may hold a lock of its. */
static pid_t make_process(const struct process *process, uint64_t flags)
{
    uint64_t rest = flags & ~(uint64_t)CLONE_DONE_HERE;
    if (rest == SIGCHLD && (process->threaded || process->borrowed || seats_are_held()))
        return fork();
    return (pid_t)syscall(SYS_clone, rest, 0, NULL, NULL, 0);
}

static int64_t fork_process(struct thread *thread, uint64_t flags, const uint64_t tell[2])
{
    struct process *process = thread->process;
    int begun = children_begin(process);
    if (begun < 0)
        return begun;
    void *extended = thread_copy_extended(thread);
    if (!extended)
        return -EAGAIN;
    signals_block();
    window_hold(process->window);
    pid_t pid = make_process(process, flags);
    int code = errno;
    if (pid == 0) {
        go_on_as_child(thread, extended, flags, tell[1]);
        free(extended);
        return 0;
    }
    window_go_on(process->window);
    free(extended);
    if (pid > 0) {
        const uint32_t number = (uint32_t)pid;
        tally_add(&process->tally->forks, 1);
        if (flags & CLONE_PARENT_SETTID)
            access_write(process, tell[0], &number, sizeof number);
    }
    signals_let(thread);
    return pid < 0 ? -code : pid;
}

/* ---- clone ---- */

static int64_t start_thread(struct thread *thread, uint64_t flags, const uint64_t *arguments)
{
    enum { NEEDED = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD };
    struct domain_user user = thread->user;
    if ((flags & NEEDED) != NEEDED || !arguments[1])
        return -EINVAL;                      /* threads of one process share all this in a domain */
    if (thread->process->children_announced) /* kernel/fork.c: none while its children go elsewhere */
        return -EINVAL;
    if (thread->process->borrowed)
        return -EAGAIN;
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

/* clone(flags, stack, parent's number, child's number, TLS). Refused: a child that shares what signals
 * do, and is no thread; and one that shares no memory but the descriptors, among which are those of its
 * parent's virtual machine and would be its own. */
int64_t call_clone(struct thread *thread, const uint64_t *arguments)
{
    uint64_t flags = arguments[0];
    const uint64_t tell[2] = {arguments[2], arguments[3]};
    if (flags & CLONE_THREAD)
        return start_thread(thread, flags, arguments);
    if (flags & CLONE_SIGHAND)
        return flags & CLONE_VM ? -ENOSYS : -EINVAL;
    if ((flags & (CLONE_FILES | CLONE_VM)) == CLONE_FILES)
        return -ENOSYS;
    if (flags & CLONE_VM) {
        struct domain_user user = thread->user;
        user.registers.rax = 0;
        user.registers.rsp = arguments[1] ? arguments[1] : user.registers.rsp;
        user.fs_base = flags & CLONE_SETTLS ? arguments[4] : user.fs_base;
        return borrower_start(thread, flags, &user, tell);
    }
    int64_t pid = fork_process(thread, flags, tell);
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
    return call_clone(thread, (const uint64_t[]){CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0});
}
