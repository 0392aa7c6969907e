/* Evidence about one sample: did the thread have its CPU to itself while it was measured? */
#ifndef VCOST_MEASURE_EVIDENCE_H
#define VCOST_MEASURE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

enum disturbance {
    DISTURBED_NOT,
    DISTURBED_STEAL,     /* the hypervisor below gave the CPU to somebody else */
    DISTURBED_PREEMPTED, /* others ran meanwhile: involuntary context switches */
    DISTURBED_OFF_CPU,   /* it did not run, and nothing tells why */
    DISTURBED_CHANGED,   /* the machine became another one afterwards, or meanwhile */
    DISTURBANCES
};
/* "steal", "preempted", "off-cpu", "changed"; NULL for DISTURBED_NOT. */
extern const char *const disturbance_names[DISTURBANCES];

struct evidence {
    bool steal_known;  /* /proc/stat could be read */
    uint64_t steal_ns; /* in steps of the kernel's tick, 10 ms as a rule */
    uint64_t involuntary_switches;
    uint64_t wall_ns, cpu_ns;
};

/* One watch on the calling thread and the CPU that it is bound to. */
struct watch {
    unsigned cpu;
    int stat; /* /proc/stat, -1 if hidden */
    struct evidence start;
};

void watch_open(struct watch *watch, unsigned cpu);
void watch_close(struct watch *watch);
void watch_start(struct watch *watch);
struct evidence watch_end(struct watch *watch);

/* Adds what was seen of another part. */
void evidence_add(struct evidence *sum, const struct evidence *part);

/* By the time that was lost, not by what happened: whatever took less than 1 % of the sample is none. */
enum disturbance evidence_judge(const struct evidence *evidence);

#endif
