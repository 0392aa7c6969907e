/* After a domain was handed over: the destination tells what its program does there (WIRE_SAMPLES,
 * doc/migration.md), for the source, whose picture of the migration it completes. Nothing depends on it: if
 * the link breaks the domain runs on, and the picture ends there. */
#ifndef VCOST_DOMAIN_MOVED_AFTER_H
#define VCOST_DOMAIN_MOVED_AFTER_H

#include "domain/moved/wire.h"
#include "domain/timeline/timeline.h"

#include <pthread.h>
#include <stdatomic.h>

/* The destination's side: a thread of its own, which has the wire from after_start() on. */
struct after {
    struct moved_wire *wire;
    const struct portable *portable;
    struct follow *follow; /* has the wire until all memory has come; NULL: nothing comes behind the domain */
    double seconds;        /* so long at most, as the source has asked for; 0: not at all */
    uint64_t taken[PORTABLE_CPUS_MAX];
    struct stop stop;
    atomic_bool quit;
    bool started;
    atomic_bool over; /* the thread: it does not use the wire any more */
    pthread_t thread;
};

/* Before it runs: what comes from now on in its rings is told. */
void after_prepare(
    struct after *after, struct moved_wire *wire, const struct portable *portable, double seconds);
/* When it runs; `follow` may be NULL. Without a thread nothing is told. */
void after_start(struct after *after, struct follow *follow);
void after_stop(struct after *after);

/* The source's side: takes what comes until the pace is back and as much was seen after as before, the link
 * is broken, or stop is asked. TIMELINE_END is marked. */
void after_receive(struct moved_wire *wire, struct timeline *timeline, const struct stop *stop);

/* Puts a message's payload into a timeline, hostile; it arrived at `seconds`. -EPROTO. */
int after_take(
    struct timeline *timeline, const void *payload, size_t bytes, double seconds, struct error *error);

#endif
