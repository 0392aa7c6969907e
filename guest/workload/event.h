/* How an event is made many times and timed, inside: job->steps times. */
#ifndef VCOST_GUEST_EVENT_H
#define VCOST_GUEST_EVENT_H

#include "abi/workload.h"
#include "timer.h"

/* Defines an entry whose timed part is `body`; it finds `job` and may use job->first, bytes and stride. */
#define EVENT(name, body)                                                                                    \
    void name(struct workload_job *job);                                                                     \
    void name(struct workload_job *job)                                                                      \
    {                                                                                                        \
        job->entered = timer_ticks();                                                                        \
        body job->ticks = timer_ticks() - job->entered;                                                      \
        job->finished = WORKLOAD_MAGIC;                                                                      \
    }

/* The same for one event: repeated by a loop. */
#define EVENT_LOOP(name, body) EVENT(name, for (uint64_t left = job->steps; left; left--){body})

/* Repeats an event job->steps times, too, for what is as short as a loop's own instructions: at CPL 0 every
 * one may be emulated. */
#define UNROLLED(body)                                                                                       \
    for (uint64_t left = job->steps; left;) {                                                                \
        if (left >= 8) {                                                                                     \
            body body body body body body body body left -= 8;                                               \
        } else {                                                                                             \
            body left--;                                                                                     \
        }                                                                                                    \
    }

#endif
