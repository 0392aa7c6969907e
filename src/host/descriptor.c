#include "host/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

void descriptor_limit_raise(struct rlimit *before)
{
    getrlimit(RLIMIT_NOFILE, before);
    const struct rlimit raised = {before->rlim_max, before->rlim_max};
    if (before->rlim_cur != before->rlim_max)
        setrlimit(RLIMIT_NOFILE, &raised);
}

void descriptor_limit_restore(const struct rlimit *before)
{
    const int code = errno;
    if (before->rlim_cur != before->rlim_max) /* else nothing was raised */
        setrlimit(RLIMIT_NOFILE, before);
    errno = code;
}

/* musl's fcntl() makes two calls of it. */
static int copy_once(int descriptor, int command, int from)
{
    return (int)syscall(SYS_fcntl, descriptor, command, from);
}

/* The soft limit is the whole process', and so for a moment another thread may get a descriptor above it. */
int descriptor_copy(int descriptor, int from, bool close_on_exec)
{
    const int command = close_on_exec ? F_DUPFD_CLOEXEC : F_DUPFD;
    struct rlimit limit;
    int copy = copy_once(descriptor, command, from);
    if (copy >= 0 || (errno != EINVAL && errno != EMFILE))
        return copy;
    descriptor_limit_raise(&limit);
    copy = copy_once(descriptor, command, from);
    descriptor_limit_restore(&limit);
    return copy;
}
