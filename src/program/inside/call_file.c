/* System calls about descriptors and paths where the domain's own are in the way. */
#include "program/inside/calls.h"

#include "program/inside/access.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CLOSE_ON_EXEC = 4 }; /* CLOSE_RANGE_CLOEXEC */

int64_t call_close(struct thread *thread, const uint64_t *arguments)
{
    return call_is_kept(thread, arguments[0]) ? -EBADF : call_host(thread, SYS_close, arguments);
}

int64_t call_dup2(struct thread *thread, const uint64_t *arguments)
{
    bool kept = call_is_kept(thread, arguments[0]) || call_is_kept(thread, arguments[1]);
    return kept ? -EBADF : call_host(thread, SYS_dup2, arguments);
}

int64_t call_dup3(struct thread *thread, const uint64_t *arguments)
{
    bool kept = call_is_kept(thread, arguments[0]) || call_is_kept(thread, arguments[1]);
    return kept ? -EBADF : call_host(thread, SYS_dup3, arguments);
}

/* What the program has of those among which the domain's are. */
static int64_t close_among(struct thread *thread, uint32_t first, uint32_t last, uint64_t flags)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= last)
        last = limit.rlim_cur ? (uint32_t)limit.rlim_cur - 1 : 0;
    for (uint32_t i = first; i <= last; i++) {
        if (fcntl((int)i, F_GETFD) < 0 || call_is_kept(thread, i))
            continue;
        if (flags & CLOSE_ON_EXEC)
            fcntl((int)i, F_SETFD, FD_CLOEXEC);
        else
            close((int)i);
    }
    return 0;
}

/* Three ranges: in the midst are those of the domain. */
int64_t call_close_range(struct thread *thread, const uint64_t *arguments)
{
    const struct kept_descriptors *kept = &thread->process->kept;
    uint32_t first = (uint32_t)arguments[0], last = (uint32_t)arguments[1];
    uint32_t from = (uint32_t)kept->first, behind = (uint32_t)kept->behind;
    if (first > last)
        return -EINVAL;
    const uint64_t low[6] = {first, last < from ? last : from - 1, arguments[2]},
                   high[6] = {first > behind ? first : behind, last, arguments[2]};
    int64_t rc = low[0] <= low[1] ? call_host(thread, SYS_close_range, low) : 0;
    if (rc == 0)
        rc =
            close_among(thread, first > from ? first : from, last < behind ? last : behind - 1, arguments[2]);
    return rc == 0 && high[0] <= high[1] ? call_host(thread, SYS_close_range, high) : rc;
}

/* The link that /proc has for the executable names vcost. */
static int64_t read_link(
    struct thread *thread, int directory, uint64_t path, uint64_t to, uint64_t bytes, bool *own)
{
    const char *executable = thread->process->executable;
    size_t length = strlen(executable);
    *own = call_path(thread, directory, path) == executable;
    if (!*own)
        return 0;
    if ((int)bytes <= 0)
        return -EINVAL;
    length = length < bytes ? length : bytes;
    int rc = access_write(thread->process, to, executable, length);
    return rc < 0 ? rc : (int64_t)length;
}

int64_t call_readlink(struct thread *thread, const uint64_t *arguments)
{
    bool own;
    int64_t result = read_link(thread, AT_FDCWD, arguments[0], arguments[1], arguments[2], &own);
    if (own)
        return result;
    bool foreign = window_is_foreign(thread->process->window, arguments[0]) ||
                   window_is_foreign(thread->process->window, arguments[1]);
    return foreign ? -EFAULT : call_host(thread, SYS_readlink, arguments);
}

int64_t call_readlinkat(struct thread *thread, const uint64_t *arguments)
{
    bool own;
    int64_t result = read_link(thread, (int)arguments[0], arguments[1], arguments[2], arguments[3], &own);
    if (own)
        return result;
    bool foreign = window_is_foreign(thread->process->window, arguments[1]) ||
                   window_is_foreign(thread->process->window, arguments[2]);
    return call_is_kept(thread, arguments[0]) ? -EBADF
           : foreign                          ? -EFAULT
                                              : call_host(thread, SYS_readlinkat, arguments);
}
