#include "domain/moved/after.h"

#include "domain/moved/follow.h"
#include "domain/timeline/costs.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

enum { EACH_MS = 20, SAMPLES_MOST = 1500, LOOK_SHARE = 20 };
static const double look_seconds = 0.05, judge_seconds = 0.25, ticks_least = 1e6, ticks_most = 1e12;

struct message { /* doc/migration.md */
    double ticks_per_second;
    double resident_bytes, large_bytes, guest_small, guest_large, faults; /* NAN: not told in this message */
    uint64_t cpu;
    struct portable_sample samples[SAMPLES_MOST];
};
enum { MESSAGE_LEAST = offsetof(struct message, samples) };
_Static_assert(MESSAGE_LEAST == 56 && sizeof(struct message) <= WIRE_SAMPLES_BYTES, "doc/migration.md");

/* ---- the destination ---- */

static bool is_asked(void *context)
{
    return ((const struct after *)context)->quit;
}

static const char *why_asked(void *context)
{
    (void)context;
    return "the domain has ended";
}

void after_prepare(
    struct after *after, struct moved_wire *wire, const struct portable *portable, double seconds)
{
    struct sample_ring ring;
    *after = (struct after){.wire = wire,
        .portable = portable,
        .seconds = fmin(seconds, TIMELINE_AFTER_SECONDS),
        .stop = {.asked = is_asked, .context = after, .why = why_asked}};
    for (unsigned cpu = 0; cpu < portable_plan(portable)->cpus && portable_ring(portable, cpu, &ring); cpu++)
        after->taken[cpu] = *ring.written;
}

/* *more: there were as many as a message takes. */
static int send_samples(struct after *after, unsigned cpu, const struct timeline_look *look, bool *more)
{
    struct message message = {.ticks_per_second = portable_plan(after->portable)->ticks_per_second,
        .resident_bytes = look->resident_bytes,
        .large_bytes = look->large_bytes,
        .guest_small = look->guest_small,
        .guest_large = look->guest_large,
        .faults = look->faults,
        .cpu = cpu};
    struct sample_ring ring;
    struct error error;
    uint64_t lost = 0;
    size_t count = portable_ring(after->portable, cpu, &ring)
                       ? sample_ring_take(&ring, &after->taken[cpu], message.samples, SAMPLES_MOST, &lost)
                       : 0;
    *more |= count == SAMPLES_MOST;
    return moved_send(
        after->wire, WIRE_SAMPLES, 0, 0, &message, MESSAGE_LEAST + count * sizeof *message.samples, &error);
}

/* What the ring has is told then. False: it has not all come, and the wire is not this thread's. */
static bool wait_for_memory(const struct after *after)
{
    struct follow_told told = {.stage = FOLLOW_COMES};
    while (after->follow && !after->quit && told.stage != FOLLOW_ALL) {
        nanosleep(&(struct timespec){.tv_nsec = EACH_MS * 1000000}, NULL);
        follow_look(after->follow, &told);
    }
    return !after->follow || told.stage == FOLLOW_ALL;
}

static void tell_all(struct after *after)
{
    static const struct timeline_look nothing = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 1};
    if (!wait_for_memory(after))
        return;
    after->wire->stop = &after->stop;
    double begun = timeline_now(), next_look = 0;
    int rc = 0;
    while (rc == 0 && !after->quit && timeline_now() - begun < after->seconds) {
        struct timeline_look look = nothing;
        double now = timeline_now();
        bool more = false;
        if (now >= next_look) {
            timeline_look_now(after->portable, &look);
            next_look = now + fmax(look_seconds, LOOK_SHARE * (timeline_now() - now));
        }
        for (unsigned cpu = 0; rc == 0 && cpu < portable_plan(after->portable)->cpus; cpu++, look = nothing)
            rc = send_samples(after, cpu, &look, &more);
        if (!more)
            nanosleep(&(struct timespec){.tv_nsec = EACH_MS * 1000000}, NULL);
    }
    for (unsigned cpu = 0; rc == 0 && cpu < portable_plan(after->portable)->cpus; cpu++)
        rc = send_samples(after, cpu, &nothing, &(bool){false}); /* what it did last */
}

static void *tell(void *context)
{
    struct after *after = context;
    tell_all(after);
    after->over = true;
    return NULL;
}

void after_start(struct after *after, struct follow *follow)
{
    after->follow = follow;
    after->started = after->seconds > 0 && pthread_create(&after->thread, NULL, tell, after) == 0;
}

void after_stop(struct after *after)
{
    after->quit = true;
    if (after->started)
        pthread_join(after->thread, NULL);
    after->started = false;
}

/* ---- the source ---- */

int after_take(
    struct timeline *timeline, const void *payload, size_t bytes, double seconds, struct error *error)
{
    static _Thread_local struct message message; /* large */
    size_t samples = bytes < MESSAGE_LEAST ? 1 : (bytes - MESSAGE_LEAST) % sizeof *message.samples;
    if (samples || bytes > sizeof message)
        return error_set(error, EPROTO, "a message with samples is not as long as it should be");
    memcpy(&message, payload, bytes);
    if (message.cpu >= timeline->cpus ||
        !(message.ticks_per_second >= ticks_least && message.ticks_per_second <= ticks_most))
        return error_set(error, EPROTO, "a message with samples says what cannot be");
    timeline_add(timeline, 1, (unsigned)message.cpu, message.samples,
        (bytes - MESSAGE_LEAST) / sizeof *message.samples, message.ticks_per_second, seconds);
    if (!isnan(message.resident_bytes) || !isnan(message.guest_small))
        timeline_add_look(
            timeline, &(struct timeline_look){seconds, message.resident_bytes, message.large_bytes,
                          message.guest_small, message.guest_large, message.faults, NAN, NAN, 1});
    return 0;
}

void after_receive(struct moved_wire *wire, struct timeline *timeline, const struct stop *stop)
{
    struct moved_header header;
    struct error error;
    double begun = timeline_now(), judged = begun;
    int rc = 0;
    wire->stop = stop;
    while (rc == 0 && timeline_now() - begun < TIMELINE_AFTER_SECONDS) {
        if ((rc = moved_expect(wire, WIRE_SAMPLES, &header, &error)) == 0)
            rc = after_take(timeline, wire->payload, header.bytes, timeline_now(), &error);
        if (timeline_now() - judged < judge_seconds)
            continue;
        judged = timeline_now();
        if (timeline_is_enough(timeline))
            break;
    }
    timeline_mark(timeline, TIMELINE_END);
}
