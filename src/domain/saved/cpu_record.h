/* What a processor has, as CPUID tells it, and what of that is missing on another. */
#ifndef VCOST_DOMAIN_SAVED_CPU_RECORD_H
#define VCOST_DOMAIN_SAVED_CPU_RECORD_H

#include "base/error.h"
#include "monitor/machine_state.h"

/* Adds what this host's CPUID says natively: a guest at CPL 3 may use that, whatever it is shown. */
int cpu_record_add_host(struct machine_state *state, struct error *error);

/* -ENOTSUP, with the names of what is missing, if `here` (of a new virtual CPU) has less than the saved one
 * had, in the features of its CPUID, its XCR0, or in the host's own. */
int cpu_record_check(
    const struct machine_state *saved, const struct machine_state *here, struct error *error);

#endif
