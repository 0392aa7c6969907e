/* A program that is not vcost's, as a kind of workload: what `vcost run` measures, natively and in a domain.
 * It is no runner's to execute; as data it is like any other. The id of a cell: "run/kvm/sort". */
#ifndef VCOST_RUNNER_RUN_KIND_H
#define VCOST_RUNNER_RUN_KIND_H

#include "runner/workload_kind.h"

struct run_parameters {
    const char *program; /* the last part of its path */
};

extern const struct workload_kind workload_run;

/* The text is to outlive it. */
struct workload run_workload(const char *program);

/* NULL: it is none. */
static inline const struct run_parameters *run_of(const struct workload *workload)
{
    return workload->kind == &workload_run ? (const struct run_parameters *)(const void *)workload->parameters
                                           : NULL;
}

#endif
