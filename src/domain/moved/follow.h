/* Post-copy at the destination: the domain runs, and memory that it has not yet comes behind it. A page that
 * it touches before is asked for and waited for (host/userfault.h); the others come as the source sends them.
 * If the link breaks the pages that have not come are still at the source: nothing is lost as long as that
 * lives, and it may connect again. */
#ifndef VCOST_DOMAIN_MOVED_FOLLOW_H
#define VCOST_DOMAIN_MOVED_FOLLOW_H

#include "domain/moved/told.h"
#include "domain/moved/wire.h"
#include "domain/portable/portable.h"
#include "host/userfault.h"

#include <pthread.h>
#include <stdatomic.h>

enum { FOLLOW_ASKED_MAX = 64, FOLLOW_WAITS_MAX = 1 << 16 };

struct follow_asked { /* a page that somebody waits for */
    uint64_t page;
    double since;
};

struct follow {              /* starts zeroed, with fault.fd -1: there is none */
    struct moved_wire *wire; /* the caller's; the receiving thread's from follow_start() on */
    struct portable *portable;
    char *base;
    uint64_t pages; /* of the domain */
    struct userfault fault;
    char token[WIRE_TOKEN_BYTES + 1];
    struct stop stop; /* asked by follow_stop() */
    /* Waits for one more connection; NULL: there is no way for the source to come again. */
    int (*accept)(void *context, const struct stop *stop, int *link, struct error *error);
    void *context;
    int link; /* by which it came again; owned; -1 */
    atomic_bool quit;
    bool started;
    pthread_t faults, receiver;
    pthread_mutex_t lock; /* for all below */
    uint64_t *missing;    /* a bit a page; owned */
    uint64_t *thrown;     /* the same, of those of which nothing is here; the receiver's, until it runs */
    struct follow_asked asked[FOLLOW_ASKED_MAX];
    unsigned asked_count;
    double *waits; /* seconds that each fault took, the first FOLLOW_WAITS_MAX; owned */
    size_t wait_count;
    double begun;
    struct follow_told told;
    struct error why; /* told.stage FOLLOW_BROKEN */
};

/* Before anything is promised. -ENOTSUP: this user may not have a userfaultfd for a guest's faults, or the
 * monitor runs its guests elsewhere, or the workload's page tables could be missing. */
int follow_open(struct follow *follow, struct portable *portable, const char *base,
    const struct monitor_ops *monitor, struct error *error);

/* Takes a WIRE_LEFT of the source; the last one of each page counts. Where an older version has come that is
 * thrown away at once, and no such page may come any more before it runs: so most of that is over when it is
 * stopped. -EPROTO: a page that may not be missing, too. */
int follow_left(
    struct follow *follow, const struct moved_header *header, const char *payload, struct error *error);

/* Before the domain's first instruction: what is missing is waited for from now on. */
int follow_prepare(struct follow *follow, struct error *error);

/* Begins to take what comes, and to ask; the eventfd of the domain is written when the link breaks, the
 * source is there again, or all has come. */
int follow_start(struct follow *follow, struct moved_wire *wire, struct error *error);

/* Any thread's view of it. */
void follow_look(struct follow *follow, struct follow_told *told);

/* Of FOLLOW_BROKEN, for people. */
void follow_why(struct follow *follow, struct error *why);

/* No virtual CPU runs any more, or all has come. If memory is missing the source is told that it is not
 * needed. What follow_look() tells does not change any more. */
void follow_stop(struct follow *follow);
void follow_close(struct follow *follow); /* harmless if it never was open */

#endif
