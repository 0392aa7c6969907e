/* What the files of host/memory share. For nobody else. */
#ifndef VCOST_HOST_MEMORY_INTERNAL_H
#define VCOST_HOST_MEMORY_INTERNAL_H

#include "base/size.h"
#include "host/memory.h"

#define SMALL_PAGE ((size_t)(4 * KIB))
#define LARGE_PAGE ((size_t)(2 * MIB))
#define GIANT_PAGE ((size_t)GIB)

static inline uint64_t mib_up(uint64_t bytes)
{
    return bytes / MIB + (bytes % MIB != 0);
}

/* "4 KiB", "2 MiB", "1 GiB": for one of the three. */
const char *memory_page_name(uint64_t page_bytes);

/* Puts the source of MEMORY_AUTO in its place and refuses what no source has: -EINVAL. */
int memory_source_settle(enum memory_source *source, uint64_t page_bytes, struct error *error);

/* memory_shared.c: gives memory whose addresses are reserved a descriptor, and maps that; closes it. */
int memory_open_shared(struct memory *memory, size_t room, struct error *error);
void memory_close_shared(struct memory *memory);

#endif
