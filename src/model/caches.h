/* The caches of a machine, over one simulated physical memory; latencies of single, dependent accesses.
 *
 * An access looks into its levels from `first` on. The first that has the line serves it, else memory: that
 * level's cycles are the access's. Then the levels from the one above the server up to `first` are filled,
 * the lowest first, but for exclusive ones. What a fill drops: goes into the next level, if that is exclusive
 * (whose own victim goes on in the same way; if it is there already it is used, as by an access); leaves all
 * levels above, if this level is inclusive. An exclusive level that serves a line drops it, if a level above
 * is filled. Writing back costs nothing.
 *
 * Neighbours bring lines of theirs into the last level, to each set in turn, one every `period` cycles of
 * sets * ghz * 1000 / lines_per_us: by time t set s of S has got (t + s * period / S) / period of them. Those
 * that are new come before an access is looked for in the set, at most as many as there are ways. */
#ifndef VCOST_MODEL_CACHES_H
#define VCOST_MODEL_CACHES_H

#include "model/tags.h"

struct caches;

/* Reads or writes a line, from level `first` on. The level, from 0, that served it; the count: memory. */
typedef unsigned caches_serve(struct caches *caches, uint64_t line, unsigned first);

struct caches {
    caches_serve *serve[2]; /* data, instructions: compiled for caches like these */
    struct cache_level {
        struct tags data, instructions; /* of one for both uses: data */
        bool split;
        bool hands_on; /* the next level is exclusive: what this one drops goes there, */
        bool apart;    /* and here it never is already: this one is exclusive, and all comes by the level
                          above. Of two caches above, both can drop the same line */
        bool gives[MACHINE_CACHE_LEVELS_MAX]; /* what it serves leaves it: [first - 1], for an access that
                                                 looks from there on */
        enum machine_holds holds;
        unsigned cycles[2]; /* data, instructions */
    } levels[MACHINE_CACHE_LEVELS_MAX];
    unsigned count;
    const struct tags
        *far; /* of the last level, the only one whose tags the real CPU has far away; or NULL */
    const struct tags *before_far; /* of the level above, if that hands on what it drops; or NULL */
    unsigned memory_cycles[2];     /* here, remote */
    uint64_t lines;                /* of the memory below */
    struct caches_others {         /* neighbours who fill the last level, too; period 0: there are none */
        uint64_t period;
        uint64_t *arrived;            /* of their lines, by set; owned */
        caches_serve *undisturbed[2]; /* serve[] without them */
        const struct model_clock *clock;
    } others;
};

/* Cycles since a model was opened. */
struct model_clock {
    const uint64_t *account; /* its cycles, */
    uint64_t before;         /* and those before it began */
};

static inline uint64_t model_clock_now(const struct model_clock *clock)
{
    return clock->before + *clock->account;
}

/* For physical addresses below `bytes`. The clock outlives the caches. */
int caches_init(struct caches *caches, const struct machine *machine, uint64_t bytes, uint64_t seed,
    const struct model_clock *clock, struct error *error);
void caches_free(struct caches *caches);
void caches_clear(struct caches *caches);

struct cache_served {
    unsigned level; /* that served it; count + 1: memory */
    unsigned cycles;
};

/* Reads or writes the line at a physical address; remote: its memory is on another node. */
static inline struct cache_served caches_access(
    struct caches *caches, uint64_t address, bool instruction, unsigned first, bool remote)
{
    unsigned server = caches->serve[instruction](caches, address / MACHINE_LINE_BYTES, first);
    return (struct cache_served){server + 1,
        server == caches->count ? caches->memory_cycles[remote] : caches->levels[server].cycles[instruction]};
}

/* Has the real CPU bring the sets near that data at this address will be looked for in; and, when that has
 * been done, those that what it displaces will go to. (Always inlined: of a function that does nothing else
 * the compiler thinks that it does nothing.) */
TAGS_INLINE void caches_prefetch(const struct caches *caches, uint64_t address)
{
    if (!caches->far)
        return;
    struct tags_place place = tags_place(TAGS_BARE, caches->far, address / MACHINE_LINE_BYTES, 0);
    tags_prefetch(caches->far, &place);
}

TAGS_INLINE void caches_prefetch_victim(const struct caches *caches, uint64_t address)
{
    uint64_t victim;
    if (!caches->before_far)
        return;
    struct tags_place place = tags_place(TAGS_BARE, caches->before_far, address / MACHINE_LINE_BYTES, 0);
    if (tags_next_to_go(caches->before_far, &place, &victim))
        caches_prefetch(caches, victim * MACHINE_LINE_BYTES);
}

#endif
