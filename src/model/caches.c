#include "model/caches.h"

#include <errno.h>
#include <stdlib.h>

static int add(struct caches *caches, const struct machine_cache *cache, uint64_t seed, struct error *error)
{
    struct cache_level *level = &caches->levels[cache->level - 1];
    const struct machine_shape shape = {
        (unsigned)(cache->bytes / MACHINE_LINE_BYTES), cache->ways, cache->index, cache->replacement};
    bool instructions = cache->use == USE_INSTRUCTIONS;
    level->holds = cache->holds;
    level->split |= instructions;
    level->of[USE_DATA] = &level->data;
    level->of[USE_INSTRUCTIONS] = level->split ? &level->instructions : &level->data;
    if (cache->use != USE_INSTRUCTIONS)
        level->cycles[0] = cache->cycles;
    if (cache->use != USE_DATA)
        level->cycles[1] = cache->cycles;
    if (cache->level > caches->count)
        caches->count = cache->level;
    return tags_init(instructions ? &level->instructions : &level->data, caches->kind, &shape, seed, error);
}

/* Bare tables, unless memory is too large for one of them. */
static enum tags_kind kind_for(const struct machine *machine, uint64_t lines)
{
    for (size_t i = 0; i < machine->cache_count; i++) {
        const struct machine_cache *cache = &machine->caches[i];
        const struct machine_shape shape = {.entries = (unsigned)(cache->bytes / MACHINE_LINE_BYTES),
            .ways = cache->ways,
            .index = cache->index};
        if (!tags_are_enough(&shape, lines))
            return TAGS_KEYED;
    }
    return TAGS_BARE;
}

/* What follows from a level's neighbour. */
static void relate(struct caches *caches)
{
    for (unsigned i = 0; i < caches->count; i++) {
        struct cache_level *level = &caches->levels[i], *above = i ? level - 1 : NULL;
        bool last = i + 1 == caches->count;
        level->hands_on = !last && caches->levels[i + 1].holds == HOLDS_EXCLUSIVE;
        level->apart =
            level->holds == HOLDS_EXCLUSIVE && above && !above->split && above->holds != HOLDS_EXCLUSIVE;
    }
}

static int add_others(
    struct caches *caches, const struct machine *machine, const struct model_clock *clock, struct error *error)
{
    uint64_t sets = caches->levels[caches->count - 1].data.sets;
    double period = (double)sets * machine->ghz * 1000 / machine->neighbours.lines_per_us;
    caches->others = (struct caches_others){.period = period < 1 ? 1 : (uint64_t)period, .clock = clock};
    caches->others.arrived = calloc(sets, sizeof *caches->others.arrived);
    return caches->others.arrived ? 0 : error_set(error, ENOMEM, "no memory for a simulated cache");
}

