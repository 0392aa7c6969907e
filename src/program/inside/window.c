#include "program/inside/window.h"

#include "domain/memory.h"
#include "program/inside/areas.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, ALL_RIGHTS = PROT_READ | PROT_WRITE | PROT_EXEC };

#define LARGE_BYTES UINT64_C(0x200000)
/* The guest gets its memory in pieces: a region costs the monitor time and memory by its size. */
#define PIECE_BYTES UINT64_C(0x10000000)
#define LOW_PIECES (WINDOW_LOW_END / PIECE_BYTES)
#define PIECES (LOW_PIECES + (WINDOW_TO - WINDOW_FROM) / PIECE_BYTES)
/* Room that the heap has for growing before other mappings come in its way. */
#define HEAP_ROOM UINT64_C(0x10000000000)

struct window {
    struct domain *domain;
    pthread_mutex_t lock;
    struct areas areas;
    uint64_t heap, heap_end;
    struct {
        uint64_t from, code, to; /* the kernel's data, then its code */
    } clock;
    gpa_t pieces[PIECES]; /* where each is in the guest's physical memory; 0: nowhere yet */
};

/* ---- what the guest has ---- */

static bool is_ours(uint64_t from, uint64_t bytes)
{
    if (from < WINDOW_LOW_END)
        return from >= WINDOW_LOW_FROM && bytes <= WINDOW_LOW_END - from;
    return from >= WINDOW_FROM && from < WINDOW_TO && bytes <= WINDOW_TO - from;
}

bool window_holds(const struct window *window, uint64_t address, uint64_t bytes)
{
    return is_ours(address, bytes) || (address >= window->clock.from && address < window->clock.to &&
                                          bytes <= window->clock.to - address);
}

bool window_is_foreign(const struct window *window, uint64_t address)
{
    return address >= WINDOW_TO && address < UINT64_C(1) << 47 && !window_holds(window, address, 1);
}

static unsigned rights_of(int protection)
{
    return PAGE_USER | (protection & ALL_RIGHTS ? PAGE_READ : 0) | (protection & PROT_WRITE ? PAGE_WRITE : 0) |
           (protection & PROT_EXEC ? PAGE_EXECUTE : 0);
}

static int find_piece(struct window *window, uint64_t address, gpa_t *start, struct error *error)
{
    uint64_t base = address & -PIECE_BYTES;
    size_t piece = address < WINDOW_LOW_END ? address / PIECE_BYTES
                                            : LOW_PIECES + (address - WINDOW_FROM) / PIECE_BYTES;
    int rc = 0;
    if (!window->pieces[piece].value) {
        uint64_t skip = base ? 0 : WINDOW_LOW_FROM;
        struct guest_region region = {
            .backing = backing_private((void *)(uintptr_t)(base + skip), PIECE_BYTES - skip)}; // NOLINT
        rc = domain_add_region(window->domain, &region, error);
        if (rc == 0)
            window->pieces[piece] = GPA(region.start.value - skip);
    }
    if (rc == 0)
        *start = GPA(window->pieces[piece].value + (address - base));
    return rc;
}

/* [from, to) lies in one piece. */
static int map_in_piece(struct window *window, uint64_t from, uint64_t to, int protection, struct error *error)
{
    gpa_t start;
    int rc = find_piece(window, from, &start, error);
    for (uint64_t at = from, next; rc == 0 && at < to; at = next) {
        bool large = at % LARGE_BYTES == 0 && to - at >= LARGE_BYTES;
        uint64_t edge = (at + LARGE_BYTES) & -LARGE_BYTES;
        next = large ? to & -LARGE_BYTES : edge < to ? edge : to;
        rc = domain_map(window->domain, GVA(at), GPA(start.value + (at - from)), next - at,
            large ? LARGE_BYTES : PAGE, rights_of(protection), error);
    }
    return rc;
}

