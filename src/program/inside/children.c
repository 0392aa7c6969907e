#include "program/inside/children.h"

#include "host/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* By a process that nobody hears of. */
int children_try(uint64_t flags)
{
    int status = 0;
    pid_t child = (pid_t)syscall(SYS_clone, 0, 0, NULL, NULL, 0);
    if (child == 0)
        _exit(unshare((int)flags) < 0 ? errno : 0);
    if (child < 0)
        return -errno;
    while (waitpid(child, &status, __WALL) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINVAL;
}

int children_begin(struct process *process)
{
    if (process->children_announced && unshare(CLONE_NEWPID) < 0)
        return -errno;
    process->children_announced = false;
    return 0;
}

void children_number(struct process *child, uint64_t flags)
{
    child->numbered |= child->numbers_children || flags & CLONE_NEWPID;
    child->numbers_children = false;
}

void children_leave(const struct process *process, int *place)
{
    const int proc = process->kept.proc;
    *place = -1;
    if (!process->numbers_children || process->children_announced)
        return;
    int children = openat(proc, "self/ns/pid_for_children", O_RDONLY | O_CLOEXEC),
        own = openat(proc, "self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (children >= 0 && own >= 0 && (*place = descriptor_copy(children, process->kept.first, false)) >= 0 &&
        setns(own, CLONE_NEWPID) < 0) {
        close(*place);
        *place = -1;
    }
    if (children >= 0)
        close(children);
    if (own >= 0)
        close(own);
}

int children_return(struct process *process, int place, struct error *error)
{
    int code = setns(place, CLONE_NEWPID) < 0 ? errno : 0;
    close(place);
    process->numbers_children = true;
    return code ? error_errno(error, code, "the namespace that its children are in cannot be entered again")
                : 0;
}
