/* One way through a domain's memory: of the pages that were written each stream sends those that are its
 * own, all at the same time. */
#ifndef VCOST_DOMAIN_MOVED_PASS_H
#define VCOST_DOMAIN_MOVED_PASS_H

#include "domain/moved/pages.h"
#include "domain/portable/portable.h"
#include "domain/timeline/timeline.h"

#include <pthread.h>
#include <stdatomic.h>

/* What was sent so far, for other threads to look at. */
struct pass_progress {
    atomic_uint_fast64_t pages, zeros, bytes;
};

struct stream {
    struct moved_wire wire;
    struct page_batch batch;
    uint64_t *mask; /* which of a domain's pages are next; owned */
    /* while a pass runs */
    const struct pass *pass;
    double slept; /* seconds, to be no faster than is allowed */
    uint64_t sent;
    int rc;
    struct error error;
    pthread_t thread;
};

struct streams { /* starts zeroed */
    struct stream list[WIRE_STREAMS_MAX];
    unsigned count;
    struct pass_progress *progress; /* the caller's */
};

/* One for each link, for a domain of so many pages; links and patience stay the caller's. */
int streams_open(struct streams *streams, const int *links, unsigned count, uint64_t pages,
    struct moved_patience *patience, const struct stop *stop, struct error *error);
void streams_close(struct streams *streams);

struct pass {
    struct portable *portable;
    const uint64_t *dirty; /* a bit a page */
    uint64_t pages;        /* of the domain */
    unsigned number;       /* told behind the pages, through every stream (WIRE_PASS) */
    bool running;          /* the domain: what is sent is forgotten to be written before it is copied */
    bool still;            /* it is not written meanwhile */
    double bandwidth;      /* bytes a second at most; 0: any */
    struct timeline
        *timeline; /* what the program did meanwhile; taken by the first stream's thread; NULL: not */
};

/* *sent pages, zeros too, in *seconds without those that were slept away for the bandwidth. Of several
 * streams that fail the first one's error is told. */
int pass_send(
    struct streams *streams, const struct pass *pass, uint64_t *sent, double *seconds, struct error *error);

#endif
