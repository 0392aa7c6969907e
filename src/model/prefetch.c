#include "model/prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LINES = 4096 / MACHINE_LINE_BYTES };

/* The first stream that sees the same, before it or itself. */
static size_t sees_as(const struct prefetch *prefetch, size_t which)
{
    const struct prefetcher *one = &prefetch->all[which];
    for (size_t i = 0; i < which; i++) {
        const struct prefetcher *other = &prefetch->all[i];
        if (!other->region && other->misses == one->misses && other->trackers.mask == one->trackers.mask &&
            other->trackers.distance == one->trackers.distance)
            return i;
    }
    return which;
}

static void free_trackers(const struct trackers *trackers)
{
    for (uint64_t i = 0; i <= trackers->mask; i++)
        trackers->all[i] = (struct tracker){.last = UINT64_MAX};
}

/* False: no memory. */
static bool make_stream(struct prefetch *prefetch, size_t which)
{
    struct prefetcher *prefetcher = &prefetch->all[which];
    const struct machine_prefetcher *is = prefetcher->is;
    struct trackers *trackers = &prefetcher->trackers;
    trackers->between = is->distance < PAGE_LINES / 2 ? PAGE_LINES - 2 * is->distance : 0;
    trackers->mask = is->trackers - UINT64_C(1);
    trackers->distance = is->distance;
    prefetcher->sees_as = sees_as(prefetch, which);
    if (prefetcher->sees_as == which) {
        trackers->all = malloc(is->trackers * sizeof *trackers->all);
        if (trackers->all)
            free_trackers(trackers);
        prefetch->owners[prefetch->owner_count++] = which;
    } else {
        trackers->all = prefetch->all[prefetcher->sees_as].trackers.all;
    }
    prefetcher->next = calloc(is->trackers, sizeof *prefetcher->next);
    prefetcher->coming = is->crosses ? calloc(is->trackers, sizeof *prefetcher->coming) : NULL;
    return trackers->all && prefetcher->next && (prefetcher->coming || !is->crosses);
}

int prefetch_init(struct prefetch *prefetch, const struct machine *machine, struct error *error)
{
    prefetch->skims = machine->prefetcher_count;
    for (size_t i = 0; i < machine->prefetcher_count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        const struct machine_prefetcher *is = prefetcher->is = &machine->prefetchers[i];
        prefetcher->region = is->kind == PREFETCH_REGION;
        prefetcher->misses = is->misses;
        prefetcher->sees_as = i;
        prefetch->skims &= !prefetcher->region && !is->misses;
        prefetch->count++;
        if (!prefetcher->region && !make_stream(prefetch, i))
            return error_set(error, ENOMEM, "no memory for a simulated prefetcher");
    }
    return 0;
}

void prefetch_free(struct prefetch *prefetch)
{
    for (size_t i = 0; i < prefetch->count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        if (prefetcher->sees_as == i)
            free(prefetcher->trackers.all);
        free(prefetcher->next);
        free(prefetcher->coming);
    }
}

