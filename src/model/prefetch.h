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

/* What stream prefetchers follow: pages. */
struct trackers {
    struct tracker {
        uint64_t last; /* line: of the last access, and so of the page; UINT64_MAX: none */
        int64_t step;  /* from one access to the next */
        uint64_t steps;
    } * all;
    uint64_t mask;     /* of a page's number: its tracker */
    uint64_t distance; /* lines: that streams step at most */
    uint64_t between;  /* lines of a page that are so many or more from both of its ends */
};

struct prefetch {
    struct prefetcher {
        const struct machine_prefetcher *is;
        bool region;
        unsigned misses; /* as `is` has it: here it is near */
        /* Of streams. Those that see the same, at the same distance, have the same trackers: the first one of
         * them owns these. */
        size_t sees_as; /* its number, of all */
        struct trackers trackers;
        struct tracker *coming;         /* room for as many, of one that crosses; else NULL; owned */
        uint64_t *next;                 /* by tracker: the first line that has not been fetched; owned */
        struct sight {                  /* what the owner saw last */
            struct tracker *tracker;    /* the stream that goes on; NULL: none */
            const struct tracker *from; /* as that of another page did until now; else itself */
            bool begins;                /* it is a new one */
        } sight;
        struct used_region {
            uint64_t page, used, before; /* page: as of a tracker; lines of it, how many of the one before */
        } used;
        struct flight {
            uint64_t line, arrives; /* physical */
        } flights[MACHINE_FLIGHTS_MAX];
        size_t flying;
    } all[MACHINE_PREFETCHERS_MAX];
    size_t count;
    size_t owners[MACHINE_PREFETCHERS_MAX], owner_count; /* of trackers: their numbers */
    bool skims;                                          /* all are streams, and see what any cache had */
    uint64_t last_arrives;                               /* of all */
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

/* When a line is there that a cache says it has. */
uint64_t prefetch_arrival(const struct prefetch *prefetch, uint64_t line);

/* Do any of these accesses to data, the next ones, make a prefetcher go on in another page, which it has
 * translated then? It may be said that they do where they do not. */
bool prefetch_may_cross(const struct prefetch *prefetch, const gva_t *addresses, size_t count);

/* So many of these accesses to data, the next ones, have no prefetcher do more than take a page, whatever the
 * caches will say: that is done. (Of one that it is done for again nothing comes, either.) */
size_t prefetch_skim(struct prefetch *prefetch, const gva_t *addresses, size_t count);

/* Of an access that has been served: what it waits beyond. */
static inline uint64_t prefetch_waits(const struct prefetch *prefetch, const struct prefetch_access *access)
{
    if (prefetch->last_arrives <= access->now)
        return 0;
    uint64_t there = access->now + access->served.cycles,
             arrives = prefetch_arrival(prefetch, access->physical / MACHINE_LINE_BYTES);
    return arrives > there ? arrives - there : 0;
}

/* And what prefetchers make of it. */
void prefetch_after(struct prefetch *prefetch, const struct prefetch_access *access);

#endif
