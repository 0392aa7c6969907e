/* From counts to nanoseconds. */
#ifndef VCOST_BLIND_PRICE_H
#define VCOST_BLIND_PRICE_H

#include "pool.h"

struct prices {
    double l1, l2, l3, memory, second, walk;
    double large_walk; /* a walk where the guest's page is large, to one where it is small */
};

/* How things stood for one figure of one placement. */
struct weather {
    double l3_lines;           /* that the rest of the machine leaves */
    double l1_theft, l2_theft; /* share of what would have hit there that a neighbour has evicted */
    double beyond, walk, all;  /* factors: of what is beyond L2, of walks, of everything */
};

/* A machine's own prices. */
struct prices price_draw(const struct geometry *geometry, bool shadow, struct dice *dice);
double price_hop(const struct counts *counts, const struct prices *prices, const struct weather *weather,
    bool guest_large);

#endif
