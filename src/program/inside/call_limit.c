/* Limits that are the program's and not the host's. Of descriptors: those of the domain stand above the
 * program's, which may lower its hard limit for good; the host's stays as it is, and what the program has set
 * is kept here. Of memory: memory_limit.h. Of processes: KVM's threads count as such. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/roll.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Its hard limits, which otherwise only go down (kernel/sys.c, do_prlimit()). */
static bool may_raise(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};
    return syscall(SYS_capget, &header, has) == 0 && has[0].effective >> CAP_SYS_RESOURCE & 1;
}

static int get_files(const struct process *process, struct rlimit *limit)
{
    if (getrlimit(RLIMIT_NOFILE, limit) < 0)
        return -errno;
    limit->rlim_max = process->files_hard;
    return 0;
}

/* The kernel is asked whether it may be raised, and told the hard limit where that goes up. */
static int set_files(struct process *process, const struct rlimit *limit)
{
    struct rlimit host;
    if (limit->rlim_cur > limit->rlim_max)
        return -EINVAL;
    if (getrlimit(RLIMIT_NOFILE, &host) < 0)
        return -errno;
    if (limit->rlim_max > process->files_hard && limit->rlim_max <= host.rlim_max && !may_raise())
        return -EPERM;
    host.rlim_cur = limit->rlim_cur;
    host.rlim_max = limit->rlim_max > host.rlim_max ? limit->rlim_max : host.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &host) < 0)
        return -errno;
    process->files_hard = limit->rlim_max;
    return 0;
}

static int64_t change_files(struct process *process, uint64_t set, uint64_t get)
{
    struct rlimit before, limit;
    int rc = get_files(process, &before);
    if (rc == 0 && set && access_read(process, set, &limit, sizeof limit) < 0)
        rc = -EFAULT;
    if (rc == 0 && set)
        rc = set_files(process, &limit);
    if (rc == 0 && get)
        rc = access_write(process, get, &before, sizeof before);
    return rc;
}

/* NULL: it is the host's. */
static struct limit *own_limit(struct process *process, uint64_t resource)
{
    return resource == RLIMIT_AS      ? &process->memory.addresses
           : resource == RLIMIT_DATA  ? &process->memory.data
           : resource == RLIMIT_NPROC ? &process->processes
                                      : NULL;
}

/* Where KVM has a thread in each process the host counts two for it once its machine runs. So a program may
 * have as many processes as natively, and some more: threads, and those that have just begun. The hard limit
 * stays, so that KVM's thread can be made whatever has begun meanwhile (machine_thread.h). */
static void set_processes(const struct thread *thread)
{
    thread->process->few_processes = true;
    const struct limit *limit = &thread->process->processes;
    const uint64_t each = call_monitors_threads(thread) ? 2 : 1;
    struct rlimit host;
    if (getrlimit(RLIMIT_NPROC, &host) < 0)
        return;
    host.rlim_max = limit->most > host.rlim_max ? limit->most : host.rlim_max;
    host.rlim_cur = limit->now < host.rlim_max / each ? limit->now * each : host.rlim_max;
    setrlimit(RLIMIT_NPROC, &host);
}

static int64_t change_own(struct thread *thread, struct limit *limit, uint64_t set, uint64_t get)
{
    struct process *process = thread->process;
    const struct limit before = *limit;
    struct limit after = before;
    if (set && access_read(process, set, &after, sizeof after) < 0)
        return -EFAULT;
    if (after.now > after.most)
        return -EINVAL;
    if (after.most > before.most && !may_raise())
        return -EPERM;
    *limit = after;
    if (set && limit == &process->processes)
        set_processes(thread);
    return get ? access_write(process, get, &before, sizeof before) : 0;
}

/* What is set beyond that is the kernel's business; a stack may then grow further. */
static int64_t change_host(struct thread *thread, long number, const uint64_t *arguments, uint64_t set)
{
    struct rlimit limit;
    int64_t rc = call_host(thread, number, arguments);
    if (rc == 0 && set && access_read(thread->process, set, &limit, sizeof limit) == 0)
        window_raise_stack(thread->process->window, limit.rlim_cur);
    return rc;
}

int64_t call_getrlimit(struct thread *thread, const uint64_t *arguments)
{
    if (arguments[0] == RLIMIT_NOFILE)
        return arguments[1] ? change_files(thread->process, 0, arguments[1]) : -EFAULT;
    struct limit *own = own_limit(thread->process, arguments[0]);
    if (own)
        return arguments[1] ? change_own(thread, own, 0, arguments[1]) : -EFAULT;
    return window_is_foreign(thread->process->window, arguments[1])
               ? -EFAULT
               : call_host(thread, SYS_getrlimit, arguments);
}

int64_t call_setrlimit(struct thread *thread, const uint64_t *arguments)
{
    if (arguments[0] == RLIMIT_NOFILE)
        return arguments[1] ? change_files(thread->process, arguments[1], 0) : -EFAULT;
    struct limit *own = own_limit(thread->process, arguments[0]);
    if (own)
        return arguments[1] ? change_own(thread, own, arguments[1], 0) : -EFAULT;
    if (window_is_foreign(thread->process->window, arguments[1]))
        return -EFAULT;
    return change_host(thread, SYS_setrlimit, arguments, arguments[0] == RLIMIT_STACK ? arguments[1] : 0);
}

/* By the number of any of its threads, too. */
static bool names_own(const struct thread *thread, pid_t id)
{
    const struct thread *named = id ? roll_find(id) : thread;
    return id == getpid() || (named && named->process == thread->process);
}

int64_t call_prlimit(struct thread *thread, const uint64_t *arguments)
{
    bool own = names_own(thread, (pid_t)arguments[0]);
    if (own && arguments[1] == RLIMIT_NOFILE)
        return change_files(thread->process, arguments[2], arguments[3]);
    struct limit *limit = own ? own_limit(thread->process, arguments[1]) : NULL;
    if (limit)
        return change_own(thread, limit, arguments[2], arguments[3]);
    bool foreign = window_is_foreign(thread->process->window, arguments[2]) ||
                   window_is_foreign(thread->process->window, arguments[3]);
    uint64_t set = own && arguments[1] == RLIMIT_STACK ? arguments[2] : 0;
    return foreign ? -EFAULT : change_host(thread, SYS_prlimit64, arguments, set);
}
