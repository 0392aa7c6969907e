/* A runner whose machine is simulated (src/model/): it walks the very list that the real runners walk, of the
 * same shape and seed, and always gives the same figure. Only the chase runs on it. */
#ifndef VCOST_RUNNER_MODELLED_H
#define VCOST_RUNNER_MODELLED_H

#include "model/model.h"
#include "runner/runner.h"

/* What a simulated machine experiences beside the list, and where its memory is. */
struct modelled_conditions {
    struct event_rates rates;
    enum frame_order frames; /* of both, guest and host … */
    double fragmented;       /* … 0 to 1 */
    enum frame_node node; /* of the host's memory; told: the guest knows, and a native kernel always does */
    bool told, fresh, sync_write; /* model_config */
    unsigned domains;             /* that walk the list in turns; 1 … MODEL_DOMAINS_MAX */
    bool code;                    /* the list is fetched as code, not read as data */
};

/* What is simulated; owned by whoever makes runners of it, and outlives them. */
struct modelled {
    const struct machine *machine;
    enum model_technique technique;
    bool hypothetical; /* also what the machine does not have */
    struct modelled_conditions conditions;
    bool quick; /* no more accesses than it takes to fill caches */
};

/* A runner on a placement that is elsewhere, with its host pages. name: "model:MACHINE:TECHNIQUE". */
struct runner_config modelled_runner(
    const struct modelled *modelled, struct placement *placement, uint64_t guest_page_bytes);

/* Its machine; NULL for a runner that runs. */
const struct machine *modelled_machine(const struct runner_config *config);

#endif
