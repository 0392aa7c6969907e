/* A cell: one workload with one set of parameters on one runner with one page-size pair. */
#ifndef VCOST_RUNNER_CELL_H
#define VCOST_RUNNER_CELL_H

#include "base/pool.h"
#include "runner/workload_kind.h"

#include <stdbool.h>
#include <stdint.h>

struct cell {
    const char *monitor; /* the runner's name as in --on: "native", "kvm" */
    struct workload workload;
    uint64_t guest_page_bytes; /* 0 for native, and where pages are part of what the workload is */
    uint64_t host_page_bytes;
};

enum { CELL_ID_BYTES = 128 };

/* Writes the cell's stable id: its kind's word, the runner, and what the kind says (chase_kind.h,
 * event/event_kind.h): "chase/kvm/random/65536/64/4096/4096", "events/kvm/cpuid". */
void cell_id(const struct cell *cell, char id[static CELL_ID_BYTES]);

/* The reverse, with names kept in the pool. False, and the cell untouched: no cell of this vcost has that id.
 */
bool cell_from_id(const char *id, struct pool *pool, struct cell *cell);

/* For kinds that read ids: cuts the last part behind a slash off; NULL: there is none. */
char *cell_cut_part(char *text);
/* The digits of a part as a number; false: it is none. */
bool cell_take_number(const char *part, uint64_t *number);

#endif
