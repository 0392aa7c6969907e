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

/* What it is compiled for: three levels, of up to 8 and 16 ways (EIGHT) or of up to 16; tables of any shape,
 * bare or keyed (tags.h). */
enum caches_kind { CACHES_EIGHT, CACHES_SIXTEEN, CACHES_BARE, CACHES_KEYED, CACHES_CODES };
typedef caches_serve *caches_code[2]; /* data, instructions */

/* Many reads or writes of data, known ahead: a line that is looked for from level 1 or 2 on, and as what that
 * is counted by the level, from 0, that serves it. In one word, of which there are so many. */
enum { CACHES_REQUESTS_MAX = 1536, CACHES_WHATS = 11 };
typedef uint64_t cache_request;

TAGS_INLINE cache_request cache_request_of(uint64_t address, unsigned first, unsigned what)
{
    return address / MACHINE_LINE_BYTES << 8 | first << 4 | what;
}

TAGS_INLINE uint64_t cache_request_line(cache_request request)
{
    return request >> 8;
}

TAGS_INLINE unsigned cache_request_first(cache_request request)
{
    return request >> 4 & 15;
}

TAGS_INLINE unsigned cache_request_what(cache_request request)
{
    return request & 15;
}

struct caches_counts {
    uint64_t of[CACHES_WHATS][8]; /* the number of levels: memory */
};
typedef void caches_serve_many(
    struct caches *caches, const cache_request *requests, size_t count, struct caches_counts *counts);
typedef caches_serve_many *caches_many_code[2]; /* [1]: all of them from level 1 on */

/* The same twice: for every CPU, and for those for which caches_are_wide(). */
extern const struct caches_codes {
    caches_code serve[CACHES_CODES];
    caches_many_code many[CACHES_CODES]; /* caches_many.h */
} caches_codes_any, caches_codes_wide;
bool caches_are_wide(void);

struct caches {
    caches_code serve;
    caches_many_code many; /* as one after another; NULL: these cannot be served so */
    struct cache_level {
        struct tags data, instructions; /* of one for both uses: data */
        bool split;
        bool hands_on; /* the next level is exclusive: what this one drops goes there, */
        bool apart;    /* and here it never is already: this one is exclusive, and all comes by the level
                          above. Of two caches above, both can drop the same line */
        bool gives[MACHINE_CACHE_LEVELS_MAX]; /* what it serves leaves it: [first - 1], for an access that
                                                 looks from there on */
        enum machine_holds holds;
    } levels[MACHINE_CACHE_LEVELS_MAX];
    unsigned count;
    const struct tags
        *far;         /* of the last level, the only one whose tags the real CPU has far away; or NULL */
    bool far_by_bits; /* its index and that of the level above is INDEX_BITS */
    const struct tags *before_far; /* of the level above, if that hands on what it drops; or NULL */
    /* By the level that serves, count: memory; for data and instructions; near and remote. A table, since
     * nobody, real CPUs neither, can tell ahead where it will be. */
    unsigned cycles[MACHINE_CACHE_LEVELS_MAX + 1][2][2];
    uint64_t lines;        /* of the memory below */
    struct caches_others { /* neighbours who fill the last level, too */
        uint64_t period;
        uint64_t *next; /* when their next line comes, by set; NULL: there are no neighbours; owned */
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
    return (struct cache_served){server + 1, caches->cycles[server][instruction][remote]};
}

/* What bringing sets near needs to know: a copy, of which the compiler sees that nothing else changes it. */
struct caches_far {
    struct tags last, above; /* of the last level, and of the one above */
    bool is, takes;          /* is it far; does it take what the one above drops? */
    bool by_bits;            /* the index of both is INDEX_BITS */
};

static inline struct caches_far caches_far(const struct caches *caches)
{
    struct caches_far far = {.is = caches->far, .takes = caches->before_far, .by_bits = caches->far_by_bits};
    if (far.is)
        far.last = *caches->far;
    if (far.takes)
        far.above = *caches->before_far;
    return far;
}

/* Has the real CPU bring the sets near that data at this address will be looked for in; and, when that has
 * been done, those that what it displaces will go to. by_bits: as it says, known when it is compiled. (Always
 * inlined: of a function that does nothing else the compiler thinks that it does nothing.) */
TAGS_INLINE void caches_prefetch(bool by_bits, const struct caches_far *far, uint64_t address)
{
    const enum tags_kind kind = by_bits ? TAGS_BARE | TAGS_BY_BITS : TAGS_BARE;
    struct tags_place place = tags_place(kind, &far->last, address / MACHINE_LINE_BYTES, 0);
    tags_prefetch(&far->last, &place);
}

TAGS_INLINE void caches_prefetch_victim(bool by_bits, const struct caches_far *far, uint64_t address)
{
    const enum tags_kind kind = by_bits ? TAGS_BARE | TAGS_BY_BITS : TAGS_BARE;
    uint64_t victim;
    struct tags_place place = tags_place(kind, &far->above, address / MACHINE_LINE_BYTES, 0);
    tags_next_to_go(kind, &far->above, &place, &victim); /* if there is room, it is a set that nobody needs */
    caches_prefetch(by_bits, far, victim * MACHINE_LINE_BYTES);
}

#endif
