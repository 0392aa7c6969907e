#include "program/inside/window.h"

#include "domain/memory.h"
#include "program/inside/window_internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- what the guest has ---- */

/* In between are the domain's system pages in the guest (DOMAIN_PROGRAM_BASE, abi/domain.h), and behind them
 * the heap of a static position-independent program, as vcost's is, by arch/x86/include/asm/elf.h
 * (ELF_ET_DYN_BASE, 0x555555554000) and at most 2^28 pages behind; and above all what the kernel maps without
 * having been asked for an address. Whole pieces. */
static const struct {
    uint64_t from, to;
} owned[] = {
    {WINDOW_LOW_FROM, UINT64_C(0x550000000000)},
    {UINT64_C(0x568000000000), WINDOW_END},
};

/* WINDOW_HIGH_TO, or WINDOW_TO: where the domain's system pages have their room here. The other is the
 * program's as all around it is. A process has one window, and a program is looked at before that is there.
 */
static uint64_t top = WINDOW_HIGH_TO;

uint64_t window_top(void)
{
    return top;
}

bool window_owns(uint64_t from, uint64_t bytes)
{
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (from >= owned[i].from && from < owned[i].to)
            return bytes <= owned[i].to - from && (from >= top + WINDOW_SYSTEM_ROOM || from + bytes <= top);
    return false;
}

bool window_holds(const struct window *window, uint64_t address, uint64_t bytes)
{
    return window_owns(address, bytes) || (address >= window->clock.from && address < window->clock.to &&
                                              bytes <= window->clock.to - address);
}

bool window_is_foreign(const struct window *window, uint64_t address)
{
    return address >= WINDOW_TO && address < UINT64_C(1) << 47 && !window_holds(window, address, 1);
}

static unsigned rights_of(int protection)
{
    return PAGE_USER | (protection & ALL_RIGHTS ? PAGE_READ : 0) |
           (protection & PROT_WRITE ? PAGE_WRITE : 0) | (protection & PROT_EXEC ? PAGE_EXECUTE : 0);
}

/* The piece that an address is in: [from, to), and where it is kept that it is the guest's. */
struct piece {
    uint64_t from, to;
    gpa_t *start;
};

static struct piece piece_at(struct window *window, uint64_t address)
{
    struct piece piece = {.from = address & -PIECE_BYTES};
    piece.to = piece.from + PIECE_BYTES;
    piece.start = &window->pieces[address / PIECE_BYTES];
    for (size_t i = 0; i < OWN_PIECES; i++) {
        struct own_piece *own = &window->own[i];
        if (address >= own->from && address < own->to)
            return (struct piece){own->from, own->to, &own->start};
        if (own->from < piece.to && own->to > piece.from)
            piece.from = own->to;
    }
    return piece;
}

static int find_piece(struct window *window, const struct piece *piece, struct error *error)
{
    if (piece->start->value)
        return 0;
    struct guest_region region = {
        .backing = backing_private((void *)(uintptr_t)piece->from, piece->to - piece->from)};
    int rc = domain_add_region(window->domain, &region, error);
    if (rc == 0)
        *piece->start = region.start;
    return rc;
}

/* [from, to) lies in one piece. */
static int map_in_piece(
    struct window *window, uint64_t from, uint64_t to, unsigned rights, struct error *error)
{
    struct piece piece = piece_at(window, from);
    int rc = find_piece(window, &piece, error);
    for (uint64_t at = from, next; rc == 0 && at < to; at = next) {
        bool small = window->watched || window->tally->memory.page_bytes == PAGE,
             large = !small && at % LARGE_BYTES == 0 && to - at >= LARGE_BYTES;
        uint64_t edge = (at + LARGE_BYTES) & -LARGE_BYTES;
        next = large ? to & -LARGE_BYTES : edge < to ? edge : to;
        rc = domain_map(window->domain, GVA(at), GPA(piece.start->value + (at - piece.from)), next - at,
            large ? LARGE_BYTES : PAGE, rights, error);
    }
    return rc;
}

int window_give(struct window *window, uint64_t from, uint64_t to, struct error *error)
{
    const unsigned later = window->tally->memory.later ? PAGE_LATER : 0;
    int rc = 0;
    const struct area *area;
    while (rc == 0 && from < to && (area = areas_from(&window->areas, from)) && area->from < to) {
        uint64_t at = area->from > from ? area->from : from, end = area->to < to ? area->to : to;
        int protection = area->protection;
        bool is_there = protection & ALL_RIGHTS && !(protection & AREA_BEHIND_END) &&
                        area->to - area->from < SPARSE_BYTES;
        for (uint64_t next; rc == 0 && is_there && at < end; at = next) {
            next = piece_at(window, at).to;
            next = next < end ? next : end;
            rc = map_in_piece(window, at, next, rights_of(protection) | later, error);
        }
        from = end;
    }
    return rc;
}

int window_bring(struct window *window, uint64_t address, struct error *error)
{
    struct page_walk walk;
    int rc = 0;
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_at(&window->areas, address);
    page_tables_walk(domain_tables(window->domain), GVA(page_of(address)), &walk);
    if (address >= window->clock.from && address < window->clock.code)
        rc = window_start_clock(window, error);
    /* However long it is: of a large one that was cut in two a short one may be left. */
    if (area && !walk.leaf.bytes) {
        uint64_t from = address & -LARGE_BYTES, to = from + LARGE_BYTES;
        from = from > area->from ? from : area->from;
        to = to < area->to ? to : area->to;
        rc = map_in_piece(window, from, to, rights_of(area->protection), error);
        from = page_of(address);
        if (rc == -EEXIST) /* a part of it was mapped when it was another mapping's */
            rc = map_in_piece(window, from, from + PAGE, rights_of(area->protection), error);
        if (rc == -EEXIST) /* so was this page, or the guest's kernel makes it present */
            rc = 0;
    }
    pthread_mutex_unlock(&window->lock);
    return rc;
}

