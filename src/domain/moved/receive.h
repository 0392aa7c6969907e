/* The destination of a migration. Until it was handed over the domain does not run here, and whatever happens
 * to the link, or to the source, leaves none here. */
#ifndef VCOST_DOMAIN_MOVED_RECEIVE_H
#define VCOST_DOMAIN_MOVED_RECEIVE_H

#include "domain/moved/after.h"
#include "domain/moved/follow.h"
#include "domain/moved/handover.h"
#include "domain/moved/joined.h"
#include "domain/moved/wire.h"
#include "domain/saved/restore.h"
#include "host/urgent.h"

struct receiving {
    struct moved_wire wire;
    struct moved_patience patience; /* of all its links */
    struct joined joined;           /* the other streams */
    struct restored restored;       /* what becomes of it */
    uint64_t *had;                  /* a bit for each page that was written here */
    uint64_t passes;                /* that have come as a whole */
    struct follow follow;           /* post_copy: memory that comes later */
    bool post_copy;
    double create_seconds;
    struct urgent urgent; /* from its state's coming on until it runs */
    bool checked;         /* the source only asked */
    bool paused;          /* it is to stand still here, too */
    double watch;         /* handover.watch */
    struct after after;
};

/* How a destination listens, and what it is asked meanwhile. Each may be NULL. */
struct receiving_hooks {
    double link_timeout; /* struct moved_patience; 0: WIRE_SILENCE_SECONDS */
    void *context;
    /* Before anything is made: may the domain be called so? */
    int (*refused)(void *context, const char *name, struct error *error);
    /* Waits for one more connection of the same source. NULL: there is one stream. */
    int (*accept)(void *context, const struct stop *stop, int *link, struct error *error);
};

/* Receives all of a domain, which then is parked; or, receiving->checked, answers that it could be had.
 * -ENODATA: the other side went before it offered one. */
int receiving_open(struct receiving *receiving, int in, int out, const struct restore_request *request,
    const struct receiving_hooks *hooks, struct error *error);

/* Says that it is all here, and waits until it is handed over. After an error no domain may run here. */
int receiving_take_over(struct receiving *receiving, struct error *error);
/* Says that it runs. */
void receiving_started(struct receiving *receiving);
/* After that: is its link of no use any more? */
bool receiving_is_over(struct receiving *receiving);

void receiving_close(struct receiving *receiving);

#endif
