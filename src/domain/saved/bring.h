/* The memory of a saved domain, brought into a domain that runs already: what the guest touches first
 * (host/userfault.h), everything else behind it. It comes by 2 MiB, each verified before the guest sees any
 * of it. */
#ifndef VCOST_DOMAIN_SAVED_BRING_H
#define VCOST_DOMAIN_SAVED_BRING_H

#include "domain/saved/stored.h"

struct bringing;

/* Reads what the monitor and this process look at themselves (all but portable_data_range()) at once, and the
 * rest in a thread from then on. `memory` is anonymous and untouched; it, the file and *saved outlive this.
 * -ENOTSUP: this user or kernel has no such descriptor, or it is not known which memory a guest's page tables
 * are in. */
int bringing_start(
    int fd, const struct stored *saved, void *memory, struct bringing **bringing, struct error *error);

/* 1: all of it is there; 0: not yet; negative, with *error: it cannot be had, and what a guest that waited
 * for it sees is zeros. */
int bringing_look(struct bringing *bringing, struct error *error);

/* Readable (poll) from the moment on when it has failed. */
void bringing_tell(struct bringing *bringing, int eventfd);

/* How often the guest waited, and how many of the chunks came behind it. */
struct brought {
    uint64_t waited, behind;
};
struct brought bringing_counts(struct bringing *bringing);

/* NULL is allowed. Who waits for memory that is not there yet gets zeros. */
void bringing_end(struct bringing *bringing);

#endif
