/* The kernel's memory: pages by their physical and their virtual address, and who gives them out. Fresh ones
 * are zeroed already; those that came back are given out first, in the order in which they came, so that
 * neighbours stay neighbours, and zeroed then. */
#include "guest/kernel/kernel.h"

enum { RETURNED_MAX = 4096 };

struct pool {
    uint64_t next, end;       /* of the fresh ones; 0, 0: not looked at yet */
    uint32_t first, returned; /* in the ring of those that came back */
    uint32_t page[RETURNED_MAX];
};

static struct pool frames, tables;

void *page_at(uint64_t number)
{
    return (void *)(GUEST_KERNEL_BASE + number * PAGE_BYTES);
}

uint64_t physical_of(const void *page)
{
    return (uintptr_t)page - GUEST_KERNEL_BASE + boot.memory;
}

void *page_of(uint64_t physical)
{
    return (void *)(physical - boot.memory + GUEST_KERNEL_BASE);
}

void clear_page(void *page)
{
    uint64_t count = PAGE_BYTES / 8;
    __asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(0) : "memory");
}

static void give(struct pool *pool, const void *page)
{
    uint32_t number = (uint32_t)(((uintptr_t)page - GUEST_KERNEL_BASE) / PAGE_BYTES);
    if (pool->returned < RETURNED_MAX) /* more are lost: a guest of that size is not made */
        pool->page[(pool->first + pool->returned++) % RETURNED_MAX] = number;
}

/* *fresh: it needs no zeroing. */
static void *take(struct pool *pool, bool *fresh, enum guest_panic none)
{
    *fresh = !pool->returned;
    if (pool->returned) {
        pool->returned--;
        return page_at(pool->page[pool->first++ % RETURNED_MAX]);
    }
    if (pool->next == pool->end)
        panic(none, pool->end, 0, 0);
    return page_at(pool->next++);
}

void *take_frame(void)
{
    bool fresh;
    if (!frames.end)
        frames.next = boot.frames, frames.end = boot.frames_end;
    void *frame = take(&frames, &fresh, GUEST_PANIC_FRAMES);
    if (!fresh)
        clear_page(frame);
    return frame;
}

void give_frame(void *frame)
{
    give(&frames, frame);
}

void *take_table(void)
{
    bool fresh;
    if (!tables.end)
        tables.next = boot.tables + boot.tables_used, tables.end = boot.tables_end;
    void *table = take(&tables, &fresh, GUEST_PANIC_TABLES);
    if (!fresh)
        operations->clear_table(table);
    return table;
}

void give_table(void *table)
{
    give(&tables, table);
}
