/* What a program has mapped, and how much, as Linux counts it for its limits (mm/mmap.c, vm_stat_account()).
 */
#include "program/inside/window_internal.h"

/* What the kernel gives a program for its stack to begin with (fs/exec.c, setup_arg_pages()); what it grows
 * by later is not known here. */
#define STACK_AT_FIRST UINT64_C(0x21000)

static uint64_t common(uint64_t from, uint64_t to, uint64_t other_from, uint64_t other_to)
{
    from = from > other_from ? from : other_from;
    to = to < other_to ? to : other_to;
    return to > from ? to - from : 0;
}

/* Of [from, to) what is not set aside for the stack. */
static uint64_t beside_stack(const struct window *window, uint64_t from, uint64_t to)
{
    return to - from - common(from, to, window->stack.guard, window->stack.top);
}

bool window_next(struct window *window, uint64_t *from, uint64_t to, uint64_t *end)
{
    pthread_mutex_lock(&window->lock);
    const struct area *area = areas_from(&window->areas, *from);
    bool is = area && area->from < to;
    if (is) {
        *from = area->from > *from ? area->from : *from;
        *end = area->to < to ? area->to : to;
    }
    pthread_mutex_unlock(&window->lock);
    return is;
}

uint64_t window_total(struct window *window, uint64_t from, uint64_t to)
{
    pthread_mutex_lock(&window->lock);
    uint64_t total = window->clock.to - window->clock.from + STACK_AT_FIRST;
    for (size_t i = 0; i < window->areas.count; i++) {
        const struct area *area = &window->areas.list[i];
        total += beside_stack(window, area->from, area->to) - common(area->from, area->to, from, to);
    }
    pthread_mutex_unlock(&window->lock);
    return total;
}

uint64_t window_data(struct window *window, uint64_t from, uint64_t to, bool within)
{
    struct window_mapping mapped;
    uint64_t data = 0;
    FILE *maps = window_open_maps(window);
    while (maps && window_next_mapping(maps, &mapped)) {
        uint64_t there = common(mapped.from, mapped.to, from, to), bytes = mapped.to - mapped.from;
        if (mapped.shared || !window_owns(mapped.from, bytes))
            continue;
        data += within ? there : 0;
        if (mapped.protection & PROT_WRITE)
            data += beside_stack(window, mapped.from, mapped.to) - there;
    }
    if (maps)
        fclose(maps);
    return data;
}
