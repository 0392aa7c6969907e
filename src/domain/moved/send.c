#include "domain/moved/send.h"

#include "domain/moved/address.h"
#include "domain/moved/after.h"
#include "domain/moved/push.h"
#include "domain/moved/sender.h"
#include "host/urgent.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- what is told ---- */

static double patience_of(const struct moving_request *request)
{
    return request->link_timeout > 0 ? request->link_timeout : WIRE_SILENCE_SECONDS;
}

void moving_init(struct moving *moving, struct portable *portable, const struct moving_request *request)
{
    *moving = (struct moving){.request = *request,
        .portable = portable,
        .throttle = {.portable = portable},
        .patience = {.seconds = patience_of(request)},
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
            .look_ms = NAN},
        .begun = timeline_now()};
    moving->told.post_copy = request->post_copy;
    moving->told.follow.median_us = moving->told.follow.longest_us = NAN;
    snprintf(moving->told.to, sizeof moving->told.to, "%s", request->to);
    pthread_mutex_init(&moving->lock, NULL);
}

void moving_free(struct moving *moving)
{
    timeline_free(&moving->timeline);
    free(moving->late);
    moving->late = NULL;
}

void moving_look(struct moving *moving, struct moved_told *told)
{
    pthread_mutex_lock(&moving->lock);
    *told = moving->told;
    told->pages_sent = moving->progress.pages;
    told->zeros = moving->progress.zeros;
    told->bytes_sent = moving->progress.bytes;
    told->throttle_percent = moving->throttle.percent;
    told->throttled_ms = (double)moving->throttle.held_ns / 1e6;
    if (told->stage < MOVED_DONE)
        told->seconds = timeline_now() - moving->begun;
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

/* ---- its beginning and its end ---- */

static int prepare(struct sender *sender, const struct stop *stop, struct error *error)
{
    struct moving *moving = sender->moving;
    struct portable_status status;
    uint64_t random[2];
    sender->pages = portable_plan(moving->portable)->memory_bytes / WIRE_PAGE_BYTES;
    sender->streams.progress = &moving->progress;
    sender->dirty = calloc(sender->pages / WORD_PAGES, sizeof *sender->dirty);
    portable_status(moving->portable, &status);
    sender->was_running = status.phase == PORTABLE_RUNNING;
    if (!sender->dirty)
        return error_set(error, ENOMEM, "no memory to move a domain");
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_errno(error, errno, "no random bits for the links of a migration");
    snprintf(moving->token, sizeof moving->token, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    if (status.phase == PORTABLE_FAILED)
        return error_set(error, EINVAL, "the domain has failed: there is nothing to move");
    return streams_open(&sender->streams, moving->request.links, moving->request.streams, sender->pages,
        &moving->patience, stop, error);
}

/* What was recorded of its pages is of no use any more; the next migration begins with all of them. */
static void forget_written(struct moving *moving)
{
    struct error unheard;
    (void)portable_log(moving->portable, false, &unheard);
}

void moving_take_back(struct moving *moving)
{
    forget_written(moving);
    pthread_mutex_lock(&moving->lock);
    moving->told.stage = MOVED_FAILED;
    pthread_mutex_unlock(&moving->lock);
}

/* It goes on as it was. */
static void go_on(struct sender *sender, struct error *error)
{
    struct error again;
    if (sender->streams.count)
        moved_refuse(sender_wire(sender), error);
    forget_written(sender->moving);
    if (sender->was_running && portable_resume(sender->moving->portable, &again) < 0)
        *error = again;
}

/* What cannot be decided here is told, with the commands that decide it. */
static int say_undecided(const struct moving *moving, struct error *error)
{
    const char *name = portable_plan(moving->portable)->name, *to = moving->told.to;
    const struct error why = *error;
    if (!moving->request.post_copy)
        return error_set(error, EINPROGRESS,
            "%.60s was handed over, and whether it runs at %.80s is not known (%.120s). It stands still "
            "here: if it "
            "runs there, vcost domain stop %.60s; only if it does not, vcost domain resume %.60s",
            name, to, why.text, name, name);
    if (!address_comes_again(to))
        return error_set(error, EINPROGRESS,
            "%.60s was handed over, and whether it is at %.60s is not known (%.100s). It stands still here: "
            "if "
            "it is there it is lost, as a command cannot connect again; only if it is not, vcost domain "
            "resume "
            "%.60s",
            name, to, why.text, name);
    return error_set(error, EINPROGRESS,
        "%.60s was handed over, and whether it runs at %.60s is not known (%.100s). It stands still here: if "
        "it is "
        "there, vcost domain migrate --reconnect %.60s %.60s; only if it is not, vcost domain resume %.60s",
        name, to, why.text, name, to, name);
}

static int say_broken(const struct moving *moving, struct error *error)
{
    const char *name = portable_plan(moving->portable)->name, *to = moving->told.to;
    const struct error why = *error;
    if (!address_comes_again(to))
        return error_set(error, ENOTCONN,
            "%.100s; %.60s is at %.60s, and lacks memory that is still here: it is lost, as a command cannot "
            "connect again",
            why.text, name, to);
    return error_set(error, ENOTCONN,
        "%.100s; %.60s is at %.60s, and stands still there as long as it lacks memory that is still here (if "
        "this process ends before, it is lost): vcost domain migrate --reconnect %.60s %.60s",
        why.text, name, to, name, to);
}

static void set_sentence(struct moving *moving, const char *text)
{
    pthread_mutex_lock(&moving->lock);
    snprintf(moving->told.sentence, sizeof moving->told.sentence, "%.290s", text);
    pthread_mutex_unlock(&moving->lock);
}

static int end(struct sender *sender, int rc, struct error *error)
{
    struct moving *moving = sender->moving;
    enum moved_stage stage = moving->told.stage;
    throttle_end(&moving->throttle);
    if (rc == 0)
        stage = moving->request.check ? MOVED_CHECKED : MOVED_DONE;
    else if (stage == MOVED_FOLLOWS || stage == MOVED_BROKEN) {
        stage = MOVED_BROKEN;
        rc = say_broken(moving, error);
    } else if (stage == MOVED_UNDECIDED || (stage == MOVED_HANDED && !sender_wire(sender)->refused)) {
        stage = MOVED_UNDECIDED;
        rc = say_undecided(moving, error);
    } else {
        stage = MOVED_FAILED;
        go_on(sender, error);
    }
    set_sentence(moving, rc < 0 ? error->text : "");
    sender_stage(sender, stage);
    return rc;
}

/* ---- memory that follows ---- */

static struct push push_of(struct sender *sender)
{
    struct moving *moving = sender->moving;
    return (struct push){.stream = &sender->streams.list[0],
        .memory = portable_memory(moving->portable),
        .late = moving->late,
        .pages = sender->pages,
        .bandwidth = moving->request.max_bandwidth,
        .begun = moving->handed,
        .timeline = &moving->timeline,
        .progress = &moving->progress,
        .told = &moving->told.follow,
        .lock = &moving->lock};
}

static int follow(struct sender *sender, struct error *error)
{
    struct push push = push_of(sender);
    sender_stage(sender, MOVED_FOLLOWS);
    return push_all(&push, error);
}

void moving_renew(struct moving *moving, const struct moving_request *request)
{
    moving->request.links[0] = request->links[0];
    moving->request.max_bandwidth = request->max_bandwidth;
    moving->patience.seconds = patience_of(request);
    snprintf(moving->told.to, sizeof moving->told.to, "%s", request->to);
}

int moving_rejoin(struct moving *moving, struct error *error)
{
    struct sender sender = {.moving = moving,
        .pages = portable_plan(moving->portable)->memory_bytes / WIRE_PAGE_BYTES,
        .streams = {.progress = &moving->progress}};
    int rc =
        streams_open(&sender.streams, moving->request.links, 1, sender.pages, &moving->patience, NULL, error);
    struct push push = push_of(&sender);
    if (rc == 0 && (rc = push_rejoin(&push, moving->token, error)) == 0)
        rc = follow(&sender, error);
    rc = end(&sender, rc, error);
    streams_close(&sender.streams);
    return rc;
}

/* ---- all of it ---- */

/* Where nothing has come there is nothing to throw away. */
static bool is_forewarned(const struct moving_request *request)
{
    return request->post_copy && request->passes > 0;
}

int moving_run(struct moving *moving, struct error *error)
{
    struct sender sender = {.moving = moving};
    struct urgent urgent = {.is = false};
    const struct stop stop = {.asked = is_cancelled, .context = moving, .why = why_cancelled};
    timeline_begin(&moving->timeline, TIMELINE_MIGRATION, moving->portable);
    int rc = prepare(&sender, &stop, error);
    if (rc == 0 && (rc = sender_offer(&sender, error)) == 0 && !moving->request.check &&
        (rc = sender_copy(&sender, error)) == 0 &&
        (rc = is_forewarned(&moving->request) ? sender_forewarn(&sender, error) : 0) == 0) {
        urgent_begin(&urgent);
        rc = sender_hand_over(&sender, error);
        urgent_end(&urgent);
    }
    timeline_take(&moving->timeline, moving->portable, 0);
    if (rc == 0 && moving->request.post_copy && !moving->request.check)
        rc = follow(&sender, error);
    rc = end(&sender, rc, error);
    if (rc == 0 && !moving->request.check && sender.was_running && moving->request.watch > 0 &&
        !moving->timeline.missing)
        after_receive(sender_wire(&sender), &moving->timeline, &stop);
    else
        timeline_mark(&moving->timeline, TIMELINE_END);
    if (!isnan(timeline_marked(&moving->timeline, TIMELINE_LOGGING))) /* else it cost nothing */
        tell_costs(moving);
    streams_close(&sender.streams);
    free(sender.dirty);
    return rc;
}
