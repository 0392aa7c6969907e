/* A cell: one workload with one set of parameters on one runner with one page-size pair. */
#ifndef VCOST_RUNNER_CELL_H
#define VCOST_RUNNER_CELL_H

#include "workload/chase.h"

#include <stddef.h>
#include <stdint.h>

struct cell {
    const char *monitor; /* the runner's name as in --on: "native", "kvm" */
    struct chase_shape chase;
    uint64_t guest_page_bytes; /* 0 for native */
    uint64_t host_page_bytes;
};

enum { CELL_ID_BYTES = 128 };

/* Writes the cell's stable id, "chase/kvm/random/65536/64/4096/4096": workload, runner, order (with "-write"
 * and
 * "-xN" for N chains where they apply), working set, element, guest page ("-" for native), host page. */
void cell_id(const struct cell *cell, char id[static CELL_ID_BYTES]);

#endif
