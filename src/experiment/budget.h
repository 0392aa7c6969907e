/* How thoroughly a person wants something measured. */
#ifndef VCOST_EXPERIMENT_BUDGET_H
#define VCOST_EXPERIMENT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    bool quick;     /* a first impression */
    double seconds; /* the user's, which are kept to the letter; 0: the usual ones */
    uint64_t seed;
};

#endif
