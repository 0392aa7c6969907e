#include "domain/moved/send.h"

#include "base/size.h"
#include "domain/moved/after.h"
#include "domain/moved/converge.h"
#include "domain/moved/handover.h"
#include "domain/moved/left.h"
#include "domain/moved/push.h"
#include "domain/saved/cpu_record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { WORD_PAGES = 64, PASSES_MAX = 1000 };

/* What one migration needs besides its request. */
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

/* Messages that are not memory go by the first. */
static struct moved_wire *wire_of(struct sender *sender)
{
    return &sender->streams.list[0].wire;
}

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
            .look_ms = NAN},
        .begun = now_seconds()};
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
    if (told->stage < MOVED_DONE)
        told->seconds = now_seconds() - moving->begun;
    pthread_mutex_unlock(&moving->lock);
}

static void set_stage(struct sender *sender, enum moved_stage stage)
{
    struct moving *moving = sender->moving;
    pthread_mutex_lock(&moving->lock);
    moving->told.stage = stage;
    moving->told.seconds = now_seconds() - moving->begun;
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

static int send_pass(struct sender *sender, bool running, struct converge_pass *passed, struct error *error)
{
    const struct pass pass = {.portable = sender->moving->portable,
        .dirty = sender->dirty,
        .pages = sender->pages,
        .number = sender->passes,
        .running = running,
        .bandwidth = running ? sender->moving->request.max_bandwidth : 0,
        .timeline = running ? &sender->moving->timeline : NULL};
    int rc = pass_send(&sender->streams, &pass, &passed->sent, &passed->seconds, error);
    sender->passes++;
    return rc;
}

/* Until all of it has come there: what stands in buffers is not sent. */
static int wait_for_pass(struct sender *sender, struct converge_pass *passed, struct error *error)
{
    struct moved_header header;
    double begun = now_seconds();
    int rc = moved_expect(wire_of(sender), WIRE_PASSED, &header, error);
    passed->seconds += now_seconds() - begun;
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

/* With all that the destination must know of it at first, or its state alone. */
static int take_state(struct sender *sender, bool whole, struct handover *handover, struct error *error)
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

static int send_handover(
    struct sender *sender, enum moved_kind kind, const struct handover *handover, struct error *error)
{
    char *bytes;
    size_t count;
    int rc = handover_write(handover, kind == WIRE_OFFER, &bytes, &count, error);
    if (rc == 0) {
        rc = moved_send(wire_of(sender), kind, 0, 0, bytes, count, error);
        free(bytes);
    }
    return rc;
}

/* The other streams say whose they are. */
static int join_streams(struct sender *sender, struct error *error)
{
    int rc = 0;
    for (unsigned i = 1; rc == 0 && i < sender->streams.count; i++)
        rc = moved_send(
            &sender->streams.list[i].wire, WIRE_JOIN, i, 0, sender->moving->token, WIRE_TOKEN_BYTES, error);
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
    rc = take_state(sender, true, &handover, error);
    if (sender->was_running && portable_resume(sender->moving->portable, &resumed) < 0 && rc == 0)
        rc = error_set(error, resumed.code, "%s", resumed.text);
    sender->look_seconds = now_seconds() - begun;
    pthread_mutex_lock(&sender->moving->lock);
    sender->moving->told.look_ms = sender->look_seconds * 1e3;
    pthread_mutex_unlock(&sender->moving->lock);
    if (rc == 0)
        rc = send_handover(sender, WIRE_OFFER, &handover, error);
    machine_state_free(&handover.state);
    if (rc < 0 || (rc = moved_expect(wire_of(sender), WIRE_READY, &header, error)) < 0)
        return rc;
    sender->converge = (struct converge){.max_downtime = sender->moving->request.max_downtime,
        .fixed = sender->look_seconds + (double)header.at / 1e9,
        .before = sender->pages};
    return sender->moving->request.check ? 0 : join_streams(sender, error);
}

/* ---- while it runs ---- */

static enum converge_step judge_pass(struct sender *sender, const struct converge_pass *passed)
{
    struct moved_told *told = &sender->moving->told;
    const double second = passed->seconds > 0 ? 1 / passed->seconds : NAN;
    double expected;
    enum converge_step step = converge_step(&sender->converge, passed, &expected);
    pthread_mutex_lock(&sender->moving->lock);
    told->passes = sender->passes;
    told->left = passed->left;
    told->bandwidth = passed->sent ? (double)passed->sent * WIRE_PAGE_BYTES * second : told->bandwidth;
    told->written = (double)passed->left * WIRE_PAGE_BYTES * second;
    told->expected_ms = expected * 1e3;
    pthread_mutex_unlock(&sender->moving->lock);
    return step;
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

static bool is_late(const struct sender *sender)
{
    const double timeout = sender->moving->request.timeout;
    return timeout > 0 && now_seconds() - sender->moving->begun >= timeout;
}

static int copy_running(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    struct converge_pass passed;
    int rc = portable_log(moving->portable, true, error);
    if (rc == 0)
        rc = look_for_dirty(sender, &passed.left, error);
    set_stage(sender, MOVED_COPYING);
    timeline_mark(&moving->timeline, TIMELINE_LOGGING);
    for (enum converge_step step = CONVERGE_GO_ON; rc == 0 && step != CONVERGE_STOP;) {
        if (moving->request.post_copy && sender->passes == moving->request.passes)
            break;
        timeline_mark(&moving->timeline, TIMELINE_PASS);
        if ((rc = send_pass(sender, true, &passed, error)) < 0 ||
            (rc = wait_for_pass(sender, &passed, error)) < 0 ||
            (rc = look_for_dirty(sender, &passed.left, error)) < 0)
            break;
        step = judge_pass(sender, &passed);
        if (!sender->was_running)
            break;
        bool late = is_late(sender);
        if (step != CONVERGE_STOP && (late || sender->passes == PASSES_MAX)) {
            if (!moving->request.finish_late)
                rc = give_up(sender, late ? "the time is up," : "it was sent a thousand times,", error);
            break;
        }
    }
    return rc;
}

/* ---- while it stands still ---- */

/* Of what was written all that the domain can run without follows; the rest is sent now. */
static int keep_late(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    uint64_t first, end;
    if (!moving->request.post_copy)
        return 0;
    portable_data_range(portable_plan(moving->portable), &first, &end);
    moving->late = calloc(sender->pages / WORD_PAGES, sizeof *moving->late);
    if (!moving->late)
        return error_set(error, ENOMEM, "no memory to move a domain");
    for (uint64_t word = first / WIRE_PAGE_BYTES / WORD_PAGES; word < end / WIRE_PAGE_BYTES / WORD_PAGES;
         word++) {
        moving->late[word] = sender->dirty[word];
        sender->dirty[word] = 0;
    }
    return 0;
}

static int send_last_pass(struct sender *sender, struct converge_pass *last, struct error *error)
{
    int rc = look_for_dirty(sender, &last->left, error);
    if (rc == 0 && (rc = keep_late(sender, error)) == 0)
        rc = send_pass(sender, false, last, error);
    if (rc == 0 && sender->moving->request.post_copy)
        rc = left_send(wire_of(sender), sender->moving->late, sender->pages, error);
    return rc;
}

static int hand_over(struct sender *sender, struct error *error)
{
    struct moving *moving = sender->moving;
    struct moved_told *told = &moving->told;
    struct handover handover;
    struct moved_header header;
    struct converge_pass last;
    double asked = now_seconds();
    timeline_mark(&moving->timeline, TIMELINE_STOP);
    int rc = portable_pause(moving->portable, error);
    if (rc < 0)
        return rc;
    double stopped = now_seconds();
    set_stage(sender, MOVED_STOPPED);
    timeline_mark(&moving->timeline, TIMELINE_STOPPED);
    if ((rc = send_last_pass(sender, &last, error)) < 0)
        return rc;
    double passed = now_seconds();
    rc = take_state(sender, false, &handover, error);
    double taken = now_seconds();
    if (rc == 0)
        rc = send_handover(sender, WIRE_STATE, &handover, error);
    machine_state_free(&handover.state);
    if (rc < 0 || (rc = moved_expect(wire_of(sender), WIRE_PASSED, &header, error)) < 0 ||
        (rc = moved_expect(wire_of(sender), WIRE_PREPARED, &header, error)) < 0)
        return rc;
    double prepared = now_seconds(), create = (double)header.at / 1e9;
    if (moving->cancel)
        return error_set(error, EINTR, "the migration was cancelled");
    /* The point of no return. */
    wire_of(sender)->stop = NULL;
    set_stage(sender, MOVED_HANDED);
    rc = moved_send(wire_of(sender), WIRE_COMMIT, 0, 0, NULL, 0, error);
    if (rc == 0)
        rc = moved_expect(wire_of(sender), WIRE_STARTED, &header, error);
    double started = now_seconds();
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
    return streams_open(
        &sender->streams, moving->request.links, moving->request.streams, sender->pages, stop, error);
}

/* It goes on as it was; what was recorded of its pages is of no use any more. */
static void go_on(struct sender *sender, struct error *error)
{
    struct error again;
    if (sender->streams.count)
        moved_refuse(wire_of(sender), error);
    (void)portable_log(sender->moving->portable, false, &again);
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
    return error_set(error, ENOTCONN,
        "%.100s; %.60s is at %.60s and stands still there until the memory that is still here follows (if "
        "this process ends it is "
        "lost): vcost domain migrate --reconnect %.60s %.60s",
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
    if (rc == 0)
        stage = moving->request.check ? MOVED_CHECKED : MOVED_DONE;
    else if (stage == MOVED_FOLLOWS || stage == MOVED_BROKEN) {
        stage = MOVED_BROKEN;
        rc = say_broken(moving, error);
    } else if (stage == MOVED_UNDECIDED || (stage == MOVED_HANDED && !wire_of(sender)->refused)) {
        stage = MOVED_UNDECIDED;
        rc = say_undecided(moving, error);
    } else {
        stage = MOVED_FAILED;
        go_on(sender, error);
    }
    set_sentence(moving, rc < 0 ? error->text : "");
    set_stage(sender, stage);
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
    set_stage(sender, MOVED_FOLLOWS);
    return push_all(&push, error);
}

int moving_rejoin(struct moving *moving, int link, struct error *error)
{
    struct sender sender = {.moving = moving,
        .pages = portable_plan(moving->portable)->memory_bytes / WIRE_PAGE_BYTES,
        .streams = {.progress = &moving->progress}};
    int rc = streams_open(&sender.streams, &link, 1, sender.pages, NULL, error);
    struct push push = push_of(&sender);
    if (rc == 0 && (rc = push_rejoin(&push, moving->token, error)) == 0)
        rc = follow(&sender, error);
    rc = end(&sender, rc, error);
    streams_close(&sender.streams);
    return rc;
}

/* ---- all of it ---- */

int moving_run(struct moving *moving, struct error *error)
{
    struct sender sender = {.moving = moving};
    const struct stop stop = {.asked = is_cancelled, .context = moving, .why = why_cancelled};
    timeline_begin(&moving->timeline, TIMELINE_MIGRATION, moving->portable);
    int rc = prepare(&sender, &stop, error);
    if (rc == 0 && (rc = offer(&sender, error)) == 0 && !moving->request.check &&
        (rc = copy_running(&sender, error)) == 0)
        rc = hand_over(&sender, error);
    timeline_take(&moving->timeline, moving->portable, 0);
    if (rc == 0 && moving->request.post_copy && !moving->request.check)
        rc = follow(&sender, error);
    rc = end(&sender, rc, error);
    if (rc == 0 && !moving->request.check && sender.was_running && moving->request.watch > 0 &&
        !moving->timeline.missing)
        after_receive(wire_of(&sender), &moving->timeline, &stop);
    else
        timeline_mark(&moving->timeline, TIMELINE_END);
    if (!moving->request.check)
        tell_costs(moving);
    streams_close(&sender.streams);
    free(sender.dirty);
    return rc;
}
