#include "measure/clock.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const double calibration_seconds = 0.05;

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

struct instant {
    double seconds;
    uint64_t ticks;
};

/* Both clocks at one moment: of several tries that with the least time between two readings of the counter.
 */
static struct instant now(void)
{
    struct instant best = {0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 16; i++) {
        uint64_t before = clock_ticks();
        double at = seconds(CLOCK_MONOTONIC_RAW);
        uint64_t after = clock_ticks();
        if (after - before < least) {
            least = after - before;
            best = (struct instant){at, before + (after - before) / 2};
        }
    }
    return best;
}

int clock_calibrate(struct clock *clock, struct error *error)
{
    if (!counter_is_invariant() && !kernel_trusts_counter())
        return error_set(error, ENOTSUP,
            "this CPU's time-stamp counter does not run at a constant rate, so code inside a "
            "guest cannot be timed by it");
    const struct timespec pause = {.tv_nsec = (long)(calibration_seconds * 1e9)};
    struct instant start = now();
    nanosleep(&pause, NULL);
    struct instant end = now();
    if (end.ticks <= start.ticks || end.seconds - start.seconds < calibration_seconds / 2)
        return error_set(
            error, EIO, "the time-stamp counter could not be calibrated: it or the clock stood still");
    clock->ticks_per_ns = (double)(end.ticks - start.ticks) / (end.seconds - start.seconds) / 1e9;
    return 0;
}
