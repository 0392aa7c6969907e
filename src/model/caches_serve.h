/* An access to caches, and what neighbours bring meanwhile. All of it is compiled for each kind of tables and
 * number of levels that machines have; and as a whole twice, for CPUs with wide vectors (caches_wide.c) and
 * for all (caches.c). */
#ifndef VCOST_MODEL_CACHES_SERVE_H
#define VCOST_MODEL_CACHES_SERVE_H

#include "model/caches.h"

/* What is known when it is compiled: kinds of the tables of all levels but the last, and of the last;
 * count 0: what the caches say. */
struct known {
    enum tags_kind near, far;
    unsigned count;
    bool instruction;
};

TAGS_INLINE unsigned count_of(struct known known, const struct caches *caches)
{
    if (caches->count > MACHINE_CACHE_LEVELS_MAX) /* so that the compiler knows */
        __builtin_unreachable();
    return known.count ? known.count : caches->count;
}

TAGS_INLINE enum tags_kind kind_of(struct known known, unsigned level)
{
    return level + 1 == known.count ? known.far : known.near;
}

TAGS_INLINE struct tags *tags_of(struct known known, struct cache_level *level)
{
    return known.instruction && level->split ? &level->instructions : &level->data;
}

TAGS_INLINE struct tags_place place_of(enum tags_kind kind, const struct tags *tags, uint64_t line)
{
    return tags_place(kind, tags, line, line << 1 | 1);
}

TAGS_INLINE void drop_from(enum tags_kind kind, struct tags *tags, uint64_t line)
{
    struct tags_place place = place_of(kind, tags, line);
    tags_drop(kind, tags, &place);
}

TAGS_INLINE void drop_above(struct known known, struct caches *caches, unsigned level, uint64_t line)
{
    for (unsigned i = 0; i < level && line < caches->lines; i++) { /* past that: a neighbour's */
        drop_from(kind_of(known, i), &caches->levels[i].data, line);
        if (caches->levels[i].instructions.used)
            drop_from(kind_of(known, i), &caches->levels[i].instructions, line);
    }
}

/* Puts a line into a level (from 0) that does not have it, and what that drops where it goes. */
TAGS_INLINE void fill(struct known known, struct caches *caches, unsigned at, uint64_t line)
{
#pragma GCC unroll 4
    for (; at < count_of(known, caches); at++) {
        struct cache_level *level = &caches->levels[at], *next = level + 1;
        enum tags_kind kind = kind_of(known, at), below = kind_of(known, at + 1);
        struct tags_place place = place_of(kind, tags_of(known, level), line);
        if (!tags_put(kind, tags_of(known, level), &place, 0, &line))
            return;
        line = kind & TAGS_WITH_KEYS ? line >> 1 : line;
        if (level->holds == HOLDS_INCLUSIVE)
            drop_above(known, caches, at, line);
        if (!level->hands_on)
            return;
        if (next->apart)
            continue;
        place = place_of(below, tags_of(known, next), line);
        if (tags_find(below, tags_of(known, next), &place, NULL))
            return;
    }
}

/* What neighbours have brought by now into the set of the last level that a line goes to. No line of a
 * machine has this key and mark. */
TAGS_INLINE void crowd(struct known known, struct caches *caches, uint64_t line)
{
    unsigned at = count_of(known, caches) - 1;
    struct cache_level *last = &caches->levels[at];
    enum tags_kind kind = kind_of(known, at);
    struct tags_place place = place_of(kind, &last->data, line);
    uint64_t *next = &caches->others.next[place.set], now = model_clock_now(caches->others.clock), dropped;
    if (now < *next) /* also while the clock is ahead: walks for prefetches take no time in the end */
        return;
    uint64_t come = (now - *next) / caches->others.period + 1;
    *next += come * caches->others.period;
    place.key = UINT64_MAX;
    place.mark = UINT32_MAX;
    come = come < last->data.ways ? come : last->data.ways;
    if (!(kind & TAGS_WITH_KEYS) && last->data.replacement != REPLACE_RANDOM &&
        last->holds != HOLDS_INCLUSIVE) {
        tags_put_alike(kind, &last->data, &place, (unsigned)come);
        return;
    }
    for (; come > 0; come--)
        if (tags_put(kind, &last->data, &place, 0, &dropped) && last->holds == HOLDS_INCLUSIVE)
            drop_above(known, caches, at, kind & TAGS_WITH_KEYS ? dropped >> 1 : dropped);
}

