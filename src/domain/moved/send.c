#include "domain/moved/send.h"

#include "base/size.h"
#include "domain/moved/after.h"
#include "domain/moved/handover.h"
#include "domain/moved/wire.h"
#include "domain/saved/cpu_record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, WORD_PAGES = 64, PASSES_MAX = 1000 };

/* What one migration needs besides its request. */
struct sender {
    struct moving *moving;
    struct moved_wire wire;
    uint64_t pages; /* of the domain */
    uint64_t *dirty;
    char *run; /* WIRE_RUN_PAGES that are sent as one message */
    double begun, look_seconds;
    bool was_running;
};

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- what is told ---- */

void moving_init(struct moving *moving, struct portable *portable, const struct moving_request *request)
{
    *moving = (struct moving){.request = *request,
        .portable = portable,
        .told = {.bandwidth = NAN,
            .written = NAN,
            .expected_ms = NAN,
            .seconds = NAN,
            .downtime_ms = NAN,
            .stopping_ms = NAN,
            .last_pass_ms = NAN,
            .state_ms = NAN,
            .send_ms = NAN,
            .create_ms = NAN,
            .start_ms = NAN,
            .look_ms = NAN}};
    snprintf(moving->told.to, sizeof moving->told.to, "%s", request->to);
    pthread_mutex_init(&moving->lock, NULL);
}

void moving_free(struct moving *moving)
{
    timeline_free(&moving->timeline);
}

void moving_look(struct moving *moving, struct moved_told *told)
{
    pthread_mutex_lock(&moving->lock);
    *told = moving->told;
    pthread_mutex_unlock(&moving->lock);
}

static void set_stage(struct sender *sender, enum moved_stage stage)
{
    struct moving *moving = sender->moving;
    pthread_mutex_lock(&moving->lock);
    moving->told.stage = stage;
    moving->told.bytes_sent = sender->wire.bytes_sent;
    moving->told.seconds = now_seconds() - sender->begun;
    pthread_mutex_unlock(&moving->lock);
}

static bool is_cancelled(void *context)
{
    return ((const struct moving *)context)->cancel;
}

static const char *why_cancelled(void *context)
{
    (void)context;
    return "the migration was cancelled";
}

/* ---- memory ---- */

static bool is_zero(const char *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE_BYTES - 1) == 0;
}

/* No faster than is allowed. */
static void keep_pace(struct sender *sender, double since, uint64_t bytes_then)
{
    double most = sender->moving->request.max_bandwidth;
    double ahead =
        most > 0 ? (double)(sender->wire.bytes_sent - bytes_then) / most - (now_seconds() - since) : 0;
    if (ahead > 0 && !sender->moving->cancel)
        nanosleep(&(struct timespec){.tv_sec = (time_t)ahead, .tv_nsec = (long)(fmod(ahead, 1) * 1e9)}, NULL);
}

/* A page may be written while it is copied: then it is dirty again, and is sent once more. It is the copy
 * that is looked at and sent. */
static int send_run(struct sender *sender, uint64_t first, unsigned count, bool zero, struct error *error)
{
    struct moved_told *told = &sender->moving->told;
    int rc = zero ? moved_send(&sender->wire, WIRE_ZEROS, first * PAGE_BYTES, count, NULL, 0, error)
                  : moved_send(&sender->wire, WIRE_PAGES, first * PAGE_BYTES, count, sender->run,
                        (size_t)count * PAGE_BYTES, error);
    pthread_mutex_lock(&sender->moving->lock);
    *(zero ? &told->zeros : &told->pages_sent) += count;
    told->bytes_sent = sender->wire.bytes_sent;
    told->seconds = now_seconds() - sender->begun;
    pthread_mutex_unlock(&sender->moving->lock);
    return rc;
}

static bool is_dirty(const struct sender *sender, uint64_t page)
{
    return sender->dirty[page / WORD_PAGES] >> page % WORD_PAGES & 1;
}

