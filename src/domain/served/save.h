/* What is made of a domain that runs: a file, clones, or one with more or less memory. It stands still
 * meanwhile, which is told. */
#ifndef VCOST_DOMAIN_SERVED_SAVE_H
#define VCOST_DOMAIN_SERVED_SAVE_H

#include "domain/served/server.h"

/* To the descriptor that came with the request. What could not be saved goes on; so does what is saved for
 * somebody who goes meanwhile. With request->confirm it ends only when served_save_decided() says that who
 * asked has the file, and stands still until then (served->stands_since). */
int served_save(struct served *served, const struct control_request *request, struct error *error);
void served_save_decided(struct served *served, bool has_it);

/* Clones of it, in a process of their own (served->clone()), which has its memory as it was, copy-on-write:
 * nothing is copied here. -ENOTSUP: its memory is locked, and a lock keeps nothing where a write makes a
 * copy. */
int served_fork(struct served *served, const struct control_request *request, struct error *error);

/* Its memory has request->count bytes then (portable_resize()). */
int served_resize(struct served *served, const struct control_request *request, struct error *error);

#endif
