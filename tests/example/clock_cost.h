/* What reading the clock costs: the room of `vcost clock`, the example of a command (CONTRIBUTING.md). It
 * measures and knows no output. */
#ifndef VCOST_TESTS_EXAMPLE_CLOCK_COST_H
#define VCOST_TESTS_EXAMPLE_CLOCK_COST_H

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_BATCHES = 6 };

/* So many readings in a row, timed as a whole. */
struct clock_batch {
    uint64_t readings;
    double ns, low, high; /* of one reading; low and high: the 95 % interval, NAN of a single round */
};

struct clock_cost {
    struct clock_batch batches[CLOCK_BATCHES]; /* ascending */
    size_t count;
};

/* Times batches of 1, 4 … 1024 readings of CLOCK_MONOTONIC, each `rounds` times (1 to 100). */
void clock_cost_measure(unsigned rounds, struct clock_cost *cost);

#endif