/* Of WIRE_RUN_PAGES from `first` on those that are dirty, in runs that are alike. */
static int send_chunk(struct sender *sender, uint64_t first, struct error *error)
{
    const char *memory = portable_memory(sender->moving->portable);
    uint64_t end = first + WIRE_RUN_PAGES < sender->pages ? first + WIRE_RUN_PAGES : sender->pages,
             begin = first;
    unsigned count = 0;
    bool zero = false;
    int rc = 0;
    for (uint64_t page = first; rc == 0 && page <= end; page++) {
        bool dirty = page < end && is_dirty(sender, page), next_zero = false;
        char *room = sender->run + (size_t)count * PAGE_BYTES;
        if (dirty) {
            memcpy(room, memory + page * PAGE_BYTES, PAGE_BYTES);
            next_zero = is_zero(room);
        }
        if (count && (!dirty || next_zero != zero)) {
            rc = send_run(sender, begin, count, zero, error);
            if (dirty)
                memmove(sender->run, room, PAGE_BYTES);
            count = 0;
        }
        if (dirty) {
            begin = count ? begin : page;
            zero = next_zero;
            count++;
        }
    }
    return rc;
}

/* Each part is cleared before it is copied: what is written from then on counts again. */
static int send_dirty(struct sender *sender, bool running, uint64_t *sent, struct error *error)
{
    double since = now_seconds();
    uint64_t bytes_then = sender->wire.bytes_sent;
    int rc = 0;
    *sent = 0;
    for (uint64_t first = 0; rc == 0 && first < sender->pages; first += WIRE_RUN_PAGES) {
        const uint64_t *bits = sender->dirty + first / WORD_PAGES;
        unsigned count = 0;
        for (unsigned word = 0; word < WIRE_RUN_PAGES / WORD_PAGES; word++)
            count += (unsigned)__builtin_popcountll(bits[word]);
        if (!count)
            continue;
        if (running)
            rc = portable_dirty_clear(sender->moving->portable, first, WIRE_RUN_PAGES, bits, error);
        if (rc == 0)
            rc = send_chunk(sender, first, error);
        *sent += count;
        timeline_take(&sender->moving->timeline, sender->moving->portable, 0);
        if (rc == 0 && running && sender->moving->cancel)
            rc = error_set(error, EINTR, "the migration was cancelled");
        if (running)
            keep_pace(sender, since, bytes_then);
    }
    return rc;
}

static int look_for_dirty(struct sender *sender, uint64_t *count, struct error *error)
{
    int rc = portable_dirty(sender->moving->portable, sender->dirty, error);
    *count = 0;
    for (uint64_t word = 0; rc == 0 && word < sender->pages / WORD_PAGES; word++)
        *count += (unsigned)__builtin_popcountll(sender->dirty[word]);
    return rc;
}

/* ---- its state ---- */

static int take_state(struct sender *sender, struct handover *handover, struct error *error)
{
    const struct moving_request *request = &sender->moving->request;
    *handover = (struct handover){.check = request->check,
        .paused = !sender->was_running,
        .pace = request->pace,
        .watch = request->watch,
        .plan = *portable_plan(sender->moving->portable)};
    snprintf(handover->version, sizeof handover->version, "%s", request->version);
    stored_moment_now(&handover->moment);
    int rc = portable_save(sender->moving->portable, &handover->state, error);
    return rc < 0 ? rc : cpu_record_add_host(&handover->state, error);
}

static int send_handover(
    struct sender *sender, enum moved_kind kind, const struct handover *handover, struct error *error)
{
    char *bytes;
    size_t count;
    int rc = handover_write(handover, &bytes, &count, error);
    if (rc == 0) {
        rc = moved_send(&sender->wire, kind, 0, 0, bytes, count, error);
        free(bytes);
    }
    return rc;
}

/* The domain is stopped once, for some ten microseconds: what it has is in its state. */
static int offer(struct sender *sender, struct error *error)
{
    struct handover handover;
    struct moved_header header;
    struct error resumed;
    double begun = now_seconds();
    int rc = portable_pause(sender->moving->portable, error);
    if (rc < 0)
        return rc;
    rc = take_state(sender, &handover, error);
    if (sender->was_running && portable_resume(sender->moving->portable, &resumed) < 0 && rc == 0)
        rc = error_set(error, resumed.code, "%s", resumed.text);
    sender->look_seconds = now_seconds() - begun;
    pthread_mutex_lock(&sender->moving->lock);
    sender->moving->told.look_ms = sender->look_seconds * 1e3;
    pthread_mutex_unlock(&sender->moving->lock);
    if (rc == 0)
        rc = send_handover(sender, WIRE_OFFER, &handover, error);
    machine_state_free(&handover.state);
    return rc < 0 ? rc : moved_expect(&sender->wire, WIRE_READY, &header, error);
}

/* ---- while it runs ---- */

