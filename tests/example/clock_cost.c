#include "clock_cost.h"

#include "measure/statistics.h"

#include <time.h>

enum { ROUNDS_MAX = 100 };

static double ns_of_reading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double time_batch(uint64_t readings)
{
    double start = ns_of_reading(), end = start;
    for (uint64_t i = 0; i < readings; i++)
        end = ns_of_reading();
    return (end - start) / (double)readings;
}

void clock_cost_measure(unsigned rounds, struct clock_cost *cost)
{
    for (cost->count = 0; cost->count < CLOCK_BATCHES; cost->count++) {
        double ns[ROUNDS_MAX];
        uint64_t readings = UINT64_C(1) << (2 * cost->count);
        for (unsigned i = 0; i < rounds; i++)
            ns[i] = time_batch(readings);
        struct estimate estimate = statistics_difference(ns, rounds);
        cost->batches[cost->count] =
            (struct clock_batch){readings, estimate.median, estimate.low, estimate.high};
    }
}
