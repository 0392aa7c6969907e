#include "measure/clock.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const double calibration_seconds = 0.05;

/* What calibration and readings get wrong is below a tenth of this; a rate that differs by more is another
 * one. */
static const double rate_tolerance = 1e-3;

/* Between two looks there is at least so much time: what readings get wrong counts less, the longer it is. */
static const double look_seconds = 0.02;

static double seconds(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double clock_seconds(void)
{
    return seconds(CLOCK_MONOTONIC);
}

static bool counter_is_invariant(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1u << 8;
}

static bool kernel_trusts_counter(void)
{
    char name[16] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (!file)
        return false;
    bool read = fgets(name, sizeof name, file) != NULL;
    fclose(file);
    return read && (!strncmp(name, "tsc", 3) || !strncmp(name, "kvm-clock", 9));
}

static uint64_t real_ticks(void)
{
    return clock_ticks();
}

static double real_seconds(void)
{
    return seconds(CLOCK_MONOTONIC_RAW);
}

static void real_sleep(double seconds)
{
    const struct timespec pause = {.tv_nsec = (long)(seconds * 1e9)};
    nanosleep(&pause, NULL);
}

static const struct clock_source *source_of(const struct clock *clock)
{
    static const struct clock_source real = {real_ticks, real_seconds, real_sleep};
    return clock->source ? clock->source : &real;
}

/* Of several tries that with the least time between two readings of the counter. */
static struct clock_instant now(const struct clock_source *source)
{
    struct clock_instant best = {0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 16; i++) {
        uint64_t before = source->ticks();
        double at = source->seconds();
        uint64_t after = source->ticks();
        if (after - before < least) {
            least = after - before;
            best = (struct clock_instant){at, before + (after - before) / 2};
        }
    }
    return best;
}

static double rate_between(const struct clock_instant *start, const struct clock_instant *end)
{
    return (double)(int64_t)(end->ticks - start->ticks) / (end->seconds - start->seconds) / 1e9;
}

static int measure_rate(struct clock *clock, struct error *error)
{
    const struct clock_source *source = source_of(clock);
    struct clock_instant start = now(source);
    source->sleep(calibration_seconds);
    struct clock_instant end = now(source);
    if (end.ticks <= start.ticks || end.seconds - start.seconds < calibration_seconds / 2)
        return error_set(
            error, EIO, "the time-stamp counter could not be calibrated: it or the clock stood still");
    clock->ticks_per_ns = rate_between(&start, &end);
    clock->seen = end;
    return 0;
}

static bool is_same_rate(double rate, double other)
{
    return rate > other * (1 - rate_tolerance) && rate < other * (1 + rate_tolerance);
}

int clock_look_again(struct clock *clock, enum clock_change *change, struct error *error)
{
    double rate = clock->ticks_per_ns;
    struct clock_instant end = now(source_of(clock));
    *change = CLOCK_SAME;
    if (end.seconds >= clock->seen.seconds && end.seconds - clock->seen.seconds < look_seconds)
        return 0;
    if (is_same_rate(rate_between(&clock->seen, &end), rate)) {
        clock->seen = end;
        return 0;
    }
    int rc = measure_rate(clock, error);
    if (rc < 0)
        return rc;
    *change = is_same_rate(clock->ticks_per_ns, rate) ? CLOCK_ELSEWHERE : CLOCK_OTHER_RATE;
    return 0;
}

int clock_calibrate(struct clock *clock, struct error *error)
{
    if (!counter_is_invariant() && !kernel_trusts_counter())
        return error_set(error, ENOTSUP,
            "this CPU's time-stamp counter does not run at a constant rate, so code inside a "
            "guest cannot be timed by it");
    return clock_calibrate_by(clock, NULL, error);
}

int clock_calibrate_by(struct clock *clock, const struct clock_source *source, struct error *error)
{
    *clock = (struct clock){.source = source};
    return measure_rate(clock, error);
}
