/* What is made of a domain that runs: a file, or clones. It stands still meanwhile, which is told. */
#ifndef VCOST_DOMAIN_SERVED_SAVE_H
#define VCOST_DOMAIN_SERVED_SAVE_H

#include "domain/served/server.h"

/* To the descriptor that came with the request. What could not be saved goes on. */
int served_save(struct served *served, const struct control_request *request, struct error *error);

/* Clones of it, in a process of their own (served->clone()), which has its memory as it was, copy-on-write:
 * nothing is copied here. -ENOTSUP: its memory is locked, and a lock keeps nothing where a write makes a
 * copy. */
int served_fork(struct served *served, const struct control_request *request, struct error *error);

#endif
