/* mmap and its like: where a mapping goes, and what Linux refuses. */
#include "program/inside/window_internal.h"

#include <errno.h>
#include <sys/shm.h>
#include <sys/syscall.h>

/* Room that the heap has for growing before other mappings come in its way. */
#define HEAP_ROOM UINT64_C(0x10000000000)

/* Where Linux looks with MAP_32BIT (arch/x86/kernel/sys_x86_64.c). */
#define LOW_FROM UINT64_C(0x40000000)
#define LOW_TO UINT64_C(0x80000000)

uint64_t window_find_free(struct window *window, uint64_t bytes, uint64_t alignment, int flags)
{
    if (flags & MAP_32BIT)
        return areas_find(&window->areas, LOW_FROM, LOW_TO, bytes, alignment);
    uint64_t found = window_top() == WINDOW_HIGH_TO
                         ? areas_find(&window->areas, WINDOW_HIGH_FROM, WINDOW_HIGH_TO, bytes, alignment)
                         : 0;
    return found ? found : areas_find(&window->areas, WINDOW_FROM, WINDOW_TO, bytes, alignment);
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
        *address = wish;
        return window_owns(wish, bytes) ? 0 : -ENOMEM;
    }
    wish = page_of(wish);
    if (wish >= WINDOW_EVERYONES_FROM && window_owns(wish, bytes) && window_is_free(window, wish, bytes))
        *address = wish;
    else
        *address = window_find_free(window, bytes, window_alignment(bytes, flags), flags);
    return *address ? 0 : -ENOMEM;
}

void window_reading_executes(struct window *window, bool does)
{
    window_begin(window);
    window->reading_executes = does;
    window_end(window);
}

void window_keep_from_children(struct window *window)
{
    window_begin(window);
    window->keeps_from_children = true;
    window_end(window);
}

/* What a mapping may be used for that is asked for with PROT_*. */
static int obtained(const struct window *window, int protection)
{
    bool more = window->reading_executes && protection & PROT_READ;
    return (protection & ALL_RIGHTS) | (more ? PROT_EXEC : 0);
}

/* For x86's page tables whatever may be written or executed may be read, too; the host lets a guest have only
 * what is to be read. */
static int readable(int protection)
{
    return protection | (protection & (PROT_WRITE | PROT_EXEC) ? PROT_READ : 0);
}

int64_t window_mmap(struct window *window, uint64_t wish, uint64_t bytes, int protection, int flags, int file,
    uint64_t offset)
{
    uint64_t address, size = flags & MAP_HUGETLB ? window_alignment(bytes, flags) : PAGE;
    uint64_t whole = (bytes + size - 1) & -size;
    bool misplaced = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && wish % PAGE;
    if (whole < bytes || !bytes || misplaced) { /* the kernel knows best why that cannot be */
        struct host_call call = {.number = SYS_mmap,
            .arguments = {(long)wish, (long)bytes, protection, flags, file, (long)offset}};
        window_host_call(&call, NULL);
        return call.result;
    }
    if (whole > WINDOW_END)
        return -ENOMEM;
    window_begin(window);
    int64_t rc = choose(window, wish, whole, flags, &address);
    protection = readable(protection);
    if (rc == 0) {
        flags &= ~MAP_32BIT;
        struct host_call call = {.number = SYS_mmap,
            .arguments = {(long)address, (long)bytes, protection, flags | MAP_FIXED, file, (long)offset}};
        rc = window_change(window, address, address + whole, obtained(window, protection), &call);
        if (rc == -EINVAL && !wish && !(flags & (MAP_ANONYMOUS | MAP_FIXED)))
            rc = window_map_where_kernel_wants(window, &call, obtained(window, protection));
        window->grows |= flags & MAP_GROWSDOWN;
    }
    window_end(window);
    return rc;
}

/* [from, to) lies in one of the program's ranges. */
static int64_t take(struct window *window, uint64_t from, uint64_t to)
{
    struct host_call call = {.number = SYS_munmap, .arguments = {(long)from, (long)(to - from)}};
    return window_change(window, from, to, AREA_NONE, &call);
}

int64_t window_munmap(struct window *window, uint64_t address, uint64_t bytes)
{
    const uint64_t to = address + whole_pages(bytes);
    const struct area *area;
    int64_t rc = 0;
    if (address % PAGE || !bytes || address > ADDRESSES_END || bytes > ADDRESSES_END - address)
        return -EINVAL;
    window_begin(window);
    if (window_owns(address, to - address))
        rc = take(window, address, to);
    else /* what else is there is none of the program's */
        for (uint64_t at = address; rc == 0 && (area = areas_from(&window->areas, at)) && area->from < to;) {
            uint64_t from = area->from > at ? area->from : at;
            at = area->to < to ? area->to : to;
            rc = take(window, from, at);
        }
    window_end(window);
    return rc;
}

int64_t window_protect(struct window *window, uint64_t from, uint64_t to, int protection)
{
    uint64_t end = from;
    for (const struct area *area; end < to && (area = areas_at(&window->areas, end));)
        end = area->to;
    end = end < to ? end : to;
    struct host_call call = {
        .number = SYS_mprotect, .arguments = {(long)from, (long)(end - from), protection}};
    int64_t rc = end > from ? window_change(window, from, end, obtained(window, protection), &call) : -ENOMEM;
    return rc == 0 && end < to ? -ENOMEM : rc;
}

