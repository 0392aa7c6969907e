/* Of what size the leaves of the guest's tables are behind which a program's memory was: every page that is
 * in memory when it is given back, or when the process ends, is counted once. What the kernel has been asked
 * to drop before (madvise) is not seen. */
#include "domain/memory.h"
#include "program/inside/window_internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PAGES_IN_LARGE = 512 };

/* Linux Documentation/admin-guide/mm/pagemap.rst: a page is in memory, or swapped. */
#define PAGEMAP_THERE (UINT64_C(3) << 62)

struct used {
    int pagemap;
    uint64_t at; /* the 2 MiB that `there` tells of */
    uint64_t there[PAGES_IN_LARGE];
    uint64_t small, large;
};

static void read_around(struct used *used, uint64_t address)
{
    uint64_t at = address & -LARGE_BYTES;
    if (at == used->at)
        return;
    used->at = at;
    ssize_t got =
        pread(used->pagemap, used->there, sizeof used->there, (off_t)(at / PAGE * sizeof(uint64_t)));
    size_t told = got > 0 ? (size_t)got : 0;
    memset((char *)used->there + told, 0, sizeof used->there - told);
}

static void add_leaf(void *context, const struct page_leaf *leaf)
{
    struct used *used = context;
    uint64_t *pages = leaf->bytes > PAGE ? &used->large : &used->small;
    for (uint64_t at = leaf->from.value; at < leaf->from.value + leaf->bytes; at += PAGE) {
        read_around(used, at);
        *pages += (used->there[at / PAGE % PAGES_IN_LARGE] & PAGEMAP_THERE) != 0;
    }
}

void window_count_used(struct window *window, uint64_t from, uint64_t to)
{
    struct used used = {.at = UINT64_MAX};
    struct error error;
    if (!window->tally->memory.prove)
        return;
    used.pagemap = openat(window->proc, "self/pagemap", O_RDONLY | O_CLOEXEC);
    if (used.pagemap < 0)
        return;
    page_tables_scan(domain_tables(window->domain), GVA(from), to - from, 0, add_leaf, &used, &error);
    close(used.pagemap);
    tally_add(&window->tally->used_small, used.small);
    tally_add(&window->tally->used_large, used.large);
}

void window_prove(struct window *window)
{
    pthread_mutex_lock(&window->lock);
    for (size_t i = 0; i < window->areas.count; i++)
        window_count_used(window, window->areas.list[i].from, window->areas.list[i].to);
    pthread_mutex_unlock(&window->lock);
}
