#include "domain/timeline/told.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A stretch between two samples of one virtual CPU, in a bucket that it reaches into. */
struct entry {
    unsigned bucket;
    double ns, work; /* for each of its work; what of that lies there */
};

struct filling {
    const struct timeline *timeline;
    struct timeline_told *told;
    double from, step;
    struct entry *entries;
    size_t count, room;
};

static void add(struct filling *filling, unsigned bucket, double ns, double work)
{
    if (filling->count == filling->room) {
        size_t room = filling->room ? 2 * filling->room : 4096;
        struct entry *more = reallocarray(filling->entries, room, sizeof *more);
        if (!more)
            return;
        filling->entries = more;
        filling->room = room;
    }
    filling->entries[filling->count++] = (struct entry){bucket, ns, work};
}

/* The stop itself is no latency of a hop: it is told as the longest pause alone. */
static void add_stretch(
    struct filling *filling, const struct timeline_sample *from, const struct timeline_sample *to)
{
    const struct timeline *timeline = filling->timeline;
    double begun = timeline_time(timeline, from), ended = timeline_time(timeline, to);
    double ns = (ended - begun) * 1e9 / (double)(to->at.done - from->at.done);
    double longest = (double)to->at.longest / timeline->sides[to->side].ticks_per_second * 1e3;
    double first = fmax((begun - filling->from) / filling->step, 0),
           last = (ended - filling->from) / filling->step;
    for (double bucket = floor(first); bucket < last && bucket < TIMELINE_BUCKETS; bucket++) {
        struct timeline_bucket *at = &filling->told->buckets[(unsigned)bucket];
        at->longest_ms = fmax(at->longest_ms, longest);
        double part = fmin(last, bucket + 1) - fmax(first, bucket);
        if (from->side == to->side && to->at.done > from->at.done)
            add(filling, (unsigned)bucket, ns, part * filling->step * 1e9 / ns);
    }
}

static int by_bucket(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    int order = (one->bucket > other->bucket) - (one->bucket < other->bucket);
    return order ? order : (one->ns > other->ns) - (one->ns < other->ns);
}

static void take_quantiles(struct filling *filling)
{
    if (filling->count)
        qsort(filling->entries, filling->count, sizeof *filling->entries, by_bucket);
    for (size_t first = 0, end; first < filling->count; first = end) {
        const struct entry *entries = filling->entries;
        struct timeline_bucket *bucket = &filling->told->buckets[entries[first].bucket];
        double work = 0, time = 0;
        for (end = first; end < filling->count && entries[end].bucket == entries[first].bucket; end++) {
            work += entries[end].work;
            time += entries[end].work * entries[end].ns;
        }
        bucket->ns_mean = time / work;
        bucket->ns_median = entries[first + (end - first) / 2].ns;
        bucket->ns_p99 = entries[first + (size_t)(0.99 * (double)(end - first - 1))].ns;
    }
}

static void fill(struct filling *filling)
{
    const struct timeline_sample *last[PORTABLE_CPUS_MAX] = {NULL};
    const struct timeline *timeline = filling->timeline;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_sample *sample = &timeline->samples[i];
        if (last[sample->cpu] && timeline_time(timeline, sample) >= filling->from)
            add_stretch(filling, last[sample->cpu], sample);
        last[sample->cpu] = sample;
    }
    take_quantiles(filling);
}

void timeline_tell(
    const struct timeline *timeline, const struct portable *portable, struct timeline_told *told)
{
    const struct portable_plan *plan = portable_plan(portable);
    double begun = timeline_marked(timeline, TIMELINE_BEGUN), end = timeline_marked(timeline, TIMELINE_END);
    double from = begun - timeline_before_seconds(timeline);
    *told = (struct timeline_told){.kind = timeline->kind,
        .workload = plan->workload,
        .memory_bytes = plan->memory_bytes,
        .cpus = plan->cpus,
        .one_clock = timeline_one_clock(timeline),
        .bucket_count = TIMELINE_BUCKETS,
        .mark_count = timeline->mark_count};
    snprintf(told->name, sizeof told->name, "%s", plan->name);
    struct filling filling = {timeline, told, from, (end - from) / TIMELINE_BUCKETS, NULL, 0, 0};
    told->step_seconds = filling.step;
    for (size_t i = 0; i < TIMELINE_BUCKETS; i++)
        told->buckets[i] =
            (struct timeline_bucket){from + ((double)i + 0.5) * filling.step - begun, NAN, NAN, NAN, NAN};
    fill(&filling);
    free(filling.entries);
    for (size_t i = 0; i < timeline->mark_count; i++)
        told->marks[i] = (struct timeline_mark){timeline->marks[i].event, timeline->marks[i].seconds - begun};
    for (size_t i = 0; i < timeline->look_count; i++) {
        struct timeline_look *look = &told->looks[told->look_count];
        *look = timeline->looks[i];
        look->seconds -= begun;
        told->look_count += look->seconds >= from - begun;
    }
    timeline_costs_of(timeline, &told->costs);
}

double timeline_told_mark(const struct timeline_told *told, enum timeline_event event)
{
    for (size_t i = 0; i < told->mark_count; i++)
        if (told->marks[i].event == event)
            return told->marks[i].seconds;
    return NAN;
}
