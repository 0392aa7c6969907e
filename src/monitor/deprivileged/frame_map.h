/* What is known of each 4 KiB frame of guest memory: a record of a size that the owner chooses, and where the
 * frame is in this process. Frames without memory have none. One thread at a time. */
#ifndef VCOST_MONITOR_DEPRIVILEGED_FRAME_MAP_H
#define VCOST_MONITOR_DEPRIVILEGED_FRAME_MAP_H

#include "base/address.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct frame_map {
    size_t record_bytes;
    /* its own: pieces of memory in the order of addresses, none over another */
    struct frame_piece *pieces;
    size_t count;
};

struct frame_piece {
    uint64_t start, end; /* guest physical; multiples of 4 KiB */
    char *host;
    char *records; /* zeroed at first */
};

/* Memory from `start` on is at `host`, which stays the caller's. -EINVAL: not whole pages, or beyond 52 bits;
 * -EEXIST: over another. */
int frame_map_add(struct frame_map *map, gpa_t start, void *host, uint64_t bytes, struct error *error);
/* -ENOENT: no piece starts there. */
int frame_map_remove(struct frame_map *map, gpa_t start, struct error *error);
void frame_map_free(struct frame_map *map);

/* The piece that has an address, or, if none has, the first one above; NULL past the last. */
struct frame_piece *frame_map_from(const struct frame_map *map, uint64_t address);
/* The record of a frame; NULL without memory. */
void *frame_map_record(const struct frame_map *map, gpa_t address);
/* The memory at an address, good to the end of its 4 KiB frame; NULL without. */
void *frame_map_host(const struct frame_map *map, gpa_t address);

#endif
