/* What a program did in its domain, counted while it runs: a page that all its processes share, through fork
 * and execve, with whoever started it. */
#ifndef VCOST_PROGRAM_TALLY_H
#define VCOST_PROGRAM_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

enum { TALLY_CALLS = 512, TALLY_EXCEPTIONS = 32, TALLY_PROBLEM_BYTES = 512 };

struct tally {
    _Atomic uint64_t exits;                        /* times that a virtual CPU came back to its thread */
    _Atomic uint64_t interruptions;                /* of these, by a signal of the host */
    _Atomic uint64_t host_faults;                  /* the host had no memory behind an access */
    _Atomic uint64_t exceptions[TALLY_EXCEPTIONS]; /* by vector (SDM volume 3, table 6-1) */
    _Atomic uint64_t calls[TALLY_CALLS];           /* system calls, by number; the last: all others */
    _Atomic uint64_t call_ticks[TALLY_CALLS];      /* what they took outside, by the time-stamp counter */
    _Atomic uint64_t signals;                      /* that the program's handlers were called for */
    _Atomic uint64_t threads, forks, programs;     /* made; execve, the first included */
    _Atomic uint64_t regions;                      /* of memory that a domain was given */
    _Atomic int problem_code;                      /* an errno: the run is none; 0 */
    char problem[TALLY_PROBLEM_BYTES];             /* what the domain could not do: a sentence */
};

static inline void tally_add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

#endif