/* Does a level (from 0) have a line that is looked for from `first` on? Uses it, or gives it away. */
TAGS_INLINE bool look(struct known known, struct caches *caches, unsigned at, uint64_t line, unsigned first)
{
    struct cache_level *level = &caches->levels[at];
    enum tags_kind kind = kind_of(known, at);
    struct tags_place place = place_of(kind, tags_of(known, level), line);
    return level->gives[first - 1] ? tags_drop(kind, tags_of(known, level), &place)
                                   : tags_find(kind, tags_of(known, level), &place, NULL);
}

TAGS_INLINE unsigned serve(struct known known, struct caches *caches, uint64_t line, unsigned first)
{
    unsigned count = count_of(known, caches), server = count;
#pragma GCC unroll 4
    for (unsigned i = 0; i < count; i++) {
        if (i + 1 < first || !look(known, caches, i, line, first))
            continue;
        server = i;
        break;
    }
#pragma GCC unroll 4
    for (unsigned i = count; i-- > 0;)
        if (i < server && i + 1 >= first && caches->levels[i].holds != HOLDS_EXCLUSIVE)
            fill(known, caches, i, line);
    return server;
}

/* Most look from level 1 on, and few have neighbours: these are functions of their own, so that the code for
 * most has no more to save than it needs. */
#define SERVE(name, near, far, count)                                                                        \
    static __attribute__((noinline)) void crowd_##name(struct caches *caches, uint64_t line)                 \
    {                                                                                                        \
        crowd((struct known){near, far, count, false}, caches, line);                                        \
    }                                                                                                        \
    static __attribute__((noinline)) unsigned below_##name(                                                  \
        struct caches *caches, uint64_t line, unsigned first)                                                \
    {                                                                                                        \
        return serve((struct known){near, far, count, false}, caches, line, first);                          \
    }                                                                                                        \
    static unsigned data_##name(struct caches *caches, uint64_t line, unsigned first)                        \
    {                                                                                                        \
        if (caches->others.next)                                                                             \
            crowd_##name(caches, line);                                                                      \
        return first == 1 ? serve((struct known){near, far, count, false}, caches, line, 1)                  \
                          : below_##name(caches, line, first);                                               \
    }                                                                                                        \
    static unsigned instructions_##name(struct caches *caches, uint64_t line, unsigned first)                \
    {                                                                                                        \
        if (caches->others.next)                                                                             \
            crowd_##name(caches, line);                                                                      \
        return serve((struct known){near, far, count, true}, caches, line, first);                           \
    }
#define NEAR (TAGS_BY_BITS | TAGS_LRU)
SERVE(eight, NEAR | TAGS_STRIDE_8, TAGS_BY_BITS | TAGS_STRIDE_16, 3)
SERVE(sixteen, NEAR | TAGS_STRIDE_16, TAGS_STRIDE_16, 3)
SERVE(bare, TAGS_BARE, TAGS_BARE, 0)
SERVE(keyed, TAGS_KEYED, TAGS_KEYED, 0)
#undef NEAR
#undef SERVE

#define SERVE_CODE(name)                                                                                     \
    {                                                                                                        \
        data_##name, instructions_##name                                                                     \
    }
#define CACHES_CODE                                                                                          \
    {                                                                                                        \
        [CACHES_EIGHT] = SERVE_CODE(eight), [CACHES_SIXTEEN] = SERVE_CODE(sixteen),                          \
        [CACHES_BARE] = SERVE_CODE(bare), [CACHES_KEYED] = SERVE_CODE(keyed)                                 \
    }

#endif
