#include "program/inside/window.h"

#include "domain/memory.h"
#include "program/inside/window_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- what the guest has ---- */

bool window_owns(uint64_t from, uint64_t bytes)
{
    if (from < WINDOW_LOW_END)
        return from >= WINDOW_LOW_FROM && bytes <= WINDOW_LOW_END - from;
    return from >= WINDOW_FROM && from < WINDOW_TO && bytes <= WINDOW_TO - from;
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

static int find_piece(struct window *window, uint64_t address, gpa_t *start, struct error *error)
{
    uint64_t base = address & -PIECE_BYTES;
    size_t piece =
        address < WINDOW_LOW_END ? address / PIECE_BYTES : LOW_PIECES + (address - WINDOW_FROM) / PIECE_BYTES;
    int rc = 0;
    if (!window->pieces[piece].value) {
        uint64_t skip = base ? 0 : WINDOW_LOW_FROM;
        struct guest_region region = {
            .backing = backing_private((void *)(uintptr_t)(base + skip), PIECE_BYTES - skip)};
        rc = domain_add_region(window->domain, &region, error);
        if (rc == 0)
            window->pieces[piece] = GPA(region.start.value - skip);
    }
    if (rc == 0)
        *start = GPA(window->pieces[piece].value + (address - base));
    return rc;
}

/* [from, to) lies in one piece. */
static int map_in_piece(
    struct window *window, uint64_t from, uint64_t to, int protection, struct error *error)
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

int window_give(struct window *window, uint64_t from, uint64_t to, struct error *error)
{
    int rc = 0;
    const struct area *area;
    while (rc == 0 && from < to && (area = areas_from(&window->areas, from)) && area->from < to) {
        uint64_t at = area->from > from ? area->from : from, end = area->to < to ? area->to : to;
        int protection = area->protection;
        bool is_there = protection & ALL_RIGHTS && !(protection & AREA_BEHIND_END);
        for (uint64_t next; rc == 0 && is_there && at < end; at = next) {
            next = (at + PIECE_BYTES) & -PIECE_BYTES;
            next = next < end ? next : end;
            rc = map_in_piece(window, at, next, protection, error);
        }
        from = end;
    }
    return rc;
}

/* ---- changes ---- */

int window_host_call(void *context, struct error *error)
{
    struct host_call *call = context;
    const long *with = call->arguments;
    call->result = syscall(call->number, with[0], with[1], with[2], with[3], with[4], with[5]);
    if (call->result >= 0)
        return 0;
    call->result = -errno;
    return error_set(error, errno, "a system call about memory failed");
}

int64_t window_change(
    struct window *window, uint64_t from, uint64_t to, int protection, struct host_call *call)
{
    struct error error;
    const struct area *area = areas_from(&window->areas, from);
    bool fresh = !area || area->from >= to;
    int rc = fresh ? window_host_call(call, &error)
                   : domain_unmap(window->domain, GVA(from), to - from, window_host_call, call, &error);
    if (rc < 0)
        return call->result < 0 ? call->result : rc;
    if (areas_set(&window->areas, from, to, protection) < 0)
        return -ENOMEM;
    rc = window_give(window, from, to, &error);
    return rc < 0 ? -ENOMEM : call->result;
}

/* ---- making it ---- */

int window_rights(struct window *window, uint64_t address)
{
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_at(&window->areas, address);
    int protection = area ? area->protection & ALL_RIGHTS : AREA_NONE;
    pthread_mutex_unlock(&window->lock);
    return protection;
}

int window_create(struct domain *domain, struct window **out, struct error *error)
{
    struct window *window = calloc(1, sizeof *window);
    if (!window)
        return error_set(error, ENOMEM, "no memory for a list of what a program has mapped");
    window->domain = domain;
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