/* What is left is `pages`; whether to stop now. *late: the time is up, and nothing was reached. */
static bool is_time_to_stop(
    struct sender *sender, uint64_t pages, double pass_seconds, uint64_t pass_pages, bool *late)
{
    struct moving *moving = sender->moving;
    const struct moving_request *request = &moving->request;
    double second =
        pass_seconds > 0 && pass_pages ? (double)pass_pages / pass_seconds : INFINITY; /* pages a */
    double expected = (double)pages / second + 2 * sender->look_seconds;
    pthread_mutex_lock(&moving->lock);
    moving->told.left = pages;
    moving->told.bandwidth = isfinite(second) ? second * PAGE_BYTES : NAN;
    moving->told.written = pass_seconds > 0 ? (double)pages * PAGE_BYTES / pass_seconds : NAN;
    moving->told.expected_ms = expected * 1e3;
    pthread_mutex_unlock(&moving->lock);
    *late = request->timeout > 0 && now_seconds() - sender->begun >= request->timeout;
    return !sender->was_running || expected <= request->max_downtime;
}

static int give_up(struct sender *sender, const char *what, struct error *error)
{
    const struct moved_told *told = &sender->moving->told;
    char written[SIZE_TEXT_BYTES], sent[SIZE_TEXT_BYTES];
    size_text(isnan(told->written) ? 0 : (uint64_t)told->written, written);
    size_text(isnan(told->bandwidth) ? 0 : (uint64_t)told->bandwidth, sent);
    return error_set(error, ETIME,
        "%s and the domain would still stand still for %.0f ms (it writes %s a second, and the link takes %s "
        "a "
        "second): allow more (--max-downtime, --max-bandwidth, --timeout), or --at-timeout stop",
        what, told->expected_ms, written, sent);
}

static int copy_running(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    int rc = portable_log(moving->portable, true, error);
    set_stage(sender, MOVED_COPYING);
    timeline_mark(&moving->timeline, TIMELINE_LOGGING);
    for (unsigned pass = 0; rc == 0; pass++) {
        uint64_t left, sent;
        bool late;
        if ((rc = look_for_dirty(sender, &left, error)) < 0)
            break;
        double since = now_seconds();
        timeline_mark(&moving->timeline, TIMELINE_PASS);
        if ((rc = send_dirty(sender, true, &sent, error)) < 0)
            break;
        double took = now_seconds() - since;
        pthread_mutex_lock(&moving->lock);
        moving->told.passes++;
        pthread_mutex_unlock(&moving->lock);
        if ((rc = look_for_dirty(sender, &left, error)) < 0 ||
            is_time_to_stop(sender, left, took, sent, &late))
            break;
        if (late || pass + 1 == PASSES_MAX) {
            if (!moving->request.finish_late)
                rc = give_up(sender, late ? "the time is up," : "it was sent a thousand times,", error);
            break;
        }
    }
    return rc;
}

/* ---- while it stands still ---- */

static int hand_over(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    struct moved_told *told = &moving->told;
    struct handover handover;
    struct moved_header header;
    uint64_t left, sent;
    double asked = now_seconds();
    timeline_mark(&moving->timeline, TIMELINE_STOP);
    int rc = portable_pause(moving->portable, error);
    if (rc < 0)
        return rc;
    double stopped = now_seconds();
    set_stage(sender, MOVED_STOPPED);
    timeline_mark(&moving->timeline, TIMELINE_STOPPED);
    if ((rc = look_for_dirty(sender, &left, error)) < 0 || (rc = send_dirty(sender, false, &sent, error)) < 0)
        return rc;
    double passed = now_seconds();
    rc = take_state(sender, &handover, error);
    double taken = now_seconds();
    if (rc == 0)
        rc = send_handover(sender, WIRE_STATE, &handover, error);
    machine_state_free(&handover.state);
    if (rc < 0 || (rc = moved_expect(&sender->wire, WIRE_PREPARED, &header, error)) < 0)
        return rc;
    double prepared = now_seconds(), create = (double)header.at / 1e9;
    if (moving->cancel)
        return error_set(error, EINTR, "the migration was cancelled");
    /* The point of no return. */
    sender->wire.stop = NULL;
    set_stage(sender, MOVED_HANDED);
    rc = moved_send(&sender->wire, WIRE_COMMIT, 0, 0, NULL, 0, error);
    if (rc == 0)
        rc = moved_expect(&sender->wire, WIRE_STARTED, &header, error);
    double started = now_seconds();
    timeline_mark(&moving->timeline, TIMELINE_RUNS);
    pthread_mutex_lock(&moving->lock);
    told->left = 0;
    told->stopping_ms = (stopped - asked) * 1e3;
    told->last_pass_ms = (passed - stopped) * 1e3;
    told->state_ms = (taken - passed) * 1e3;
    told->create_ms = create * 1e3;
    told->send_ms = fmax(prepared - taken - create, 0) * 1e3;
    if (rc == 0) {
        told->start_ms = (started - prepared) * 1e3;
        told->downtime_ms = (started - asked) * 1e3;
    }
    pthread_mutex_unlock(&moving->lock);
    return rc;
}