int caches_init(struct caches *caches, const struct machine *machine, uint64_t bytes, uint64_t seed,
    const struct model_clock *clock, struct error *error)
{
    int rc = 0;
    *caches = (struct caches){.memory_cycles = {machine->memory.cycles, machine->memory.remote_cycles},
        .lines = bytes / MACHINE_LINE_BYTES,
        .kind = kind_for(machine, bytes / MACHINE_LINE_BYTES)};
    for (size_t i = 0; rc == 0 && i < machine->cache_count; i++)
        rc = add(caches, &machine->caches[i], seed, error);
    relate(caches);
    caches->far = caches->count > 1 ? &caches->levels[caches->count - 1].data : NULL;
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

/* ---- an access: all of it is compiled for each kind of tables and number of levels ---- */

TAGS_INLINE struct tags_place place_of(enum tags_kind kind, const struct tags *tags, uint64_t line)
{
    return tags_place(kind, tags, line, line << 1 | 1);
}

TAGS_INLINE uint64_t line_of(enum tags_kind kind, uint64_t key)
{
    return kind == TAGS_KEYED ? key >> 1 : key;
}

TAGS_INLINE void drop_from(enum tags_kind kind, struct tags *tags, uint64_t line)
{
    struct tags_place place = place_of(kind, tags, line);
    tags_drop(kind, tags, &place);
}

TAGS_INLINE void drop_above(enum tags_kind kind, struct caches *caches, unsigned level, uint64_t line)
{
    for (unsigned i = 0; i < level && line < caches->lines; i++) { /* past that: a neighbour's */
        drop_from(kind, &caches->levels[i].data, line);
        if (caches->levels[i].instructions.used)
            drop_from(kind, &caches->levels[i].instructions, line);
    }
}

/* Puts a line into a level (from 0) that does not have it, and what that drops where it goes. */
TAGS_INLINE void fill(enum tags_kind kind, unsigned count, struct caches *caches, unsigned at,
    bool instruction, const struct tags_place *first)
{
    struct tags_place place = *first;
    for (uint64_t line; at < count; at++) {
        struct cache_level *level = &caches->levels[at];
        if (!tags_put(kind, level->of[instruction], &place, 0, &line))
            return;
        line = line_of(kind, line);
        if (level->holds == HOLDS_INCLUSIVE)
            drop_above(kind, caches, at, line);
        if (!level->hands_on)
            return;
        struct cache_level *next = level + 1;
        place = place_of(kind, next->of[instruction], line);
        if (!next->apart && tags_find(kind, next->of[instruction], &place, NULL))
            return;
    }
}

/* Does one of the levels from `first` to the one above `server` take what an access brings? */
static bool is_filled(const struct caches *caches, unsigned first, unsigned server)
{
    for (unsigned i = first; i < server; i++)
        if (caches->levels[i].holds != HOLDS_EXCLUSIVE)
            return true;
    return false;
}

TAGS_INLINE struct cache_served serve(enum tags_kind kind, unsigned count, struct caches *caches,
    uint64_t address, bool instruction, unsigned first, bool remote)
{
    struct tags_place places[MACHINE_CACHE_LEVELS_MAX] = {{.set = 0}};
    uint64_t line = address / MACHINE_LINE_BYTES;
    unsigned server = count, i;
#pragma GCC unroll 4
    for (i = 0; i < count; i++) {
        struct cache_level *level = &caches->levels[i];
        places[i] = place_of(kind, level->of[instruction], line);
        if (i + 1 < first || !tags_find(kind, level->of[instruction], &places[i], NULL))
            continue;
        server = i;
        if (level->holds == HOLDS_EXCLUSIVE && is_filled(caches, first - 1, server))
            tags_drop(kind, level->of[instruction], &places[i]);
        break;
    }
#pragma GCC unroll 4
    for (i = count; i-- > 0;)
        if (i < server && i + 1 >= first && caches->levels[i].holds != HOLDS_EXCLUSIVE)
            fill(kind, count, caches, i, instruction, &places[i]);
    return (struct cache_served){server + 1,
        server == count ? caches->memory_cycles[remote] : caches->levels[server].cycles[instruction]};
}

/* What others have brought by now into the set of the last level that a line goes to. No line of a machine
 * has this key and mark. */
static void crowd(struct caches *caches, uint64_t address)
{
    struct cache_level *last = &caches->levels[caches->count - 1];
    struct tags_place place = place_of(caches->kind, &last->data, address / MACHINE_LINE_BYTES);
    uint64_t period = caches->others.period, *arrived = &caches->others.arrived[place.set], dropped;
    uint64_t due = (model_clock_now(caches->others.clock) + place.set * period / last->data.sets) / period;
    if (due <= *arrived) /* also while the clock is ahead: walks for prefetches take no time in the end */
        return;
    uint64_t come = due - *arrived < last->data.ways ? due - *arrived : last->data.ways;
    *arrived = due;
    place.key = UINT64_MAX;
    place.mark = UINT32_MAX;
    for (; come > 0; come--)
        if (tags_put(caches->kind, &last->data, &place, 0, &dropped) && last->holds == HOLDS_INCLUSIVE)
            drop_above(caches->kind, caches, caches->count - 1, line_of(caches->kind, dropped));
}

struct cache_served caches_access(
    struct caches *caches, uint64_t address, bool instruction, unsigned first, bool remote)
{
    if (caches->others.period)
        crowd(caches, address);
    if (caches->kind == TAGS_KEYED)
        return serve(TAGS_KEYED, caches->count, caches, address, instruction, first, remote);
    if (caches->count == 3)
        return serve(TAGS_BARE, 3, caches, address, instruction, first, remote);
    return serve(TAGS_BARE, caches->count, caches, address, instruction, first, remote);
}

/* ---- ahead ---- */

void caches_prefetch(const struct caches *caches, uint64_t address)
{
    const struct tags *tags = caches->far;
    if (tags)
        tags_prefetch(tags, place_of(TAGS_BARE, tags, address / MACHINE_LINE_BYTES).set);
}

void caches_prefetch_victim(const struct caches *caches, uint64_t address)
{
    const struct tags *tags = caches->far;
    const struct cache_level *above = &caches->levels[caches->count - 2];
    uint64_t victim;
    if (!tags || caches->kind != TAGS_BARE || !above->hands_on)
        return;
    struct tags_place place = place_of(TAGS_BARE, &above->data, address / MACHINE_LINE_BYTES);
    if (tags_next_to_go(TAGS_BARE, &above->data, &place, &victim))
        tags_prefetch(tags, place_of(TAGS_BARE, tags, victim).set);
}
