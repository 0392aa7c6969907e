/* What a cell of `vcost run` says of the program besides times: how it ended, whether it did in a domain what
 * it does natively, and what it asked of the host. */
#ifndef VCOST_RESULT_RAN_H
#define VCOST_RESULT_RAN_H

#include <stddef.h>
#include <stdint.h>

enum fidelity {
    FIDELITY_SAME,           /* stdout and how it ended are those of native runs, which agree */
    FIDELITY_DIFFERENT,      /* they are not */
    FIDELITY_NOT_COMPARABLE, /* native runs do not agree with each other */
    FIDELITY_UNKNOWN,        /* of the native cell, and where it was not run */
    FIDELITIES
};
extern const char *const fidelity_names[FIDELITIES]; /* "same", … in files; NULL: unknown */

struct ran_call {
    const char *name; /* of a system call */
    uint64_t count;
    double ns; /* that all of them took on the host */
};

#define RAN_NO_STATUS UINT32_MAX

struct result_ran {
    uint32_t exit_status; /* RAN_NO_STATUS: a signal ended it, or it did not run */
    uint32_t signal;      /* 0: none */
    enum fidelity fidelity;
    struct ran_call *calls; /* in the result's pool; of the last timed run in a domain, the most time first */
    size_t call_count;
};

#endif
