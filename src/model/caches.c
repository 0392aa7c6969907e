#include "model/caches.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- an access: all of it is compiled for each kind of tables and number of levels ---- */

/* What is known when it is compiled: kinds of the tables of all levels but the last, and of the last;
 * count 0: what the caches say. */
struct known {
    enum tags_kind near, far;
    unsigned count;
    bool instruction;
};

TAGS_INLINE unsigned count_of(struct known known, const struct caches *caches)
{
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

TAGS_INLINE unsigned serve(struct known known, struct caches *caches, uint64_t line, unsigned first)
{
    unsigned count = count_of(known, caches), server = count;
#pragma GCC unroll 4
    for (unsigned i = 0; i < count; i++) {
        struct cache_level *level = &caches->levels[i];
        enum tags_kind kind = kind_of(known, i);
        if (i + 1 < first)
            continue;
        struct tags_place place = place_of(kind, tags_of(known, level), line);
        if (!tags_find(kind, tags_of(known, level), &place, NULL))
            continue;
        if (level->gives[first - 1])
            tags_drop(kind, tags_of(known, level), &place);
        server = i;
        break;
    }
#pragma GCC unroll 4
    for (unsigned i = count; i-- > 0;)
        if (i < server && i + 1 >= first && caches->levels[i].holds != HOLDS_EXCLUSIVE)
            fill(known, caches, i, line);
    return server;
}

#define SERVE(name, near, far, count)                                                                        \
    static unsigned data_##name(struct caches *caches, uint64_t line, unsigned first)                        \
    {                                                                                                        \
        return serve((struct known){near, far, count, false}, caches, line, first);                          \
    }                                                                                                        \
    static unsigned instructions_##name(struct caches *caches, uint64_t line, unsigned first)                \
    {                                                                                                        \
        return serve((struct known){near, far, count, true}, caches, line, first);                           \
    }
SERVE(eight, TAGS_BY_BITS | TAGS_STRIDE_8, TAGS_BY_BITS | TAGS_STRIDE_16, 3)
SERVE(sixteen, TAGS_BY_BITS | TAGS_STRIDE_16, TAGS_STRIDE_16, 3)
SERVE(bare, TAGS_BARE, TAGS_BARE, 0)
SERVE(keyed, TAGS_KEYED, TAGS_KEYED, 0)
#undef SERVE

static const struct code {
    enum tags_kind near, far;
    caches_serve *serve[2];
} eight = {TAGS_BY_BITS | TAGS_STRIDE_8, TAGS_BY_BITS | TAGS_STRIDE_16, {data_eight, instructions_eight}},
  sixteen = {TAGS_BY_BITS | TAGS_STRIDE_16, TAGS_STRIDE_16, {data_sixteen, instructions_sixteen}},
  bare = {TAGS_BARE, TAGS_BARE, {data_bare, instructions_bare}},
  keyed = {TAGS_KEYED, TAGS_KEYED, {data_keyed, instructions_keyed}};

/* ---- making them ---- */

/* What tables have in common: of all levels but the last [0], and of the last [1]. */
struct common {
    unsigned ways; /* at most */
    bool by_bits;
};

/* The code for a machine's caches: bare, unless memory is too large for one of them. */
static const struct code *code_for(const struct machine *machine, unsigned count, uint64_t lines)
{
    struct common common[2] = {{0, true}, {0, true}};
    for (size_t i = 0; i < machine->cache_count; i++) {
        const struct machine_cache *cache = &machine->caches[i];
        const struct machine_shape shape = {.entries = (unsigned)(cache->bytes / MACHINE_LINE_BYTES),
            .ways = cache->ways,
            .index = cache->index};
        struct common *of = &common[cache->level == count];
        if (!tags_are_enough(&shape, lines))
            return &keyed;
        of->ways = cache->ways > of->ways ? cache->ways : of->ways;
        of->by_bits &= cache->index == INDEX_BITS;
    }
    if (count != 3 || !common[0].by_bits || common[0].ways > 16 || common[1].ways > 16)
        return &bare;
    return common[0].ways <= 8 && common[1].by_bits ? &eight : &sixteen;
}

static int add(struct caches *caches, const struct machine_cache *cache, enum tags_kind kind, uint64_t seed,
    struct error *error)
{
    struct cache_level *level = &caches->levels[cache->level - 1];
    const struct machine_shape shape = {
        (unsigned)(cache->bytes / MACHINE_LINE_BYTES), cache->ways, cache->index, cache->replacement};
    bool instructions = cache->use == USE_INSTRUCTIONS;
    level->holds = cache->holds;
    level->split |= instructions;
    if (cache->use != USE_INSTRUCTIONS)
        level->cycles[0] = cache->cycles;
    if (cache->use != USE_DATA)
        level->cycles[1] = cache->cycles;
    return tags_init(instructions ? &level->instructions : &level->data, kind, &shape, seed, error);
}

/* Does one of the levels from `first` to the one above `server` take what an access brings? */
static bool is_filled(const struct caches *caches, unsigned first, unsigned server)
{
    for (unsigned i = first; i < server; i++)
        if (caches->levels[i].holds != HOLDS_EXCLUSIVE)
            return true;
    return false;
}

/* What follows from a level's neighbours. */
static void relate(struct caches *caches)
{
    for (unsigned i = 0; i < caches->count; i++) {
        struct cache_level *level = &caches->levels[i], *above = i ? level - 1 : NULL;
        bool last = i + 1 == caches->count;
        level->hands_on = !last && caches->levels[i + 1].holds == HOLDS_EXCLUSIVE;
        level->apart =
            level->holds == HOLDS_EXCLUSIVE && above && !above->split && above->holds != HOLDS_EXCLUSIVE;
        for (unsigned first = 0; first < MACHINE_CACHE_LEVELS_MAX; first++)
            level->gives[first] = level->holds == HOLDS_EXCLUSIVE && is_filled(caches, first, i);
    }
}

/* ---- neighbours ---- */

/* What they have brought by now into the set that a line goes to. No line of a machine has this key and mark.
 */
static void crowd(struct caches *caches, uint64_t line)
{
    struct tags *last = &caches->levels[caches->count - 1].data;
    const struct known known = {caches->levels[0].data.kind, last->kind, caches->count, false};
    struct tags_place place = place_of(last->kind, last, line);
    uint64_t period = caches->others.period, *arrived = &caches->others.arrived[place.set], dropped;
    uint64_t due = (model_clock_now(caches->others.clock) + place.set * period / last->sets) / period;
    if (due <= *arrived) /* also while the clock is ahead: walks for prefetches take no time in the end */
        return;
    uint64_t come = due - *arrived < last->ways ? due - *arrived : last->ways;
    *arrived = due;
    place.key = UINT64_MAX;
    place.mark = UINT32_MAX;
    for (; come > 0; come--)
        if (tags_put(last->kind, last, &place, 0, &dropped) &&
            caches->levels[caches->count - 1].holds == HOLDS_INCLUSIVE)
            drop_above(
                known, caches, caches->count - 1, last->kind & TAGS_WITH_KEYS ? dropped >> 1 : dropped);
}

static unsigned data_crowded(struct caches *caches, uint64_t line, unsigned first)
{
    crowd(caches, line);
    return caches->others.undisturbed[USE_DATA](caches, line, first);
}

static unsigned instructions_crowded(struct caches *caches, uint64_t line, unsigned first)
{
    crowd(caches, line);
    return caches->others.undisturbed[USE_INSTRUCTIONS](caches, line, first);
}

static int add_others(struct caches *caches, const struct machine *machine, const struct model_clock *clock,
    struct error *error)
{
    uint64_t sets = caches->levels[caches->count - 1].data.sets;
    double period = (double)sets * machine->ghz * 1000 / machine->neighbours.lines_per_us;
    caches->others = (struct caches_others){.period = period < 1 ? 1 : (uint64_t)period,
        .clock = clock,
        .arrived = calloc(sets, sizeof *caches->others.arrived)};
    memcpy(caches->others.undisturbed, caches->serve, sizeof caches->serve);
    caches->serve[USE_DATA] = data_crowded;
    caches->serve[USE_INSTRUCTIONS] = instructions_crowded;
    return caches->others.arrived ? 0 : error_set(error, ENOMEM, "no memory for a simulated cache");
}

int caches_init(struct caches *caches, const struct machine *machine, uint64_t bytes, uint64_t seed,
    const struct model_clock *clock, struct error *error)
{
    int rc = 0;
    *caches = (struct caches){.memory_cycles = {machine->memory.cycles, machine->memory.remote_cycles},
        .lines = bytes / MACHINE_LINE_BYTES};
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level > caches->count)
            caches->count = machine->caches[i].level;
    const struct code *code = code_for(machine, caches->count, bytes / MACHINE_LINE_BYTES);
    memcpy(caches->serve, code->serve, sizeof caches->serve);
    for (size_t i = 0; rc == 0 && i < machine->cache_count; i++) {
        bool last = machine->caches[i].level == caches->count;
        rc = add(caches, &machine->caches[i], last ? code->far : code->near, seed, error);
    }
    relate(caches);
    if (caches->count > 1 && code != &keyed) {
        const struct cache_level *last = &caches->levels[caches->count - 1];
        caches->far = &last->data;
        caches->before_far = last[-1].hands_on ? &last[-1].data : NULL;
    }
    if (rc == 0 && machine->has_neighbours)
        rc = add_others(caches, machine, clock, error);
    if (rc < 0)
        caches_free(caches);
    return rc;
}

void caches_free(struct caches *caches)
{
    for (unsigned i = 0; i < MACHINE_CACHE_LEVELS_MAX; i++) {
        tags_free(&caches->levels[i].data);
        tags_free(&caches->levels[i].instructions);
    }
    free(caches->others.arrived);
    caches->others.arrived = NULL;
}

void caches_clear(struct caches *caches)
{
    for (unsigned i = 0; i < caches->count; i++) {
        tags_clear(&caches->levels[i].data);
        if (caches->levels[i].split)
            tags_clear(&caches->levels[i].instructions);
    }
}
