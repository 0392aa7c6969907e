/* What else happens on a machine while it measures: weather for each figure of each placement. */
#ifndef VCOST_BLIND_NOISE_H
#define VCOST_BLIND_NOISE_H

#include "figure.h"
#include "price.h"

struct sky {
    unsigned count, placements; /* points */
    struct weather at[PLACEMENTS_MAX][ARRANGEMENTS][POOL_POINTS];
};

typedef void noise_function(struct sky *sky, const struct geometry *geometry, struct dice *dice);

/* Nothing but small jitter; the L3 is half to all there. Every other one starts from this one. */
noise_function noise_clean;
noise_function noise_neighbours; /* outliers, bursts, drift, theft of cache */
noise_function noise_two_modes;  /* placements are of two kinds */
noise_function noise_shared_l3;  /* a sixteenth to all of the L3, as others come and go */
noise_function noise_emulated;   /* timing that has nothing to do with TLBs or caches */

#endif
