/* The data TLB: one or two levels, each of one or two set-associative arrays. */
#ifndef VCOST_BLIND_TLB_H
#define VCOST_BLIND_TLB_H

#include "layout.h"
#include "store.h"

struct tlb {
    const struct geometry *geometry;
    struct {
        struct store small, large;
    } levels[TLB_LEVELS];
};

enum tlb_outcome { TLB_FIRST, TLB_SECOND, TLB_WALK };

void tlb_make(struct tlb *tlb, const struct geometry *geometry);
void tlb_free(struct tlb *tlb);
void tlb_clear(struct tlb *tlb, bool random, struct dice *dice);
enum tlb_outcome tlb_look(struct tlb *tlb, const struct stop *stop);

#endif
