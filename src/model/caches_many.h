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

/* Fills the second level. What goes from it: UINT64_MAX, nothing. */
TAGS_INLINE uint64_t fill_second(struct known known, struct near *near, const struct tags_place *place)
{
    uint64_t victim;
    if (!tags_put(known.near, &near->second, place, 0, &victim))
        return UINT64_MAX;
    if (near->inclusive) {
        drop_from(known.near, &near->first, victim);
        if (near->instructions)
            drop_from(known.near, near->instructions, victim);
    }
    return victim;
}

/* Two sets of the last level come near, the second one also for nothing. */
TAGS_INLINE void bring(struct known known, const struct tags *last, const struct going *going)
{
    const struct tags_place far = place_of(known.far, last, going->line),
                            goes = place_of(known.far, last, going->victim);
    tags_prefetch(last, &far);
    tags_prefetch(last, &goes);
}

/* One request. Of an inclusive second level it is known what the first has not. `all`: each request is looked
 * for from the first level on. True: it goes on to the last one. */
TAGS_INLINE bool serve_near(struct known known, bool all, struct near *near, cache_request request,
    struct going *going, struct caches_counts *counts)
{
    const uint64_t line = cache_request_line(request);
    const bool from_first = all || cache_request_first(request) == 1;
    const unsigned what = cache_request_what(request);
    const struct tags_place first = place_of(known.near, &near->first, line),
                            second = place_of(known.near, &near->second, line);
    const unsigned way = tags_way(known.near, &near->second, &second);
    uint64_t dropped;
    if (from_first && (way != TAGS_NONE || !near->inclusive) &&
        tags_find(known.near, &near->first, &first, NULL)) {
        counts->of[what][0]++;
        return false;
    }
    if (way != TAGS_NONE) {
        tags_use_way(known.near, &near->second, &second, way);
        counts->of[what][1]++;
    } else {
        *going = (struct going){line, fill_second(known, near, &second), what};
    }
    if (from_first)
        tags_put(known.near, &near->first, &first, 0, &dropped);
    return way == TAGS_NONE;
}

TAGS_INLINE size_t go_near(struct known known, bool all, struct caches *caches, const cache_request *requests,
    size_t count, struct going *going, struct caches_counts *counts)
{
    struct cache_level *levels = caches->levels;
    struct near near = {levels[0].data, levels[1].data,
        levels[0].instructions.used ? &levels[0].instructions : NULL, levels[1].holds == HOLDS_INCLUSIVE};
    const struct tags last = levels[2].data;
    size_t gone = 0;
    for (size_t i = 0; i < count; i++)
        if (serve_near(known, all, &near, requests[i], &going[gone], counts))
            bring(known, &last, &going[gone++]);
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
        go_far(known, caches, going, go_near(known, false, caches, requests, count, going, counts), counts); \
    }                                                                                                        \
    static void many_from_first_##name(                                                                      \
        struct caches *caches, const cache_request *requests, size_t count, struct caches_counts *counts)    \
    {                                                                                                        \
        const struct known known = {near, far, 3, false};                                                    \
        struct going going[CACHES_REQUESTS_MAX];                                                             \
        go_far(known, caches, going, go_near(known, true, caches, requests, count, going, counts), counts);  \
    }
MANY(eight, TAGS_BY_BITS | TAGS_LRU | TAGS_STRIDE_8, TAGS_BY_BITS | TAGS_STRIDE_16)
MANY(sixteen, TAGS_BY_BITS | TAGS_LRU | TAGS_STRIDE_16, TAGS_STRIDE_16)
MANY(bare, TAGS_BARE, TAGS_BARE)
#undef MANY

#define MANY_CODE(name)                                                                                      \
    {                                                                                                        \
        many_##name, many_from_first_##name                                                                  \
    }
#define CACHES_MANY                                                                                          \
    {                                                                                                        \
        [CACHES_EIGHT] = MANY_CODE(eight), [CACHES_SIXTEEN] = MANY_CODE(sixteen),                            \
        [CACHES_BARE] = MANY_CODE(bare)                                                                      \
    }

#endif
