#include "domain/timeline/timeline.h"

#include "base/size.h"
#include "host/schedule_wait.h"
#include "host/smaps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 1024, SAMPLES_MAX = 1 << 20, LOOK_SHARE = 20 };
static const double look_seconds = 0.05, one_clock_seconds = 5e-3, hugest_tick = 1e18, same_share = 1e-9;

double timeline_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- marks ---- */

void timeline_mark(struct timeline *timeline, enum timeline_event event)
{
    /* The last places are for what comes after all passes. */
    size_t most = event == TIMELINE_PASS ? TIMELINE_MARKS_MAX - TIMELINE_EVENTS : TIMELINE_MARKS_MAX;
    if (timeline->mark_count < most)
        timeline->marks[timeline->mark_count++] = (struct timeline_mark){event, timeline_now()};
}

double timeline_marked(const struct timeline *timeline, enum timeline_event event)
{
    for (size_t i = 0; i < timeline->mark_count; i++)
        if (timeline->marks[i].event == event)
            return timeline->marks[i].seconds;
    return NAN;
}

/* ---- samples ---- */

/* Half of the room: of two samples that follow each other the second stays, with the longer of both. */
static void thin(struct timeline *timeline)
{
    struct timeline_sample *odd[PORTABLE_CPUS_MAX] = {NULL};
    size_t kept = 0;
    for (size_t i = 0; i < timeline->count; i++) {
        struct timeline_sample *sample = &timeline->samples[i], *before = odd[sample->cpu];
        if (before && before->side == sample->side) {
            uint64_t longest =
                before->at.longest > sample->at.longest ? before->at.longest : sample->at.longest;
            *before = *sample;
            before->at.longest = longest;
            odd[sample->cpu] = NULL;
        } else {
            odd[sample->cpu] = &timeline->samples[kept];
            timeline->samples[kept++] = *sample;
        }
    }
    timeline->count = kept;
    timeline->thinned++;
}

static bool make_room(struct timeline *timeline)
{
    if (timeline->count == SAMPLES_MAX)
        thin(timeline);
    if (timeline->count < timeline->room)
        return true;
    size_t room = timeline->room ? 2 * timeline->room : 4096;
    struct timeline_sample *more = reallocarray(timeline->samples, room, sizeof *more);
    if (more) {
        timeline->samples = more;
        timeline->room = room;
    }
    return more;
}

void timeline_add(struct timeline *timeline, unsigned side, unsigned cpu,
    const struct portable_sample *samples, size_t count, double ticks_per_second, double seconds)
{
    struct timeline_side *from = &timeline->sides[side];
    struct timeline_sample *last = &timeline->last[cpu];
    if (side && fabs(ticks_per_second / timeline->sides[0].ticks_per_second - 1) < same_share)
        ticks_per_second = timeline->sides[0].ticks_per_second; /* but for the digits that were sent */
    from->ticks_per_second = ticks_per_second;
    for (size_t i = 0; i < count; i++) {
        const struct portable_sample *at = &samples[i];
        bool later = at->ticks > last->at.ticks || side != last->side || !last->at.looks;
        if (!later || at->done < last->at.done || at->looks <= last->at.looks ||
            (double)at->ticks > hugest_tick || !make_room(timeline)) {
            timeline->lost++;
            continue;
        }
        *last = (struct timeline_sample){*at, (uint8_t)cpu, (uint8_t)side};
        timeline->samples[timeline->count++] = *last;
    }
    double offset = seconds - (double)last->at.ticks / ticks_per_second;
    if (count && !(offset > from->offset))
        from->offset = offset;
}

void timeline_take(struct timeline *timeline, const struct portable *portable, unsigned side)
{
    struct portable_sample samples[BATCH];
    struct sample_ring ring;
    for (unsigned cpu = 0; cpu < timeline->cpus && portable_ring(portable, cpu, &ring); cpu++)
        for (size_t count = BATCH; count == BATCH;) {
            count = sample_ring_take(&ring, &timeline->taken[cpu], samples, BATCH, &timeline->lost);
            timeline_add(timeline, side, cpu, samples, count, portable_plan(portable)->ticks_per_second,
                timeline_now());
        }
    double now = timeline_now();
    if (now < timeline->next_look)
        return;
    struct timeline_look look;
    timeline_look_now(portable, &look);
    look.side = side;
    timeline_add_look(timeline, &look);
    timeline->next_look = now + fmax(look_seconds, LOOK_SHARE * (timeline_now() - now));
}

/* ---- pages ---- */

static double counted(const struct counters *counters, const char *name)
{
    uint64_t count;
    return counters_get(counters, name, &count) ? (double)count : NAN;
}

void timeline_look_now(const struct portable *portable, struct timeline_look *look)
{
    struct counters counters;
    struct smaps smaps;
    bool told =
        smaps_look((uint64_t)portable_memory(portable), portable_plan(portable)->memory_bytes, &smaps) == 0;
    portable_counters(portable, &counters);
    *look = (struct timeline_look){.seconds = timeline_now(),
        .resident_bytes = told ? (double)smaps.resident_bytes : NAN,
        .large_bytes = told ? (double)smaps.huge_bytes : NAN,
        .guest_small = counted(&counters, "pages_4k"),
        .guest_large = counted(&counters, "pages_2m"),
        .faults = counted(&counters, "page_faults"),
        .waited = portable_waited(portable),
        .stolen = schedule_stolen()};
}

void timeline_add_look(struct timeline *timeline, const struct timeline_look *look)
{
    if (timeline->look_count < TIMELINE_LOOKS_MAX)
        timeline->looks[timeline->look_count++] = *look;
}

/* ---- all of it ---- */

void timeline_begin(struct timeline *timeline, enum timeline_kind kind, const struct portable *portable)
{
    const struct portable_plan *plan = portable_plan(portable);
    struct sample_ring ring;
    *timeline =
        (struct timeline){.kind = kind, .cpus = plan->cpus, .sides = {{.offset = NAN}, {.offset = NAN}}};
    if (!portable_ring(portable, 0, &ring))
        timeline->missing = plan->workload == PORTABLE_SELFTEST
                                ? "kernel-selftest takes no samples of what it does"
                                : "the domain was started by a vcost whose workloads took no samples";
    timeline_take(timeline, portable, 0);
    timeline->lost = 0; /* what was done long ago is not missed */
    timeline_mark(timeline, TIMELINE_BEGUN);
}

void timeline_free(struct timeline *timeline)
{
    free(timeline->samples);
    timeline->samples = NULL;
    timeline->count = timeline->room = 0;
}

bool timeline_one_clock(const struct timeline *timeline)
{
    const struct timeline_side *sides = timeline->sides;
    if (timeline->kind == TIMELINE_SAVE)
        return true;
    return sides[0].ticks_per_second > 0 && sides[0].ticks_per_second == sides[1].ticks_per_second &&
           fabs(sides[0].offset - sides[1].offset) < one_clock_seconds;
}

double timeline_time(const struct timeline *timeline, const struct timeline_sample *sample)
{
    const struct timeline_side *side = &timeline->sides[sample->side],
                               *clock = timeline_one_clock(timeline) ? &timeline->sides[0] : side;
    return (double)sample->at.ticks / side->ticks_per_second + clock->offset;
}
