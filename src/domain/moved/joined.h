/* The destination's further streams, each in a thread of its own that takes the pages which come by it. */
#ifndef VCOST_DOMAIN_MOVED_JOINED_H
#define VCOST_DOMAIN_MOVED_JOINED_H

#include "domain/moved/pages.h"

#include <pthread.h>
#include <stdatomic.h>

struct joined;

struct joined_stream {
    struct joined *all;
    struct moved_wire wire;
    struct page_target target;
    int link;        /* owned; -1: nobody has come as this one */
    bool started;    /* the thread */
    uint64_t passes; /* that have come as a whole */
    pthread_t thread;
};

struct joined { /* starts zeroed */
    struct joined_stream list[WIRE_STREAMS_MAX];
    unsigned count;       /* with the first one, which is not here; 0, 1: there are none */
    int first_link;       /* where the others' failure is heard */
    atomic_bool ends;     /* no more is expected */
    pthread_mutex_t lock; /* for passes and failure */
    pthread_cond_t changed;
    struct error failure; /* of the first that failed */
};

/* Waits for so many (-1) sources to connect by accept() and to name the token; anybody else is an error.
 * `first_link` is shut down for reading when one of the streams fails. */
struct joined_request {
    unsigned streams;
    const char *token; /* WIRE_TOKEN_BYTES */
    struct page_target target;
    int first_link;
    struct moved_patience *patience; /* the caller's, as the first stream has it */
    const struct stop *stop;
    int (*accept)(void *context, const struct stop *stop, int *link, struct error *error);
    void *context;
};
int joined_open(struct joined *joined, const struct joined_request *request, struct error *error);

/* Until each has all of so many passes, of which the first stream's source hears (moved_alive()). The error
 * is that of the first that failed. */
int joined_wait(struct joined *joined, uint64_t passes, struct moved_wire *first, struct error *error);

/* Has one failed? Then *error is why. */
bool joined_failed(struct joined *joined, struct error *error);

/* All memory has come: that a stream breaks from now on is no failure. */
void joined_end(struct joined *joined);

void joined_close(struct joined *joined); /* harmless if it never was open */

#endif
