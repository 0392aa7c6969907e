/* Which pages of a domain whose memory is mapped from a file were touched: the set, not the order. Kept in a
 * file of its own, it tells the next restore what to bring in behind the domain, sorted, in runs.
 *
 * Seen in /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst): pages that were written are exact;
 * where a page was read the kernel maps those around it, too, up to 64 KiB, if the page cache has them
 * (fault_around_bytes). */
#ifndef VCOST_DOMAIN_SAVED_TOUCHED_H
#define VCOST_DOMAIN_SAVED_TOUCHED_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct touched_run {
    uint64_t first, pages; /* of 4 KiB, from guest physical address 0 on */
    bool written;
};

struct touched { /* starts zeroed */
    uint64_t memory_bytes;
    double working_set_ms;    /* until the working set was back, when this was recorded; NAN: it was not */
    struct touched_run *runs; /* in the order of addresses; owned */
    size_t count;
};

/* By an entry of /proc/self/pagemap: present or swapped out, and no page of the file any more. */
static inline bool touched_is_written(uint64_t entry)
{
    return entry >> 62 != 0 && !(entry >> 61 & 1);
}

/* -ENOTSUP: this system does not tell. */
int touched_look(const void *memory, uint64_t bytes, struct touched *touched, struct error *error);
uint64_t touched_pages(const struct touched *touched, bool written);

int touched_write(const struct touched *touched, FILE *stream, struct error *error);
/* Of a domain with so much memory. -EPROTO: the file is none such, or of another. */
int touched_read(const char *path, uint64_t memory_bytes, struct touched *touched, struct error *error);
void touched_free(struct touched *touched);

#endif
