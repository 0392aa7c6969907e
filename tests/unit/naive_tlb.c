#include "naive_tlb.h"

#include "paging/page_tables.h"

#include <string.h>

/* The first and last entries of tables, and some between. */
static const uint64_t fours[] = {0, 1, 256, 511}, threes[] = {0, 1, 511}, twos[] = {0, 1, 511};

uint64_t tlb_address(unsigned page)
{
    uint64_t upper = page / 512;
    uint64_t address =
        fours[upper / 9] << 39 | threes[upper / 3 % 3] << 30 | twos[upper % 3] << 21 | page % 512 << 12;
    return address >> 47 & 1 ? address | 0xffff000000000000 : address;
}

static int index_in(const uint64_t *list, int count, uint64_t value)
{
    for (int i = 0; i < count; i++)
        if (list[i] == value)
            return i;
    return -1;
}

int tlb_page(uint64_t virtual)
{
    int four = index_in(fours, 4, virtual >> 39 & 511), three = index_in(threes, 3, virtual >> 30 & 511);
    int two = index_in(twos, 3, virtual >> 21 & 511);
    return four < 0 || three < 0 || two < 0
               ? -1
               : ((four * 3 + three) * 3 + two) * 512 + (int)(virtual >> 12 & 511);
}

static int space_of(struct naive_tlb *tlb, uint64_t root, bool make)
{
    for (int i = 0; i < TLB_ROOTS; i++)
        if (tlb->space[i].root == root)
            return i;
    for (int i = 0; make && i < TLB_ROOTS; i++)
        if (!tlb->space[i].root) {
            tlb->space[i].root = root;
            return i;
        }
    return -1;
}

const struct tlb_cell *tlb_look(const struct naive_tlb *tlb, uint64_t root, uint64_t virtual)
{
    int space = space_of((struct naive_tlb *)tlb, root, false), page = tlb_page(virtual);
    if (space < 0 || page < 0 || !tlb->space[space].cell[page].rights)
        return NULL;
    return &tlb->space[space].cell[page];
}

static void forget(struct naive_tlb *tlb)
{
    memset(tlb->space, 0, sizeof tlb->space);
    tlb->used = 0;
}

void tlb_end_space(struct naive_tlb *tlb, int space)
{
    for (unsigned page = 0; page < TLB_PAGES; page++)
        tlb->used -= tlb->space[space].cell[page].rights != 0;
    memset(&tlb->space[space], 0, sizeof tlb->space[space]);
}

static void map(struct naive_tlb *tlb, struct tlb_cell *cell, const struct run *run, uint64_t virtual)
{
    uint64_t to = run->to.value + (virtual - run->from.value);
    tlb->used -= cell->rights != 0;
    *cell = (struct tlb_cell){0};
    if (!naive_word(tlb->memory, to))
        return;
    *cell = (struct tlb_cell){to, run->rights};
    tlb->used++;
    tlb->pages++;
    if (tlb->mapped)
        tlb->mapped(tlb->context, run->root.value, virtual, to, run->rights, true);
}

static void protect(struct naive_tlb *tlb, struct tlb_cell *cell, const struct run *run, uint64_t virtual)
{
    if (!cell->rights)
        return;
    if ((cell->rights ^ run->rights) & PAGE_USER)
        __builtin_trap(); /* is promised not to change */
    cell->rights = run->rights;
    if (tlb->mapped)
        tlb->mapped(tlb->context, run->root.value, virtual, cell->to, run->rights, false);
}

static void carry_out(struct naive_tlb *tlb, const struct run *run, int space)
{
    for (unsigned page = 0; page < TLB_PAGES;) {
        uint64_t virtual = tlb_address(page);
        struct tlb_cell *cell = &tlb->space[space].cell[page];
        if (page % 512 == 0 && virtual - run->from.value >= run->bytes &&
            run->from.value - virtual >= 2 << 20) {
            page += 512;
            continue;
        }
        page++;
        if (virtual - run->from.value >= run->bytes)
            continue;
        if (run->kind == RUN_MAP)
            map(tlb, cell, run, virtual);
        else if (run->kind == RUN_PROTECT)
            protect(tlb, cell, run, virtual);
        else {
            tlb->used -= cell->rights != 0;
            *cell = (struct tlb_cell){0};
        }
    }
}

int tlb_carry_out(void *context, const struct run *runs, size_t count, struct error *error)
{
    struct naive_tlb *tlb = context;
    (void)error;
    for (size_t i = 0; i < count; i++) {
        const struct run *run = &runs[i];
        uint64_t *counts[] = {&tlb->maps, &tlb->unmaps, &tlb->protects, &tlb->forgets};
        int space = space_of(tlb, run->root.value, run->kind == RUN_MAP);
        ++*counts[run->kind];
        if (run->kind == RUN_FORGET || (space < 0 && run->kind == RUN_MAP))
            forget(tlb);
        else if (space >= 0)
            carry_out(tlb, run, space);
        if (tlb->room && tlb->used > tlb->room)
            forget(tlb);
    }
    return 0;
}
