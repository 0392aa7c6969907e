/* Reading the clock. */
#include "event/internal.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int by_vdso(struct event_bench *bench, struct error *error)
{
    struct timespec now;
    (void)bench;
    (void)error;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 0;
}

static int by_system_call(struct event_bench *bench, struct error *error)
{
    struct timespec now;
    (void)bench;
    (void)error;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return 0;
}

static const struct event rows[] = {
    {
        .name = "rdtsc",
        .group = EVENT_CLOCK,
        .unit = "read",
        .summary = "reading the time-stamp counter",
        .article = "A monitor that traps or scales the clock makes every look at it dear.",
        .source = "SDM volume 2B, RDTSC",
        .steps =
            "RDTSC is executed, each after the one before has finished. A guest reads the counter itself "
            "unless the monitor traps it.",
        .advice =
            "Nothing where the guest costs the same as native. Where it costs far more the monitor traps "
            "the instruction: ask for a TSC that is passed on.",
        .native = {.entry = "event-rdtsc"},
        .guest = {.entry = "event-rdtsc"},
    },
    {
        .name = "clock-vdso",
        .group = EVENT_CLOCK,
        .unit = "call",
        .summary = "clock_gettime() as the C library does it, without entering the kernel",
        .article = "What programs do most often with the clock: cheap only as long as no monitor is asked.",
        .source = "vdso(7), clock_gettime(2)",
        .steps =
            "The C library calls the function in the vDSO, which reads the time-stamp counter and scales it.",
        .advice = "If it costs as much as clock-syscall, the clock source is not the TSC: see "
                  "/sys/devices/system/clocksource/clocksource0/current_clocksource.",
        .native = {.make = by_vdso},
        .guest = NEEDS_LINUX,
    },
    {
        .name = "clock-syscall",
        .group = EVENT_CLOCK,
        .unit = "call",
        .summary = "clock_gettime() by a real system call",
        .article = "What the clock costs where the vDSO cannot be used.",
        .source = "clock_gettime(2)",
        .steps = "SYSCALL, the kernel reads the clock and copies the result, SYSRET.",
        .advice = "Use a clock source that the vDSO supports.",
        .native = {.make = by_system_call},
        .guest = NEEDS_LINUX,
    },
};

const struct event_family events_clock = EVENT_FAMILY(rows);
