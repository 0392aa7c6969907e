#include "monitor/deprivileged/frame_map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_BYTES = 4096 };

/* The index of the first piece that ends above an address. */
static size_t find(const struct frame_map *map, uint64_t address)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->pieces[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct frame_piece *frame_map_from(const struct frame_map *map, uint64_t address)
{
    size_t index = find(map, address);
    return index < map->count ? &map->pieces[index] : NULL;
}

static struct frame_piece *having(const struct frame_map *map, uint64_t address)
{
    struct frame_piece *piece = frame_map_from(map, address);
    return piece && piece->start <= address ? piece : NULL;
}

void *frame_map_record(const struct frame_map *map, gpa_t address)
{
    const struct frame_piece *piece = having(map, address.value);
    return piece ? piece->records + (address.value - piece->start) / FRAME_BYTES * map->record_bytes : NULL;
}

void *frame_map_host(const struct frame_map *map, gpa_t address)
{
    const struct frame_piece *piece = having(map, address.value);
    return piece ? piece->host + (address.value - piece->start) : NULL;
}

int frame_map_add(struct frame_map *map, gpa_t start, void *host, uint64_t bytes, struct error *error)
{
    const uint64_t limit = UINT64_C(1) << 52;
    if (!bytes || (start.value | bytes) % FRAME_BYTES || bytes > limit || start.value > limit - bytes)
        return error_set(error, EINVAL,
            "guest memory of %" PRIu64 " bytes at 0x%" PRIx64 " is not whole pages below 52 bits", bytes,
            start.value);
    size_t index = find(map, start.value);
    if (index < map->count && map->pieces[index].start < start.value + bytes)
        return error_set(error, EEXIST, "there is guest memory at 0x%" PRIx64 " already", start.value);
    char *records = calloc(bytes / FRAME_BYTES, map->record_bytes);
    struct frame_piece *pieces = realloc(map->pieces, (map->count + 1) * sizeof *pieces);
    if (pieces)
        map->pieces = pieces;
    if (!records || !pieces) {
        free(records);
        return error_errno(error, ENOMEM, "keeping track of %" PRIu64 " bytes of guest memory", bytes);
    }
    memmove(pieces + index + 1, pieces + index, (map->count++ - index) * sizeof *pieces);
    pieces[index] = (struct frame_piece){start.value, start.value + bytes, host, records};
    return 0;
}

int frame_map_remove(struct frame_map *map, gpa_t start, struct error *error)
{
    size_t index = find(map, start.value);
    if (index == map->count || map->pieces[index].start != start.value)
        return error_set(error, ENOENT, "no guest memory starts at 0x%" PRIx64, start.value);
    free(map->pieces[index].records);
    memmove(map->pieces + index, map->pieces + index + 1, (--map->count - index) * sizeof *map->pieces);
    return 0;
}

void frame_map_free(struct frame_map *map)
{
    for (size_t i = 0; i < map->count; i++)
        free(map->pieces[i].records);
    free(map->pieces);
    map->pieces = NULL;
    map->count = 0;
}
