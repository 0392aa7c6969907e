/* A program that is not vcost's as a workload, of one of two kinds: under a remedy, which `vcost advise`
 * measures (a cell's id: "advise/native/large-pages", or ".../none" of the program as it is), and natively or
 * in a domain, which `vcost run` measures ("run/kvm/sort", "run/kvm/sort/4096/2097152" with pages that were
 * asked for). It is no runner's to execute; as data it is like any other, so that files, comparisons and
 * tables need nothing of their own. */
#ifndef VCOST_RUNNER_PROGRAM_KIND_H
#define VCOST_RUNNER_PROGRAM_KIND_H

#include "runner/workload_kind.h"

struct program_parameters {
    const char *name; /* of the remedy, "none", or of several with '+' between; the last part of its path */
};

extern const struct workload_kind workload_advised, workload_run;

/* Of one of these two kinds. The text is to outlive it. */
struct workload program_workload(const struct workload_kind *kind, const char *name);

#endif
