/* What a program did in its domain, counted while it runs: a page that all its processes share, through fork
 * and execve, with whoever started it. */
#ifndef VCOST_PROGRAM_TALLY_H
#define VCOST_PROGRAM_TALLY_H

#include "monitor/monitor.h"

#include <stdatomic.h>
#include <stdint.h>

enum { TALLY_CALLS = 512, TALLY_EXCEPTIONS = 32, TALLY_PROBLEM_BYTES = 512 };

/* How a domain has its program's memory. */
struct tally_memory {
    uint64_t page_bytes; /* the largest leaves of the guest's tables: 4 KiB or 2 MiB; 0: 2 MiB */
    uint32_t prove;      /* counts what lies behind them (used_small, used_large), which takes time */
    uint32_t later; /* the guest's tables have a page once it is touched there, and not as it is mapped */
};

struct tally {
    struct tally_memory memory; /* whoever starts it says so; it stays from run to run */

    _Atomic uint64_t exits;                        /* times that a virtual CPU came back to its thread */
    _Atomic uint64_t interruptions;                /* of these, by a signal of the host */
    _Atomic uint64_t host_faults;                  /* the host had no memory behind an access */
    _Atomic uint64_t exceptions[TALLY_EXCEPTIONS]; /* by vector (SDM volume 3, table 6-1) */
    _Atomic uint64_t calls[TALLY_CALLS];           /* system calls, by number; the last: all others */
    _Atomic uint64_t call_ticks[TALLY_CALLS];      /* what they took outside, by the time-stamp counter */
    _Atomic uint64_t signals;                      /* that the program's handlers were called for */
    _Atomic uint64_t threads, forks, programs;     /* made; execve, the first included */
    _Atomic uint64_t memory_calls, memory_ns; /* calls that change memory; the CPU time of what is done here
                                                 for them, without the host's own calls */
    /* Domains that were made, and those at whose end the monitor's own counters were added here. The others'
     * process was killed first. */
    _Atomic uint64_t domains, counted;
    _Atomic uint64_t monitor_exits, monitor_faults; /* "exits", "page_faults" of monitor.h */
    _Atomic uint64_t monitor_pages; /* "pages_4k": of these, what the guest had translated at its end */
    _Atomic uint64_t lent;          /* of the forks: those whose child has its parent's memory (vfork) */
    _Atomic uint64_t guest_faults;  /* page faults that the guest's own kernel handled (memory.later) */
    /* Pages of 4 KiB that were in memory when a process gave them back, or ended: behind leaves of 4 KiB of
     * the guest's tables, and of 2 MiB. */
    _Atomic uint64_t used_small, used_large;
    _Atomic uint64_t answered;   /* gettid that the guest answered itself: no exit, and among no calls */
    _Atomic uint64_t fork_pages; /* of 4 KiB, that processes had for themselves when they made another,
                                    summed over forks but those that are lent */
    _Atomic uint64_t looks; /* times that what a pointer of a system call points to was read or written */
    _Atomic uint64_t refused_traces;   /* calls of ptrace */
    _Atomic int problem_code;          /* an errno: the run is none; 0 */
    char problem[TALLY_PROBLEM_BYTES]; /* what the domain could not do: a sentence */
    _Atomic int
        unexecuted_code; /* an errno: of the first program that a domain does not execute, though Linux may */
    char unexecuted[TALLY_PROBLEM_BYTES]; /* and why */

    /* From here on it stays from run to run: what each domain would find out again. */
    struct monitor_kept kept;
    _Atomic uint64_t features, extended_bytes; /* struct process'; 0: not known yet */
    /* Of the kernel's code for the clock: bytes of its data before it, and its own; 0: not known yet. */
    _Atomic uint64_t clock_before, clock_behind;
    uint32_t heat; /* what it touches is written down (heat_log.h) */
};

static inline void tally_add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

#endif
