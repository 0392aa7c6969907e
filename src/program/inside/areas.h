/* Which ranges of addresses a program has mapped, and with which rights: what the host's list of mappings
 * says, kept here so that it can be asked without a system call. Neighbours of equal rights are one. Ranges
 * are whole pages; one thread at a time. */
#ifndef VCOST_PROGRAM_INSIDE_AREAS_H
#define VCOST_PROGRAM_INSIDE_AREAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct area {
    uint64_t from, to; /* [from, to) */
    int protection;    /* PROT_* */
};

struct areas {         /* starts zeroed; list is owned */
    struct area *list; /* by ascending addresses */
    size_t count, room;
};

enum { AREA_NONE = -1 }; /* as a protection: nothing is mapped */

/* -ENOMEM, and nothing is changed. */
int areas_set(struct areas *areas, uint64_t from, uint64_t to, int protection);

/* The first one that ends behind an address; NULL: there is none. */
const struct area *areas_from(const struct areas *areas, uint64_t address);

/* The one that holds an address; NULL. */
const struct area *areas_at(const struct areas *areas, uint64_t address);

/* The highest free range of so many bytes in [low, high), from a multiple of alignment on; 0: there is none.
 */
uint64_t areas_find(
    const struct areas *areas, uint64_t low, uint64_t high, uint64_t bytes, uint64_t alignment);

void areas_free(struct areas *areas);

#endif
