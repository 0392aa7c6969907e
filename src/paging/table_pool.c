#include "paging/table_pool.h"

#include <errno.h>
#include <stdlib.h>

enum { FREE, TAKEN, RETURNED };

int table_pool_init(struct table_pool *pool, struct error *error)
{
    unsigned char *states = calloc(pool->pages ? pool->pages : 1, sizeof *states);
    if (!states)
        return error_set(error, ENOMEM, "no memory for a list of pages for page tables");
    pool->states = states;
    pool->next = pool->returned = 0;
    return 0;
}

void table_pool_free(struct table_pool *pool)
{
    free(pool->states);
    pool->states = NULL;
}

/* The number of a page; pool->pages if it is none of the pool's. Tables may name any. */
static size_t page_of(const struct table_pool *pool, gpa_t table)
{
    uint64_t offset = table.value - pool->first.value;
    bool inside = offset / PAGE_TABLE_BYTES < pool->pages && offset % PAGE_TABLE_BYTES == 0;
    return inside ? offset / PAGE_TABLE_BYTES : pool->pages;
}

static uint64_t *pool_at(void *context, gpa_t table)
{
    const struct table_pool *pool = context;
    size_t page = page_of(pool, table);
    return page < pool->pages ? (uint64_t *)(pool->base + page * PAGE_TABLE_BYTES) : NULL;
}

static int recycle(struct table_pool *pool, struct error *error)
{
    int rc = 0;
    if (pool->returned == 0)
        return error_set(error, ENOMEM, "the guest's page tables do not fit the memory set aside for them");
    if (pool->forget && (rc = pool->forget(pool->context, error)) < 0)
        return rc;
    for (size_t page = 0; page < pool->pages; page++)
        if (pool->states[page] == RETURNED)
            pool->states[page] = FREE;
    pool->next = pool->returned = 0;
    return 0;
}

static int pool_take(void *context, gpa_t *table, struct error *error)
{
    struct table_pool *pool = context;
    for (;; pool->next++) {
        if (pool->next == pool->pages) {
            int rc = recycle(pool, error);
            if (rc < 0)
                return rc;
        }
        if (pool->states[pool->next] == FREE)
            break;
    }
    pool->states[pool->next] = TAKEN;
    *table = GPA(pool->first.value + pool->next++ * PAGE_TABLE_BYTES);
    return 0;
}

/* Given back twice, by tables that a guest has written, it is given back once. */
static void pool_give(void *context, gpa_t table)
{
    struct table_pool *pool = context;
    size_t page = page_of(pool, table);
    if (page == pool->pages || pool->states[page] != TAKEN)
        return;
    pool->states[page] = RETURNED;
    pool->returned++;
}

struct table_memory table_pool_memory(struct table_pool *pool)
{
    return (struct table_memory){.at = pool_at, .take = pool_take, .give = pool_give, .context = pool};
}
