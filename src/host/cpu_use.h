/* How busy the CPUs are just now, and who takes them: a short look, before anything is measured. */
#ifndef VCOST_HOST_CPU_USE_H
#define VCOST_HOST_CPU_USE_H

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

enum { CPU_USE_MAX = 8192 }; /* CPUs */

/* Of one CPU or of several. Shares are of 1. */
struct cpu_use {
    bool known;   /* /proc/stat told; all else is 0 if not */
    double busy;  /* programs, interrupts */
    double steal; /* a hypervisor */
    char who[64]; /* the program that took most of it: "make, process 1234"; "" where none is seen */
};

/* A look that has begun. */
struct cpu_look;

/* Begins a look; NULL without memory. */
struct cpu_look *cpu_look_begin(void);

/* Ends it, some time later: what happened in between is known then. */
void cpu_look_end(struct cpu_look *look);
void cpu_look_free(struct cpu_look *look); /* NULL is allowed */

/* The idlest of a set of CPUs; the last of those that are about as idle, since the first tend to serve the
 * machine's interrupts. -1 where that is not known. */
int cpu_look_idlest(const struct cpu_look *look, const cpu_set_t *allowed, size_t set_bytes);

/* One CPU, and all but that one (CPU_USE_NONE: all of them), on the average. */
#define CPU_USE_NONE UINT_MAX
struct cpu_use cpu_look_at(const struct cpu_look *look, unsigned cpu);
struct cpu_use cpu_look_at_others(const struct cpu_look *look, unsigned cpu);

#endif
