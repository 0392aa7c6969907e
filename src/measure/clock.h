/* Time in ticks of the CPU's time-stamp counter, which reads the same inside a guest, and how many there are
 * in a nanosecond. */
#ifndef VCOST_MEASURE_CLOCK_H
#define VCOST_MEASURE_CLOCK_H

#include "base/error.h"
#include "base/fact.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_DOUBT_BYTES = 256 };

/* Both clocks at one moment. */
struct clock_instant {
    double seconds;
    uint64_t ticks;
};

/* What a clock is read from; tests have their own. */
struct clock_source {
    uint64_t (*ticks)(void);
    double (*seconds)(void); /* that nobody sets */
    void (*sleep)(double seconds);
};

struct clock {
    double ticks_per_ns;
    const struct clock_source *source; /* NULL: this machine */
    struct clock_instant seen;         /* when it was calibrated or looked at last */
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

/* The same by another source, which is trusted; for tests. */
int clock_calibrate_by(struct clock *clock, const struct clock_source *source, struct error *error);

/* What became of the counter since it was calibrated or looked at last. */
enum clock_change {
    CLOCK_SAME,
    CLOCK_ELSEWHERE, /* it runs at its rate, but between was stopped, set or let run on: the machine slept,
                        was paused or moved */
    CLOCK_OTHER_RATE /* ticks_per_ns is the new one */
};

/* Looks again, at the cost of some microseconds where nothing has changed, and calibrates anew where
 * something has. A guest whose kernel keeps its time by the counter itself cannot notice another rate. */
int clock_look_again(struct clock *clock, enum clock_change *change, struct error *error);

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
