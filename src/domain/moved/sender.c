#include "domain/moved/sender.h"

#include "domain/saved/cpu_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sender_stage(struct sender *sender, enum moved_stage stage)
{
    struct moving *moving = sender->moving;
    pthread_mutex_lock(&moving->lock);
    moving->told.stage = stage;
    moving->told.seconds = timeline_now() - moving->begun;
    pthread_mutex_unlock(&moving->lock);
}

/* ---- memory ---- */

int sender_pass(struct sender *sender, bool running, struct converge_pass *passed, struct error *error)
{
    const struct pass pass = {.portable = sender->moving->portable,
        .dirty = sender->dirty,
        .pages = sender->pages,
        .number = sender->passes,
        .running = running,
        .still = !running || !sender->was_running,
        .bandwidth = running ? sender->moving->request.max_bandwidth : 0,
        .timeline = running && sender->was_running ? &sender->moving->timeline : NULL};
    int rc = pass_send(&sender->streams, &pass, &passed->sent, &passed->seconds, error);
    sender->passes++;
    return rc;
}

int sender_look(struct sender *sender, uint64_t *count, struct error *error)
{
    int rc = portable_dirty(sender->moving->portable, sender->dirty, error);
    *count = 0;
    for (uint64_t word = 0; rc == 0 && word < sender->pages / WORD_PAGES; word++)
        *count += (unsigned)__builtin_popcountll(sender->dirty[word]);
    return rc;
}

/* ---- its state ---- */

/* With all that the destination must know of it at first, or its state alone. */
int sender_state(struct sender *sender, bool whole, struct handover *handover, struct error *error)
{
    const struct moving_request *request = &sender->moving->request;
    *handover = (struct handover){.check = request->check,
        .paused = !sender->was_running,
        .pace = request->pace,
        .watch = request->watch,
        .streams = request->streams,
        .post_copy = request->post_copy,
        .plan = *portable_plan(sender->moving->portable)};
    memcpy(handover->token, sender->moving->token, sizeof handover->token);
    snprintf(handover->version, sizeof handover->version, "%s", request->version);
    stored_moment_now(&handover->moment);
    int rc = portable_save(sender->moving->portable, &handover->state, error);
    return rc < 0 || !whole ? rc : cpu_record_add_host(&handover->state, error);
}

int sender_hand(
    struct sender *sender, enum moved_kind kind, const struct handover *handover, struct error *error)
{
    char *bytes;
    size_t count;
    int rc = handover_write(handover, kind == WIRE_OFFER, &bytes, &count, error);
    if (rc == 0) {
        rc = moved_send(sender_wire(sender), kind, 0, 0, bytes, count, error);
        free(bytes);
    }
    return rc;
}
