/* Time in ticks of the CPU's time-stamp counter, which reads the same inside a guest, and how many there are
 * in a nanosecond. */
#ifndef VCOST_MEASURE_CLOCK_H
#define VCOST_MEASURE_CLOCK_H

#include "base/error.h"
#include "base/fact.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_DOUBT_BYTES = 256 };

struct clock {
    double ticks_per_ns;
    char doubt[CLOCK_DOUBT_BYTES]; /* why the counter may not be what it should: a sentence without full stop;
                                      "" for nothing to say */
};

/* Compares the time-stamp counter with CLOCK_MONOTONIC_RAW for 50 ms (good to a few ppm). Refuses, with
 * -ENOTSUP, what clock_judge() does. */
int clock_calibrate(struct clock *clock, struct error *error);

/* Whether the counter can be timed by: it can if it is invariant (CPUID 8000_0007h EDX bit 8), or if the
 * kernel's clock source is made of it, as the two files in /sys tell. An invariant one that the kernel does
 * not offer as a source any more is doubted. */
int clock_judge(bool invariant, const struct fact *source, const struct fact *available,
    char doubt[static CLOCK_DOUBT_BYTES], struct error *error);

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
