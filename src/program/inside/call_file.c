/* System calls about descriptors and paths where the domain's own are in the way. */
#include "program/inside/calls.h"

#include "program/inside/access.h"
#include "program/inside/page.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* ---- close_range ---- */

struct range {
    const struct thread *thread;
    uint64_t first, last, flags;
};

/* If it is one of the range, and the program's. */
static void close_one(const struct range *range, uint64_t descriptor)
{
    if (descriptor < range->first || descriptor > range->last || call_is_kept(range->thread, descriptor))
        return;
    if (range->flags & CLOSE_RANGE_CLOEXEC)
        fcntl((int)descriptor, F_SETFD, FD_CLOEXEC);
    else
        close((int)descriptor);
}

/* By the kernel's list of them: the kernel itself looks at each number up to the domain's, which takes longer
 * (Python closes all before it executes something). False: it cannot be read. */
static bool close_listed(const struct range *range)
{
    enum { LENGTH_AT = 16, NAME_AT = 19 }; /* getdents(2), struct linux_dirent64 */
    char entries[PAGE];
    int list =
        openat(range->thread->process->kept.proc, "thread-self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long got = list < 0 ? -1 : 1;
    uint16_t length;
    while (got > 0 && (got = syscall(SYS_getdents64, list, entries, sizeof entries)) > 0)
        for (long at = 0; at < got; at += length) {
            const char *name = entries + at + NAME_AT;
            memcpy(&length, entries + at + LENGTH_AT, sizeof length);
            uint64_t descriptor = strtoul(name, NULL, 10);
            if (name[0] != '.' && descriptor != (uint64_t)list)
                close_one(range, descriptor);
        }
    if (list >= 0)
        close(list);
    return got == 0;
}

/* Three ranges: in the midst are those of the domain. */
static int64_t close_around(struct thread *thread, const struct range *range)
{
    const uint64_t from = (uint64_t)thread->process->kept.first,
                   behind = (uint64_t)thread->process->kept.behind, first = range->first, last = range->last;
    const uint64_t low[6] = {first, last < from ? last : from - 1, range->flags},
                   high[6] = {first > behind ? first : behind, last, range->flags};
    int64_t rc = low[0] <= low[1] ? call_host(thread, SYS_close_range, low) : 0;
    for (uint64_t i = first > from ? first : from; rc == 0 && i <= last && i < behind; i++)
        if (fcntl((int)i, F_GETFD) >= 0)
            close_one(range, i);
    return rc == 0 && high[0] <= high[1] ? call_host(thread, SYS_close_range, high) : rc;
}

int64_t call_close_range(struct thread *thread, const uint64_t *arguments)
{
    enum { MANY = 1024 };
    const struct range range = {
        thread, (uint32_t)arguments[0], (uint32_t)arguments[1], (uint32_t)arguments[2]};
    if (range.first > range.last || range.flags & ~(uint64_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
        return -EINVAL;
    bool many = range.last - range.first >= MANY, closed = false;
    if (many && !(range.flags & CLOSE_RANGE_UNSHARE))
        closed = close_listed(&range);
    return closed ? 0 : close_around(thread, &range);
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
