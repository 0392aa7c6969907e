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
        rc = tags_init(&tlbs->all[i].tags, &machine->tlbs[i].shape, true, seed, error);
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

void tlbs_clear_domain(struct tlbs *tlbs, unsigned domain)
{
    for (size_t i = 0; i < tlbs->count; i++)
        tags_drop_marked(&tlbs->all[i].tags, (TAGS - TAG_SPACES) << 1, (uint64_t)domain * TAG_SPACES << 1);
}

static uint64_t key_of(unsigned tag, uint64_t number, unsigned size)
{
    return number << 9 | size << 7 | tag << 1 | 1;
}

static bool find_in_level(struct tlb *const of[MACHINE_PAGES_MAX], unsigned tag, uint64_t address,
    struct translated_page *page, unsigned *cycles)
{
    uint64_t value;
    for (unsigned size = 0; size < MACHINE_PAGES_MAX; size++) {
        struct tlb *tlb = of[size];
        uint64_t number = address >> page_shift[size];
        if (!tlb || !(tlb->sizes >> size & 1) ||
            !tags_find(&tlb->tags, number, key_of(tag, number, size), &value))
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

static void put_in_level(struct tlbs *tlbs, unsigned level, unsigned tag, uint64_t address, bool instruction,
    const struct translated_page *page)
{
    struct tlb *const *of = tlbs->of[level - 1][instruction];
    unsigned size = size_in(of, level, page->bytes);
    if (size == MACHINE_PAGES_MAX)
        return;
    uint64_t number = address >> page_shift[size];
    uint64_t within = (number << page_shift[size]) & (page->bytes - 1);
    of[size]->sizes |= 1u << size;
    tags_put(&of[size]->tags, number, key_of(tag, number, size), page->address + within);
}

unsigned tlbs_find(struct tlbs *tlbs, unsigned tag, uint64_t address, bool instruction,
    struct translated_page *page, unsigned *cycles)
{
    if (find_in_level(tlbs->of[0][instruction], tag, address, page, cycles))
        return 1;
    if (!find_in_level(tlbs->of[1][instruction], tag, address, page, cycles))
        return 0;
    put_in_level(tlbs, 1, tag, address, instruction, page);
    return 2;
}

void tlbs_put(
    struct tlbs *tlbs, unsigned tag, uint64_t address, bool instruction, const struct translated_page *page)
{
    for (unsigned level = MACHINE_TLB_LEVELS_MAX; level > 0; level--)
        put_in_level(tlbs, level, tag, address, instruction, page);
}

/* Of a page that is splintered: all pieces of it. */
static void drop_pieces(struct tags *tags, unsigned tag, uint64_t address, unsigned size, uint64_t bytes)
{
    unsigned within = (unsigned)__builtin_ctzll(bytes) - page_shift[size];
    uint64_t number = address >> page_shift[size] >> within << within;
    tags_drop_marked(
        tags, key_of(TAGS - 1, -1 - ((UINT64_C(1) << within) - 1), 3), key_of(tag, number, size));
}

void tlbs_drop(struct tlbs *tlbs, unsigned tag, uint64_t address, uint64_t bytes)
{
    for (size_t i = 0; i < tlbs->count; i++)
        for (unsigned size = 0; size < MACHINE_PAGES_MAX; size++) {
            uint64_t number = address >> page_shift[size];
            if (!(tlbs->all[i].sizes >> size & 1))
                continue;
            if (bytes >> page_shift[size] > 1)
                drop_pieces(&tlbs->all[i].tags, tag, address, size, bytes);
            else
                tags_drop(&tlbs->all[i].tags, number, key_of(tag, number, size));
        }
}
