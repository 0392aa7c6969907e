/* A site: where runners stand side by side on one memory, so that they walk the same list in the same
 * physical frames. The experiment's only view of what measures: this machine with one page size, or another
 * machine behind an agent.
 *
 * Use: site_place() maps memory anew and opens every lane's runner on it; then for each shape site_lay_out(),
 * and site_sample() on its lanes in turns, each going on where the one before stopped; site_clear() ends the
 * placement. */
#ifndef VCOST_RUNNER_SITE_H
#define VCOST_RUNNER_SITE_H

#include "base/error.h"
#include "runner/page_proof.h"
#include "runner/runner.h"
#include "runner/sample.h"
#include "workload/chase.h"

#include <stddef.h>
#include <stdint.h>

enum { SITE_LANES_MAX = 4 };

/* One runner of a site, with the page size of its guest's own tables. */
struct lane {
    const struct runner_type *type; /* NULL for a lane on another machine */
    const char *name;               /* as in --on; part of the cells' ids; lives as long as the site */
    char label[48];                 /* how a person reads it: "kvm (shadow, PVM)" */
    enum technique technique;
    uint64_t guest_page_bytes; /* 0 for native */
};

struct site;

struct site_ops {
    int (*place)(struct site *site, uint64_t bytes, struct error *error);
    int (*lay_out)(struct site *site, const struct chase_shape *shape, uint64_t seed, struct error *error);
    int (*sample)(struct site *site, size_t lane, const struct sample_plan *plan, struct sample *sample,
        struct error *error);
    int (*proof)(struct site *site, size_t lane, struct page_proof *proof, struct error *error);
    void (*clear)(struct site *site);
    void (*close)(struct site *site);
};

struct site {
    const struct site_ops *ops;
    uint64_t host_page_bytes;
    struct lane
        lanes[SITE_LANES_MAX]; /* native first, where it takes part: it is the baseline of the others */
    size_t lane_count;
};

/* Maps memory for lists of up to `bytes`, faults it in and opens the lanes' runners on it. After a failure
 * nothing is left. */
int site_place(struct site *site, uint64_t bytes, struct error *error);

/* Writes the list of a shape somewhere in the memory, where and how decided by the seed alone, and puts the
 * cursors of its chains at their starts. */
int site_lay_out(struct site *site, const struct chase_shape *shape, uint64_t seed, struct error *error);

/* Walks on from the cursors. */
int site_sample(struct site *site, size_t lane, const struct sample_plan *plan, struct sample *sample,
    struct error *error);

/* What pages the lane's cells really have. */
int site_proof(struct site *site, size_t lane, struct page_proof *proof, struct error *error);

void site_clear(struct site *site); /* harmless where nothing is placed */
void site_close(struct site *site); /* releases the site; NULL is allowed */

#endif
