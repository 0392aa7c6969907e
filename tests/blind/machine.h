/* A simulated CPU goes round a chase and counts. */
#ifndef VCOST_BLIND_MACHINE_H
#define VCOST_BLIND_MACHINE_H

#include "cache.h"
#include "tlb.h"

struct machine {
    struct tlb tlb;
    struct cache cache;
    bool random_tlb, random_cache; /* replacement */
};

/* Events a hop, in the steady state. */
struct counts {
    float l1_missed, l2_missed; /* loads that missed both */
    float first_missed, walks;  /* translations that the first level lacked, and those that no level had */
    float leaves_in_l2, leaves_beyond; /* lines of page tables that walks read */
    float footprint;                   /* lines that a lap wants of the L3 at most: of data, of tables */
};

void machine_make(struct machine *machine, const struct geometry *geometry);
void machine_free(struct machine *machine);
struct counts machine_chase(struct machine *machine, const struct layout *layout, struct dice *dice);

#endif
