/* The TLBs of a machine. An entry holds: the page's number, its size and the tag of whom it belongs to, as
 * key; the host physical address of the page as value.
 *
 * Lookup: level 1, then level 2, in each the TLB of the access's use for every page size, the smallest first;
 * of the TLBs of a level at most one has the address, since a page is of one size. A hit in level 2 is put
 * into level 1, too. What is put into level 1, which has no TLB for its size, is put as the largest smaller
 * page around the address that there is one for; into level 2 only 1 GiB as 2 MiB, if at all (AMD, Software
 * Optimization Guide for family 17h, 2.9.2: 1 GiB pages are "smashed"). Where there is none, it is not put.
 */
#ifndef VCOST_MODEL_TLBS_H
#define VCOST_MODEL_TLBS_H

#include "model/tags.h"

/* Who an entry belongs to: its domain * TAG_SPACES + its process there, below TAGS. */
enum { TAG_DOMAINS = 8, TAG_SPACES = 8, TAGS = TAG_DOMAINS * TAG_SPACES };

struct tlb {
    struct tags tags;
    unsigned cycles;
};

struct tlbs {
    struct tlb all[MACHINE_TLBS_MAX];
    size_t count;
    /* All by [level - 1][use: data, instructions]. Bits: the sizes of pages of which something was put; and
     * by size of page (4 KiB, 2 MiB, 1 GiB) where it is looked for, and as what it is put. */
    unsigned sizes[MACHINE_TLB_LEVELS_MAX][2];
    struct tlb *of[MACHINE_TLB_LEVELS_MAX][2][MACHINE_PAGES_MAX]; /* NULL: none */
    struct tlb_taker {
        struct tlb *tlb; /* NULL: it is not put */
        unsigned size, bit;
        unsigned other_bit; /* as bit, if the other use is looked for there, too; else 0 */
    } takers[MACHINE_TLB_LEVELS_MAX][2][MACHINE_PAGES_MAX];
};

/* A page as it is translated: address is of the byte 0 of the page, in host physical memory. */
struct translated_page {
    uint64_t address, bytes;
};

int tlbs_init(struct tlbs *tlbs, const struct machine *machine, uint64_t seed, struct error *error);
void tlbs_free(struct tlbs *tlbs);

/* The pages in which any of `bytes` bytes are, a power of two around the address. */
void tlbs_drop(struct tlbs *tlbs, unsigned tag, uint64_t address, uint64_t bytes);
void tlbs_clear(struct tlbs *tlbs);
void tlbs_clear_domain(struct tlbs *tlbs, unsigned domain); /* what belongs to it, of all its processes */

/* ---- use: compiled into where it is used ---- */

/* The bits of an address within a page of a size. */
static inline unsigned tlbs_shift(unsigned size)
{
    return 12 + 9 * size;
}

/* 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB. */
static inline unsigned tlbs_size(uint64_t bytes)
{
    return bytes < UINT64_C(1) << 21 ? 0 : bytes < UINT64_C(1) << 30 ? 1 : 2;
}

static inline uint64_t tlbs_key(unsigned tag, uint64_t number, unsigned size)
{
    return number << 9 | size << 7 | tag << 1 | 1;
}

/* In the TLBs of a level and use. */
TAGS_INLINE bool tlbs_find_in(struct tlbs *tlbs, unsigned level, bool instruction, unsigned tag,
    uint64_t address, struct translated_page *page, unsigned *cycles)
{
    for (unsigned sizes = tlbs->sizes[level - 1][instruction]; sizes; sizes &= sizes - 1) {
        unsigned size = (unsigned)__builtin_ctz(sizes);
        struct tlb *tlb = tlbs->of[level - 1][instruction][size];
        uint64_t number = address >> tlbs_shift(size);
        if (!tags_find_value(&tlb->tags, number, tlbs_key(tag, number, size), &page->address))
            continue;
        page->bytes = UINT64_C(1) << tlbs_shift(size);
        *cycles = tlb->cycles;
        return true;
    }
    return false;
}

/* What is put from now on is looked for. */
TAGS_INLINE void tlbs_look_for(
    struct tlbs *tlbs, unsigned level, bool instruction, const struct tlb_taker *taker)
{
    tlbs->sizes[level - 1][instruction] |= taker->bit;
    tlbs->sizes[level - 1][!instruction] |= taker->other_bit;
}

TAGS_INLINE void tlbs_put_into(struct tlbs *tlbs, unsigned level, unsigned tag, uint64_t address,
    bool instruction, unsigned size, const struct translated_page *page)
{
    const struct tlb_taker *taker = &tlbs->takers[level - 1][instruction][size];
    if (!taker->tlb)
        return;
    uint64_t number = address >> tlbs_shift(taker->size), within = 0;
    if (taker->size != size)
        within = address & (page->bytes - 1) & -(UINT64_C(1) << tlbs_shift(taker->size));
    tlbs_look_for(tlbs, level, instruction, taker);
    tags_put_value(&taker->tlb->tags, number, tlbs_key(tag, number, taker->size), page->address + within);
}

/* The level that has it, with what a hit costs; 0: none has. */
TAGS_INLINE unsigned tlbs_find(struct tlbs *tlbs, unsigned tag, uint64_t address, bool instruction,
    struct translated_page *page, unsigned *cycles)
{
    if (tlbs_find_in(tlbs, 1, instruction, tag, address, page, cycles))
        return 1;
    if (!tlbs_find_in(tlbs, 2, instruction, tag, address, page, cycles))
        return 0;
    tlbs_put_into(tlbs, 1, tag, address, instruction, tlbs_size(page->bytes), page);
    return 2;
}

/* Puts the page around `address`, which is nowhere in these TLBs, into all levels, level 2 first. */
TAGS_INLINE void tlbs_put(
    struct tlbs *tlbs, unsigned tag, uint64_t address, bool instruction, const struct translated_page *page)
{
    unsigned size = tlbs_size(page->bytes);
    tlbs_put_into(tlbs, 2, tag, address, instruction, size, page);
    tlbs_put_into(tlbs, 1, tag, address, instruction, size, page);
}

#endif
