#include "model/prefetch.h"

#include <errno.h>
#include <stdlib.h>

enum { PAGE_LINES = 4096 / MACHINE_LINE_BYTES };

int prefetch_init(struct prefetch *prefetch, const struct machine *machine, struct error *error)
{
    for (size_t i = 0; i < machine->prefetcher_count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        prefetcher->is = &machine->prefetchers[i];
        prefetcher->trackers = calloc(prefetcher->is->trackers, sizeof *prefetcher->trackers);
        if (!prefetcher->trackers)
            return error_set(error, ENOMEM, "no memory for a simulated prefetcher");
        prefetch->count++;
    }
    return 0;
}

void prefetch_free(struct prefetch *prefetch)
{
    for (size_t i = 0; i < prefetch->count; i++)
        free(prefetch->all[i].trackers);
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

/* When a line is there that a cache says it has. */
static uint64_t arrival(const struct prefetch *prefetch, uint64_t line)
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
        brought = arrival(prefetch, physical / MACHINE_LINE_BYTES);
    arrives = brought > arrives ? brought : arrives;
    prefetcher->flights[prefetcher->flying++] = (struct flight){physical / MACHINE_LINE_BYTES, arrives};
    prefetch->last_arrives = arrives > prefetch->last_arrives ? arrives : prefetch->last_arrives;
    prefetch->account->prefetches++;
    return true;
}

/* ---- streams ---- */

static struct tracker *tracker_for(struct prefetcher *prefetcher, uint64_t page)
{
    return &prefetcher->trackers[page & (prefetcher->is->trackers - 1)];
}

/* The stream of the page beside, if the next line would be this one. */
static void take_over(struct prefetcher *prefetcher, struct tracker *begun, uint64_t line, uint64_t beside)
{
    const struct tracker *other = tracker_for(prefetcher, beside);
    uint64_t page = begun->page;
    if (other->page != beside + 1 || !other->steps || other->last + (uint64_t)other->step != line)
        return;
    *begun = *other;
    begun->page = page;
}

/* The tracker of a line's page. */
static struct tracker *track(struct prefetcher *prefetcher, uint64_t line)
{
    uint64_t page = line / PAGE_LINES;
    unsigned within = line % PAGE_LINES, distance = prefetcher->is->distance;
    struct tracker *tracker = tracker_for(prefetcher, page);
    if (tracker->page == page + 1)
        return tracker;
    struct tracker begun = {.page = page + 1, .last = line, .next = line};
    if (within < distance)
        take_over(prefetcher, &begun, line, page - 1);
    if (within + distance >= PAGE_LINES)
        take_over(prefetcher, &begun, line, page + 1);
    *tracker = begun;
    return tracker;
}

static void follow(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now)
{
    const struct machine_prefetcher *is = prefetcher->is;
    struct tracker *tracker = track(prefetcher, line);
    int64_t step = (int64_t)(line - tracker->last);
    if (step == 0)
        return;
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
    if (!tracker->steps || tracker->steps < is->after)
        return;
    uint64_t end = line + (uint64_t)step * (is->ahead + UINT64_C(1));
    for (; tracker->next != end; tracker->next += (uint64_t)step)
        if ((!is->crosses && tracker->next / PAGE_LINES != line / PAGE_LINES) ||
            !fetch(prefetch, prefetcher, tracker->next, now))
            return;
}

/* ---- regions ---- */

static void use(struct prefetcher *prefetcher, uint64_t line)
{
    struct tracker *tracker = prefetcher->trackers;
    if (tracker->page != line / PAGE_LINES + 1)
        *tracker = (struct tracker){
            .page = line / PAGE_LINES + 1, .before = (unsigned)__builtin_popcountll(tracker->used)};
    tracker->used |= UINT64_C(1) << line % PAGE_LINES;
}

static void surround(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now)
{
    const struct machine_prefetcher *is = prefetcher->is;
    unsigned within = line % PAGE_LINES;
    if (prefetcher->trackers->before < is->after)
        return;
    for (unsigned i = 1; i <= is->ahead || i <= is->behind; i++) {
        if (i <= is->ahead && within + i < PAGE_LINES)
            fetch(prefetch, prefetcher, line + i, now);
        if (i <= is->behind && within >= i)
            fetch(prefetch, prefetcher, line - i, now);
    }
}

/* ---- an access ---- */

uint64_t prefetch_after(struct prefetch *prefetch, const struct prefetch_access *access)
{
    uint64_t line = access->address / MACHINE_LINE_BYTES, waits = 0, now = access->now;
    if (prefetch->last_arrives > now) {
        uint64_t there = now + access->served.cycles,
                 arrives = arrival(prefetch, access->physical / MACHINE_LINE_BYTES);
        waits = arrives > there ? arrives - there : 0;
    }
    prefetch->near = (struct prefetch_page){
        line / PAGE_LINES, access->physical & -(uint64_t)(PAGE_LINES * MACHINE_LINE_BYTES), access->remote};
    for (size_t i = 0; i < prefetch->count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        bool region = prefetcher->is->kind == PREFETCH_REGION;
        if (region)
            use(prefetcher, line);
        if (access->served.level > prefetcher->is->misses)
            (region ? surround : follow)(prefetch, prefetcher, line, now);
    }
    return waits;
}
