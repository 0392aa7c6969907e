/* What is asked of one sample, and what it gives. */
#ifndef VCOST_RUNNER_SAMPLE_H
#define VCOST_RUNNER_SAMPLE_H

#include "measure/evidence.h"

#include <stdbool.h>
#include <stdint.h>

/* How much is walked. */
struct sample_plan {
    uint64_t steps, batches;         /* hops of each chain in a timed batch, and timed batches */
    uint64_t warm_steps, warm_limit; /* the same before them, untimed (abi/workload.h) */
};

struct runner_counters {
    bool known;
    uint64_t exits;       /* of the virtual CPU; always 0 for native */
    uint64_t page_faults; /* KVM: taken on behalf of the guest; native: of this thread */
};

struct sample {
    double ns; /* per hop, timed inside */
    enum disturbance disturbed;
    struct runner_counters counters; /* what happened during the call */
    uint64_t operations;             /* events that these were counted over; 0 for a chase */
};

#endif
