#include "domain/moved/follow_internal.h"
#include "domain/moved/left.h"
#include "domain/moved/pages.h"
#include "domain/portable/portable.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100 };

/* A source that names the token gets told what is missing. */
static int greet(struct follow *follow, struct moved_wire *wire, struct error *error)
{
    struct moved_header header;
    int rc = moved_expect(wire, WIRE_REJOIN, &header, error);
    if (rc == 0 &&
        (header.bytes != WIRE_TOKEN_BYTES || memcmp(wire->payload, follow->token, WIRE_TOKEN_BYTES) != 0))
        rc = error_set(error, EPERM, "this domain is another one's");
    if (rc == 0)
        rc = left_send(wire, follow->missing, follow->pages, error);
    return rc == 0 ? moved_send(wire, WIRE_READY, 0, 0, NULL, 0, error) : rc;
}

/* It is asked for what is waited for, and its link is the one from now on. */
static int go_on_by(struct follow *follow, int link, struct moved_wire *wire, struct error *error)
{
    int rc = greet(follow, wire, error);
    pthread_mutex_lock(&follow->lock);
    for (unsigned i = 0; rc == 0 && i < follow->asked_count; i++)
        rc = moved_send(wire, WIRE_WANTED, follow->asked[i].page * WIRE_PAGE_BYTES, 1, NULL, 0, error);
    if (rc == 0) {
        moved_close(follow->wire);
        *follow->wire = *wire;
        if (follow->link >= 0)
            close(follow->link);
        follow->link = link;
        follow->told.stage = FOLLOW_COMES;
    }
    pthread_mutex_unlock(&follow->lock);
    return rc;
}

/* One that has not heard that all is here is told. */
static int tell_again(struct follow *follow, int link, struct moved_wire *wire, struct error *error)
{
    struct moved_header header;
    int rc = greet(follow, wire, error);
    if (rc == 0 && (rc = moved_expect(wire, WIRE_ALL, &header, error)) == 0 &&
        (rc = follow_complete(follow, wire, error)) == 0) {
        moved_close(wire);
        close(link);
    }
    return rc;
}

/* Until the source is there again, and was welcome, who then has link and wire. */
static int wait_for_source(struct follow *follow,
    int (*welcome)(struct follow *follow, int link, struct moved_wire *wire, struct error *error))
{
    struct error error;
    int rc = follow->accept ? -EAGAIN : -ENOTCONN;
    while (follow->accept && rc < 0 && !follow->quit) {
        struct moved_wire wire;
        int link;
        if (follow->accept(follow->context, &follow->stop, &link, &error) < 0) {
            if (!follow->quit)
                nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
            continue;
        }
        rc = moved_open(&wire, link, link, &follow->stop, &error);
        wire.patience = follow->wire->patience;
        if (rc == 0)
            rc = welcome(follow, link, &wire, &error);
        if (rc < 0) {
            moved_refuse(&wire, &error);
            moved_close(&wire);
            close(link);
        }
    }
    return rc;
}

int follow_rejoined(struct follow *follow)
{
    return wait_for_source(follow, go_on_by);
}

void follow_tell_again(struct follow *follow)
{
    while (!follow->quit && wait_for_source(follow, tell_again) == 0)
        ;
}
