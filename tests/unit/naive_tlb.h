/* Children as they might be: for some virtual pages of some address spaces, what is mapped there. Filled by
 * runs; asked as a CPU asks its TLB. */
#ifndef VCOST_TESTS_NAIVE_TLB_H
#define VCOST_TESTS_NAIVE_TLB_H

#include "monitor/deprivileged/run.h"
#include "naive_mmu.h"

enum { TLB_ROOTS = 6, TLB_PAGES = 4 * 3 * 3 * 512 };

struct naive_tlb {
    const struct naive_memory *memory;        /* what has none cannot be mapped */
    uint64_t maps, unmaps, protects, forgets; /* runs */
    uint64_t pages;                           /* mapped by runs */
    /* Told of each mapping that is made, anew or with other rights; may be NULL. */
    void (*mapped)(void *context, uint64_t root, uint64_t virtual, uint64_t to, unsigned rights, bool anew);
    void *context;
    unsigned room; /* pages that may be mapped at a time; then all is dropped. 0: no limit */
    unsigned used;
    struct {
        uint64_t root; /* 0: free */
        struct tlb_cell {
            uint64_t to;
            unsigned rights; /* 0: not mapped */
        } cell[TLB_PAGES];
    } space[TLB_ROOTS];
};

/* Virtual page number `page` of those that are there; the reverse, -1: none of them. */
uint64_t tlb_address(unsigned page);
int tlb_page(uint64_t virtual);

/* NULL: nothing is mapped. */
const struct tlb_cell *tlb_look(const struct naive_tlb *tlb, uint64_t root, uint64_t virtual);

/* A number of space[] has no children any more. */
void tlb_end_space(struct naive_tlb *tlb, int space);

int tlb_carry_out(void *tlb, const struct run *runs, size_t count, struct error *error);

#endif
