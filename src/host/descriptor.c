#include "host/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

/* The soft limit is the whole process', and so for a moment another thread may get a descriptor above it. */
int descriptor_copy(int descriptor, int from, bool close_on_exec)
{
    const int command = close_on_exec ? F_DUPFD_CLOEXEC : F_DUPFD;
    struct rlimit limit;
    int copy = fcntl(descriptor, command, from);
    if (copy >= 0 || (errno != EINVAL && errno != EMFILE) || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return copy;
    const struct rlimit raised = {limit.rlim_max, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
    copy = fcntl(descriptor, command, from);
    int code = errno;
    setrlimit(RLIMIT_NOFILE, &limit);
    errno = code;
    return copy;
}
