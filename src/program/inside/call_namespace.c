/* unshare and setns: some namespaces are only for processes of one thread, or whose directory is theirs
 * alone. KVM may have a thread in the process, which goes with its virtual machine; so where Linux says no,
 * the process gets another machine, and the call is made before that has ever run. */
#include "program/inside/calls.h"

#include "program/inside/children.h"
#include "program/inside/counted.h"
#include "program/inside/machine_thread.h"
#include "program/inside/seat.h"
#include "program/inside/signals.h"
#include "program/inside/thread.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* Until the kernel's thread, which has been told to end, has ended. */
static void wait_until_alone(const struct process *process)
{
    enum { TRIES = 1000, LINKS_OF_ONE = 3 };
    const struct timespec a_moment = {0, 1000000};
    struct stat tasks;
    for (int i = 0; i < TRIES; i++) {
        if (fstatat(process->kept.proc, "self/task", &tasks, 0) < 0 || tasks.st_nlink <= LINKS_OF_ONE)
            return;
        nanosleep(&a_moment, NULL);
    }
}

/* As for a child of fork(): another machine over the same memory. */
static int make_machine(struct thread *thread, const void *extended, struct error *error)
{
    int rc = domain_renew(thread->process->domain, error);
    return rc < 0 ? rc : thread_open_first(thread, extended, error);
}

/* What needs one thread comes first, then KVM has its own, and then the rest, after which it may have none.
 * `at` is the argument that says which namespaces. */
static int64_t call_in_new_machine(
    struct thread *thread, long number, const uint64_t *arguments, unsigned at, const void *extended)
{
    struct process *process = thread->process;
    struct error error;
    uint64_t first[6], rest[6];
    memcpy(first, arguments, sizeof first);
    memcpy(rest, arguments, sizeof rest);
    if (arguments[at] & CLONE_NEWUSER) {
        first[at] = CLONE_NEWUSER;
        rest[at] &= ~(uint64_t)CLONE_NEWUSER;
    }
    counted_tell(process);
    if (make_machine(thread, extended, &error) < 0)
        process_fail(process, &error);
    wait_until_alone(process);
    int64_t result = call_host(thread, number, first);
    if (machine_enter_once(thread, &error) < 0)
        process_fail(process, &error);
    return result == 0 && first[at] != arguments[at] ? call_host(thread, number, rest) : result;
}

/* Flags that no kernel knows are EINVAL to any process (check_unshare_flags(), validate_nsset() of Linux). */
static bool may_be_known(uint64_t flags)
{
    const uint64_t shared = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
                   namespaces = CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    return !((uint32_t)flags & ~(shared | namespaces));
}

static int64_t call_alone(struct thread *thread, long number, const uint64_t *arguments, unsigned at)
{
    struct process *process = thread->process;
    int64_t result = call_host(thread, number, arguments);
    if (result != -EINVAL || !may_be_known(arguments[at]) || process->threads > 1 || process->borrowed ||
        process->heat || seats_are_held())
        return result;
    if (number == SYS_setns && unshare(CLONE_FS) == 0)
        result = call_host(thread, number, arguments);
    if (result != -EINVAL || machine_children_are_elsewhere(process))
        return result;
    void *extended = thread_copy_extended(thread);
    if (extended)
        result = call_in_new_machine(thread, number, arguments, at, extended);
    free(extended);
    return result;
}

/* Only its own children go there, and the machine that it has runs on. */
static bool may_announce(const struct thread *thread, uint64_t flags)
{
    return flags & CLONE_NEWPID && thread->process->threads == 1 && call_monitors_threads(thread);
}

static int64_t announce(struct thread *thread, uint64_t flags)
{
    const uint64_t rest[6] = {flags & ~(uint64_t)CLONE_NEWPID};
    int64_t rc = thread->process->children_announced ? -EINVAL : children_try(flags);
    if (rc == 0 && rest[0])
        rc = call_alone(thread, SYS_unshare, rest, 0);
    if (rc == 0)
        thread->process->children_announced = thread->process->numbers_children = true;
    return rc;
}

int64_t call_unshare(struct thread *thread, const uint64_t *arguments)
{
    if (may_announce(thread, arguments[0]))
        return announce(thread, arguments[0]);
    int64_t result = call_alone(thread, SYS_unshare, arguments, 0);
    thread->process->numbers_children |= result == 0 && arguments[0] & CLONE_NEWPID;
    return result;
}

int64_t call_setns(struct thread *thread, const uint64_t *arguments)
{
    int rc = call_is_kept(thread, arguments[0]) ? -EBADF : children_begin(thread->process);
    return rc < 0 ? rc : call_alone(thread, SYS_setns, arguments, 1);
}
