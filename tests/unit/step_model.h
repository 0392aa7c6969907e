/* A machine made up for tests: what a random cyclic chase costs on set-associative caches and TLBs that
 * replace the least recently used, measured with noise over a few placements. */
#ifndef VCOST_TESTS_STEP_MODEL_H
#define VCOST_TESTS_STEP_MODEL_H

#include "measure/steps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_STORES_MAX = 3, MODEL_POINTS_MAX = 80 };

/* Room for some units (cache lines, translations). */
struct model_store {
    double units;
    unsigned ways;      /* 0: fully associative */
    bool scattered;     /* sets are chosen at random, a page at a time: a cache behind physical addresses */
    double cost_beyond; /* ns more for what is not in it, over the store before it */
};

struct model {
    double ns; /* of what is in the first store */
    struct model_store stores[MODEL_STORES_MAX];
    size_t store_count;
    double units_a_page; /* that choose their sets together */
    double noise;        /* relative standard deviation of one placement's figure */
    unsigned placements; /* 1: no intervals */
};

struct model_curve {
    struct steps_point points[MODEL_POINTS_MAX];
    size_t count;
};

/* Standard normal. */
double model_normal(uint64_t *random);

/* The curve for sizes (in units) from `first` to `last`, `per_octave` to each doubling. */
void model_measure(const struct model *model, double first, double last, unsigned per_octave,
    uint64_t *random, struct model_curve *curve);

#endif
