/* A thread that others wait for, for some milliseconds at most. */
#ifndef VCOST_HOST_URGENT_H
#define VCOST_HOST_URGENT_H

#include <stdbool.h>

struct urgent {
    bool is; /* false: as before */
};

/* The calling thread comes before all that are not real-time ones (SCHED_FIFO, sched(7)), where this user may
 * have that (CAP_SYS_NICE, RLIMIT_RTPRIO) and it has no policy of its own; else nothing changes. What it
 * starts meanwhile is as usual (SCHED_RESET_ON_FORK). */
void urgent_begin(struct urgent *urgent);
void urgent_end(struct urgent *urgent); /* by the same thread; harmless if it is not */

#endif
