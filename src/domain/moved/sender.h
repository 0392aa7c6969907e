/* What the steps of one migration share at the source (send.h): agreeing and pre-copy (precopy.c), the
 * downtime (stopped.c), its end (send.c). */
#ifndef VCOST_DOMAIN_MOVED_SENDER_H
#define VCOST_DOMAIN_MOVED_SENDER_H

#include "domain/moved/converge.h"
#include "domain/moved/handover.h"
#include "domain/moved/send.h"

enum { WORD_PAGES = 64 };

struct sender {
    struct moving *moving;
    struct streams streams;
    uint64_t pages; /* of the domain */
    uint64_t *dirty;
    unsigned passes; /* that were sent */
    struct converge converge;
    double look_seconds;
    bool was_running;
};

/* The stream by which all messages go that are not memory. */
static inline struct moved_wire *sender_wire(struct sender *sender)
{
    return &sender->streams.list[0].wire;
}

void sender_stage(struct sender *sender, enum moved_stage stage);

/* One pass over sender->dirty: sent, and *seconds that took. */
int sender_pass(struct sender *sender, bool running, struct converge_pass *passed, struct error *error);
/* Which pages were written: into sender->dirty, and how many. */
int sender_look(struct sender *sender, uint64_t *count, struct error *error);

/* Takes the state of the domain, which stands still, with all that the destination must know of it at first
 * (whole) or alone; and sends it as a WIRE_OFFER or WIRE_STATE. */
int sender_state(struct sender *sender, bool whole, struct handover *handover, struct error *error);
int sender_hand(
    struct sender *sender, enum moved_kind kind, const struct handover *handover, struct error *error);

/* precopy.c: is it agreed on? And memory while the domain runs. */
int sender_offer(struct sender *sender, struct error *error);
int sender_copy(struct sender *sender, struct error *error);
/* stopped.c: post-copy, after passes, while it still runs: tells what was written since and comes later, and
 * waits until that is thrown away there, which takes some milliseconds and a pass without pages. */
int sender_forewarn(struct sender *sender, struct error *error);
/* Stops it, sends the rest, and hands it over; moving->told has what that took. */
int sender_hand_over(struct sender *sender, struct error *error);

#endif