/* Gives the guest what the areas say of [from, to), where it has nothing. */
static int give(struct window *window, uint64_t from, uint64_t to, struct error *error)
{
    int rc = 0;
    const struct area *area;
    while (rc == 0 && from < to && (area = areas_from(&window->areas, from)) && area->from < to) {
        uint64_t at = area->from > from ? area->from : from, end = area->to < to ? area->to : to;
        int protection = area->protection;
        for (uint64_t next; rc == 0 && (protection & ALL_RIGHTS) && at < end; at = next) {
            next = (at + PIECE_BYTES) & -PIECE_BYTES;
            next = next < end ? next : end;
            rc = map_in_piece(window, at, next, protection, error);
        }
        from = end;
    }
    return rc;
}

/* ---- changes ---- */

/* A system call about memory. */
struct host_call {
    long number, arguments[6], result;
};

static int make_call(void *context, struct error *error)
{
    struct host_call *call = context;
    const long *with = call->arguments;
    call->result = syscall(call->number, with[0], with[1], with[2], with[3], with[4], with[5]);
    if (call->result >= 0)
        return 0;
    call->result = -errno;
    return error_set(error, errno, "a system call about memory failed");
}

/* Takes [from, to) from the guest and makes the call; on success the areas say what the range is then, which
 * the guest has when it returns. Its result. */
static int64_t change(
    struct window *window, uint64_t from, uint64_t to, int protection, struct host_call *call)
{
    struct error error;
    const struct area *area = areas_from(&window->areas, from);
    bool fresh = !area || area->from >= to;
    int rc = fresh ? make_call(call, &error)
                   : domain_unmap(window->domain, GVA(from), to - from, make_call, call, &error);
    if (rc < 0)
        return call->result < 0 ? call->result : rc;
    if (areas_set(&window->areas, from, to, protection) < 0)
        return -ENOMEM;
    rc = give(window, from, to, &error);
    return rc < 0 ? -ENOMEM : call->result;
}

static uint64_t pages(uint64_t bytes)
{
    return (bytes + PAGE - 1) & -(uint64_t)PAGE;
}

static uint64_t find_free(struct window *window, uint64_t bytes, uint64_t alignment, int flags)
{
    if (flags & MAP_32BIT)
        return areas_find(&window->areas, WINDOW_LOW_FROM, WINDOW_LOW_END, bytes, alignment);
    return areas_find(&window->areas, WINDOW_FROM, WINDOW_TO, bytes, alignment);
}

static bool is_free(const struct window *window, uint64_t from, uint64_t bytes)
{
    const struct area *area = areas_from(&window->areas, from);
    return !area || area->from >= from + bytes;
}

static uint64_t alignment_of(uint64_t bytes, int flags)
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
        if (!is_ours(wish, bytes))
            return -ENOMEM;
        if (flags & MAP_FIXED_NOREPLACE && !is_free(window, wish, bytes))
            return -EEXIST;
        *address = wish;
        return 0;
    }
    wish = pages(wish);
    if (wish >= WINDOW_LOW_FROM && is_ours(wish, bytes) && is_free(window, wish, bytes))
        *address = wish;
    else
        *address = find_free(window, bytes, alignment_of(bytes, flags), flags);
    return *address ? 0 : -ENOMEM;
}

int64_t window_mmap(struct window *window, uint64_t wish, uint64_t bytes, int protection, int flags, int file,
    uint64_t offset)
{
    uint64_t address, size = flags & MAP_HUGETLB ? alignment_of(bytes, flags) : PAGE;
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
        rc = change(window, address, address + whole, protection, &call);
    }
    pthread_mutex_unlock(&window->lock);
    return rc;
}

