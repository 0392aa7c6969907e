#include "domain/moved/left.h"

#include <errno.h>
#include <string.h>

int left_send(struct moved_wire *wire, const uint64_t *bits, uint64_t pages, struct error *error)
{
    int rc = 0;
    for (uint64_t first = 0; rc == 0 && first < pages; first += WIRE_LEFT_PAGES) {
        uint64_t count = pages - first < WIRE_LEFT_PAGES ? pages - first : WIRE_LEFT_PAGES;
        rc = moved_send(wire, WIRE_LEFT, first * WIRE_PAGE_BYTES, count, bits + first / 64, count / 8, error);
    }
    return rc;
}

int left_take(const struct moved_header *header, const char *payload, uint64_t *bits, uint64_t pages,
    struct error *error)
{
    const uint64_t first = header->at / WIRE_PAGE_BYTES;
    if (first % 64 || first >= pages || header->pages > pages - first)
        return error_set(error, EPROTO, "memory is to come later that the domain does not have");
    memcpy(bits + first / 64, payload, header->bytes);
    return 0;
}

uint64_t left_count(const uint64_t *bits, uint64_t pages)
{
    uint64_t count = 0;
    for (uint64_t word = 0; word < pages / 64; word++)
        count += (unsigned)__builtin_popcountll(bits[word]);
    return count;
}

uint64_t left_next(const uint64_t *bits, uint64_t from, uint64_t pages)
{
    for (uint64_t page = from; page < pages; page = page / 64 * 64 + 64) {
        uint64_t rest = bits[page / 64] >> page % 64;
        if (rest)
            return page + (unsigned)__builtin_ctzll(rest);
    }
    return pages;
}
