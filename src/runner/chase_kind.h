/* The pointer chase as a kind of workload; its parameters are a struct chase_shape. The id of a cell:
 * "chase/kvm/random/65536/64/4096/4096": workload, runner, order (with "-write" and "-xN" for N chains where
 * they apply), working set, element, guest page ("-" for native), host page. */
#ifndef VCOST_RUNNER_CHASE_KIND_H
#define VCOST_RUNNER_CHASE_KIND_H

#include "runner/workload_kind.h"
#include "workload/chase.h"

extern const struct workload_kind workload_chase;

struct workload chase_workload(const struct chase_shape *shape);

/* NULL: it is no chase. */
static inline const struct chase_shape *chase_of(const struct workload *workload)
{
    return workload->kind == &workload_chase ? (const struct chase_shape *)(const void *)workload->parameters
                                             : NULL;
}

#endif
