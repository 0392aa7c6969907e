/* Where the guest finds its memory. In this process, in a file and on the wire a domain's memory is one
 * piece, whose bytes count from 0 ("offset"); in the guest it is regions, with holes between them where a PC
 * has its devices, or wherever it was asked for. All begin and end at multiples of 2 MiB, none overlaps
 * another, they are in the order of addresses, and the first begins at 0. */
#ifndef VCOST_DOMAIN_PORTABLE_REGIONS_H
#define VCOST_DOMAIN_PORTABLE_REGIONS_H

#include "domain/portable/portable.h"

/* Where a PC's memory below 4 GiB ends, and where it goes on. */
#define PORTABLE_HOLE_START (UINT64_C(3) << 30)
#define PORTABLE_HOLE_END (UINT64_C(4) << 30)
/* Guest physical addresses are below this. */
#define PORTABLE_ADDRESSES (UINT64_C(1) << 46)

/* All of plan->memory_bytes: `low` bytes from 0 on at most, the rest from 4 GiB on. */
void portable_regions_place(struct portable_plan *plan, uint64_t low);

/* Where a description tells nothing of them (file version 2, migration version 2) all memory is one from 0
 * on. */
void portable_regions_settle(struct portable_plan *plan);

/* -EINVAL with a sentence: they are not as above, or are together not plan->memory_bytes. */
int portable_regions_check(const struct portable_plan *plan, struct error *error);

/* Lets the last region end elsewhere, so that they are `bytes` together: what does not fit below the hole of
 * a PC goes behind it, and a region of which nothing is left is gone. -EINVAL: there are too many. */
int portable_regions_resize(struct portable_plan *plan, uint64_t bytes, struct error *error);

/* The offset of `bytes` at a guest physical address; UINT64_MAX: they are not in one region. */
uint64_t portable_offset(const struct portable_plan *plan, uint64_t physical, uint64_t bytes);

/* Where the byte at an offset below plan->memory_bytes is in the guest, and how many more follow it there. */
uint64_t portable_physical(const struct portable_plan *plan, uint64_t offset, uint64_t *more);

#endif
