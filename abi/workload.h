/* What the code outside a domain and a built-in workload inside it agree on.
 *
 * The workload image is one flat, position-independent block of machine code, built once. The very same bytes
 * are executed natively and in every domain. It starts with struct workload_image_header, which names the
 * entries; each entry is a function `void entry(struct workload_job *job)` in the System V calling
 * convention. The job lies in one page that both sides see. Whoever reads a job after the code has run reads
 * data that a guest could have forged: check before use. */
#ifndef VCOST_ABI_WORKLOAD_H
#define VCOST_ABI_WORKLOAD_H

#ifndef __ASSEMBLER__
#include <stdint.h>
#endif

#define WORKLOAD_MAGIC 0x31304b5254534356 /* "VCSTRK01", little-endian */
#define WORKLOAD_VERSION 1
#define WORKLOAD_NAME_BYTES 24
#define WORKLOAD_CHAINS_MAX 8
#define WORKLOAD_HOPS_UNROLLED 16 /* hops in the body of the chase loop */

#ifndef __ASSEMBLER__

struct workload_entry {
    char name[WORKLOAD_NAME_BYTES]; /* NUL-terminated: "touch", "chase-read-1", "chase-write-8" */
    uint32_t offset;                /* of the function from the start of the image */
    uint32_t reserved;
};

struct workload_image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t entry_count;
    struct workload_entry entries[];
};

/* One call of a workload. All times are ticks of the time-stamp counter, read inside. */
struct workload_job {
    /* set by the caller; 'chase' uses all but the last three, 'touch' only those */
    uint64_t steps;      /* hops of every chain in one timed batch */
    uint64_t batches;    /* timed batches, at least 1 */
    uint64_t warm_steps; /* hops of every chain in one untimed batch before them; 0: no warm-up */
    uint64_t
        warm_limit; /* untimed batches at most; they end when one is no longer faster than the one before */
    uint64_t cursor[WORKLOAD_CHAINS_MAX]; /* address of each chain's current element; moved on by the call */
    uint64_t first;                       /* touch: first address, */
    uint64_t bytes;                       /* length */
    uint64_t stride;                      /* and distance of the bytes that are read */

    /* set by the workload */
    uint64_t entered;       /* TSC at the first instruction of the entry */
    uint64_t ticks;         /* of all timed batches together */
    uint64_t fastest_batch; /* ticks of the fastest and the slowest timed batch */
    uint64_t slowest_batch;
    uint64_t warmed;        /* untimed batches that were run */
    uint64_t code_selector; /* CS as the code reads it */
    uint64_t finished;      /* WORKLOAD_MAGIC: the entry ran to its end */
};

typedef void workload_function(struct workload_job *job);

#endif
#endif
