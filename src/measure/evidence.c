#include "measure/evidence.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Of its wall-clock time, what a sample may lose before it counts as disturbed. One involuntary switch to a
 * thread of the kernel costs some microseconds, and nothing that a median would show. */
static const double lost_share_max = 0.01;

const char *const disturbance_names[DISTURBANCES] = {NULL, "steal", "preempted", "off-cpu", "changed"};

void watch_open(struct watch *watch, unsigned cpu)
{
    *watch = (struct watch){.cpu = cpu, .stat = open("/proc/stat", O_RDONLY | O_CLOEXEC)};
}

void watch_close(struct watch *watch)
{
    if (watch->stat >= 0)
        close(watch->stat);
    watch->stat = -1;
}

/* The eighth figure of the line "cpuN user nice system idle iowait irq softirq steal …" (proc(5)), in clock
 * ticks. */
static bool read_steal_ticks(const struct watch *watch, uint64_t *ticks)
{
    char text[8192], label[24];
    ssize_t bytes = watch->stat < 0 ? -1 : pread(watch->stat, text, sizeof text - 1, 0);
    if (bytes <= 0)
        return false;
    text[bytes] = '\0';
    snprintf(label, sizeof label, "\ncpu%u ", watch->cpu);
    const char *line = strstr(text, label);
    unsigned long long steal;
    if (!line || sscanf(line + strlen(label), "%*u %*u %*u %*u %*u %*u %*u %llu", &steal) != 1)
        return false;
    *ticks = steal;
    return true;
}

static uint64_t clock_now(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct evidence look(const struct watch *watch)
{
    struct rusage usage = {0};
    uint64_t ticks = 0;
    struct evidence evidence = {.steal_known = read_steal_ticks(watch, &ticks)};
    evidence.steal_ns = ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
    getrusage(RUSAGE_THREAD, &usage);
    evidence.involuntary_switches = (uint64_t)usage.ru_nivcsw;
    evidence.wall_ns = clock_now(CLOCK_MONOTONIC);
    evidence.cpu_ns = clock_now(CLOCK_THREAD_CPUTIME_ID);
    return evidence;
}

void watch_start(struct watch *watch)
{
    watch->start = look(watch);
}

struct evidence watch_end(struct watch *watch)
{
    struct evidence end = look(watch), start = watch->start;
    end.steal_known = end.steal_known && start.steal_known;
    end.steal_ns -= start.steal_ns;
    end.involuntary_switches -= start.involuntary_switches;
    end.wall_ns -= start.wall_ns;
    end.cpu_ns -= start.cpu_ns;
    return end;
}

void evidence_add(struct evidence *sum, const struct evidence *part)
{
    sum->steal_known = sum->steal_known && part->steal_known;
    sum->steal_ns += part->steal_ns;
    sum->involuntary_switches += part->involuntary_switches;
    sum->wall_ns += part->wall_ns;
    sum->cpu_ns += part->cpu_ns;
}

enum disturbance evidence_judge(const struct evidence *evidence)
{
    double off_cpu = (double)evidence->wall_ns - (double)evidence->cpu_ns;
    double most = lost_share_max * (double)evidence->wall_ns;
    if (evidence->steal_known && (double)evidence->steal_ns > most)
        return DISTURBED_STEAL;
    if (off_cpu <= most)
        return DISTURBED_NOT;
    return evidence->involuntary_switches > 0 ? DISTURBED_PREEMPTED : DISTURBED_OFF_CPU;
}
