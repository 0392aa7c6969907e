#include "domain/moved/wire.h"

#include "base/clean.h"
#include "base/checksum.h"
#include "domain/saved/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100, LAST_WORD_MS = 1000, TEXT_BYTES = 512 };
static const char magic[8] = "VCOSTMOV";
static const double alive_seconds = 0.25;

/* What a message of each kind may carry at most; of pages it is told by their number. */
static const size_t payload_most[WIRE_KINDS] = {
    [WIRE_OFFER] = STORED_PLAN_BYTES_MAX + STORED_STATE_BYTES_MAX,
    [WIRE_READY] = TEXT_BYTES,
    [WIRE_REFUSED] = TEXT_BYTES,
    [WIRE_PAGES] = WIRE_RUN_PAGES * (WIRE_PAGE_BYTES + sizeof(struct moved_run)) + WIRE_SUM_BYTES,
    [WIRE_STATE] = STORED_PLAN_BYTES_MAX + STORED_STATE_BYTES_MAX,
    [WIRE_PREPARED] = TEXT_BYTES,
    [WIRE_STARTED] = TEXT_BYTES,
    [WIRE_JOIN] = WIRE_TOKEN_BYTES,
    [WIRE_LEFT] = WIRE_LEFT_PAGES / 8,
    [WIRE_COMPLETE] = WIRE_COMPLETE_BYTES,
    [WIRE_REJOIN] = WIRE_TOKEN_BYTES,
    [WIRE_SAMPLES] = WIRE_SAMPLES_BYTES,
};

/* ---- bytes ---- */

static int unblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int moved_open(struct moved_wire *wire, int in, int out, const struct stop *stop, struct error *error)
{
    *wire = (struct moved_wire){.in = in, .out = out, .stop = stop, .sending = PTHREAD_MUTEX_INITIALIZER};
    int rc = unblock(in);
    if (rc == 0)
        rc = unblock(out);
    return rc < 0 ? error_errno(error, -rc, "the link to the other side cannot be used") : 0;
}

