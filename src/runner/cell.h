/* A cell: one workload with one set of parameters on one runner with one page-size pair. */
#ifndef VCOST_RUNNER_CELL_H
#define VCOST_RUNNER_CELL_H

#include "base/pool.h"
#include "workload/chase.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell {
    const char *monitor; /* the runner's name as in --on: "native", "kvm" */
    struct chase_shape chase;
    uint64_t guest_page_bytes; /* 0 for native */
    uint64_t host_page_bytes;
    struct {
        const char *name; /* NULL: the cell is a chase's; else an event's, and `chase` means nothing */
        uint64_t bytes;   /* its size; 0 where the event has none */
    } event;
};

enum { CELL_ID_BYTES = 128 };

/* Writes the cell's stable id. A chase: "chase/kvm/random/65536/64/4096/4096": workload, runner, order (with
 * "-write" and "-xN" for N chains where they apply), working set, element, guest page ("-" for native), host
 * page. An event: "events/kvm/cpuid", "events/kvm/retouch-lines/65536": its name and, if it has one, its
 * size. */
void cell_id(const struct cell *cell, char id[static CELL_ID_BYTES]);

/* The reverse, with names kept in the pool. False, and the cell untouched: no cell of this vcost has that id.
 */
bool cell_from_id(const char *id, struct pool *pool, struct cell *cell);

#endif
