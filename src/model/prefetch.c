#include "model/prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LINES = PREFETCH_PAGE_LINES };

int prefetch_init(struct prefetch *prefetch, const struct machine *machine, struct error *error)
{
    prefetch->skims = machine->prefetcher_count;
    for (size_t i = 0; i < machine->prefetcher_count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        const struct machine_prefetcher *is = prefetcher->is = &machine->prefetchers[i];
        prefetcher->region = is->kind == PREFETCH_REGION;
        prefetcher->misses = is->misses;
        prefetcher->distance = is->distance;
        prefetcher->between = is->distance < PAGE_LINES / 2 ? PAGE_LINES - 2 * is->distance : 0;
        prefetcher->mask = is->trackers - UINT64_C(1);
        prefetcher->trackers = calloc(is->trackers, sizeof *prefetcher->trackers);
        bool crosses = is->crosses && !prefetcher->region;
        prefetch->skims &= !prefetcher->region && !is->misses;
        prefetcher->coming = crosses ? calloc(is->trackers, sizeof *prefetcher->coming) : NULL;
        prefetch->count++;
        if (!prefetcher->trackers || (crosses && !prefetcher->coming))
            return error_set(error, ENOMEM, "no memory for a simulated prefetcher");
    }
    return 0;
}

void prefetch_free(struct prefetch *prefetch)
{
    for (size_t i = 0; i < prefetch->count; i++) {
        free(prefetch->all[i].trackers);
        free(prefetch->all[i].coming);
    }
}

void prefetch_clear(struct prefetch *prefetch)
{
    for (size_t i = 0; i < prefetch->count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        for (unsigned k = 0; k < prefetcher->is->trackers; k++)
            prefetcher->trackers[k] = (struct tracker){.page = 0};
        prefetcher->flying = 0;
    }
    prefetch->last_arrives = 0;
}

/* ---- lines on their way ---- */

uint64_t prefetch_arrival(const struct prefetch *prefetch, uint64_t line)
{
    uint64_t arrives = 0;
    for (size_t i = 0; i < prefetch->count; i++) {
        const struct prefetcher *prefetcher = &prefetch->all[i];
        for (size_t k = 0; k < prefetcher->flying; k++)
            if (prefetcher->flights[k].line == line && prefetcher->flights[k].arrives > arrives)
                arrives = prefetcher->flights[k].arrives;
    }
    return arrives;
}

static void land(struct prefetcher *prefetcher, uint64_t now)
{
    for (size_t i = 0; i < prefetcher->flying;)
        if (prefetcher->flights[i].arrives <= now)
            prefetcher->flights[i] = prefetcher->flights[--prefetcher->flying];
        else
            i++;
}

/* The page that a line is in; false: there is none. */
static bool find_page(struct prefetch *prefetch, uint64_t line)
{
    struct prefetch_page *near = &prefetch->near;
    if (near->number == line / PAGE_LINES)
        return true;
    near->number = line / PAGE_LINES;
    if (prefetch->find(prefetch->context, near->number * PAGE_LINES * MACHINE_LINE_BYTES, &near->physical,
            &near->remote))
        return true;
    near->number = UINT64_MAX;
    return false;
}

/* Sends for a line. False: there is no room, or no such page. */
static bool fetch(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now)
{
    const struct machine_prefetcher *is = prefetcher->is;
    if (prefetcher->flying == is->in_flight)
        land(prefetcher, now);
    if (prefetcher->flying == is->in_flight || !find_page(prefetch, line))
        return false;
    uint64_t physical = prefetch->near.physical + line % PAGE_LINES * MACHINE_LINE_BYTES;
    struct cache_served served =
        caches_access(prefetch->caches, physical, false, is->fills, prefetch->near.remote);
    if (served.level == is->fills)
        return true;
    uint64_t arrives = now + served.cycles, brought = 0;
    if (prefetch->last_arrives > now)
        brought = prefetch_arrival(prefetch, physical / MACHINE_LINE_BYTES);
    arrives = brought > arrives ? brought : arrives;
    prefetcher->flights[prefetcher->flying++] = (struct flight){physical / MACHINE_LINE_BYTES, arrives};
    prefetch->last_arrives = arrives > prefetch->last_arrives ? arrives : prefetch->last_arrives;
    prefetch->account->prefetches++;
    return true;
}

/* ---- streams ---- */

/* The stream of the page beside, if the next line would be this one. */
static void take_over(const struct tracker *other, struct tracker *begun, uint64_t line, uint64_t beside)
{
    uint64_t page = begun->page;
    if (other->page != beside + 1 || !other->steps || other->last + (uint64_t)other->step != line)
        return;
    *begun = *other;
    begun->page = page;
}

