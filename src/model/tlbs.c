#include "model/tlbs.h"

#include <string.h>

static void place(struct tlbs *tlbs, const struct machine_tlb *from, struct tlb *tlb)
{
    for (size_t i = 0; i < from->page_count; i++)
        for (unsigned use = 0; use < 2; use++)
            if (from->use == USE_BOTH || from->use == use)
                tlbs->of[from->level - 1][use][tlbs_size(from->pages[i])] = tlb;
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

/* Of a page that is splintered: all pieces of it. */
static void drop_pieces(struct tags *tags, unsigned tag, uint64_t address, unsigned size, uint64_t bytes)
{
    unsigned within = (unsigned)__builtin_ctzll(bytes) - tlbs_shift(size);
    uint64_t number = address >> tlbs_shift(size) >> within << within;
    tags_drop_marked(
        tags, tlbs_key(TAGS - 1, -1 - ((UINT64_C(1) << within) - 1), 3), tlbs_key(tag, number, size));
}

void tlbs_drop(struct tlbs *tlbs, unsigned tag, uint64_t address, uint64_t bytes)
{
    for (unsigned level = 0; level < MACHINE_TLB_LEVELS_MAX; level++)
        for (unsigned use = 0; use < 2; use++)
            for (unsigned sizes = tlbs->sizes[level][use]; sizes; sizes &= sizes - 1) {
                unsigned size = (unsigned)__builtin_ctz(sizes);
                struct tlb *tlb = tlbs->of[level][use][size];
                uint64_t number = address >> tlbs_shift(size);
                struct tags_place place =
                    tags_place(TAGS_KEYED, &tlb->tags, number, tlbs_key(tag, number, size));
                if (bytes >> tlbs_shift(size) > 1)
                    drop_pieces(&tlb->tags, tag, address, size, bytes);
                else
                    tags_drop(TAGS_KEYED, &tlb->tags, &place);
            }
}
