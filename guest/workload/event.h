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

#endif
