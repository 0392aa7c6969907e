/* A runner whose machine is simulated (src/model/): it walks the very list that the real runners walk, of the
 * same shape and seed, and always gives the same figure. Only the chase runs on it. */
#ifndef VCOST_RUNNER_MODELLED_H
#define VCOST_RUNNER_MODELLED_H

#include "model/pass.h"
#include "runner/runner.h"
#include "workload/chase.h"

/* What becomes of a list's pages at the end of each lap: nothing; they are given back, and the next lap
 * faults them in; a child shares them from then on, and the next lap copies each that it stores to. */
enum lap_end { LAP_KEEPS, LAP_GIVES_BACK, LAP_FORKS };

/* What a simulated machine experiences beside the list, and where its memory is. */
struct modelled_conditions {
    struct event_rates rates;
    enum frame_order frames; /* of both, guest and host … */
    double fragmented;       /* … 0 to 1 */
    enum frame_node node; /* of the host's memory; told: the guest knows, and a native kernel always does */
    bool told, fresh, sync_write; /* model_config */
    unsigned domains;             /* that walk the list in turns; 1 … MODEL_DOMAINS_MAX */
    bool code;                    /* the list is fetched as code, not read as data */
    enum lap_end lap_end;         /* of one domain; LAP_FORKS: of a list that is stored to */
    unsigned processes; /* of one domain, that walk lists of their own in turns; 1 … MODEL_PROCESSES_MAX */
};

/* They in words, in one order: "faults=200, ticks=250/s, 3 domains"; "" for a machine that has run for a
 * while and on which nothing happens beside the list. */
enum { MODELLED_CONDITIONS_BYTES = 400 };
void modelled_conditions_text(
    const struct modelled_conditions *conditions, char text[static MODELLED_CONDITIONS_BYTES]);

/* Runners of one machine, one size of host pages and the same conditions, as long as they are open: the first
 * that is prepared with a list walks it for all, in one pass (model/pass.h). Starts zeroed. */
struct modelled_pass {
    struct modelled_run *runs[MODEL_PASS_MAX];
    size_t count;
    bool walked; /* by all of them: */
    struct chase_shape shape;
    uint64_t seed;
};

/* What is simulated; owned by whoever makes runners of it, and outlives them. */
struct modelled {
    const struct machine *machine;
    enum model_technique technique;
    bool hypothetical; /* also what the machine does not have */
    struct modelled_conditions conditions;
    struct modelled_pass *pass; /* that its runners take part in; NULL: none */
    bool quick;                 /* no more accesses than it takes to fill caches */
};

/* "model:MACHINE:TECHNIQUE", and under conditions that have a text ":" and the first 8 digits of its SHA-256:
 * what is not simulated alike has not the same name. */
void modelled_name(const struct modelled *modelled, char *name, size_t bytes);

/* A runner on a placement that is elsewhere, with its host pages, of that name. */
struct runner_config modelled_runner(
    const struct modelled *modelled, struct placement *placement, uint64_t guest_page_bytes);

/* Its machine; NULL for a runner that runs. */
const struct machine *modelled_machine(const struct runner_config *config);

#endif
