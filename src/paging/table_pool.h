/* Pages for tables from one piece of memory.
 *
 * A table that was given back may live on in what a monitor or a CPU has cached of it. So it is handed out
 * again only after forget() has made them forget, which is asked when there is no other page left. */
#ifndef VCOST_PAGING_TABLE_POOL_H
#define VCOST_PAGING_TABLE_POOL_H

#include "paging/page_tables.h"

#include <stddef.h>

struct table_pool {
    char *base;  /* host memory of the first page; not owned */
    gpa_t first; /* and its guest physical address, a multiple of 4 KiB */
    size_t pages;
    int (*forget)(void *context, struct error *error); /* NULL: nobody caches anything */
    void *context;
    /* its own */
    unsigned char *states; /* of each page */
    size_t next;           /* no page before it may be handed out */
    size_t returned;
};

/* base, first, pages, forget and context are set. */
int table_pool_init(struct table_pool *pool, struct error *error);
void table_pool_free(struct table_pool *pool);

/* What page tables need to stand in this pool, which must outlive them and stay where it is. */
struct table_memory table_pool_memory(struct table_pool *pool);

#endif