/* ---- changes ---- */

static _Thread_local struct window_work work;
static _Thread_local bool work_is_wanted; /* a program is loaded before anybody asks */
static _Thread_local uint64_t work_from_ns;
static atomic_uint_fast64_t changes; /* by all threads */

static uint64_t own_cpu_ns(void)
{
    struct timespec time = {0, 0};
    if (work_is_wanted)
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void window_begin(struct window *window)
{
    pthread_mutex_lock(&window->lock);
    work_from_ns = own_cpu_ns();
}

void window_end(struct window *window)
{
    work.cpu_ns += own_cpu_ns() - work_from_ns;
    pthread_mutex_unlock(&window->lock);
}

struct window_work window_work(void)
{
    work_is_wanted = true;
    return work;
}

uint64_t window_others_changes(void)
{
    return changes - work.calls;
}

int window_host_call(void *context, struct error *error)
{
    struct host_call *call = context;
    const long *with = call->arguments;
    uint64_t from_ns = own_cpu_ns();
    call->result = syscall(call->number, with[0], with[1], with[2], with[3], with[4], with[5]);
    work_from_ns += own_cpu_ns() - from_ns;
    work.calls++;
    changes++;
    if (call->result >= 0)
        return 0;
    call->result = -errno;
    return error_set(error, errno, "a system call about memory failed");
}

/* Whatever it does, and also where it fails. */
static int call_anyway(void *call, struct error *error)
{
    window_host_call(call, error);
    return 0;
}

/* A call that fails may have done a part: what the range is then only the kernel knows. */
int64_t window_change(
    struct window *window, uint64_t from, uint64_t to, int protection, struct host_call *call)
{
    struct error error;
    const struct area *area = areas_from(&window->areas, from);
    bool had = area && area->from < to;
    FILE *maps = protection == AREA_ASK ? window_open_maps(window) : NULL;
    if (protection == AREA_ASK && !maps)
        return -ENOMEM;
    if (had && (call->number == SYS_munmap || call->number == SYS_mmap))
        window_count_used(window, from, to);
    int rc = had ? domain_unmap(window->domain, GVA(from), to - from, call_anyway, call, &error)
                 : call_anyway(call, &error);
    bool failed = call->result < 0;
    if (rc == 0 && (maps || (failed && had)))
        rc = window_read_areas(window, maps ? maps : (maps = window_open_maps(window)), from, to);
    else if (rc == 0 && !failed)
        rc = areas_set(&window->areas, from, to, protection);
    if (maps)
        fclose(maps);
    if (rc == 0)
        rc = window_give(window, from, to, &error);
    return failed ? call->result : rc < 0 ? -ENOMEM : call->result;
}

/* ---- making it ---- */

/* The kernel maps what it was not asked an address for, as the tally was, from some address on down, which is
 * at most 2^28 pages and a stack below the end of all (arch/x86/mm/mmap.c), or from a third of all on up
 * where a stack may be of any size. Where it was told to choose from more, the high window could be in its
 * way. */
static uint64_t choose_top(const struct tally *tally)
{
    const uint64_t own = UINT64_C(0x800000000) /* 32 GiB: vcost's own by far */, mapped = (uintptr_t)tally;
    return mapped >= WINDOW_END + own || mapped < WINDOW_TO ? WINDOW_HIGH_TO : WINDOW_TO;
}

struct domain_room window_room(const struct tally *tally)
{
    char *room = (char *)(uintptr_t)choose_top(tally), *behind = room + WINDOW_SYSTEM_ROOM;
    return (struct domain_room){.from = room - WINDOW_NEAR_BELOW,
        .system = room + WINDOW_SYSTEM_GAP,
        .behind = behind - WINDOW_SYSTEM_GAP / 2,
        .to = behind + WINDOW_NEAR_ABOVE};
}

uint64_t window_program(void)
{
    return top + WINDOW_SYSTEM_ROOM;
}

int window_rights(struct window *window, uint64_t address)
{
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_at(&window->areas, address);
    int protection = area ? area->protection & ALL_RIGHTS : window_clock_rights(window, address);
    pthread_mutex_unlock(&window->lock);
    return protection;
}

int window_create(
    struct domain *domain, int proc, struct tally *tally, struct window **out, struct error *error)
{
    struct window *window = calloc(1, sizeof *window);
    if (!window)
        return error_set(error, ENOMEM, "no memory for a list of what a program has mapped");
    window->domain = domain;
    window->proc = proc;
    window->tally = tally;
    top = choose_top(tally);
    window->own[0] = (struct own_piece){.from = WINDOW_LOW_FROM, .to = LARGE_BYTES};
    window->own[1] = (struct own_piece){.from = LARGE_BYTES, .to = WINDOW_LINKED_TO};
    window->own[2] = (struct own_piece){top - WINDOW_NEAR_BELOW, top + WINDOW_SYSTEM_ROOM + WINDOW_NEAR_ABOVE,
        domain_system_region(domain)->start};
    pthread_mutex_init(&window->lock, NULL);
    int rc = window_lend_clock(window, error);
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
