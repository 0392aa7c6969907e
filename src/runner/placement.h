/* Where runners stand side by side: memory of one host page size, the list laid out in it, and the cursors of
 * the list's chains. Runners are opened on a placement (runner.h) and walk the same list in the same physical
 * frames, each going on where the one before stopped.
 *
 * Use: placement_open(); then for each placement of an experiment placement_map(), the runners, and
 * placement_clear() once they are closed; placement_close(). One thread, bound to the placement's CPU. */
#ifndef VCOST_RUNNER_PLACEMENT_H
#define VCOST_RUNNER_PLACEMENT_H

#include "base/error.h"
#include "base/stop.h"
#include "host/memory.h"
#include "measure/clock.h"
#include "measure/evidence.h"
#include "monitor/spare_cpu.h"
#include "workload/chase.h"
#include "workload/image.h"

#include <stdbool.h>
#include <stdint.h>

struct kept_memory;

struct placement_config {
    struct memory_request memory; /* page size, source, nodes; its bytes are placement_map()'s */
    bool lock;                    /* mlock the memory */
    bool elsewhere;               /* it is on another machine, behind the runner: nothing is mapped here */
    unsigned cpu;                 /* that the calling thread is bound to */
    int other_cpu;                /* for a second virtual CPU, or a guest's process; -1: there is none */
    const struct image *image;    /* must outlive the placement, as all that is pointed to */
    const struct clock *clock;
    const struct stop *stop;  /* may be NULL */
    struct kept_memory *kept; /* for workloads that need frames nobody has touched yet; may be NULL */
};

struct placement {
    struct placement_config config;
    struct watch watch;
    struct spare_cpu spare;            /* other_cpu, where there is one: see placement_spare() */
    uint64_t bytes, alignment;         /* that placement_map() was asked for; bytes 0: nothing is mapped */
    struct memory data;                /* base NULL: none is mapped here */
    struct chase_layout layout;        /* elements 0: no list is laid out … */
    uint64_t seed;                     /* … or the one of this seed */
    uint64_t cursor[CHASE_CHAINS_MAX]; /* address of each chain's current element */
};

/* Makes a placement without memory. *placement must stay where it is until placement_close(). */
void placement_open(struct placement *placement, const struct placement_config *config);

/* For vm_config.spare of what is timed by its way to the monitor: what is timed in the guest stays on the CPU
 * that is watched. NULL: there is no other CPU. */
static inline struct spare_cpu *placement_spare(struct placement *placement)
{
    return placement->config.other_cpu < 0 ? NULL : &placement->spare;
}

/* Maps memory for workloads that need up to `bytes` (0: none need any), its base and length multiples of
 * `alignment` (that of the largest guest page; 0: none), and faults it in. After a failure nothing is left.
 */
int placement_map(struct placement *placement, uint64_t bytes, uint64_t alignment, struct error *error);

/* Writes a list somewhere in the memory, where and how decided by the seed alone, and puts the cursors of its
 * chains at their starts. A list that is there already, of the same shape and seed, stays, and the cursors
 * where they are: every runner that comes to it goes on. */
int placement_lay_out(
    struct placement *placement, const struct chase_shape *shape, uint64_t seed, struct error *error);

void placement_clear(struct placement *placement); /* harmless where nothing is mapped */
/* Of one that placement_open() made; harmless when it is closed already. */
void placement_close(struct placement *placement);

#endif
