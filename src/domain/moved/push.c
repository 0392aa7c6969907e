#include "domain/moved/push.h"

#include "domain/moved/after.h"
#include "domain/moved/left.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <time.h>

/* So much is sent before it is looked again whether a page is waited for. */
enum { PUSH_PAGES = 16, NAP_MS = 10 };

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct pushing {
    struct push *push;
    uint64_t cursor;
    bool complete; /* the destination has said so */
    double begun;
    uint64_t bytes_then, bytes_told;
};

static int send_page(struct pushing *pushing, uint64_t page, struct error *error)
{
    struct push *push = pushing->push;
    push->late[page / 64] &= ~(UINT64_C(1) << page % 64);
    return page_batch_add(
        &push->stream->batch, page * WIRE_PAGE_BYTES, push->memory + page * WIRE_PAGE_BYTES, error);
}

static void tell(struct pushing *pushing, uint64_t pages, uint64_t zeros)
{
    struct push *push = pushing->push;
    const struct page_batch *batch = &push->stream->batch;
    push->progress->pages += batch->pages_sent - pages;
    push->progress->zeros += batch->zeros_sent - zeros;
    push->progress->bytes += push->stream->wire.bytes_sent - pushing->bytes_told;
    pushing->bytes_told = push->stream->wire.bytes_sent;
    pthread_mutex_lock(push->lock);
    push->told->left -= batch->pages_sent - pages + batch->zeros_sent - zeros;
    push->told->seconds = now_seconds() - push->begun;
    pthread_mutex_unlock(push->lock);
}

/* ---- what the destination says ---- */

/* It may ask for what is on its way already. From the page on that it waits for it may soon want the next. */
static int answer_wanted(struct pushing *pushing, const struct moved_header *header, struct error *error)
{
    struct push *push = pushing->push;
    const uint64_t page = header->at / WIRE_PAGE_BYTES;
    if (page >= push->pages)
        return error_set(error, EPROTO, "a page is waited for that the domain does not have");
    if (!left_has(push->late, page))
        return 0;
    pthread_mutex_lock(push->lock);
    push->told->faults++;
    pthread_mutex_unlock(push->lock);
    uint64_t pages = push->stream->batch.pages_sent, zeros = push->stream->batch.zeros_sent;
    pushing->cursor = page + 1;
    int rc = send_page(pushing, page, error);
    if (rc == 0)
        rc = page_batch_flush(&push->stream->batch, error);
    tell(pushing, pages, zeros);
    return rc;
}

static int take_completion(struct pushing *pushing, const struct moved_header *header, struct error *error)
{
    struct push *push = pushing->push;
    uint64_t waited[2];
    if (header->bytes != sizeof waited)
        return error_set(error, EPROTO, "a message says what cannot be");
    memcpy(waited, push->stream->wire.payload, sizeof waited);
    pthread_mutex_lock(push->lock);
    push->told->faults = header->at;
    push->told->median_us = header->at ? (double)waited[0] / 1e3 : NAN;
    push->told->longest_us = header->at ? (double)waited[1] / 1e3 : NAN;
    push->told->seconds = now_seconds() - push->begun;
    push->told->stage = FOLLOW_ALL;
    pthread_mutex_unlock(push->lock);
    pushing->complete = true;
    return 0;
}

static int answer(struct pushing *pushing, struct error *error)
{
    struct moved_wire *wire = &pushing->push->stream->wire;
    struct moved_header header;
    int rc = moved_receive(wire, &header, error);
    if (rc < 0)
        return rc;
    switch (header.kind) {
    case WIRE_WANTED:
        return answer_wanted(pushing, &header, error);
    case WIRE_ALIVE:
        return 0;
    case WIRE_COMPLETE:
        return take_completion(pushing, &header, error);
    case WIRE_SAMPLES:
        return after_take(pushing->push->timeline, wire->payload, header.bytes, timeline_now(), error);
    default:
        return moved_unexpected(wire, &header, WIRE_COMPLETE, error);
    }
}

static bool has_come(const struct pushing *pushing, int wait_ms)
{
    struct pollfd watched = {pushing->push->stream->wire.in, POLLIN, 0};
    return poll(&watched, 1, wait_ms) > 0;
}

/* ---- what it gets ---- */

static int push_some(struct pushing *pushing, struct error *error)
{
    struct push *push = pushing->push;
    uint64_t pages = push->stream->batch.pages_sent, zeros = push->stream->batch.zeros_sent;
    int rc = 0;
    for (unsigned count = 0; rc == 0 && count < PUSH_PAGES; count++) {
        uint64_t page = left_next(push->late, pushing->cursor, push->pages);
        if (page == push->pages)
            page = left_next(push->late, 0, push->pages);
        if (page == push->pages)
            break;
        pushing->cursor = page + 1;
        rc = send_page(pushing, page, error);
    }
    if (rc == 0)
        rc = page_batch_flush(&push->stream->batch, error);
    tell(pushing, pages, zeros);
    return rc;
}

static bool is_ahead(const struct pushing *pushing)
{
    const struct push *push = pushing->push;
    return push->bandwidth > 0 &&
           (double)(push->stream->wire.bytes_sent - pushing->bytes_then) / push->bandwidth >
               now_seconds() - pushing->begun;
}

int push_all(struct push *push, struct error *error)
{
    struct pushing pushing = {.push = push,
        .begun = now_seconds(),
        .bytes_then = push->stream->wire.bytes_sent,
        .bytes_told = push->stream->wire.bytes_sent};
    bool told_all = false;
    push->stream->batch.still = true; /* it runs elsewhere */
    int rc = 0;
    while (rc == 0 && !pushing.complete) {
        if (told_all || has_come(&pushing, 0))
            rc = answer(&pushing, error); /* waits, if nothing has come */
        else if (is_ahead(&pushing))
            (void)has_come(&pushing, NAP_MS);
        else if (left_next(push->late, 0, push->pages) < push->pages)
            rc = push_some(&pushing, error);
        else {
            rc = moved_send(&push->stream->wire, WIRE_ALL, 0, 0, NULL, 0, error);
            told_all = true;
        }
    }
    return rc;
}

int push_rejoin(struct push *push, const char *token, struct error *error)
{
    struct moved_wire *wire = &push->stream->wire;
    struct moved_header header;
    int rc = moved_send(wire, WIRE_REJOIN, 0, 0, token, WIRE_TOKEN_BYTES, error);
    while (rc == 0 && (rc = moved_receive(wire, &header, error)) == 0 && header.kind == WIRE_LEFT)
        rc = left_take(&header, wire->payload, push->late, push->pages, error);
    pthread_mutex_lock(push->lock);
    push->told->left = left_count(push->late, push->pages);
    pthread_mutex_unlock(push->lock);
    return rc == 0 && header.kind != WIRE_READY ? moved_unexpected(wire, &header, WIRE_READY, error) : rc;
}
