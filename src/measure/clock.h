/* Time in ticks of the CPU's time-stamp counter, which reads the same inside a guest, and how many there are
 * in a nanosecond. */
#ifndef VCOST_MEASURE_CLOCK_H
#define VCOST_MEASURE_CLOCK_H

#include "base/error.h"

#include <stdint.h>

struct clock {
    double ticks_per_ns;
};

/* Compares the time-stamp counter with CLOCK_MONOTONIC_RAW for 50 ms (good to a few ppm). Refuses a CPU whose
 * counter does not run at a constant rate (CPUID 8000_0007h EDX bit 8), unless the kernel itself keeps time
 * by it. */
int clock_calibrate(struct clock *clock, struct error *error);

static inline uint64_t clock_ticks(void)
{
    return __builtin_ia32_rdtsc();
}

static inline double clock_ns(const struct clock *clock, uint64_t ticks)
{
    return (double)ticks / clock->ticks_per_ns;
}

/* Seconds of CLOCK_MONOTONIC: for budgets and progress. */
double clock_seconds(void);

#endif