void prefetch_clear(struct prefetch *prefetch)
{
    for (size_t i = 0; i < prefetch->count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        if (prefetcher->trackers.all)
            free_trackers(&prefetcher->trackers);
        prefetcher->used = (struct used_region){.page = 0};
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

/* A tracker whose stream would have this line of the page beside next; or NULL. */
static const struct tracker *stream_to(struct trackers trackers, uint64_t line, uint64_t beside)
{
    const struct tracker *other = &trackers.all[beside & trackers.mask];
    bool goes_on =
        other->last / PAGE_LINES == beside && other->steps && other->last + (uint64_t)other->step == line;
    return goes_on ? other : NULL;
}

/* Of the pages before and after the one that comes last. */
static const struct tracker *stream_beside(struct trackers trackers, uint64_t line)
{
    const uint64_t page = line / PAGE_LINES, within = line % PAGE_LINES;
    const struct tracker *before = NULL, *after = NULL;
    if (within < trackers.distance)
        before = stream_to(trackers, line, page - 1);
    if (within + trackers.distance >= PAGE_LINES)
        after = stream_to(trackers, line, page + 1);
    return after ? after : before;
}

/* Is it the first line of a page that a tracker sees, and no stream beside goes on here? Then it is this
 * page's, and nothing else is to be done. */
static inline bool begins(struct trackers trackers, uint64_t line)
{
    struct tracker *tracker = &trackers.all[line / PAGE_LINES & trackers.mask];
    if ((tracker->last ^ line) < PAGE_LINES)
        return false;
    if (line % PAGE_LINES - trackers.distance >= trackers.between && stream_beside(trackers, line))
        return false;
    tracker->last = line;
    tracker->steps = 0;
    return true;
}

/* A line that is seen, of which begins() said no. */
static struct sight see(struct trackers trackers, uint64_t line)
{
    struct tracker *tracker = &trackers.all[line / PAGE_LINES & trackers.mask];
    const struct tracker *from = tracker;
    if ((tracker->last ^ line) >= PAGE_LINES) {
        from = stream_beside(trackers, line);
        *tracker = *from;
    }
    const int64_t step = (int64_t)(line - tracker->last), distance = (int64_t)trackers.distance;
    const bool goes_on = step == tracker->step && tracker->steps;
    if (step == 0)
        return (struct sight){.tracker = NULL};
    tracker->steps = goes_on ? tracker->steps + 1 : step <= distance && -step <= distance;
    tracker->step = step;
    tracker->last = line;
    return (struct sight){tracker, from, !goes_on};
}

/* Where the stream of what is seen goes on; NULL: it has not done so for long enough. */
static uint64_t *next_of(struct prefetcher *prefetcher, const struct sight *sight, uint64_t line)
{
    const struct tracker *tracker = sight->tracker;
    uint64_t *next = &prefetcher->next[tracker - prefetcher->trackers.all];
    *next = prefetcher->next[sight->from - prefetcher->trackers.all];
    if (sight->begins || (int64_t)(*next - line) * tracker->step <= 0)
        *next = line + (uint64_t)tracker->step;
    return tracker->steps && tracker->steps >= prefetcher->is->after ? next : NULL;
}

static void follow(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now)
{
    const struct machine_prefetcher *is = prefetcher->is;
    const struct sight *sight = &prefetch->all[prefetcher->sees_as].sight;
    uint64_t *next = sight->tracker ? next_of(prefetcher, sight, line) : NULL;
    if (!next)
        return;
    uint64_t step = (uint64_t)sight->tracker->step, end = line + step * (is->ahead + UINT64_C(1));
    for (; *next != end; *next += step)
        if ((!is->crosses && *next / PAGE_LINES != line / PAGE_LINES) ||
            !fetch(prefetch, prefetcher, *next, now))
            return;
}

static void look(struct prefetcher *prefetcher, uint64_t line)
{
    if (begins(prefetcher->trackers, line))
        prefetcher->sight.tracker = NULL;
    else
        prefetcher->sight = see(prefetcher->trackers, line);
}

/* As all that own trackers do. */
static size_t skim_all(struct prefetch *prefetch, const gva_t *addresses, size_t count)
{
    for (size_t at = 0; at < count; at++)
        for (size_t i = 0; i < prefetch->owner_count; i++)
            if (!begins(
                    prefetch->all[prefetch->owners[i]].trackers, addresses[at].value / MACHINE_LINE_BYTES))
                return at;
    return count;
}

size_t prefetch_skim(struct prefetch *prefetch, const gva_t *addresses, size_t count)
{
    if (prefetch->owner_count != 1)
        return skim_all(prefetch, addresses, count);
    const struct trackers trackers = prefetch->all[prefetch->owners[0]].trackers;
    for (size_t at = 0; at < count; at++)
        if (!begins(trackers, addresses[at].value / MACHINE_LINE_BYTES))
            return at;
    return count;
}

/* By what it would see: whatever the caches have, if it sees all. */
static bool may_cross(const struct prefetcher *prefetcher, const gva_t *addresses, size_t count)
{
    const struct machine_prefetcher *is = prefetcher->is;
    struct trackers coming = prefetcher->trackers;
    if (is->misses)
        return true;
    coming.all = prefetcher->coming;
    memcpy(coming.all, prefetcher->trackers.all, is->trackers * sizeof *coming.all);
    for (size_t i = 0; i < count; i++) {
        uint64_t line = addresses[i].value / MACHINE_LINE_BYTES;
        if (begins(coming, line))
            continue;
        const struct tracker *tracker = see(coming, line).tracker;
        if (tracker && tracker->steps && tracker->steps >= is->after &&
            (line + (uint64_t)tracker->step * is->ahead) / PAGE_LINES != line / PAGE_LINES)
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

/* Counts a line as used. Is so much used that the lines around are worth it? */
static bool use(struct prefetcher *prefetcher, uint64_t line)
{
    struct used_region *region = &prefetcher->used;
    if (region->page != line / PAGE_LINES + 1)
        *region = (struct used_region){
            .page = line / PAGE_LINES + 1, .before = (unsigned)__builtin_popcountll(region->used)};
    region->used |= UINT64_C(1) << line % PAGE_LINES;
    return region->before >= prefetcher->is->after;
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

/* ---- all of them ---- */

void prefetch_after(struct prefetch *prefetch, const struct prefetch_access *access)
{
    const uint64_t line = access->address / MACHINE_LINE_BYTES;
    prefetch->near = (struct prefetch_page){
        line / PAGE_LINES, access->physical & -(uint64_t)(PAGE_LINES * MACHINE_LINE_BYTES), access->remote};
    for (size_t i = 0; i < prefetch->count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        bool sees = access->served.level > prefetcher->misses,
             uses = !prefetcher->region || use(prefetcher, line);
        if (!sees || !uses)
            continue;
        if (prefetcher->region) {
            surround(prefetch, prefetcher, line, access->now);
            continue;
        }
        if (prefetcher->sees_as == i)
            look(prefetcher, line);
        follow(prefetch, prefetcher, line, access->now);
    }
}
