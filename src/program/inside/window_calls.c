/* mmap and its like: where a mapping goes, and what Linux refuses. */
#include "program/inside/window_internal.h"

#include <errno.h>
#include <sys/shm.h>
#include <sys/syscall.h>

/* Room that the heap has for growing before other mappings come in its way. */
#define HEAP_ROOM UINT64_C(0x10000000000)

uint64_t window_find_free(struct window *window, uint64_t bytes, uint64_t alignment, int flags)
{
    if (flags & MAP_32BIT)
        return areas_find(&window->areas, WINDOW_LOW_FROM, WINDOW_LOW_END, bytes, alignment);
    return areas_find(&window->areas, WINDOW_FROM, WINDOW_TO, bytes, alignment);
}

bool window_is_free(const struct window *window, uint64_t from, uint64_t bytes)
{
    const struct area *area = areas_from(&window->areas, from);
    return !area || area->from >= from + bytes;
}

uint64_t window_alignment(uint64_t bytes, int flags)
{
    unsigned size = (unsigned)flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
    if (flags & MAP_HUGETLB && size)
        return UINT64_C(1) << size;
    return bytes >= LARGE_BYTES || flags & MAP_HUGETLB ? LARGE_BYTES : PAGE;
}

static int64_t choose(struct window *window, uint64_t wish, uint64_t bytes, int flags, uint64_t *address)
{
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (wish % PAGE)
            return -EINVAL;
        if (!window_owns(wish, bytes))
            return -ENOMEM;
        if (flags & MAP_FIXED_NOREPLACE && !window_is_free(window, wish, bytes))
            return -EEXIST;
        *address = wish;
        return 0;
    }
    wish = window_pages(wish);
    if (wish >= WINDOW_LOW_FROM && window_owns(wish, bytes) && window_is_free(window, wish, bytes))
        *address = wish;
    else
        *address = window_find_free(window, bytes, window_alignment(bytes, flags), flags);
    return *address ? 0 : -ENOMEM;
}

int64_t window_mmap(struct window *window, uint64_t wish, uint64_t bytes, int protection, int flags, int file,
    uint64_t offset)
{
    uint64_t address, size = flags & MAP_HUGETLB ? window_alignment(bytes, flags) : PAGE;
    uint64_t whole = (bytes + size - 1) & -size;
    if (!bytes)
        return -EINVAL;
    if (whole < bytes || whole > WINDOW_TO - WINDOW_FROM)
        return -ENOMEM;
    pthread_mutex_lock(&window->lock);
    int64_t rc = choose(window, wish, whole, flags, &address);
    if (rc == 0) {
        flags &= ~(MAP_GROWSDOWN | MAP_32BIT | MAP_FIXED_NOREPLACE);
        struct host_call call = {.number = SYS_mmap,
            .arguments = {(long)address, (long)bytes, protection, flags | MAP_FIXED, file, (long)offset}};
        rc = window_change(window, address, address + whole, protection, &call);
    }
    pthread_mutex_unlock(&window->lock);
    return rc;
}

int64_t window_munmap(struct window *window, uint64_t address, uint64_t bytes)
{
    if (address % PAGE || !bytes || window_pages(bytes) < bytes)
        return -EINVAL;
    if (!window_owns(address, window_pages(bytes)))
        return address < UINT64_C(1) << 47 ? 0 : -EINVAL; /* what is there is none of the program's */
    struct host_call call = {.number = SYS_munmap, .arguments = {(long)address, (long)bytes}};
    pthread_mutex_lock(&window->lock);
    int64_t rc = window_change(window, address, address + window_pages(bytes), AREA_NONE, &call);
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* Up to the first hole it takes effect, and then it fails. */
int64_t window_mprotect(struct window *window, uint64_t address, uint64_t bytes, int protection)
{
    uint64_t to = address + window_pages(bytes), end = address;
    if (address % PAGE || protection & ~(ALL_RIGHTS | PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    if (!bytes)
        return 0;
    if (to < address || !window_owns(address, to - address))
        return -ENOMEM;
    pthread_mutex_lock(&window->lock);
    for (const struct area *area; end < to && (area = areas_at(&window->areas, end));)
        end = area->to;
    end = end < to ? end : to;
    struct host_call call = {
        .number = SYS_mprotect, .arguments = {(long)address, (long)(end - address), protection}};
    int64_t rc =
        end > address ? window_change(window, address, end, protection & ALL_RIGHTS, &call) : -ENOMEM;
    pthread_mutex_unlock(&window->lock);
    return rc == 0 && end < to ? -ENOMEM : rc;
}

uint64_t window_find(struct window *window, uint64_t bytes, uint64_t alignment)
{
    pthread_mutex_lock(&window->lock);
    uint64_t found = window_find_free(window, bytes, alignment, 0);
    pthread_mutex_unlock(&window->lock);
    return found;
}

/* ---- the heap ---- */

void window_set_heap(struct window *window, uint64_t start)
{
    window->heap = window->heap_end = start;
}

int64_t window_brk(struct window *window, uint64_t end)
{
    pthread_mutex_lock(&window->lock);
    uint64_t now = window_pages(window->heap_end), wanted = window_pages(end);
    int64_t rc = 0;
    if (end < window->heap || !window_owns(window->heap, end - window->heap) ||
        end - window->heap > HEAP_ROOM) {
        rc = -ENOMEM;
    } else if (wanted > now) {
        struct host_call call = {.number = SYS_mmap,
            .arguments = {(long)now, (long)(wanted - now), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0}};
        rc = window_is_free(window, now, wanted - now)
                 ? window_change(window, now, wanted, PROT_READ | PROT_WRITE, &call)
                 : -ENOMEM;
    } else if (wanted < now) {
        struct host_call call = {.number = SYS_munmap, .arguments = {(long)wanted, (long)(now - wanted)}};
        rc = window_change(window, wanted, now, AREA_NONE, &call);
    }
    if (rc >= 0)
        window->heap_end = end;
    rc = (int64_t)window->heap_end;
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* ---- System V shared memory ---- */

int64_t window_shmat(struct window *window, int segment, uint64_t wish, int flags)
{
    struct shmid_ds facts;
    uint64_t address = wish;
    if (flags & SHM_RND)
        address &= -(uint64_t)SHMLBA;
    if (address % PAGE)
        return -EINVAL;
    if (shmctl(segment, IPC_STAT, &facts) < 0)
        return errno == EACCES && !wish ? -EACCES : -errno;
    uint64_t bytes = window_pages(facts.shm_segsz);
    int protection = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
    pthread_mutex_lock(&window->lock);
    if (!wish)
        address = window_find_free(window, bytes, window_alignment(bytes, 0), 0);
    struct host_call call = {.number = SYS_shmat, .arguments = {segment, (long)address, flags}};
    int64_t rc = !address                                                                  ? -ENOMEM
                 : wish && !(flags & SHM_REMAP) && !window_is_free(window, address, bytes) ? -EINVAL
                 : !window_owns(address, bytes)
                     ? -EINVAL
                     : window_change(window, address, address + bytes, protection, &call);
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* How far it reaches only the kernel knows: whatever else is near is looked at again. */
int64_t window_shmdt(struct window *window, uint64_t address)
{
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_at(&window->areas, address);
    struct host_call call = {.number = SYS_shmdt, .arguments = {(long)address}};
    if (!area) {
        pthread_mutex_unlock(&window->lock);
        return -EINVAL;
    }
    int64_t rc = window_change_unknown(window, area->from, area->to, &call);
    pthread_mutex_unlock(&window->lock);
    return rc;
}
