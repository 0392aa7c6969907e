/* What page sizes were obtained, as far as it can be proved. */
#ifndef VCOST_RUNNER_PAGE_PROOF_H
#define VCOST_RUNNER_PAGE_PROOF_H

#include <stdbool.h>
#include <stdint.h>

/* What the pages behind the data really are, and how that is known. */
struct page_proof {
    uint64_t guest_bytes; /* leaf size in the guest's own tables; 0: native, or not known */
    double host_share_2m; /* share of the memory behind 2 MiB (or larger) host mappings; NAN if unknown */
    double
        guest_share_2m; /* of a program: that of the memory it used behind leaves of 2 MiB; NAN: not told */
    bool as_asked;      /* false: what was got is not what was asked for; the proof says what */
    char proof[360];
};

/* As JSON (record.h). */
struct record;
extern const struct record page_proof_record;

#endif
