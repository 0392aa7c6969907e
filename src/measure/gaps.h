/* What takes the CPU away from a thread that does nothing but look at the time-stamp counter: interrupts and
 * other threads, of which this kernel knows, and the hypervisor below, of which it may not.
 *
 * A gap is a time between two looks that is longer than a threshold. At the end of each gap the kernel is
 * asked how long it knows that the thread did not run and whether it was preempted; so each gap is either
 * known to this kernel or not. What is not known is short interrupts, which this kernel does not account as a
 * rule, and the hypervisor's doing; the count of interrupts and the length of the gaps tell them apart. */
#ifndef VCOST_MEASURE_GAPS_H
#define VCOST_MEASURE_GAPS_H

#include "base/error.h"
#include "base/stop.h"
#include "measure/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what is seen ---- */

/* Finds gaps in a row of stamps. */
struct gap_spotter {
    uint64_t last;      /* the stamp before */
    uint64_t threshold; /* ticks; what is longer is a gap */
    uint64_t backwards; /* how often the counter went back */
};

/* The next stamp: the gap before it in ticks, or 0. */
static inline uint64_t gap_spot(struct gap_spotter *spotter, uint64_t stamp)
{
    uint64_t last = spotter->last;
    spotter->last = stamp;
    if (__builtin_expect(stamp - last <= spotter->threshold, 1))
        return 0;
    if (stamp < last) {
        spotter->backwards++;
        return 0;
    }
    return stamp - last;
}

struct gap {
    double ns;
    double known_ns; /* of these, the thread did not run as far as this kernel knows */
    bool switched;   /* this kernel gave the CPU to another thread */
};

/* A stretch of the watch, about gap_window_seconds long. */
struct gap_window {
    double ns;     /* how long it was watched */
    double gap_ns; /* of these, in gaps */
    double steal_ns;
};

/* All that was seen, in the order of time. */
struct gap_log {
    const struct gap *gaps;
    size_t count;
    size_t lost; /* gaps that there was no room for */
    const struct gap_window *windows;
    size_t window_count;
    double threshold_ns, look_ns; /* the latter: from one look to the next, usually */
    uint64_t backwards;
    bool steal_known, interrupts_known;
    uint64_t interrupts; /* that this kernel handled on this CPU */
};

/* ---- what it means ---- */

struct gap_figures {
    size_t count;
    double total_ns, longest_ns;
    double median_ns, p90_ns, p99_ns; /* of the gaps' lengths; NAN without gaps */
    double share;                     /* of the watched time */
};

struct gap_spread {
    double least, median, most; /* over windows, as shares of their time; NAN: not known */
};

struct gaps {
    double watched_ns;
    double threshold_ns, look_ns;
    struct gap_figures all;
    struct gap_figures known;   /* this kernel gave the CPU away, or knows that the thread did not run */
    struct gap_figures unknown; /* it does not know: its interrupts, or something below */
    struct gap_figures below;   /* of the unknown ones those that its interrupts cannot explain: longer than
                                   interrupts take (gap_interrupt_ns), or more of them than interrupts were
                                   handled (the longest ones then) */
    bool interrupts_known;
    uint64_t interrupts;
    uint64_t switches; /* gaps in which another thread of this kernel had the CPU */
    bool
        steal_known; /* does this kernel account steal in /proc/stat? 0 there may also mean: it is not told */
    double steal_ns, steal_share; /* in steps of the kernel's tick (10 ms) */
    struct gap_spread steal;      /* over windows: its spread is the jitter of steal */
    struct gap_spread taken;      /* gaps of all kinds over windows */
    size_t windows;
    uint64_t backwards; /* the time-stamp counter went back so many times: it is not to be trusted */
    size_t lost;        /* gaps beyond the room for them: in no figure, so all are too small */
};

extern const double gap_window_seconds; /* 0.1 */
extern const double gap_interrupt_ns;   /* what a handler of interrupts takes at most, as a rule: 50 µs */

/* Makes the figures. Pure. -ENOMEM is the only error. */
int gaps_judge(const struct gap_log *log, struct gaps *out, struct error *error);

/* Interrupts of one CPU in what /proc/interrupts says, line by line: zero all, then give it every line. */
struct interrupt_count {
    bool found; /* the CPU has a column */
    size_t column;
    uint64_t count;
};
void interrupt_count_line(struct interrupt_count *count, const char *line, unsigned cpu);

/* Watches for so many seconds on the calling thread, which is bound to `cpu`. -EINTR if stop (may be NULL)
 * asked; -ENOMEM. */
int gaps_watch(double seconds, const struct clock *clock, unsigned cpu, const struct stop *stop,
    struct gaps *out, struct error *error);

#endif