int64_t window_munmap(struct window *window, uint64_t address, uint64_t bytes)
{
    if (address % PAGE || !bytes || pages(bytes) < bytes)
        return -EINVAL;
    if (!is_ours(address, pages(bytes)))
        return address < UINT64_C(1) << 47 ? 0 : -EINVAL; /* what is there is none of the program's */
    struct host_call call = {.number = SYS_munmap, .arguments = {(long)address, (long)bytes}};
    pthread_mutex_lock(&window->lock);
    int64_t rc = change(window, address, address + pages(bytes), AREA_NONE, &call);
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* Up to the first hole it takes effect, and then it fails. */
int64_t window_mprotect(struct window *window, uint64_t address, uint64_t bytes, int protection)
{
    uint64_t to = address + pages(bytes), end = address;
    if (address % PAGE || protection & ~(ALL_RIGHTS | PROT_GROWSDOWN | PROT_GROWSUP))
        return -EINVAL;
    if (!bytes)
        return 0;
    if (to < address || !is_ours(address, to - address))
        return -ENOMEM;
    pthread_mutex_lock(&window->lock);
    for (const struct area *area; end < to && (area = areas_at(&window->areas, end));)
        end = area->to;
    end = end < to ? end : to;
    struct host_call call = {.number = SYS_mprotect, .arguments = {(long)address, (long)(end - address), protection}};
    int64_t rc = end > address ? change(window, address, end, protection & ALL_RIGHTS, &call) : -ENOMEM;
    pthread_mutex_unlock(&window->lock);
    return rc == 0 && end < to ? -ENOMEM : rc;
}

/* ---- mremap ---- */

struct move {
    uint64_t from, bytes, to, to_bytes;
    int flags;
};

/* What the areas of one range say is said of another; beyond the first range, as its end. */
static int copy_areas(struct window *window, const struct move *move)
{
    struct areas *areas = &window->areas;
    uint64_t same = move->bytes < move->to_bytes ? move->bytes : move->to_bytes;
    int protection = PROT_NONE, rc = areas_set(areas, move->to, move->to + move->to_bytes, AREA_NONE);
    for (uint64_t done = 0, end; rc == 0 && done < same; done = end) {
        const struct area *area = areas_at(areas, move->from + done);
        if (!area)
            return -EFAULT;
        protection = area->protection;
        end = area->to - move->from < same ? area->to - move->from : same;
        rc = areas_set(areas, move->to + done, move->to + end, protection);
    }
    if (rc == 0 && move->to_bytes > same) {
        const struct area *first = areas_at(areas, move->from);
        protection = same ? protection : first ? first->protection : PROT_NONE;
        rc = areas_set(areas, move->to + same, move->to + move->to_bytes, protection);
    }
    return rc;
}

static int64_t move_to(struct window *window, const struct move *move)
{
    struct error error;
    struct host_call call = {.number = SYS_mremap, .arguments = {(long)move->from, (long)move->bytes, (long)move->to_bytes,
                                             move->flags | MREMAP_MAYMOVE | MREMAP_FIXED, (long)move->to}};
    bool stays = move->flags & MREMAP_DONTUNMAP || !move->bytes;
    int rc = move->bytes ? domain_unmap(window->domain, GVA(move->from), move->bytes, make_call, &call, &error)
                         : make_call(&call, &error);
    if (rc < 0)
        return call.result < 0 ? call.result : rc;
    rc = copy_areas(window, move);
    if (rc == 0 && !stays)
        rc = areas_set(&window->areas, move->from, move->from + move->bytes, AREA_NONE);
    if (rc == 0 && stays && move->bytes)
        rc = give(window, move->from, move->from + move->bytes, &error);
    if (rc == 0)
        rc = give(window, move->to, move->to + move->to_bytes, &error);
    return rc < 0 ? rc : call.result;
}

/* The kernel replaces what is there, after it has looked at the rest. */
static int64_t move_over(struct window *window, const struct move *move)
{
    bool overlap = move->from < move->to + move->to_bytes && move->to < move->from + move->bytes;
    if (move->to % PAGE || overlap)
        return -EINVAL;
    if (!is_ours(move->to, move->to_bytes))
        return -ENOMEM;
    if (!areas_at(&window->areas, move->from))
        return -EFAULT;
    struct host_call away = {.number = SYS_munmap, .arguments = {(long)move->to, (long)move->to_bytes}};
    int64_t rc = is_free(window, move->to, move->to_bytes)
                     ? 0
                     : change(window, move->to, move->to + move->to_bytes, AREA_NONE, &away);
    return rc < 0 ? rc : move_to(window, move);
}

static int64_t resize(struct window *window, struct move *move)
{
    uint64_t end = move->from + move->bytes, to_end = move->from + move->to_bytes;
    const struct area *last = areas_at(&window->areas, end - 1);
    struct host_call call = {.number = SYS_mremap, .arguments = {(long)move->from, (long)move->bytes, (long)move->to_bytes, 0}};
    if (!last)
        return -EFAULT;
    if (to_end <= end)
        return to_end < end ? change(window, to_end, end, AREA_NONE, &call)
                            : (make_call(&call, NULL), call.result);
    if (is_ours(move->from, move->to_bytes) && is_free(window, end, to_end - end)) {
        int64_t rc = change(window, end, to_end, last->protection, &call);
        if (rc != -ENOMEM || !(move->flags & MREMAP_MAYMOVE))
            return rc;
    }
    if (!(move->flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    move->to = find_free(window, move->to_bytes, alignment_of(move->to_bytes, 0), 0);
    return move->to ? move_to(window, move) : -ENOMEM;
}

int64_t window_mremap(
    struct window *window, uint64_t address, uint64_t bytes, uint64_t to_bytes, int flags, uint64_t to)
{
    enum { KNOWN = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP };
    struct move move = {address, pages(bytes), to, pages(to_bytes), flags};
    if (flags & ~KNOWN || (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE)) ||
        (flags & MREMAP_DONTUNMAP && move.bytes != move.to_bytes) || address % PAGE || !to_bytes)
        return -EINVAL;
    if (move.to_bytes < to_bytes || move.bytes < bytes || !is_ours(address, move.bytes))
        return -EFAULT;
    pthread_mutex_lock(&window->lock);
    int64_t rc;
    if (flags & MREMAP_FIXED) {
        rc = move_over(window, &move);
    } else if (flags & MREMAP_DONTUNMAP || !move.bytes) {
        move.to = find_free(window, move.to_bytes, alignment_of(move.to_bytes, 0), 0);
        rc = !areas_at(&window->areas, address) ? -EFAULT : move.to ? move_to(window, &move) : -ENOMEM;
    } else {
        rc = resize(window, &move);
    }
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* ---- the heap ---- */

void window_set_heap(struct window *window, uint64_t start)
{
    window->heap = window->heap_end = start;
}

int64_t window_brk(struct window *window, uint64_t end)
{
    pthread_mutex_lock(&window->lock);
    uint64_t now = pages(window->heap_end), wanted = pages(end);
    int64_t rc = 0;
    if (end < window->heap || !is_ours(window->heap, end - window->heap) ||
        end - window->heap > HEAP_ROOM) {
        rc = -ENOMEM;
    } else if (wanted > now) {
        struct host_call call = {.number = SYS_mmap, .arguments = {(long)now, (long)(wanted - now), PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0}};
        rc = is_free(window, now, wanted - now)
                 ? change(window, now, wanted, PROT_READ | PROT_WRITE, &call)
                 : -ENOMEM;
    } else if (wanted < now) {
        struct host_call call = {.number = SYS_munmap, .arguments = {(long)wanted, (long)(now - wanted)}};
        rc = change(window, wanted, now, AREA_NONE, &call);
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
    uint64_t bytes = pages(facts.shm_segsz);
    int protection = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
    pthread_mutex_lock(&window->lock);
    if (!wish)
        address = find_free(window, bytes, alignment_of(bytes, 0), 0);
    struct host_call call = {.number = SYS_shmat, .arguments = {segment, (long)address, flags}};
    int64_t rc = !address                                   ? -ENOMEM
                 : wish && !(flags & SHM_REMAP) && !is_free(window, address, bytes) ? -EINVAL
                 : !is_ours(address, bytes)                 ? -EINVAL
                                            : change(window, address, address + bytes, protection, &call);
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* How far it reaches only the kernel knows: whatever else is near is looked at again. */
int64_t window_shmdt(struct window *window, uint64_t address)
{
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_at(&window->areas, address);
    struct host_call call = {.number = SYS_shmdt, .arguments = {(long)address}};
    unsigned char resident;
    if (!area) {
        pthread_mutex_unlock(&window->lock);
        return -EINVAL;
    }
    struct area whole = *area;
    int64_t rc = change(window, whole.from, whole.to, whole.protection, &call);
    for (uint64_t at = whole.from; rc == 0 && at < whole.to; at += PAGE) {
        struct host_call look = {.number = SYS_mincore, .arguments = {(long)at, PAGE, (long)&resident}};
        struct host_call away = {.number = SYS_munmap, .arguments = {(long)at, PAGE}};
        if (make_call(&look, NULL) < 0)
            rc = change(window, at, at + PAGE, AREA_NONE, &away);
    }
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* ---- making it ---- */

uint64_t window_find(struct window *window, uint64_t bytes, uint64_t alignment)
{
    pthread_mutex_lock(&window->lock);
    uint64_t found = find_free(window, bytes, alignment, 0);
    pthread_mutex_unlock(&window->lock);
    return found;
}

int window_rights(struct window *window, uint64_t address)
{
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_at(&window->areas, address);
    int protection = area ? area->protection : AREA_NONE;
    pthread_mutex_unlock(&window->lock);
    return protection;
}

/* The kernel's data for the clock lie right before its code, in some mappings of theirs. */
static void find_clock(struct window *window)
{
    char line[256];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        uint64_t from, to;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) != 2 || !strstr(line, "[v"))
            continue;
        if (strstr(line, "[vvar") && window->clock.to != from)
            window->clock.from = from;
        if (strstr(line, "[vvar"))
            window->clock.to = from = to;
        if (strstr(line, "[vdso]") && window->clock.to == from) {
            window->clock.code = from;
            window->clock.to = to;
        }
    }
    if (maps)
        fclose(maps);
    if (!window->clock.code || window->clock.code != getauxval(AT_SYSINFO_EHDR))
        window->clock.from = window->clock.code = window->clock.to = 0;
}

static int lend_clock(struct window *window, struct error *error)
{
    const uint64_t from = window->clock.from, code = window->clock.code, to = window->clock.to;
    struct guest_region region = {.backing = backing_private((void *)(uintptr_t)from, to - from)}; // NOLINT
    int rc = domain_add_region(window->domain, &region, error);
    if (rc == 0)
        rc = domain_map(window->domain, GVA(from), region.start, code - from, PAGE, PAGE_READ | PAGE_USER, error);
    if (rc == 0)
        rc = domain_map(window->domain, GVA(code), GPA(region.start.value + (code - from)), to - code, PAGE,
            PAGE_READ | PAGE_EXECUTE | PAGE_USER, error);
    return rc;
}

uint64_t window_clock(const struct window *window)
{
    return window->clock.code;
}

int window_create(struct domain *domain, struct window **out, struct error *error)
{
    struct window *window = calloc(1, sizeof *window);
    if (!window)
        return error_set(error, ENOMEM, "no memory for a list of what a program has mapped");
    window->domain = domain;
    pthread_mutex_init(&window->lock, NULL);
    find_clock(window);
    int rc = window->clock.code ? lend_clock(window, error) : 0;
    if (rc < 0)
        free(window);
    else
        *out = window;
    return rc;
}

void window_hold(struct window *window)
{
    pthread_mutex_lock(&window->lock);
}

void window_go_on(struct window *window)
{
    pthread_mutex_unlock(&window->lock);
}
