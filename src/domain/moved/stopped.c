#include "domain/moved/sender.h"

#include "domain/moved/left.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fewer pages are soon thrown away. */
enum { FOREWARN_TIMES = 4, FOREWARN_PAGES = 16 };

static void keep(struct sender *sender, uint64_t first, uint64_t end)
{
    for (uint64_t word = first / WIRE_PAGE_BYTES / WORD_PAGES; word < end / WIRE_PAGE_BYTES / WORD_PAGES;
         word++) {
        sender->moving->late[word] = sender->dirty[word];
        sender->dirty[word] = 0;
    }
}

/* Of what was written all that the domain can run without follows: that goes from what is to be sent. */
static int keep_late(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    const struct portable_plan *plan = portable_plan(moving->portable);
    uint64_t first, end;
    if (!moving->request.post_copy)
        return 0;
    portable_data_range(plan, &first, &end);
    if (!moving->late)
        moving->late = calloc(sender->pages / WORD_PAGES, sizeof *moving->late);
    if (!moving->late)
        return error_set(error, ENOMEM, "no memory to move a domain");
    keep(sender, first, end);
    keep(sender, plan->laid_out_bytes, plan->memory_bytes);
    return 0;
}

/* The destination has thrown away what was told to it when an answer to a pass behind it comes. */
static int tell_late(struct sender *sender, struct error *error)
{
    struct converge_pass none;
    struct moved_header header;
    memset(sender->dirty, 0, sender->pages / 8);
    int rc = left_send(sender_wire(sender), sender->moving->late, sender->pages, error);
    if (rc == 0 && (rc = sender_pass(sender, true, &none, error)) == 0)
        rc = moved_expect(sender_wire(sender), WIRE_PASSED, &header, error);
    return rc;
}

/* Each time it has written less meanwhile, unless it is faster than that. */
int sender_forewarn(struct sender *sender, struct error *error)
{
    uint64_t told = 0, left;
    int rc = keep_late(sender, error);
    for (unsigned times = 0; rc == 0 && times < FOREWARN_TIMES; times++) {
        const uint64_t late = left_count(sender->moving->late, sender->pages);
        if (late - told < FOREWARN_PAGES)
            break;
        told = late;
        if ((rc = tell_late(sender, error)) == 0 && (rc = sender_look(sender, &left, error)) == 0)
            rc = keep_late(sender, error);
    }
    return rc;
}

static int send_last_pass(struct sender *sender, struct converge_pass *last, struct error *error)
{
    int rc = sender_look(sender, &last->left, error);
    if (rc == 0 && (rc = keep_late(sender, error)) == 0)
        rc = sender_pass(sender, false, last, error);
    if (rc == 0 && sender->moving->request.post_copy)
        rc = left_send(sender_wire(sender), sender->moving->late, sender->pages, error);
    return rc;
}

int sender_hand_over(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    struct moved_told *told = &moving->told;
    struct handover handover;
    struct moved_header header;
    struct converge_pass last;
    double asked = timeline_now();
    timeline_mark(&moving->timeline, TIMELINE_STOP);
    int rc = portable_pause(moving->portable, error);
    if (rc < 0)
        return rc;
    double stopped = timeline_now();
    sender_stage(sender, MOVED_STOPPED);
    timeline_mark(&moving->timeline, TIMELINE_STOPPED);
    if ((rc = send_last_pass(sender, &last, error)) < 0)
        return rc;
    double passed = timeline_now();
    rc = sender_state(sender, false, &handover, error);
    double taken = timeline_now();
    if (rc == 0)
        rc = sender_hand(sender, WIRE_STATE, &handover, error);
    machine_state_free(&handover.state);
    if (rc < 0 || (rc = moved_expect(sender_wire(sender), WIRE_PASSED, &header, error)) < 0 ||
        (rc = moved_expect(sender_wire(sender), WIRE_PREPARED, &header, error)) < 0)
        return rc;
    double prepared = timeline_now(), create = (double)header.at / 1e9;
    if (moving->cancel)
        return error_set(error, EINTR, "the migration was cancelled");
    /* The point of no return, unless not even the link takes all of the message. */
    sender_wire(sender)->stop = NULL;
    sender_stage(sender, MOVED_HANDED);
    rc = moved_send(sender_wire(sender), WIRE_COMMIT, 0, 0, NULL, 0, error);
    if (rc < 0)
        sender_stage(sender, MOVED_STOPPED);
    else
        rc = moved_expect(sender_wire(sender), WIRE_STARTED, &header, error);
    double started = timeline_now();
    timeline_mark(&moving->timeline, TIMELINE_RUNS);
    pthread_mutex_lock(&moving->lock);
    told->left = 0;
    told->stopping_ms = (stopped - asked) * 1e3;
    told->last_pass_ms = (passed - stopped) * 1e3;
    told->last_pages = last.sent;
    told->state_ms = (taken - passed) * 1e3;
    told->create_ms = create * 1e3;
    told->send_ms = fmax(prepared - taken - create, 0) * 1e3;
    if (rc == 0) {
        told->start_ms = (started - prepared) * 1e3;
        told->downtime_ms = (started - asked) * 1e3;
    }
    moving->handed = started;
    if (moving->request.post_copy)
        told->follow.pages = told->follow.left = left_count(moving->late, sender->pages);
    pthread_mutex_unlock(&moving->lock);
    return rc;
}
