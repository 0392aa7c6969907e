/* The two-way layout behind regions.c: CPU by region, in several rounds. */
#ifndef VCOST_INSPECT_REGIONS_LAYOUT_H
#define VCOST_INSPECT_REGIONS_LAYOUT_H

#include "inspect/regions.h"

typedef double region_matrix[REGION_CPUS_MAX][REGIONS_MAX];

/* Blocks of rounds; each cell is the median of its logarithms in the block. */
struct region_layout {
    size_t cpus, regions, blocks;
    double degrees;     /* of freedom of the interaction */
    region_matrix *y;   /* one for each block: logarithms; owned */
    region_matrix *z;   /* the same without the effects of CPUs and of regions; owned */
    region_matrix mean; /* of z over blocks */
};

/* Fills from the samples. -ENOMEM. */
int region_layout_make(const struct regions_input *input, struct region_layout *layout, struct error *error);
void region_layout_free(struct region_layout *layout);

/* The chance that noise alone makes so much interaction: an F test, its degrees of freedom cut down for cells
 * that are noisier than others (after Box, Annals of Mathematical Statistics 25, 1954). 1 if there is no
 * degree of freedom. */
double region_layout_chance(const struct region_layout *layout);

/* A mean over blocks with its 95 % interval. */
struct region_estimate {
    double mean, low, high;
};

/* The strongest pattern "CPUs of group a are far from regions of group a, CPUs of group b from those of group
 * b": found without each block in turn and measured in that block, so that it is not flattered. */
struct region_pattern {
    uint32_t cpus_a, cpus_b, far_from_a, far_from_b; /* from all blocks */
    struct region_estimate far;                      /* logarithm of far to near */
    /* Of the two regions that show it most: how much farther the one is than the other from one group of CPUs
     * and the other than the one from the other group, the smaller of both. Without NUMA at most 0, however
     * CPUs and regions differ: what is farther is so from every CPU. */
    struct region_estimate turned;
};
void region_layout_pattern(const struct region_layout *layout, struct region_pattern *pattern);

/* The probability that F with these degrees of freedom exceeds f. */
double region_f_chance(double f, double degrees, double of_error);

#endif
