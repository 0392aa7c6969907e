/* Where domains that run are found: a folder of the user's own with a socket and a lock for each name. Who
 * holds the lock lives; the kernel takes it from the dead, whose socket whoever looks then removes. What a
 * detached domain leaves (NAME.log, NAME.json) stays until the name is used again. */
#ifndef VCOST_DOMAIN_SERVED_PLACE_H
#define VCOST_DOMAIN_SERVED_PLACE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { PLACE_PATH_BYTES = 4096 };

struct place {
    char folder[PLACE_PATH_BYTES];
};

/* `folder`, or if that is NULL vcost's in $XDG_RUNTIME_DIR, or without that /tmp/vcost-UID; made if it is not
 * there. -EPERM: it is not the user's alone, who then could be anybody. */
int place_open(const char *folder, struct place *place, struct error *error);

/* "FOLDER/NAME.EXTENSION". */
void place_path(
    const struct place *place, const char *name, const char *extension, char path[static PLACE_PATH_BYTES]);

/* A name that is taken, with a socket that listens. */
struct claim {
    struct place place;
    char name[64];
    int lock, socket; /* -1: none */
};

/* -EBUSY: a domain of that name runs. Removes what a dead one of that name left. */
int place_claim(const struct place *place, const char *name, struct claim *claim, struct error *error);
void place_give_up(struct claim *claim);

/* Calls each() for every name that lives, in no order, and removes sockets of the dead. */
int place_list(const struct place *place, void (*each)(void *context, const char *name), void *context,
    struct error *error);

/* Does a domain of that name run? */
bool place_lives(const struct place *place, const char *name);

/* Connects to one that lives. -ENOENT: none of that name does. */
int place_connect(const struct place *place, const char *name, int *socket, struct error *error);

#endif
