/* Post-copy at the source: the domain runs elsewhere, and the memory that it has not yet is sent behind it,
 * in the order of addresses from the page on that was asked for last; pages that are asked for go first. */
#ifndef VCOST_DOMAIN_MOVED_PUSH_H
#define VCOST_DOMAIN_MOVED_PUSH_H

#include "domain/moved/pass.h"
#include "domain/moved/told.h"
#include "domain/timeline/timeline.h"

struct push {
    struct stream *stream; /* by which all goes */
    const char *memory;
    uint64_t *late;   /* a bit for each page that was not sent yet */
    uint64_t pages;   /* of the domain */
    double bandwidth; /* bytes a second at most, but for what is asked for; 0: any */
    double begun;     /* CLOCK_MONOTONIC: it was handed over */
    struct timeline *timeline;
    struct pass_progress *progress;
    struct follow_told *told; /* with *lock */
    pthread_mutex_t *lock;
};

/* Until the destination says that it needs no more. Negative: the link broke; what was sent and has not come
 * is not known, so the destination is to be asked (push_rejoin()). */
int push_all(struct push *push, struct error *error);

/* On a new link: names the token, and learns which pages are missing there. -EPERM and others: it is no
 * destination that waits for this source. */
int push_rejoin(struct push *push, const char *token, struct error *error);

#endif
