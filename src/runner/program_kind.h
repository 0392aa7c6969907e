/* A program that is not vcost's, under a remedy, as a kind of workload: what `vcost advise` measures. It is
 * no runner's to execute; as data it is like any other, so that files, comparisons and tables need nothing of
 * their own. The id of a cell: "advise/native/large-pages", or ".../none" of the program as it is. */
#ifndef VCOST_RUNNER_PROGRAM_KIND_H
#define VCOST_RUNNER_PROGRAM_KIND_H

#include "runner/workload_kind.h"

struct program_parameters {
    const char *remedy; /* its name, "none", or of several with '+' between */
};

extern const struct workload_kind workload_program;

/* The text is to outlive it. */
struct workload program_workload(const char *remedy);

/* NULL: it is no program. */
static inline const struct program_parameters *program_of(const struct workload *workload)
{
    return workload->kind == &workload_program
               ? (const struct program_parameters *)(const void *)workload->parameters
               : NULL;
}

#endif
