/* Published latencies of a machine: cycles of one dependent load after another, of elements in random order
 * on pages of 4 KiB. Files of share/latencies/ (vcost.latencies/1), which are embedded. */
#ifndef VCOST_MODEL_LATENCIES_H
#define VCOST_MODEL_LATENCIES_H

#include "base/error.h"
#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

enum { LATENCY_POINTS_MAX = 48, LATENCY_CURVES_MAX = 4, LATENCIES_MAX = 16 };

struct latency_curve {
    uint32_t element_bytes; /* from one element to the next */
    uint64_t working_set_bytes[LATENCY_POINTS_MAX];
    uint32_t cycles[LATENCY_POINTS_MAX];    /* of each of these */
    size_t count, cycles_count;             /* the same */
    uint64_t read_from[LATENCY_POINTS_MAX]; /* working sets of which figures of the machine's file are; */
    size_t read_count;
};

struct latencies {
    const char *machine;  /* of model/machine.h */
    const char *source;   /* of what, by whom */
    const char *left_out; /* of what is published, and why: "nothing" */
    struct latency_curve curves[LATENCY_CURVES_MAX];
    size_t curve_count;
};

/* The files, in alphabetical order; name NULL past the end. */
struct latencies_preset {
    const char *name, *file, *source; /* "NAME", "NAME.json" */
    const char *text;
    size_t bytes;
};
struct latencies_preset latencies_preset(size_t index);

/* One of them; texts stand in the pool. -EINVAL with the place of what is wrong. */
int latencies_read(size_t index, struct pool *pool, struct latencies *latencies, struct error *error);

#endif
