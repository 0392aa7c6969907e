#include "model/tlbs.h"

#include <string.h>

/* The bits of an address within a page of a size. */
static unsigned shift_of(unsigned size)
{
    return 12 + 9 * size;
}

/* 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB. */
static unsigned size_of(uint64_t bytes)
{
    return bytes < UINT64_C(1) << 21 ? 0 : bytes < UINT64_C(1) << 30 ? 1 : 2;
}

static void place(struct tlbs *tlbs, const struct machine_tlb *from, struct tlb *tlb)
{
    for (size_t i = 0; i < from->page_count; i++)
        for (unsigned use = 0; use < 2; use++)
            if (from->use == USE_BOTH || from->use == use)
                tlbs->of[from->level - 1][use][size_of(from->pages[i])] = tlb;
}

/* The size, at most that of the page, as which a level of TLBs takes it, in the TLB for that. */
static struct tlb_taker taker_of(const struct tlbs *tlbs, unsigned level, unsigned use, unsigned size)
{
    unsigned least = level == 1 ? 0 : size ? 1 : 0;
    for (;; size--) {
        struct tlb *tlb = tlbs->of[level - 1][use][size];
        if (tlb || size == least)
            return (struct tlb_taker){
                tlb, size, 1u << size, (unsigned)(tlb == tlbs->of[level - 1][!use][size]) << size};
    }
}

int tlbs_init(struct tlbs *tlbs, const struct machine *machine, uint64_t seed, struct error *error)
{
    int rc = 0;
    *tlbs = (struct tlbs){.count = machine->tlb_count};
    for (size_t i = 0; rc == 0 && i < tlbs->count; i++) {
        tlbs->all[i].cycles = machine->tlbs[i].cycles;
        place(tlbs, &machine->tlbs[i], &tlbs->all[i]);
        rc = tags_init(&tlbs->all[i].tags, TAGS_KEYED, &machine->tlbs[i].shape, seed, error);
    }
    for (unsigned level = 1; level <= MACHINE_TLB_LEVELS_MAX; level++)
        for (unsigned use = 0; use < 2; use++)
            for (unsigned size = 0; size < MACHINE_PAGES_MAX; size++)
                tlbs->takers[level - 1][use][size] = taker_of(tlbs, level, use, size);
    if (rc < 0)
        tlbs_free(tlbs);
    return rc;
}

void tlbs_free(struct tlbs *tlbs)
{
    for (size_t i = 0; i < tlbs->count; i++)
        tags_free(&tlbs->all[i].tags);
}

void tlbs_clear(struct tlbs *tlbs)
{
    for (size_t i = 0; i < tlbs->count; i++)
        tags_clear(&tlbs->all[i].tags);
    memset(tlbs->sizes, 0, sizeof tlbs->sizes);
}

void tlbs_clear_domain(struct tlbs *tlbs, unsigned domain)
{
    for (size_t i = 0; i < tlbs->count; i++)
        tags_drop_marked(&tlbs->all[i].tags, (TAGS - TAG_SPACES) << 1, (uint64_t)domain * TAG_SPACES << 1);
}

static uint64_t key_of(unsigned tag, uint64_t number, unsigned size)
{
    return number << 9 | size << 7 | tag << 1 | 1;
}

/* In the TLBs of a level and use. */
TAGS_INLINE bool find_in_level(struct tlbs *tlbs, unsigned level, bool instruction, unsigned tag,
    uint64_t address, struct translated_page *page, unsigned *cycles)
{
    for (unsigned sizes = tlbs->sizes[level - 1][instruction]; sizes; sizes &= sizes - 1) {
        unsigned size = (unsigned)__builtin_ctz(sizes);
        struct tlb *tlb = tlbs->of[level - 1][instruction][size];
        uint64_t number = address >> shift_of(size);
        if (!tags_find_value(&tlb->tags, number, key_of(tag, number, size), &page->address))
            continue;
        page->bytes = UINT64_C(1) << shift_of(size);
        *cycles = tlb->cycles;
        return true;
    }
    return false;
}

TAGS_INLINE void put_in_level(struct tlbs *tlbs, unsigned level, unsigned tag, uint64_t address,
    bool instruction, unsigned size, const struct translated_page *page)
{
    const struct tlb_taker *taker = &tlbs->takers[level - 1][instruction][size];
    if (!taker->tlb)
        return;
    uint64_t number = address >> shift_of(taker->size), within = 0;
    if (taker->size != size)
        within = address & (page->bytes - 1) & -(UINT64_C(1) << shift_of(taker->size));
    tlbs->sizes[level - 1][instruction] |= taker->bit;
    tlbs->sizes[level - 1][!instruction] |= taker->other_bit;
    tags_put_value(&taker->tlb->tags, number, key_of(tag, number, taker->size), page->address + within);
}

unsigned tlbs_find(struct tlbs *tlbs, unsigned tag, uint64_t address, bool instruction,
    struct translated_page *page, unsigned *cycles)
{
    if (find_in_level(tlbs, 1, instruction, tag, address, page, cycles))
        return 1;
    if (!find_in_level(tlbs, 2, instruction, tag, address, page, cycles))
        return 0;
    put_in_level(tlbs, 1, tag, address, instruction, size_of(page->bytes), page);
    return 2;
}

void tlbs_put(
    struct tlbs *tlbs, unsigned tag, uint64_t address, bool instruction, const struct translated_page *page)
{
    unsigned size = size_of(page->bytes);
    put_in_level(tlbs, 2, tag, address, instruction, size, page);
    put_in_level(tlbs, 1, tag, address, instruction, size, page);
}

/* Of a page that is splintered: all pieces of it. */
static void drop_pieces(struct tags *tags, unsigned tag, uint64_t address, unsigned size, uint64_t bytes)
{
    unsigned within = (unsigned)__builtin_ctzll(bytes) - shift_of(size);
    uint64_t number = address >> shift_of(size) >> within << within;
    tags_drop_marked(
        tags, key_of(TAGS - 1, -1 - ((UINT64_C(1) << within) - 1), 3), key_of(tag, number, size));
}

void tlbs_drop(struct tlbs *tlbs, unsigned tag, uint64_t address, uint64_t bytes)
{
    for (unsigned level = 0; level < MACHINE_TLB_LEVELS_MAX; level++)
        for (unsigned use = 0; use < 2; use++)
            for (unsigned sizes = tlbs->sizes[level][use]; sizes; sizes &= sizes - 1) {
                unsigned size = (unsigned)__builtin_ctz(sizes);
                struct tlb *tlb = tlbs->of[level][use][size];
                uint64_t number = address >> shift_of(size);
                struct tags_place place =
                    tags_place(TAGS_KEYED, &tlb->tags, number, key_of(tag, number, size));
                if (bytes >> shift_of(size) > 1)
                    drop_pieces(&tlb->tags, tag, address, size, bytes);
                else
                    tags_drop(TAGS_KEYED, &tlb->tags, &place);
            }
}
