/* The destination of a migration. Until it was handed over the domain does not run here, and whatever happens
 * to the link, or to the source, leaves none here. */
#ifndef VCOST_DOMAIN_MOVED_RECEIVE_H
#define VCOST_DOMAIN_MOVED_RECEIVE_H

#include "domain/moved/after.h"
#include "domain/moved/handover.h"
#include "domain/moved/wire.h"
#include "domain/saved/restore.h"

struct receiving {
    struct moved_wire wire;
    struct restored restored; /* what becomes of it */
    uint64_t *had;            /* a bit for each page that was written here */
    double create_seconds;
    bool checked; /* the source only asked */
    bool paused;  /* it is to stand still here, too */
    double watch; /* handover.watch */
    struct after after;
};

/* Is memory that a message brings inside the domain's? Writes it there. `header` is checked (moved_check()).
 * -EPROTO. */
int receiving_take(
    struct receiving *receiving, const struct moved_header *header, const char *payload, struct error *error);

/* Receives all of a domain, which then is parked; or, receiving->checked, answers that it could be had.
 * -ENODATA: the other side went before it offered one. `refused` is asked for a name before anything is made,
 * and may say why that cannot be (may be NULL). */
int receiving_open(struct receiving *receiving, int in, int out, const struct restore_request *request,
    int (*refused)(void *context, const char *name, struct error *error), void *context, struct error *error);

/* Says that it is all here, and waits until it is handed over. After an error no domain may run here. */
int receiving_take_over(struct receiving *receiving, struct error *error);
/* Says that it runs. */
void receiving_started(struct receiving *receiving);

void receiving_close(struct receiving *receiving);

#endif
