/* System calls about memory: Linux's rules are window.c's. */
#include "program/inside/calls.h"

#include "program/inside/memory_limit.h"
#include "program/inside/page.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>

/* What it replaces it does not have any more. */
static bool may_map(const struct process *process, const uint64_t *arguments)
{
    const int flags = (int)arguments[3];
    struct memory_wish wish = {.bytes = whole_pages(arguments[1]),
        .data = (flags & MAP_TYPE) == MAP_PRIVATE && arguments[2] & PROT_WRITE};
    if (flags & MAP_FIXED) {
        wish.from = arguments[0];
        wish.to = wish.from + wish.bytes;
    }
    return memory_limits_let(process, &wish);
}

int64_t call_mmap(struct thread *thread, const uint64_t *arguments)
{
    int file = (int)arguments[4];
    if (!((int)arguments[3] & MAP_ANONYMOUS) && call_is_kept(thread, arguments[4]))
        return -EBADF;
    if (!may_map(thread->process, arguments))
        return -ENOMEM;
    return window_mmap(thread->process->window, arguments[0], arguments[1], (int)arguments[2],
        (int)arguments[3], file, arguments[5]);
}

int64_t call_munmap(struct thread *thread, const uint64_t *arguments)
{
    return window_munmap(thread->process->window, arguments[0], arguments[1]);
}

/* Memory that the stack may grow into natively is not there. */
static bool is_set_aside(struct window *window, uint64_t address)
{
    return window_is_below_stack(window, address) && window_rights(window, address) == PROT_NONE;
}

int64_t call_mprotect(struct thread *thread, const uint64_t *arguments)
{
    const uint64_t bytes = whole_pages(arguments[1]);
    const struct memory_wish wish = {
        .from = arguments[0], .to = arguments[0] + bytes, .data = true, .rewrite = true};
    if (bytes && arguments[0] % PAGE == 0 && is_set_aside(thread->process->window, arguments[0]))
        return -ENOMEM;
    if (arguments[2] & PROT_WRITE && !memory_limits_let(thread->process, &wish))
        return -ENOMEM;
    return window_mprotect(thread->process->window, arguments[0], arguments[1], (int)arguments[2]);
}

/* There are no keys (pkey_alloc is refused), so only the call without one is valid. */
int64_t call_pkey_mprotect(struct thread *thread, const uint64_t *arguments)
{
    return (int)arguments[3] == -1 ? call_mprotect(thread, arguments) : -EINVAL;
}

/* As much as it grows, or all of what stays and has a copy. */
int64_t call_mremap(struct thread *thread, const uint64_t *arguments)
{
    const uint64_t before = arguments[3] & MREMAP_DONTUNMAP ? 0 : whole_pages(arguments[1]),
                   after = whole_pages(arguments[2]);
    struct memory_wish wish = {.bytes = after - before};
    if (memory_is_limited(thread->process))
        wish.data = window_rights(thread->process->window, arguments[0]) & PROT_WRITE;
    if (after > before && !memory_limits_let(thread->process, &wish))
        return -ENOMEM;
    return window_mremap(
        thread->process->window, arguments[0], arguments[1], arguments[2], (int)arguments[3], arguments[4]);
}

int64_t call_brk(struct thread *thread, const uint64_t *arguments)
{
    struct window *window = thread->process->window;
    if (!memory_is_limited(thread->process))
        return window_brk(window, arguments[0]);
    const uint64_t before = whole_pages((uint64_t)window_brk(window, 0)), after = whole_pages(arguments[0]);
    const struct memory_wish wish = {.bytes = after - before, .data = true};
    bool may = after <= before || memory_limits_let(thread->process, &wish);
    return window_brk(window, may ? arguments[0] : 0);
}

/* Of [from, to) what the program has; the rest is a hole, which is told when all is done (madvise(2)). */
static int64_t advise_around(struct thread *thread, uint64_t from, uint64_t to, uint64_t advice)
{
    int64_t rc = call_host(thread, SYS_madvise, (const uint64_t[6]){from, 0, advice});
    for (uint64_t end; rc == 0 && window_next(thread->process->window, &from, to, &end); from = end)
        rc = call_host(thread, SYS_madvise, (const uint64_t[6]){from, end - from, advice});
    return rc < 0 ? rc : -ENOMEM;
}

/* What the kernel takes away by it goes from the guest, too; what it makes inaccessible behind the back of
 * the areas (guard pages, Linux 6.13) is refused as by an older one. */
int64_t call_madvise(struct thread *thread, const uint64_t *arguments)
{
    enum { GUARD_INSTALL = 102, GUARD_REMOVE = 103 };
    int advice = (int)arguments[2];
    if (advice == GUARD_INSTALL || advice == GUARD_REMOVE)
        return -EINVAL;
    const uint64_t address = arguments[0], bytes = whole_pages(arguments[1]);
    if (advice == MADV_DONTFORK)
        window_keep_from_children(thread->process->window);
    bool possible = address % PAGE == 0 && bytes && address + bytes > address;
    if (!possible || window_holds(thread->process->window, address, bytes))
        return call_host(thread, SYS_madvise, arguments);
    return advise_around(thread, address, address + bytes, arguments[2]);
}

int64_t call_shmat(struct thread *thread, const uint64_t *arguments)
{
    struct shmid_ds facts;
    if (memory_is_limited(thread->process) && shmctl((int)arguments[0], IPC_STAT, &facts) == 0 &&
        !memory_limits_let(thread->process, &(struct memory_wish){.bytes = whole_pages(facts.shm_segsz)}))
        return -ENOMEM;
    return window_shmat(thread->process->window, (int)arguments[0], arguments[1], (int)arguments[2]);
}

int64_t call_shmdt(struct thread *thread, const uint64_t *arguments)
{
    return window_shmdt(thread->process->window, arguments[0]);
}
