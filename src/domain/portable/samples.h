/* What a domain's workload had done when, as it wrote down itself, inside (abi/portable.h: struct
 * portable_sample). The rings are a part of the domain's memory, and travel with it. What stands there is the
 * guest's: hostile until looked at. Any thread may read them while the domain lives. */
#ifndef VCOST_DOMAIN_PORTABLE_SAMPLES_H
#define VCOST_DOMAIN_PORTABLE_SAMPLES_H

#include "domain/portable/portable.h"

/* A ring where it stands, and how many samples were ever written to it. */
struct sample_ring {
    const volatile struct portable_sample *samples;
    uint64_t count;
    const volatile uint64_t *written;
};

/* That of a virtual CPU. False: this workload keeps none, or it was started by a vcost that had none. */
bool portable_ring(const struct portable *portable, unsigned cpu, struct sample_ring *ring);

/* Copies those that came after the first *taken, in their order, at most `room`, and moves *taken behind
 * them; *lost counts those that were overwritten before they were read. Returns how many. A ring that is
 * being written to is read right: what may have been overwritten meanwhile is lost. */
size_t sample_ring_take(const struct sample_ring *ring, uint64_t *taken, struct portable_sample *samples,
    size_t room, uint64_t *lost);

#endif
