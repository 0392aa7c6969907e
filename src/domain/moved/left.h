/* Which pages of a domain come later (post-copy), as bits: over the wire, and counted. */
#ifndef VCOST_DOMAIN_MOVED_LEFT_H
#define VCOST_DOMAIN_MOVED_LEFT_H

#include "domain/moved/wire.h"

/* All of a domain's pages, whose number is a multiple of 64. */
int left_send(struct moved_wire *wire, const uint64_t *bits, uint64_t pages, struct error *error);

/* Takes the contents of a WIRE_LEFT, whose header is checked. -EPROTO: of memory that the domain does not
 * have. */
int left_take(const struct moved_header *header, const char *payload, uint64_t *bits, uint64_t pages,
    struct error *error);

uint64_t left_count(const uint64_t *bits, uint64_t pages);

/* The first page from `from` on, or `pages`. */
uint64_t left_next(const uint64_t *bits, uint64_t from, uint64_t pages);

static inline bool left_has(const uint64_t *bits, uint64_t page)
{
    return bits[page / 64] >> page % 64 & 1;
}

#endif
