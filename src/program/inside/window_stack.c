/* The stack that a program begins with. Linux lets it grow as far as its limit says at the moment; here all
 * of that is mapped, and below it lies what a higher limit gives. */
#include "program/inside/window_internal.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GUARD_BYTES = 1 << 20 };

/* Above it what is mapped without an address has so much room first, so that it is near, too (load.c). */
#define ROOM_ABOVE UINT64_C(0x2000000)

static uint64_t limited(uint64_t bytes)
{
    return bytes < WINDOW_STACK_BYTES ? whole_pages(bytes) : WINDOW_STACK_BYTES;
}

int64_t window_make_stack(struct window *window, uint64_t bytes, int protection, uint64_t *bottom)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    const uint64_t all = WINDOW_STACK_BYTES + GUARD_BYTES;
    int64_t at = window_mmap(window, window_top() - ROOM_ABOVE - all, all, PROT_NONE, flags, -1, 0);
    if (at < 0)
        return at;
    window->stack.guard = (uint64_t)at;
    window->stack.lowest = window->stack.guard + GUARD_BYTES;
    window->stack.top = window->stack.lowest + WINDOW_STACK_BYTES;
    *bottom = window->stack.bottom = window->stack.top - limited(bytes);
    at = window_mmap(
        window, *bottom, window->stack.top - *bottom, protection, flags | MAP_FIXED | MAP_STACK, -1, 0);
    return at < 0 ? at : (int64_t)window->stack.top;
}

void window_raise_stack(struct window *window, uint64_t bytes)
{
    window_begin(window);
    uint64_t from = window->stack.top - limited(bytes), to = window->stack.bottom;
    const struct area *area = areas_at(&window->areas, to);
    int protection = area ? area->protection & ALL_RIGHTS : PROT_NONE;
    if (from < to && protection && window_protect(window, from, to, protection) == 0)
        window->stack.bottom = from;
    window_end(window);
}

bool window_is_below_stack(struct window *window, uint64_t address)
{
    pthread_mutex_lock(&window->lock);
    bool below = address >= window->stack.guard && address < window->stack.bottom;
    pthread_mutex_unlock(&window->lock);
    return below;
}

/* Whether a mapping may grow is the kernel's to say, which lets it as a system call comes to the address:
 * here one that reads a path there. */
static bool kernel_has(uint64_t address)
{
    return access((const char *)(uintptr_t)address, F_OK) == 0 || errno != EFAULT;
}

bool window_grow(struct window *window, uint64_t address)
{
    uint64_t from = page_of(address);
    FILE *maps = NULL;
    struct error error;
    if (!window->grows || !window_owns(from, PAGE))
        return false;
    window_begin(window);
    const struct area *area = areas_from(&window->areas, from);
    bool there = area && (area->from <= from || kernel_has(address));
    uint64_t to = there ? area->from : from;
    if (to > from && (maps = window_open_maps(window)))
        there = window_read_areas(window, maps, from, to) == 0 && areas_at(&window->areas, from) &&
                window_give(window, from, to, &error) == 0;
    if (maps)
        fclose(maps);
    window_end(window);
    return there;
}
