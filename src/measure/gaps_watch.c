/* The watch itself: gaps.c makes figures of what is seen here. */
#include "measure/evidence.h"
#include "measure/gaps.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum {
    LOOKS = 1001, /* to find out how long a look takes */
    ROOM = 1 << 16,
    SPINS = 256 /* looks at the counter between two at the window's end */
};

/* A gap is at least so long, and so many times what a look takes: where RDTSC itself leaves the guest, that
 * is much. */
static const double threshold_ns_least = 1000;
static const double threshold_looks = 10;

/* The kernel's clock and this one may run apart by so much: no time that the thread did not run. */
static const double clocks_apart = 1e-4;

struct watching {
    const struct clock *clock;
    struct watch watch;
    struct gap_spotter spotter;
    struct gap *gaps;
    struct gap_window *windows;
    size_t window_room;
    struct gap_log log;
    uint64_t window_ticks;
    double cpu_ns; /* of the thread at the last look at the kernel, and what else was seen then */
    uint64_t cpu_stamp;
    long switches;
};

/* ---- looking at the kernel ---- */

static double thread_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void look_at_kernel(struct watching *w)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_THREAD, &usage);
    w->switches = usage.ru_nivcsw + usage.ru_nvcsw;
    w->cpu_ns = thread_cpu_ns();
    w->cpu_stamp = clock_ticks();
}

static bool read_interrupts(unsigned cpu, uint64_t *total)
{
    struct interrupt_count count = {.found = false};
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/interrupts", "re");
    while (file && getline(&line, &room, file) >= 0)
        interrupt_count_line(&count, line, cpu);
    if (file)
        fclose(file);
    free(line);
    *total = count.count;
    return count.found;
}

/* ---- a gap ---- */

/* What the kernel knows counts up to the gap's length: it also knows of the looks at itself. */
static void note_gap(struct watching *w, uint64_t ticks)
{
    struct gap_window *window = &w->windows[w->log.window_count];
    double ns = clock_ns(w->clock, ticks), cpu_before = w->cpu_ns;
    uint64_t stamp_before = w->cpu_stamp;
    long switches_before = w->switches;
    look_at_kernel(w);
    double wall = clock_ns(w->clock, w->cpu_stamp - stamp_before);
    double known = wall * (1 - clocks_apart) - (w->cpu_ns - cpu_before);
    window->gap_ns += ns;
    if (w->log.count == ROOM) {
        w->log.lost++;
        return;
    }
    w->gaps[w->log.count++] = (struct gap){ns, fmin(fmax(known, 0), ns), w->switches != switches_before};
}

/* ---- a window ---- */

/* Spins to the window's end. The time in which the kernel is looked at is not watched. */
static void watch_window(struct watching *w)
{
    struct gap_window *window = &w->windows[w->log.window_count];
    uint64_t start, away = 0;
    look_at_kernel(w);
    start = w->spotter.last = clock_ticks();
    while (w->spotter.last - start < w->window_ticks)
        for (unsigned i = 0; i < SPINS; i++) {
            uint64_t gap = gap_spot(&w->spotter, clock_ticks());
            if (gap) {
                uint64_t left = w->spotter.last;
                note_gap(w, gap);
                w->spotter.last = clock_ticks();
                away += w->spotter.last - left;
            }
        }
    window->ns = clock_ns(w->clock, w->spotter.last - start - away);
}

static int watch_windows(struct watching *w, const struct stop *stop, struct error *error)
{
    w->log.steal_known = true;
    while (w->log.window_count < w->window_room) {
        if (stop_asked(stop))
            return error_set(error, EINTR, "stopped while the gaps in the CPU's time were watched");
        watch_start(&w->watch);
        watch_window(w);
        struct evidence evidence = watch_end(&w->watch);
        w->log.steal_known = w->log.steal_known && evidence.steal_known;
        w->windows[w->log.window_count++].steal_ns = (double)evidence.steal_ns;
    }
    return 0;
}

/* ---- the watch ---- */

static int by_ticks(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Mean of a look's usual time: the counter may advance in steps that are longer than one look. */
static double look_ns(const struct clock *clock)
{
    uint64_t batches[LOOKS];
    for (unsigned i = 0; i < LOOKS; i++) {
        uint64_t start = clock_ticks();
        for (unsigned look = 0; look < 7; look++)
            clock_ticks();
        batches[i] = clock_ticks() - start;
    }
    qsort(batches, LOOKS, sizeof *batches, by_ticks);
    return clock_ns(clock, batches[LOOKS / 2]) / 8;
}

static int allocate(struct watching *w, double seconds, struct error *error)
{
    w->window_room = (size_t)fmin(fmax(round(seconds / gap_window_seconds), 1), 36000);
    w->gaps = calloc(ROOM, sizeof *w->gaps);
    w->windows = calloc(w->window_room, sizeof *w->windows);
    if (!w->gaps || !w->windows)
        return error_set(error, ENOMEM, "not enough memory to watch the gaps in the CPU's time");
    for (size_t i = 0; i < ROOM; i++) /* no page fault is to be taken for a gap */
        w->gaps[i].ns = NAN;
    return 0;
}

int gaps_watch(double seconds, const struct clock *clock, unsigned cpu, const struct stop *stop,
    struct gaps *out, struct error *error)
{
    struct watching w = {.clock = clock};
    uint64_t interrupts_before = 0, interrupts_after = 0;
    int rc = allocate(&w, seconds, error);
    watch_open(&w.watch, cpu);
    if (rc == 0) {
        double window = fmin(seconds / (double)w.window_room, 2 * gap_window_seconds);
        w.log.look_ns = look_ns(clock);
        w.log.threshold_ns = fmax(threshold_ns_least, threshold_looks * w.log.look_ns);
        w.spotter.threshold = (uint64_t)(w.log.threshold_ns * clock->ticks_per_ns);
        w.window_ticks = (uint64_t)(window * 1e9 * clock->ticks_per_ns);
        w.log.interrupts_known = read_interrupts(cpu, &interrupts_before);
        rc = watch_windows(&w, stop, error);
    }
    if (rc == 0) {
        w.log.interrupts_known = w.log.interrupts_known && read_interrupts(cpu, &interrupts_after);
        w.log.interrupts = interrupts_after - interrupts_before;
        w.log.backwards = w.spotter.backwards;
        w.log.gaps = w.gaps;
        w.log.windows = w.windows;
        rc = gaps_judge(&w.log, out, error);
    }
    watch_close(&w.watch);
    free(w.gaps);
    free(w.windows);
    return rc;
}