/* ---- what it cost the program ---- */

static void tell_costs(struct moving *moving)
{
    struct timeline_costs costs;
    timeline_costs_of(&moving->timeline, &costs);
    pthread_mutex_lock(&moving->lock);
    moving->told.costs = costs;
    moving->told.has_costs = true;
    pthread_mutex_unlock(&moving->lock);
}

/* ---- all of it ---- */

static int prepare(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    struct portable_status status;
    sender->pages = portable_plan(moving->portable)->memory_bytes / PAGE_BYTES;
    sender->dirty = calloc(sender->pages / WORD_PAGES, sizeof *sender->dirty);
    sender->run = malloc((size_t)(WIRE_RUN_PAGES + 1) * PAGE_BYTES);
    sender->begun = now_seconds();
    portable_status(moving->portable, &status);
    sender->was_running = status.phase == PORTABLE_RUNNING;
    if (!sender->dirty || !sender->run)
        return error_set(error, ENOMEM, "no memory to move a domain");
    if (status.phase == PORTABLE_FAILED)
        return error_set(error, EINVAL, "the domain has failed: there is nothing to move");
    const struct moving_request *request = &moving->request;
    struct moved_wire *wire = &sender->wire;
    int rc = moved_open(wire, request->in, request->out, NULL, error);
    return rc;
}

/* It goes on as it was; what was recorded of its pages is of no use any more. */
static void go_on(struct sender *sender, struct error *error)
{
    struct error again;
    moved_refuse(&sender->wire, error);
    (void)portable_log(sender->moving->portable, false, &again);
    if (sender->was_running && portable_resume(sender->moving->portable, &again) < 0)
        *error = again;
}

static int end(struct sender *sender, int rc, struct error *error)
{
    struct moving *moving = sender->moving;
    const char *name = portable_plan(moving->portable)->name;
    enum moved_stage stage = moving->told.stage;
    if (rc == 0)
        stage = moving->request.check ? MOVED_CHECKED : MOVED_DONE;
    else if (stage == MOVED_HANDED && !sender->wire.refused) {
        const struct error why = *error;
        stage = MOVED_UNDECIDED;
        rc = error_set(error, EINPROGRESS,
            "%.60s was handed over, and whether it runs at %.80s is not known (%.120s). It stands still "
            "here: if it "
            "runs there, vcost domain stop %.60s; only if it does not, vcost domain resume %.60s",
            name, moving->told.to, why.text, name, name);
    } else {
        stage = MOVED_FAILED;
        go_on(sender, error);
    }
    pthread_mutex_lock(&moving->lock);
    if (rc < 0)
        snprintf(moving->told.sentence, sizeof moving->told.sentence, "%.290s", error->text);
    pthread_mutex_unlock(&moving->lock);
    set_stage(sender, stage);
    return rc;
}

int moving_run(struct moving *moving, struct error *error)
{
    struct sender sender = {.moving = moving};
    const struct stop stop = {.asked = is_cancelled, .context = moving, .why = why_cancelled};
    timeline_begin(&moving->timeline, moving->portable);
    int rc = prepare(&sender, error);
    sender.wire.stop = &stop;
    if (rc == 0 && (rc = offer(&sender, error)) == 0 && !moving->request.check &&
        (rc = copy_running(&sender, error)) == 0)
        rc = hand_over(&sender, error);
    timeline_take(&moving->timeline, moving->portable, 0);
    rc = end(&sender, rc, error);
    if (rc == 0 && !moving->request.check && sender.was_running && moving->request.watch > 0 &&
        !moving->timeline.missing)
        after_receive(&sender.wire, &moving->timeline, &stop);
    else
        timeline_mark(&moving->timeline, TIMELINE_END);
    if (!moving->request.check)
        tell_costs(moving);
    moved_close(&sender.wire);
    free(sender.dirty);
    free(sender.run);
    return rc;
}