/* The tracker of a line's page. */
static struct tracker *track(const struct prefetcher *prefetcher, struct tracker *trackers, uint64_t line)
{
    uint64_t page = line / PAGE_LINES;
    unsigned within = line % PAGE_LINES, distance = prefetcher->distance;
    struct tracker *tracker = prefetch_tracker(prefetcher, trackers, page);
    if (tracker->page == page + 1)
        return tracker;
    struct tracker begun = {.page = page + 1, .last = line, .next = line};
    if (within < distance)
        take_over(prefetch_tracker(prefetcher, trackers, page - 1), &begun, line, page - 1);
    if (within + distance >= PAGE_LINES)
        take_over(prefetch_tracker(prefetcher, trackers, page + 1), &begun, line, page + 1);
    *tracker = begun;
    return tracker;
}

/* A line that is seen: the tracker whose stream goes on with it, for long enough; or NULL. */
static struct tracker *see(const struct prefetcher *prefetcher, struct tracker *trackers, uint64_t line)
{
    const struct machine_prefetcher *is = prefetcher->is;
    struct tracker *tracker = track(prefetcher, trackers, line);
    int64_t step = (int64_t)(line - tracker->last);
    if (step == 0)
        return NULL;
    if (step != tracker->step || !tracker->steps) {
        tracker->step = step;
        tracker->steps = step <= (int64_t)is->distance && -step <= (int64_t)is->distance;
        tracker->next = line + (uint64_t)step;
    } else {
        tracker->steps++;
    }
    tracker->last = line;
    if ((int64_t)(tracker->next - line) * step <= 0)
        tracker->next = line + (uint64_t)step;
    return tracker->steps && tracker->steps >= is->after ? tracker : NULL;
}

static void follow(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now)
{
    const struct machine_prefetcher *is = prefetcher->is;
    struct tracker *tracker = see(prefetcher, prefetcher->trackers, line);
    if (!tracker)
        return;
    uint64_t step = (uint64_t)tracker->step, end = line + step * (is->ahead + UINT64_C(1));
    for (; tracker->next != end; tracker->next += step)
        if ((!is->crosses && tracker->next / PAGE_LINES != line / PAGE_LINES) ||
            !fetch(prefetch, prefetcher, tracker->next, now))
            return;
}

/* By what it would see: whatever the caches have, if it sees all. */
static bool may_cross(const struct prefetcher *prefetcher, const gva_t *addresses, size_t count)
{
    const struct machine_prefetcher *is = prefetcher->is;
    struct tracker *coming = prefetcher->coming;
    if (is->misses)
        return true;
    memcpy(coming, prefetcher->trackers, is->trackers * sizeof *coming);
    for (size_t i = 0; i < count; i++) {
        uint64_t line = addresses[i].value / MACHINE_LINE_BYTES;
        if (prefetch_begins(prefetcher, coming, line))
            continue;
        const struct tracker *tracker = see(prefetcher, coming, line);
        if (tracker && (line + (uint64_t)tracker->step * is->ahead) / PAGE_LINES != line / PAGE_LINES)
            return true;
    }
    return false;
}

bool prefetch_may_cross(const struct prefetch *prefetch, const gva_t *addresses, size_t count)
{
    for (size_t i = 0; i < prefetch->count; i++)
        if (prefetch->all[i].coming && may_cross(&prefetch->all[i], addresses, count))
            return true;
    return false;
}

/* ---- regions ---- */

bool prefetch_uses(const struct prefetcher *prefetcher, uint64_t line)
{
    struct tracker *tracker = prefetcher->trackers;
    if (tracker->page != line / PAGE_LINES + 1)
        *tracker = (struct tracker){
            .page = line / PAGE_LINES + 1, .before = (unsigned)__builtin_popcountll(tracker->used)};
    tracker->used |= UINT64_C(1) << line % PAGE_LINES;
    return tracker->before >= prefetcher->is->after;
}

static void surround(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now)
{
    const struct machine_prefetcher *is = prefetcher->is;
    unsigned within = line % PAGE_LINES;
    for (unsigned i = 1; i <= is->ahead || i <= is->behind; i++) {
        if (i <= is->ahead && within + i < PAGE_LINES)
            fetch(prefetch, prefetcher, line + i, now);
        if (i <= is->behind && within >= i)
            fetch(prefetch, prefetcher, line - i, now);
    }
}

void prefetch_go(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now)
{
    (prefetcher->region ? surround : follow)(prefetch, prefetcher, line, now);
}