void moved_close(struct moved_wire *wire)
{
    free(wire->payload);
    wire->payload = NULL;
    wire->room = 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void note_moved(const struct moved_wire *wire)
{
    if (wire->patience)
        wire->patience->moved_ns = now_ns();
}

/* Until the descriptor is ready. */
static int wait_for(const struct moved_wire *wire, int fd, short events, struct error *error)
{
    const double seconds = wire->patience ? wire->patience->seconds : WIRE_SILENCE_SECONDS;
    const uint64_t begun = now_ns();
    uint64_t silent_since = begun;
    while ((double)(now_ns() - silent_since) < seconds * 1e9) {
        struct pollfd watched = {fd, events, 0};
        int ready = poll(&watched, 1, LOOK_MS);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return error_errno(error, errno, "cannot wait for the other side");
        if (stop_asked(wire->stop))
            return error_set(error, EINTR, "%s", stop_reason(wire->stop));
        if (wire->idle)
            wire->idle(wire->idle_context);
        const uint64_t moved = wire->patience ? wire->patience->moved_ns : 0;
        silent_since = moved > begun ? moved : begun;
    }
    return error_set(
        error, ETIMEDOUT, "the link is open, but nothing has moved for %g s (--link-timeout)", seconds);
}

/* Takes what was moved off the front of the pieces. */
static void advance(struct iovec **pieces, int *count, size_t bytes)
{
    while (*count && bytes >= (*pieces)->iov_len) {
        bytes -= (*pieces)->iov_len;
        ++*pieces;
        --*count;
    }
    if (*count) {
        (*pieces)->iov_base = (char *)(*pieces)->iov_base + bytes;
        (*pieces)->iov_len -= bytes;
    }
}

static int put_bytes(struct moved_wire *wire, struct iovec *pieces, int count, struct error *error)
{
    advance(&pieces, &count, 0);
    while (count) {
        ssize_t now = writev(wire->out, pieces, count);
        if (now > 0) {
            wire->bytes_sent += (size_t)now;
            note_moved(wire);
            advance(&pieces, &count, (size_t)now);
        } else if (now < 0 && errno != EAGAIN && errno != EINTR)
            return error_errno(error, errno, "the link to the other side is broken");
        else {
            int rc = wait_for(wire, wire->out, POLLOUT, error);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int moved_read(struct moved_wire *wire, struct iovec *room, int pieces, struct error *error)
{
    advance(&room, &pieces, 0);
    while (pieces) {
        ssize_t now = readv(wire->in, room, pieces);
        if (now == 0)
            return error_set(error, EPIPE, "the other side has closed the link");
        if (now > 0) {
            note_moved(wire);
            advance(&room, &pieces, (size_t)now);
            if (wire->tells_alive)
                moved_alive(wire);
        } else if (errno != EAGAIN && errno != EINTR)
            return error_errno(error, errno, "the link to the other side is broken");
        else {
            int rc = wait_for(wire, wire->in, POLLIN, error);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- messages ---- */

void moved_sum(struct moved_header *header)
{
    header->header_checksum = checksum_of(header, offsetof(struct moved_header, header_checksum));
}

/* Its checksum and bytes are there; nobody else sends before end_message(). */
static void begin_message(struct moved_wire *wire, struct moved_header *header)
{
    header->version = WIRE_VERSION;
    memcpy(header->magic, magic, sizeof magic);
    pthread_mutex_lock(&wire->sending);
    header->number = wire->sent;
    moved_sum(header);
}

static int end_message(struct moved_wire *wire, int rc)
{
    if (rc == 0)
        wire->sent++;
    pthread_mutex_unlock(&wire->sending);
    return rc;
}

static bool are_bits(const struct moved_header *header)
{
    return header->at % WIRE_PAGE_BYTES == 0 && header->pages >= 1 && header->pages <= WIRE_LEFT_PAGES &&
           header->pages % 64 == 0 && header->bytes == header->pages / 8;
}

static bool are_runs(const struct moved_header *header)
{
    return header->at >= 1 && header->pages >= header->at && header->pages <= WIRE_RUN_PAGES &&
           header->bytes ==
               header->at * sizeof(struct moved_run) + header->pages * WIRE_PAGE_BYTES + WIRE_SUM_BYTES;
}

int moved_check(const struct moved_header *header, uint64_t number, struct error *error)
{
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return error_set(error, EPROTO,
            "what arrives is no message of a vcost that moves a domain: does the address belong to something "
            "else?");
    if (header->version != WIRE_VERSION)
        return error_set(error, ENOTSUP,
            "the other side speaks version %" PRIu32
            " of this protocol, this vcost version %d: install the same "
            "vcost on both",
            header->version, (int)WIRE_VERSION);
    if (checksum_of(header, offsetof(struct moved_header, header_checksum)) != header->header_checksum)
        return error_set(error, EPROTO, "a message arrived damaged (its header)");
    if (header->number != number)
        return error_set(
            error, EPROTO, "message %" PRIu64 " arrived where %" PRIu64 " was due", header->number, number);
    if (header->kind < WIRE_OFFER || header->kind >= WIRE_KINDS ||
        header->bytes > payload_most[header->kind] ||
        (header->kind == WIRE_ZEROS && (header->at % WIRE_PAGE_BYTES || header->pages < 1)) ||
        (header->kind == WIRE_PAGES && !are_runs(header)) || (header->kind == WIRE_LEFT && !are_bits(header)))
        return error_set(error, EPROTO, "a message says what cannot be");
    return 0;
}

static int make_room(struct moved_wire *wire, size_t bytes, struct error *error)
{
    if (bytes <= wire->room)
        return 0;
    char *more = realloc(wire->payload, bytes);
    if (!more)
        return error_set(error, ENOMEM, "no memory for a message of %zu bytes", bytes);
    wire->payload = more;
    wire->room = bytes;
    return 0;
}

int moved_receive_header(struct moved_wire *wire, struct moved_header *header, struct error *error)
{
    struct iovec piece = {header, sizeof *header};
    int rc = moved_read(wire, &piece, 1, error);
    return rc < 0 ? rc : moved_check(header, wire->received, error);
}

int moved_received(struct moved_wire *wire, bool is_right, struct error *error)
{
    if (!is_right)
        return error_set(error, EPROTO, "a message arrived damaged (its contents)");
    wire->received++;
    return 0;
}

static bool is_right(const struct moved_header *header, const char *payload)
{
    const bool pages = header->kind == WIRE_PAGES;
    const size_t front = pages ? header->at * sizeof(struct moved_run) : header->bytes;
    struct checksum sum;
    uint64_t told;
    if (checksum_of(front ? payload : "", front) != header->checksum)
        return false;
    if (!pages)
        return true;
    checksum_begin(&sum, false);
    checksum_add(&sum, payload + front, header->bytes - front - sizeof told);
    memcpy(&told, payload + header->bytes - sizeof told, sizeof told);
    return checksum_end(&sum) == told;
}

int moved_receive_payload(struct moved_wire *wire, const struct moved_header *header, struct error *error)
{
    int rc = make_room(wire, header->bytes, error);
    if (rc < 0)
        return rc;
    struct iovec piece = {wire->payload, header->bytes};
    if ((rc = moved_read(wire, &piece, 1, error)) < 0)
        return rc;
    return moved_received(wire, is_right(header, wire->payload), error);
}

int moved_receive(struct moved_wire *wire, struct moved_header *header, struct error *error)
{
    int rc = moved_receive_header(wire, header, error);
    return rc < 0 ? rc : moved_receive_payload(wire, header, error);
}

/* Which is not the one that was due. */
int moved_unexpected(
    struct moved_wire *wire, const struct moved_header *header, enum moved_kind kind, struct error *error)
{
    char text[TEXT_BYTES], clean[TEXT_BYTES];
    if (header->kind != WIRE_REFUSED)
        return error_set(
            error, EPROTO, "message of kind %" PRIu32 " where %d was due", header->kind, (int)kind);
    wire->refused = true;
    int length = header->bytes < sizeof text ? (int)header->bytes : (int)sizeof text - 1;
    memcpy(text, wire->payload, (size_t)length);
    text[length] = 0;
    text_clean(text, TEXT_UTF8, clean, sizeof clean);
    return error_set(error, header->at > 0 && header->at < 4096 ? (int)header->at : EPROTO,
        "the other side refuses: %s", clean);
}

int moved_expect(
    struct moved_wire *wire, enum moved_kind kind, struct moved_header *header, struct error *error)
{
    int rc;
    do
        rc = moved_receive(wire, header, error);
    while (rc == 0 && header->kind == WIRE_ALIVE && kind != WIRE_ALIVE);
    return rc < 0 || header->kind == kind ? rc : moved_unexpected(wire, header, kind, error);
}

void moved_alive(struct moved_wire *wire)
{
    const double seconds = wire->patience ? wire->patience->seconds : WIRE_SILENCE_SECONDS;
    const uint64_t now = now_ns();
    struct pollfd room = {wire->out, POLLOUT, 0};
    struct error unheard;
    if ((double)(now - wire->alive_ns) < fmin(alive_seconds, seconds / 4) * 1e9 || poll(&room, 1, 0) <= 0)
        return;
    wire->alive_ns = now;
    (void)moved_send(wire, WIRE_ALIVE, 0, 0, NULL, 0, &unheard);
}

static bool hear_refusal(struct moved_wire *wire, struct error *error)
{
    struct pollfd watched = {wire->in, POLLIN, 0};
    struct moved_header header;
    struct error unheard;
    if (poll(&watched, 1, LAST_WORD_MS) <= 0 || moved_receive(wire, &header, &unheard) < 0 ||
        header.kind != WIRE_REFUSED)
        return false;
    (void)moved_unexpected(wire, &header, WIRE_REFUSED, error);
    return true;
}

/* Who closes the link has often said why before. */
static int heard(struct moved_wire *wire, enum moved_kind kind, int rc, struct error *error)
{
    return (rc == -EPIPE || rc == -ECONNRESET) && kind != WIRE_REFUSED && hear_refusal(wire, error)
               ? -error->code
               : rc;
}

int moved_send(struct moved_wire *wire, enum moved_kind kind, uint64_t at, uint64_t pages,
    const void *payload, size_t bytes, struct error *error)
{
    struct moved_header header = {.kind = kind,
        .at = at,
        .pages = pages,
        .bytes = bytes,
        .checksum = checksum_of(bytes ? payload : "", bytes)};
    struct iovec pieces[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, bytes}};
    begin_message(wire, &header);
    int rc = end_message(wire, put_bytes(wire, pieces, 2, error));
    return heard(wire, kind, rc, error);
}

/* What goes out at once was summed just before: it still is in the CPU's cache. */
static int put_pages(struct moved_wire *wire, const struct moved_header *header,
    const struct moved_pages *pages, struct error *error)
{
    struct iovec pieces[3 + WIRE_PLACES] = {{(void *)(uintptr_t)header, sizeof *header},
        {(void *)(uintptr_t)pages->runs, pages->run_count * sizeof *pages->runs}};
    uint64_t told;
    int rc = 0, front = 2;
    for (size_t left = (size_t)pages->page_count * WIRE_PAGE_BYTES; rc == 0 && left; front = 0) {
        int count = front + (int)pages->next(pages->context, pieces + front);
        for (int i = front; i < count; i++)
            left -= pieces[i].iov_len;
        if (!left) {
            told = checksum_end(pages->sum);
            pieces[count++] = (struct iovec){&told, sizeof told};
        }
        rc = put_bytes(wire, pieces, count, error);
    }
    return rc;
}

int moved_send_pages(struct moved_wire *wire, const struct moved_pages *pages, struct error *error)
{
    const size_t table = pages->run_count * sizeof *pages->runs;
    struct moved_header header = {.kind = WIRE_PAGES,
        .at = pages->run_count,
        .pages = pages->page_count,
        .bytes = table + (size_t)pages->page_count * WIRE_PAGE_BYTES + WIRE_SUM_BYTES,
        .checksum = checksum_of(pages->runs, table)};
    begin_message(wire, &header);
    int rc = end_message(wire, put_pages(wire, &header, pages, error));
    return heard(wire, WIRE_PAGES, rc, error);
}

void moved_refuse(struct moved_wire *wire, const struct error *why)
{
    struct moved_patience short_one = {.seconds = LAST_WORD_MS / 1e3}, *patience = wire->patience;
    struct error error;
    wire->patience = &short_one;
    (void)moved_send(
        wire, WIRE_REFUSED, (uint64_t)why->code, 0, why->text, strnlen(why->text, TEXT_BYTES), &error);
    wire->patience = patience;
}
