/* The guest physical memory of a VM: a list of regions in numbered slots, and what a monitor checks before it
 * changes it. Not for two threads at once. */
#ifndef VCOST_MONITOR_GUEST_MEMORY_H
#define VCOST_MONITOR_GUEST_MEMORY_H

#include "base/address.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands behind a region. A monitor in this process needs `host`; one that runs guests in another
 * process maps the descriptor there. */
struct backing {
    void *host;          /* mapped here; page-aligned */
    uint64_t bytes;      /* whole pages of 4 KiB */
    int descriptor;      /* that it is a mapping of, from `offset` on; -1: anonymous memory */
    uint64_t offset;     /* bytes */
    bool shared;         /* what the guest writes reaches the descriptor, or other processes */
    uint64_t page_bytes; /* that the host has it in; 0: not told */
};

/* Anonymous private memory of this process. */
static inline struct backing backing_private(void *host, uint64_t bytes)
{
    return (struct backing){.host = host, .bytes = bytes, .descriptor = -1};
}

enum {
    REGION_READ_ONLY = 1, /* what the guest writes is an EXIT_MMIO */
    REGION_LOG_DIRTY = 2, /* which pages the guest writes is recorded */
    REGION_LOG_PARTS = 4  /* with it: all pages count as written at first, and each until dirty_clear(); from
                             then on that holds for all of the VM */
};

struct guest_region {
    unsigned slot, flags;
    gpa_t start;
    struct backing backing;
};

struct guest_memory {
    struct guest_region *list; /* by nothing in particular; owned */
    size_t count, room;
    unsigned slots; /* that the monitor has: 0 to slots - 1 */
};

/* Whether *region may be set: aligned, inside the address space, over no other slot's, and in a slot that is
 * free or holds the same but for what it logs. Makes room for it, so that guest_memory_set() cannot fail.
 */
int guest_memory_check(struct guest_memory *memory, const struct guest_region *region, struct error *error);

/* Notes a region that was checked, or with a backing of 0 bytes that the slot is free now. */
void guest_memory_set(struct guest_memory *memory, const struct guest_region *region);

/* Gives a region (its backing) the lowest slot that is free, and the lowest start from `from` on, a multiple
 * of alignment, where it overlaps no other. */
void guest_memory_place(
    const struct guest_memory *memory, gpa_t from, uint64_t alignment, struct guest_region *region);

void guest_memory_free(struct guest_memory *memory);

#endif
