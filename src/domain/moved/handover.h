/* A domain but for its memory, as it is offered and as it is handed over: the payload of WIRE_OFFER and
 * WIRE_STATE (doc/migration.md). Read as hostile bytes. */
#ifndef VCOST_DOMAIN_MOVED_HANDOVER_H
#define VCOST_DOMAIN_MOVED_HANDOVER_H

#include "domain/moved/wire.h"
#include "domain/saved/stored.h"

struct handover {     /* starts zeroed */
    char version[32]; /* of the source's vcost */
    bool check;       /* an offer: only whether it could be had is asked */
    bool post_copy;   /* an offer: what was written last comes when it runs there already */
    bool paused;      /* it stood still, and is to stand still there */
    double pace;      /* of its work a second; 0: not known */
    double watch;     /* an offer: so many seconds after it runs there it is told what it does; 0: not */
    uint64_t streams; /* an offer: by so many it is sent, from 1 on; the others name this: */
    char token[WIRE_TOKEN_BYTES + 1];
    struct portable_plan plan;
    struct stored_moment moment;
    struct machine_state state;
};

/* *bytes is to be freed. whole: an offer; else moment and state alone. */
int handover_write(
    const struct handover *handover, bool whole, char **bytes, size_t *count, struct error *error);
/* -EPROTO. handover_free() after success alone. */
int handover_read(
    const char *bytes, size_t count, bool whole, struct handover *handover, struct error *error);
void handover_free(struct handover *handover);

#endif
