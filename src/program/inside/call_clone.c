/* System calls that make threads and processes. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/borrower.h"
#include "program/inside/children.h"
#include "program/inside/creation.h"
#include "program/inside/machine_thread.h"
#include "program/inside/roll.h"
#include "program/inside/seat.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- fork ---- */

/* In the child: this thread alone, over a copy of the memory. */
static void become_child(struct thread *thread, const creation_asked *asked)
{
    struct process *process = thread->process;
    thread->id = getpid();
    thread->first = true;
    thread->cpu = NULL;
    thread->caught = 0; /* of its parent's: what comes from here on is its own */
    thread->clear_on_exit = creation_cleared(asked);
    process->threads = 1;
    process->threaded = false;
    process->borrowed = false;
    children_number(process, asked->flags);
    process->files = 0;
    thread->holder = NULL;
    roll_begin(thread);
    seats_forget();
    pthread_mutex_init(&process->actions_lock, NULL);
}

/* With a virtual machine of its own. */
static void go_on_as_child(struct thread *thread, const void *extended, const creation_asked *asked)
{
    struct process *process = thread->process;
    struct error error;
    become_child(thread, asked);
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
    creation_tell(process, asked, CLONE_CHILD_SETTID, getpid());
    if (asked->flags & CLONE_CLEAR_SIGHAND)
        signals_clear(process);
    if (getpid() == 1) /* the first of a namespace, which its parent was not */
        signals_take_defaults(process);
    signals_let(thread);
}

/* What is at the place of a descriptor is written again, to see that it can be. */
static int check_place(const struct process *process, uint64_t place)
{
    int now;
    int rc = access_read(process, place, &now, sizeof now);
    return rc < 0 ? rc : access_write(process, place, &now, sizeof now);
}

/* As the C library forks, with all of its locks. A descriptor of the child comes later: it has much to do
 * before it can end. */
static int64_t fork_with_library(const struct process *process, const creation_asked *asked)
{
    const bool describes = asked->flags & CLONE_PIDFD;
    int rc = describes ? check_place(process, asked->pidfd) : 0;
    if (rc < 0)
        return rc;
    pid_t pid = fork();
    if (pid > 0 && describes) {
        int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
        access_write(process, asked->pidfd, &descriptor, sizeof descriptor);
    }
    return pid < 0 ? -errno : pid;
}

/* Signals and namespaces are the kernel's business; what the C library has for a fork of its own is not
 * needed where this thread has always been alone: one that is about to end may hold a lock of its. */
static int64_t make_process(const struct process *process, const creation_asked *asked)
{
    const uint64_t plain = CREATION_DONE_HERE | CLONE_PIDFD;
    bool is_plain = asked->exit_signal == SIGCHLD && !(asked->flags & ~plain) && !asked->set_tid;
    bool alone = !process->threaded && !process->borrowed && !seats_are_held();
    return is_plain && !alone ? fork_with_library(process, asked) : creation_make(asked, NULL);
}

/* What it has in memory for itself, each page of which makes a copy of it cost more. */
static uint64_t private_pages(const struct process *process)
{
    char text[128];
    unsigned long resident = 0, shared = 0;
    int file = openat(process->kept.proc, "self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = '\0';
    return sscanf(text, "%*u %lu %lu", &resident, &shared) == 2 && resident > shared ? resident - shared : 0;
}

static int64_t fork_process(struct thread *thread, const creation_asked *asked)
{
    struct process *process = thread->process;
    const uint64_t pages = private_pages(process);
    int begun = children_begin(process);
    if (begun < 0)
        return begun;
    void *extended = thread_copy_extended(thread);
    if (!extended)
        return -EAGAIN;
    signals_block();
    window_hold(process->window);
    int64_t pid = make_process(process, asked);
    if (pid == 0) {
        go_on_as_child(thread, extended, asked);
        free(extended);
        return 0;
    }
    window_go_on(process->window);
    free(extended);
    if (pid > 0) {
        tally_add(&process->tally->forks, 1);
        tally_add(&process->tally->fork_pages, pages);
        creation_tell(process, asked, CLONE_PARENT_SETTID, (pid_t)pid);
    }
    signals_let(thread);
    return pid;
}

/* ---- clone ---- */

/* Not for a thread in a domain: a namespace, a number or a control group of its own. */
static int check_thread(const struct process *process, const creation_asked *asked)
{
    const uint64_t shared = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
                   namespaces = CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    if ((asked->flags & shared) != shared || asked->flags & namespaces || !asked->stack)
        return -EINVAL;              /* threads of one process share all this in a domain */
    if (process->children_announced) /* kernel/fork.c: none while its children go elsewhere */
        return -EINVAL;
    if (process->borrowed)
        return -EAGAIN;
    return asked->set_tid ? -EPERM : asked->flags & CLONE_INTO_CGROUP ? -EOPNOTSUPP : 0;
}

static int64_t start_thread(
    struct thread *thread, const creation_asked *asked, const struct domain_user *user)
{
    int rc = check_thread(thread->process, asked);
    if (rc < 0)
        return rc;
    signals_block();
    int64_t number = thread_start(thread, user, asked);
    signals_let(thread);
    return number;
}

/* Refused: a child that shares what signals do, and is no thread; and one that shares no memory but the
 * descriptors, among which are those of its parent's virtual machine and would be its own. As flags that go
 * not together (of ENOSYS programs conclude that there is no such call). */
static int64_t create(struct thread *thread, const creation_asked *asked)
{
    const uint64_t flags = asked->flags;
    struct domain_user user = thread->user;
    int rc = creation_check(thread->process, asked);
    if (rc < 0)
        return rc;
    user.registers.rax = 0;
    user.registers.rsp = asked->stack ? asked->stack : user.registers.rsp;
    user.fs_base = flags & CLONE_SETTLS ? asked->tls : user.fs_base;
    if (flags & CLONE_THREAD)
        return start_thread(thread, asked, &user);
    if (flags & CLONE_SIGHAND || (flags & (CLONE_FILES | CLONE_VM)) == CLONE_FILES)
        return -EINVAL;
    if (flags & CLONE_VM)
        return borrower_start(thread, asked, &user);
    int64_t pid = fork_process(thread, asked);
    if (pid == 0)
        thread->user = user;
    return pid;
}

int64_t call_clone(struct thread *thread, const uint64_t *arguments)
{
    const creation_asked asked = creation_of_clone(arguments);
    return create(thread, &asked);
}

/* 0: the host has it, and lets it be called; otherwise its errno. Of no bytes it makes nothing. */
static int ask_for_clone3(void)
{
    syscall(SYS_clone3, NULL, 0);
    return errno == EINVAL ? 0 : -errno;
}

/* Who has no clone3 natively goes on with clone, and is to do the same here. */
int64_t call_clone3(struct thread *thread, const uint64_t *arguments)
{
    creation_asked asked;
    int rc = ask_for_clone3();
    if (rc == 0)
        rc = creation_of_clone3(thread->process, arguments[0], arguments[1], &asked);
    if (rc == 0 && asked.flags & CLONE_INTO_CGROUP && call_is_kept(thread, asked.cgroup))
        rc = -EBADF;
    return rc < 0 ? rc : create(thread, &asked);
}

int64_t call_fork(struct thread *thread, const uint64_t *arguments)
{
    const creation_asked asked = {.exit_signal = SIGCHLD};
    (void)arguments;
    return create(thread, &asked);
}

int64_t call_vfork(struct thread *thread, const uint64_t *arguments)
{
    const creation_asked asked = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};
    (void)arguments;
    return create(thread, &asked);
}
