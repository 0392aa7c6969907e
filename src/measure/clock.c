#include "measure/clock.h"

#include "host/read_text.h"
#include "host/text.h"

#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLOCK_SOURCES "/sys/devices/system/clocksource/clocksource0"

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

/* Clock sources of Linux that are made of the time-stamp counter at a constant rate: its own, and those in
 * which a hypervisor tells how to scale it (arch/x86/kernel/kvmclock.c, drivers/clocksource/hyperv_timer.c,
 * arch/x86/xen/time.c). */
static bool is_made_of_counter(const struct fact *source)
{
    static const char *const names[] = {
        "tsc", "tsc-early", "kvm-clock", "hyperv_clocksource_tsc_page", "xen"};
    for (size_t i = 0; source->known && i < sizeof names / sizeof names[0]; i++)
        if (!strcmp(source->text, names[i]))
            return true;
    return false;
}

int clock_judge(bool invariant, const struct fact *source, const struct fact *available,
    char doubt[static CLOCK_DOUBT_BYTES], struct error *error)
{
    doubt[0] = '\0';
    if (is_made_of_counter(source))
        return 0;
    if (!invariant)
        return error_set(error, ENOTSUP,
            "nothing can be timed here: this CPU's time-stamp counter is not said to run at a constant rate "
            "(CPUID), and Linux keeps the time by %.40s: ask the hypervisor for an invariant TSC",
            source->known ? source->text : "something that /sys does not tell");
    if (source->known && available->known && !text_has_word(available->text, "tsc"))
        snprintf(doubt, CLOCK_DOUBT_BYTES,
            "Linux does not trust the time-stamp counter that vcost times with: it has taken tsc out of its "
            "clock sources and reads %.40s. Do not rely on times; the kernel's log says why (TSC unstable)",
            source->text);
    return 0;
}

static uint64_t real_ticks(void)
{
    return clock_ticks();
}

static double real_seconds(void)
{
    return seconds(CLOCK_MONOTONIC_RAW);
}

/* A signal, or a sandbox that lets nobody sleep, does not make it shorter. */
static void real_sleep(double sleep_seconds)
{
    enum { TRIES = 1 << 20 };
    const struct timespec pause = {.tv_nsec = (long)(sleep_seconds * 1e9)};
    double end = real_seconds() + sleep_seconds;
    for (int tries = 0; tries < TRIES && real_seconds() < end; tries++)
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
    const struct fact source = read_fact(CLOCK_SOURCES "/current_clocksource"),
                      available = read_fact(CLOCK_SOURCES "/available_clocksource");
    char doubt[CLOCK_DOUBT_BYTES];
    int rc = clock_judge(counter_is_invariant(), &source, &available, doubt, error);
    if (rc < 0 || (rc = clock_calibrate_by(clock, NULL, error)) < 0)
        return rc;
    memcpy(clock->doubt, doubt, sizeof doubt);
    return 0;
}

int clock_calibrate_by(struct clock *clock, const struct clock_source *source, struct error *error)
{
    *clock = (struct clock){.source = source};
    return measure_rate(clock, error);
}
