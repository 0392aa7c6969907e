/* Many accesses to data at once, of caches of three levels of which the last is exclusive and no other one
 * is. Lines come from it and go to it by way of the second level alone, and it has no say in what the others
 * have: so all of them go through those first, and then, in the same order, what these lack and what they
 * drop goes through it, whose sets have come near by then. Compiled as caches_serve.h is. */
#ifndef VCOST_MODEL_CACHES_MANY_H
#define VCOST_MODEL_CACHES_MANY_H

#include "model/caches_serve.h"

/* What goes on to the last level: a line that is looked for there, and then one that comes. */
struct going {
    uint64_t line, victim; /* UINT64_MAX: none comes */
    unsigned what;
};

/* The first two levels. Of tables there are copies, of which the compiler sees that nothing else changes
 * them. */
struct near {
    struct tags first, second, *instructions; /* of the first level, if something is there; or NULL */
    bool inclusive;                           /* the second is of the first */
};

/* Looks into the second level, and fills it. True: it was there; else *victim goes from it. */
TAGS_INLINE bool go_through_second(
    struct known known, struct near *near, const struct tags_place *place, uint64_t *victim)
{
    if (tags_find(known.near, &near->second, place, NULL))
        return true;
    if (!tags_put(known.near, &near->second, place, 0, victim)) {
        *victim = UINT64_MAX;
    } else if (near->inclusive) {
        drop_from(known.near, &near->first, *victim);
        if (near->instructions)
            drop_from(known.near, near->instructions, *victim);
    }
    return false;
}

TAGS_INLINE size_t go_near(struct known known, struct caches *caches, const cache_request *requests,
    size_t count, struct going *going, struct caches_counts *counts)
{
    struct cache_level *levels = caches->levels;
    struct near near = {levels[0].data, levels[1].data,
        levels[0].instructions.used ? &levels[0].instructions : NULL, levels[1].holds == HOLDS_INCLUSIVE};
    const struct tags last = levels[2].data;
    size_t gone = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t line = requests[i] >> 8;
        const bool from_first = requests[i] & 1 << 4;
        const unsigned what = requests[i] & 15;
        const struct tags_place first = place_of(known.near, &near.first, line),
                                second = place_of(known.near, &near.second, line);
        uint64_t dropped, *served = counts->of[what];
        if (from_first && tags_find(known.near, &near.first, &first, NULL)) {
            served[0]++;
            continue;
        }
        if (go_through_second(known, &near, &second, &going[gone].victim)) {
            served[1]++;
        } else {
            const struct tags_place far = place_of(known.far, &last, line),
                                    goes = place_of(known.far, &last, going[gone].victim);
            tags_prefetch(&last, &far);
            tags_prefetch(&last, &goes); /* if nothing goes, it is a set that nobody needs */
            going[gone].line = line;
            going[gone++].what = what;
        }
        if (from_first)
            tags_put(known.near, &near.first, &first, 0, &dropped);
    }
    levels[0].data = near.first;
    levels[1].data = near.second;
    return gone;
}

TAGS_INLINE void go_far(struct known known, struct caches *caches, const struct going *going, size_t count,
    struct caches_counts *counts)
{
    struct tags last = caches->levels[2].data;
    uint64_t dropped;
    for (size_t i = 0; i < count; i++) {
        struct tags_place place = place_of(known.far, &last, going[i].line);
        counts->of[going[i].what][2 + !tags_take(known.far, &last, &place)]++;
        if (going[i].victim == UINT64_MAX)
            continue;
        place = place_of(known.far, &last, going[i].victim);
        tags_put(known.far, &last, &place, 0, &dropped);
    }
    caches->levels[2].data = last;
}

#define MANY(name, near, far)                                                                                \
    static void many_##name(                                                                                 \
        struct caches *caches, const cache_request *requests, size_t count, struct caches_counts *counts)    \
    {                                                                                                        \
        const struct known known = {near, far, 3, false};                                                    \
        struct going going[CACHES_REQUESTS_MAX];                                                             \
        go_far(known, caches, going, go_near(known, caches, requests, count, going, counts), counts);        \
    }
MANY(eight, TAGS_BY_BITS | TAGS_LRU | TAGS_STRIDE_8, TAGS_BY_BITS | TAGS_STRIDE_16)
MANY(sixteen, TAGS_BY_BITS | TAGS_LRU | TAGS_STRIDE_16, TAGS_STRIDE_16)
MANY(bare, TAGS_BARE, TAGS_BARE)
#undef MANY

#define CACHES_MANY                                                                                          \
    {                                                                                                        \
        [CACHES_EIGHT] = many_eight, [CACHES_SIXTEEN] = many_sixteen, [CACHES_BARE] = many_bare              \
    }

#endif
