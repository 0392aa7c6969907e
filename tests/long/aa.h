/* A/A: the same thing measured twice, so that the true ratio is 1 and every interval that leaves 1 out is
 * wrong. What the files of this folder share. */
#ifndef VCOST_TESTS_LONG_AA_H
#define VCOST_TESTS_LONG_AA_H

#include "experiment/chase.h"
#include "experiment/setting.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AA_SETS = 4 };
extern const uint64_t aa_working_sets[AA_SETS]; /* bytes */

/* The figure of one working set in one run, as vcost gives it. */
struct aa_figure {
    double ratio, low, high; /* NAN: there is none */
    unsigned samples, disturbed;
    unsigned placements; /* of one side */
};

struct aa_run {
    struct aa_figure sets[AA_SETS];
};

/* The first of the setting's runners, all native: two on one memory, and one. */
enum aa_runner { AA_TWINS, AA_SINGLE = 2 };

/* What runs are measured with. */
struct aa {
    struct setting setting;
    struct host host;
    struct chase_shape shapes[AA_SETS];
};

/* Makes ready on the last CPU that may be used. aa_close() also after a failure. */
int aa_open(struct aa *aa, const struct stop *stop, struct error *error);
void aa_close(struct aa *aa);

typedef int aa_measure(struct aa *aa, uint64_t seed, struct aa_run *run, struct error *error);

/* One experiment in which native is held against native on the same list in the same physical frames: what
 * `vcost chase` gives as a slowdown. -EINTR if it was stopped. */
aa_measure aa_same_frames;

/* Two experiments, one after the other, each with memory of its own: what `vcost compare` gives for their
 * files. -EINTR if stopped. */
aa_measure aa_new_placements;

#endif
