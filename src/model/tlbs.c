#include "model/tlbs.h"

static const unsigned page_shift[MACHINE_PAGES_MAX] = {12, 21, 30};

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

int tlbs_init(struct tlbs *tlbs, const struct machine *machine, uint64_t seed, struct error *error)
{
    int rc = 0;
    *tlbs = (struct tlbs){.count = machine->tlb_count};
    for (size_t i = 0; rc == 0 && i < tlbs->count; i++) {
        tlbs->all[i].cycles = machine->tlbs[i].cycles;
        place(tlbs, &machine->tlbs[i], &tlbs->all[i]);
        rc = tags_init(&tlbs->all[i].tags, &machine->tlbs[i].shape, 0, seed, error);
    }
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
    for (size_t i = 0; i < tlbs->count; i++) {
        tags_clear(&tlbs->all[i].tags);
        tlbs->all[i].sizes = 0;
    }
}

static struct tags_place place_of(const struct tlb *tlb, unsigned space, uint64_t address, unsigned size)
{
    uint64_t number = address >> page_shift[size];
    return tags_place(&tlb->tags, number, number << 8 | size << 5 | space << 1 | 1);
}

static bool find_in_level(struct tlb *const of[MACHINE_PAGES_MAX], unsigned space, uint64_t address,
    struct translated_page *page, unsigned *cycles)
{
    uint64_t value;
    for (unsigned size = 0; size < MACHINE_PAGES_MAX; size++) {
        struct tlb *tlb = of[size];
        if (!tlb || !(tlb->sizes >> size & 1))
            continue;
        struct tags_place place = place_of(tlb, space, address, size);
        if (!tags_find(&tlb->tags, &place, &value))
            continue;
        *page = (struct translated_page){value, UINT64_C(1) << page_shift[size]};
        *cycles = tlb->cycles;
        return true;
    }
    return false;
}

/* The size, at most that of the page, as which a level of TLBs takes it; MACHINE_PAGES_MAX: not at all. */
static unsigned size_in(struct tlb *const of[MACHINE_PAGES_MAX], unsigned level, uint64_t bytes)
{
    unsigned size = size_of(bytes), least = level == 1 ? 0 : size ? 1 : 0;
    for (;; size--) {
        if (of[size])
            return size;
        if (size == least)
            return MACHINE_PAGES_MAX;
    }
}

static void put_in_level(struct tlbs *tlbs, unsigned level, unsigned space, uint64_t address,
    bool instruction, const struct translated_page *page)
{
    struct tlb *const *of = tlbs->of[level - 1][instruction];
    unsigned size = size_in(of, level, page->bytes);
    if (size == MACHINE_PAGES_MAX)
        return;
    struct tags_place place = place_of(of[size], space, address, size);
    uint64_t within = address & (page->bytes - 1) & -(UINT64_C(1) << page_shift[size]);
    of[size]->sizes |= 1u << size;
    tags_put(&of[size]->tags, &place, page->address + within);
}

unsigned tlbs_find(struct tlbs *tlbs, unsigned space, uint64_t address, bool instruction,
    struct translated_page *page, unsigned *cycles)
{
    if (find_in_level(tlbs->of[0][instruction], space, address, page, cycles))
        return 1;
    if (!find_in_level(tlbs->of[1][instruction], space, address, page, cycles))
        return 0;
    put_in_level(tlbs, 1, space, address, instruction, page);
    return 2;
}

void tlbs_put(
    struct tlbs *tlbs, unsigned space, uint64_t address, bool instruction, const struct translated_page *page)
{
    for (unsigned level = MACHINE_TLB_LEVELS_MAX; level > 0; level--)
        put_in_level(tlbs, level, space, address, instruction, page);
}

void tlbs_drop(struct tlbs *tlbs, unsigned space, uint64_t address)
{
    for (size_t i = 0; i < tlbs->count; i++)
        for (unsigned size = 0; size < MACHINE_PAGES_MAX; size++)
            if (tlbs->all[i].sizes >> size & 1) {
                struct tags_place place = place_of(&tlbs->all[i], space, address, size);
                tags_drop(&tlbs->all[i].tags, &place);
            }
}
