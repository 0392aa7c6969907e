#include "domain/moved/joined.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ALIVE_MS = 50 };

/* ---- threads ---- */

static void fail(struct joined *joined, const struct error *why)
{
    pthread_mutex_lock(&joined->lock);
    if (!joined->failure.code)
        joined->failure = *why;
    pthread_cond_broadcast(&joined->changed);
    pthread_mutex_unlock(&joined->lock);
    (void)shutdown(joined->first_link, SHUT_RD);
}

static int end_pass(struct joined_stream *stream, const struct moved_header *header, struct error *error)
{
    struct joined *joined = stream->all;
    pthread_mutex_lock(&joined->lock);
    bool next = header->at == stream->passes;
    stream->passes += next;
    pthread_cond_broadcast(&joined->changed);
    pthread_mutex_unlock(&joined->lock);
    return next ? moved_receive_payload(&stream->wire, header, error)
                : error_set(error, EPROTO, "a pass over memory ended that was not the next");
}

static void *take(void *context)
{
    struct joined_stream *stream = context;
    struct moved_header header;
    struct error error;
    int rc = 0;
    while (rc == 0 && (rc = moved_receive_header(&stream->wire, &header, &error)) == 0) {
        if (header.kind == WIRE_PAGES || header.kind == WIRE_ZEROS)
            rc = pages_take(&stream->wire, &header, &stream->target, &error);
        else if (header.kind == WIRE_PASS)
            rc = end_pass(stream, &header, &error);
        else
            rc = error_set(&error, EPROTO, "what arrived by a further stream is no memory");
    }
    if (!stream->all->ends)
        fail(stream->all, &error);
    return NULL;
}

/* ---- who comes ---- */

static bool welcome(struct joined *joined, const struct joined_request *request, int link)
{
    struct moved_wire wire;
    struct moved_header header;
    struct error error;
    bool known = moved_open(&wire, link, link, request->stop, &error) == 0;
    wire.patience = request->patience;
    known = known && moved_expect(&wire, WIRE_JOIN, &header, &error) == 0 &&
            header.bytes == WIRE_TOKEN_BYTES && !memcmp(wire.payload, request->token, WIRE_TOKEN_BYTES) &&
            header.at >= 1 && header.at < request->streams && joined->list[header.at].link < 0;
    moved_close(&wire);
    if (!known)
        return false;
    struct joined_stream *stream = &joined->list[header.at];
    *stream = (struct joined_stream){.all = joined, .wire = wire, .target = request->target, .link = link};
    stream->target.stream = (unsigned)header.at;
    return true;
}

/* Who waits for a further stream looks whether the source is there yet, and not for ever. */
struct patience {
    const struct joined_request *request;
    time_t until;
};

static bool is_over(void *context)
{
    const struct patience *patience = context;
    struct pollfd watched = {patience->request->first_link, POLLRDHUP, 0};
    return stop_asked(patience->request->stop) || poll(&watched, 1, 0) > 0 || time(NULL) > patience->until;
}

static int accept_next(const struct joined_request *request, int *link, struct error *error)
{
    struct patience patience = {request, time(NULL) + (time_t)ceil(request->patience->seconds)};
    const struct stop over = {.asked = is_over, .context = &patience};
    int rc = request->accept(request->context, &over, link, error);
    return rc == -EINTR && !stop_asked(request->stop)
               ? error_set(error, EPIPE, "the source went, or was silent, before all of its streams had come")
               : rc;
}

int joined_open(struct joined *joined, const struct joined_request *request, struct error *error)
{
    int rc = 0, link;
    *joined = (struct joined){.count = request->streams, .first_link = request->first_link};
    pthread_mutex_init(&joined->lock, NULL);
    pthread_cond_init(&joined->changed, NULL);
    for (unsigned i = 0; i < WIRE_STREAMS_MAX; i++)
        joined->list[i].link = -1;
    for (unsigned come = 1; rc == 0 && come < request->streams; come++) {
        if ((rc = accept_next(request, &link, error)) == 0 && !welcome(joined, request, link)) {
            close(link);
            rc = error_set(
                error, EPROTO, "who connected was none of the source's further streams, or its link broke");
        }
    }
    for (unsigned i = 1; rc == 0 && i < request->streams; i++) {
        int code = pthread_create(&joined->list[i].thread, NULL, take, &joined->list[i]);
        joined->list[i].started = !code;
        rc = code ? error_errno(error, code, "no thread for a further stream") : 0;
    }
    if (rc < 0)
        joined_close(joined);
    return rc;
}

bool joined_failed(struct joined *joined, struct error *error)
{
    if (joined->count < 2)
        return false;
    pthread_mutex_lock(&joined->lock);
    bool failed = joined->failure.code != 0;
    if (failed)
        *error = joined->failure;
    pthread_mutex_unlock(&joined->lock);
    return failed;
}

static bool have_all(const struct joined *joined, uint64_t passes)
{
    for (unsigned i = 1; i < joined->count; i++)
        if (joined->list[i].passes < passes)
            return false;
    return true;
}

int joined_wait(struct joined *joined, uint64_t passes, struct moved_wire *first, struct error *error)
{
    int rc = 0;
    if (joined->count < 2)
        return 0;
    pthread_mutex_lock(&joined->lock);
    while (!have_all(joined, passes) && !joined->failure.code) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += ALIVE_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_cond_timedwait(&joined->changed, &joined->lock, &until) == ETIMEDOUT)
            moved_alive(first); /* a stream that is silent fails by itself */
    }
    if (joined->failure.code) {
        *error = joined->failure;
        rc = -error->code;
    }
    pthread_mutex_unlock(&joined->lock);
    return rc;
}

void joined_end(struct joined *joined)
{
    joined->ends = true;
}

void joined_close(struct joined *joined)
{
    if (!joined->count)
        return;
    joined_end(joined);
    for (unsigned i = 1; i < joined->count; i++) {
        struct joined_stream *stream = &joined->list[i];
        if (stream->link < 0)
            continue;
        (void)shutdown(stream->link, SHUT_RDWR);
        if (stream->started)
            pthread_join(stream->thread, NULL);
        moved_close(&stream->wire);
        close(stream->link);
        stream->link = -1;
    }
    pthread_cond_destroy(&joined->changed);
    pthread_mutex_destroy(&joined->lock);
    joined->count = 0;
}
