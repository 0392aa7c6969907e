/* Memory of a placement: what each 4 KiB of it is mapped by, in the guest and below, and where it lies. */
#ifndef VCOST_BLIND_REGION_H
#define VCOST_BLIND_REGION_H

#include "dice.h"

#include <stdbool.h>
#include <stdint.h>

enum { REGION_PAGES = 16384, PAGES_A_LARGE_ONE = 512, PAGES_A_RUN = 8 };

/* What the host has below. */
enum backing { BACKING_INTACT, BACKING_SPLINTERED, BACKING_HALF, BACKINGS };

struct page {
    bool guest_large, host_large;
    bool run;       /* its aligned run of PAGES_A_RUN pages lies in as many aligned frames */
    uint32_t frame; /* of 4 KiB, of the host */
};

struct region_traits {
    double guest_runs,
        host_runs; /* share of runs, in guest frames of small pages, in host frames of splinters */
    double share;  /* of large pages that BACKING_HALF splinters */
};

struct region {
    struct page pages[REGION_PAGES];
};

void region_make(struct region *region, const struct region_traits *traits, bool guest_large,
    enum backing backing, struct dice *dice);

#endif
