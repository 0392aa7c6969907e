/* System calls about memory: Linux's rules are window.c's. */
#include "program/inside/calls.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

int64_t call_mmap(struct thread *thread, const uint64_t *arguments)
{
    int file = (int)arguments[4];
    if (!((int)arguments[3] & MAP_ANONYMOUS) && call_is_kept(thread, arguments[4]))
        return -EBADF;
    return window_mmap(thread->process->window, arguments[0], arguments[1], (int)arguments[2],
        (int)arguments[3], file, arguments[5]);
}

int64_t call_munmap(struct thread *thread, const uint64_t *arguments)
{
    return window_munmap(thread->process->window, arguments[0], arguments[1]);
}

int64_t call_mprotect(struct thread *thread, const uint64_t *arguments)
{
    return window_mprotect(thread->process->window, arguments[0], arguments[1], (int)arguments[2]);
}

/* There are no keys (pkey_alloc is refused), so only the call without one is valid. */
int64_t call_pkey_mprotect(struct thread *thread, const uint64_t *arguments)
{
    return (int)arguments[3] == -1 ? call_mprotect(thread, arguments) : -EINVAL;
}

int64_t call_mremap(struct thread *thread, const uint64_t *arguments)
{
    return window_mremap(
        thread->process->window, arguments[0], arguments[1], arguments[2], (int)arguments[3], arguments[4]);
}

int64_t call_brk(struct thread *thread, const uint64_t *arguments)
{
    return window_brk(thread->process->window, arguments[0]);
}

/* What the kernel takes away by it goes from the guest, too; what it makes inaccessible behind the back of
 * the areas (guard pages, Linux 6.13) is refused as by an older one. */
int64_t call_madvise(struct thread *thread, const uint64_t *arguments)
{
    enum { GUARD_INSTALL = 102, GUARD_REMOVE = 103, PAGE = 4096 };
    int advice = (int)arguments[2];
    if (advice == GUARD_INSTALL || advice == GUARD_REMOVE)
        return -EINVAL;
    const uint64_t address = arguments[0], bytes = (arguments[1] + PAGE - 1) & -(uint64_t)PAGE;
    if (advice == MADV_DONTFORK)
        window_keep_from_children(thread->process->window);
    bool possible = address % PAGE == 0 && bytes && address + bytes > address;
    if (!possible || window_holds(thread->process->window, address, bytes))
        return call_host(thread, SYS_madvise, arguments);
    int64_t rc = call_host(thread, SYS_madvise, (const uint64_t[6]){address, 0, arguments[2]});
    return rc < 0 ? rc : -ENOMEM;
}

int64_t call_shmat(struct thread *thread, const uint64_t *arguments)
{
    return window_shmat(thread->process->window, (int)arguments[0], arguments[1], (int)arguments[2]);
}

int64_t call_shmdt(struct thread *thread, const uint64_t *arguments)
{
    return window_shmdt(thread->process->window, arguments[0]);
}
