/* Hardware prefetchers: lines that are fetched before they are asked for. They see data accesses alone.
 *
 * After an access has been served, each prefetcher in the order of the machine's file sees it, unless a cache
 * of a level up to `misses` had it. Lines are counted in virtual memory.
 *
 *   stream  A tracker is chosen by the number of the access's page, modulo `trackers`. If it is of another
 *           page: it becomes this one's, but goes on with the stream of the page before or after if there
 *           the next line would be this one. A line at the same distance from the last one as that from its
 *           own predecessor is a step; at another one, of at most `distance` lines, the first step of a new
 *           stream. After `after` steps the lines of the next `ahead` accesses are fetched, as far as they
 *           have not been: within the page, or (`crosses`) on in the page that follows in virtual memory, if
 *           one is mapped there.
 *   region  Counts the lines of the page that are used. When one that it sees is of a page, and of the page
 *           that was used before `after` lines or more had been, it fetches `ahead` lines above and `behind`
 *           below within the page, the nearest first, above before below. All accesses count as use, those
 *           that it does not see, too.
 *
 * A line is fetched through the caches from level `fills` on (caches.h), as by an access that nobody waits
 * for; where that level has it already, nothing happens. It arrives when that access would be served, or
 * when a prefetch that is still on its way brings it to a level below. No more than `in_flight` lines are on
 * their way for one prefetcher: a stream goes on later, a region's line is left out.
 *
 * An access to a line that is on its way waits for what remains, beyond what the level that it goes to costs:
 * charged to BUCKET_LATE. Not simulated: what makes real ones give up when memory is busy. */
#ifndef VCOST_MODEL_PREFETCH_H
#define VCOST_MODEL_PREFETCH_H

#include "base/address.h"
#include "model/account.h"
#include "model/caches.h"

struct prefetch_access {
    uint64_t address, physical; /* virtual, host physical */
    struct cache_served served;
    uint64_t now; /* when it began */
    bool remote;  /* its page */
};

/* Translates the address of a page for a prefetch, by the TLBs and if need be by a walk, which nobody is
 * charged for and waits for. The TLBs have the page then. False: there is none. */
typedef bool prefetch_find(void *context, uint64_t address, uint64_t *physical, bool *remote);

struct prefetch {
    struct prefetcher {
        const struct machine_prefetcher *is;
        bool region;
        unsigned misses, distance; /* as `is` has them: here they are near */
        uint64_t between;          /* lines of a page that are `distance` or more from both of its ends */
        uint64_t mask;             /* of a page's number: its tracker */
        struct tracker {
            uint64_t page;       /* its number, plus 1; 0: free */
            uint64_t last, next; /* lines: of the last access, and the first that has not been fetched */
            int64_t step;        /* from one access to the next */
            unsigned steps;
            uint64_t used, before; /* region: lines of this page, how many of the one before */
        } * trackers, *coming;     /* coming: room for as many, of a stream that crosses; else NULL; owned */
        struct flight {
            uint64_t line, arrives; /* physical */
        } flights[MACHINE_FLIGHTS_MAX];
        size_t flying;
    } all[MACHINE_PREFETCHERS_MAX];
    size_t count;
    bool skims;            /* all are streams, and see what any cache had */
    uint64_t last_arrives; /* of all */
    struct caches *caches;
    struct account *account;
    prefetch_find *find;
    void *context;
    struct prefetch_page {
        uint64_t number, physical;
        bool remote;
    } near; /* the page in which lines are fetched */
};

/* caches, account, find and context are set, and outlive it. */
int prefetch_init(struct prefetch *prefetch, const struct machine *machine, struct error *error);
void prefetch_free(struct prefetch *prefetch);
void prefetch_clear(struct prefetch *prefetch); /* as if nothing had run yet */

/* ---- an access: what most of them come to is compiled into where it is used ---- */

enum { PREFETCH_PAGE_LINES = 4096 / MACHINE_LINE_BYTES };

/* When a line is there that a cache says it has. */
uint64_t prefetch_arrival(const struct prefetch *prefetch, uint64_t line);
/* A line that a prefetcher sees, and may fetch others for. */
void prefetch_go(struct prefetch *prefetch, struct prefetcher *prefetcher, uint64_t line, uint64_t now);

/* Do any of these accesses to data, the next ones, make a prefetcher go on in another page, which it has
 * translated then? It may be said that they do where they do not. */
bool prefetch_may_cross(const struct prefetch *prefetch, const gva_t *addresses, size_t count);

static inline struct tracker *prefetch_tracker(
    const struct prefetcher *prefetcher, struct tracker *trackers, uint64_t page)
{
    return &trackers[page & prefetcher->mask];
}

/* Is it the first line of a page that a stream's tracker sees, and no stream beside can go on here? Then it
 * is this page's, and nothing else is to be done. */
static inline bool prefetch_begins(
    const struct prefetcher *prefetcher, struct tracker *trackers, uint64_t line)
{
    const uint64_t page = line / PREFETCH_PAGE_LINES;
    struct tracker *tracker = prefetch_tracker(prefetcher, trackers, page);
    if (tracker->page == page + 1 || line % PREFETCH_PAGE_LINES - prefetcher->distance >= prefetcher->between)
        return false;
    tracker->page = page + 1;
    tracker->last = line;
    tracker->steps = 0;
    return true;
}

/* Counts a line of a region as used. Is so much used that the lines around are worth it? */
bool prefetch_uses(const struct prefetcher *prefetcher, uint64_t line);

/* So many of these accesses to data, the next ones, have no prefetcher do more than take a page, whatever the
 * caches will say: that is done. (Of one that it is done for again nothing comes, either.) */
TAGS_INLINE size_t prefetch_skim(struct prefetch *prefetch, const gva_t *addresses, size_t count)
{
    for (size_t at = 0; at < count; at++)
        for (size_t i = 0; i < prefetch->count; i++)
            if (!prefetch_begins(
                    &prefetch->all[i], prefetch->all[i].trackers, addresses[at].value / MACHINE_LINE_BYTES))
                return at;
    return count;
}

/* Of an access that has been served: what it waits beyond. */
TAGS_INLINE uint64_t prefetch_waits(const struct prefetch *prefetch, const struct prefetch_access *access)
{
    if (prefetch->last_arrives <= access->now)
        return 0;
    uint64_t there = access->now + access->served.cycles,
             arrives = prefetch_arrival(prefetch, access->physical / MACHINE_LINE_BYTES);
    return arrives > there ? arrives - there : 0;
}

/* And what prefetchers make of it. */
TAGS_INLINE void prefetch_after(struct prefetch *prefetch, const struct prefetch_access *access)
{
    const uint64_t line = access->address / MACHINE_LINE_BYTES;
    bool near = false;
    for (size_t i = 0; i < prefetch->count; i++) {
        struct prefetcher *prefetcher = &prefetch->all[i];
        bool sees = access->served.level > prefetcher->misses;
        bool nothing = prefetcher->region ? !prefetch_uses(prefetcher, line)
                                          : sees && prefetch_begins(prefetcher, prefetcher->trackers, line);
        if (nothing || !sees)
            continue;
        if (!near)
            prefetch->near = (struct prefetch_page){line / PREFETCH_PAGE_LINES,
                access->physical & -(uint64_t)(PREFETCH_PAGE_LINES * MACHINE_LINE_BYTES), access->remote};
        near = true;
        prefetch_go(prefetch, prefetcher, line, access->now);
    }
}

#endif
