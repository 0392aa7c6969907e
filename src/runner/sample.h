/* What is asked of one sample, and what it gives. */
#ifndef VCOST_RUNNER_SAMPLE_H
#define VCOST_RUNNER_SAMPLE_H

#include "measure/counters.h"
#include "measure/evidence.h"

#include <stddef.h>
#include <stdint.h>

/* How much is done. */
struct effort {
    uint64_t steps, batches; /* operations (of each chain of a chase) in a timed batch, and timed batches */
    uint64_t warm_steps, warm_limit; /* the same before them, untimed (abi/workload.h) */
    double seconds; /* where a batch can hold only so many operations: no more batches once they have lasted
                       about as long; 0: all batches */
};

enum { SAMPLE_METRICS_MAX = 20 };

struct sample_metric {
    char name[24]; /* "time" */
    char unit[16]; /* "ns": per operation */
    double value;  /* NAN: it could not be had, for this reason; not of the principal one */
    char reason[96];
};

struct sample {
    struct sample_metric metrics[SAMPLE_METRICS_MAX]; /* the principal one first */
    size_t metric_count;
    uint64_t operations;      /* that were timed */
    struct counters counters; /* what happened during the sample, with what prepared it */
    struct evidence evidence; /* its wall_ns: how long the whole sample took where it ran */
    enum disturbance disturbed;
};

/* As JSON (record.h), checked when read: no number that cannot be. */
struct record;
extern const struct record effort_record, sample_record;

/* In the unit of the principal metric. */
static inline double sample_value(const struct sample *sample)
{
    return sample->metrics[0].value;
}

/* The principal metric of what takes `ns` for each operation. */
void sample_set_time(struct sample *sample, double ns, uint64_t operations);

#endif
