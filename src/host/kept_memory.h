/* Memory that nobody has touched yet, and that is kept once it was: who wants frames that are new to the host
 * must not give what it has touched back to it before the run ends. However much it is, it must cost fork(),
 * which is measured in the same process, nothing: it is few mappings, which children do not get. */
#ifndef VCOST_HOST_KEPT_MEMORY_H
#define VCOST_HOST_KEPT_MEMORY_H

#include "base/error.h"
#include "host/memory.h"

#include <stddef.h>
#include <stdint.h>

enum { KEPT_AREAS = 2 }; /* pages of 4 KiB, of 2 MiB */

struct kept_area {
    uint64_t page_bytes;
    char *next, *end; /* what has not been given out yet */
    void *reserved;   /* owned */
    size_t reserved_bytes;
};

struct kept_memory { /* starts zeroed */
    struct kept_area areas[KEPT_AREAS];
    size_t count;
};

/* The next `bytes`, a multiple of page_bytes (4 KiB, 2 MiB), with no pages yet. *memory stays kept: it is not
 * to be unmapped. However much is taken, this process has no more mappings for it, and a child of fork() has
 * none. -ENOMEM where this machine has not that much left; -EINVAL without `kept`. */
int kept_memory_take(struct kept_memory *kept, uint64_t bytes, uint64_t page_bytes, struct memory *memory,
    struct error *error);

void kept_memory_release(struct kept_memory *kept);

#endif