/* From where a mapping begins that grows downwards, which the kernel knows. */
static int64_t protect_grown(struct window *window, uint64_t address, uint64_t to, int protection)
{
    struct host_call call = {
        .number = SYS_mprotect, .arguments = {(long)address, (long)(to - address), protection}};
    const struct area *area = areas_at(&window->areas, address);
    if (!window->grows)
        return -EINVAL;
    return area && window_owns(address, to - address) ? window_change(window, area->from, to, AREA_ASK, &call)
                                                      : -ENOMEM;
}

/* PROT_GROWSDOWN: the stack cannot grow further here than it is mapped. */
static int64_t protect_downwards(struct window *window, uint64_t address, uint64_t to, int protection)
{
    const uint64_t bottom = window->stack.bottom;
    const struct area *area = areas_at(&window->areas, address);
    if (address < bottom || address >= window->stack.top)
        return protect_grown(window, address, to, protection);
    return window_protect(
        window, area && area->from > bottom ? area->from : bottom, to, protection & ~PROT_GROWSDOWN);
}

int64_t window_mprotect(struct window *window, uint64_t address, uint64_t bytes, int protection)
{
    enum { SEMAPHORES = 8 /* PROT_SEM */, BOTH = PROT_GROWSDOWN | PROT_GROWSUP };
    uint64_t to = address + whole_pages(bytes);
    if (address % PAGE || (protection & BOTH) == BOTH)
        return -EINVAL;
    if (!bytes)
        return 0;
    if (to <= address)
        return -ENOMEM;
    if (protection & ~(ALL_RIGHTS | SEMAPHORES | PROT_GROWSDOWN))
        return -EINVAL;
    protection = readable(protection);
    window_begin(window);
    int64_t rc = protection & PROT_GROWSDOWN ? protect_downwards(window, address, to, protection)
                                             : window_protect(window, address, to, protection);
    window_end(window);
    return rc;
}

uint64_t window_find(struct window *window, uint64_t bytes, uint64_t alignment)
{
    window_begin(window);
    uint64_t found = window_find_free(window, bytes, alignment, 0);
    window_end(window);
    return found;
}

/* ---- the heap ---- */

void window_set_heap(struct window *window, uint64_t start)
{
    window->heap = window->heap_end = start;
}

int64_t window_brk(struct window *window, uint64_t end)
{
    window_begin(window);
    uint64_t now = whole_pages(window->heap_end), wanted = whole_pages(end);
    int64_t rc = 0;
    if (end < window->heap || !window_owns(window->heap, end - window->heap) ||
        end - window->heap > HEAP_ROOM) {
        rc = -ENOMEM;
    } else if (wanted > now) {
        struct host_call call = {.number = SYS_mmap,
            .arguments = {(long)now, (long)(wanted - now), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0}};
        rc = window_is_free(window, now, wanted - now)
                 ? window_change(window, now, wanted, obtained(window, PROT_READ | PROT_WRITE), &call)
                 : -ENOMEM;
    } else if (wanted < now) {
        struct host_call call = {.number = SYS_munmap, .arguments = {(long)wanted, (long)(now - wanted)}};
        rc = window_change(window, wanted, now, AREA_NONE, &call);
    }
    if (rc >= 0)
        window->heap_end = end;
    rc = (int64_t)window->heap_end;
    window_end(window);
    return rc;
}

/* ---- what other calls map ---- */

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
    uint64_t bytes = whole_pages(facts.shm_segsz);
    int protection = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
    window_begin(window);
    if (!wish)
        address = window_find_free(window, bytes, window_alignment(bytes, 0), 0);
    struct host_call call = {.number = SYS_shmat, .arguments = {segment, (long)address, flags}};
    int64_t rc = !address                                                                  ? -ENOMEM
                 : wish && !(flags & SHM_REMAP) && !window_is_free(window, address, bytes) ? -EINVAL
                 : !window_owns(address, bytes)
                     ? -EINVAL
                     : window_change(window, address, address + bytes, protection, &call);
    window_end(window);
    return rc;
}

/* Of the segment only pieces may be left, each with other rights. */
int64_t window_shmdt(struct window *window, uint64_t address)
{
    struct host_call call = {.number = SYS_shmdt, .arguments = {(long)address}};
    int64_t rc = -EINVAL;
    window_begin(window);
    FILE *maps = window_open_maps(window);
    uint64_t bytes = maps ? window_attached_bytes(maps, address) : 0;
    if (bytes && window_owns(address, bytes))
        rc = window_change(window, address, address + bytes, AREA_ASK, &call);
    if (maps)
        fclose(maps);
    window_end(window);
    return rc;
}

/* How far it reaches only the kernel knows: whatever else is near is looked at again. */
int64_t window_io_destroy(struct window *window, uint64_t ring)
{
    struct host_call call = {.number = SYS_io_destroy, .arguments = {(long)ring}};
    window_begin(window);
    const struct area *area = areas_at(&window->areas, ring);
    int64_t rc = area ? window_change(window, area->from, area->to, AREA_ASK, &call) : -EINVAL;
    window_end(window);
    return rc;
}
