#include "model/caches.h"

static int add(struct caches *caches, const struct machine_cache *cache, uint64_t lines, uint64_t seed,
    struct error *error)
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
    return tags_init(instructions ? &level->instructions : &level->data, &shape, lines, seed, error);
}

int caches_init(
    struct caches *caches, const struct machine *machine, uint64_t bytes, uint64_t seed, struct error *error)
{
    int rc = 0;
    *caches = (struct caches){.memory_cycles = {machine->memory.cycles, machine->memory.remote_cycles}};
    for (size_t i = 0; rc == 0 && i < machine->cache_count; i++)
        rc = add(caches, &machine->caches[i], bytes / MACHINE_LINE_BYTES, seed, error);
    for (unsigned i = 1; i < caches->count; i++)
        caches->levels[i].apart = caches->levels[i].holds == HOLDS_EXCLUSIVE &&
                                  !caches->levels[i - 1].split &&
                                  caches->levels[i - 1].holds != HOLDS_EXCLUSIVE;
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
}

void caches_clear(struct caches *caches)
{
    for (unsigned i = 0; i < caches->count; i++) {
        tags_clear(&caches->levels[i].data);
        if (caches->levels[i].split)
            tags_clear(&caches->levels[i].instructions);
    }
}

static inline __attribute__((always_inline)) struct tags_place place_of(
    const struct tags *tags, uint64_t line)
{
    return tags_place(tags, line, line << 1 | 1);
}

static void drop_from(struct tags *tags, uint64_t line)
{
    struct tags_place place = place_of(tags, line);
    tags_drop(tags, &place);
}

static void drop_above(struct caches *caches, unsigned level, uint64_t line)
{
    for (unsigned i = 0; i < level; i++) {
        drop_from(&caches->levels[i].data, line);
        if (caches->levels[i].split)
            drop_from(&caches->levels[i].instructions, line);
    }
}

/* Puts a line into a level (from 0) that does not have it, and what that drops where it goes. */
static void fill(struct caches *caches, unsigned level, bool instruction, uint64_t line)
{
    for (;; level++) {
        struct tags *tags = caches->levels[level].of[instruction];
        struct tags_place place = place_of(tags, line);
        uint64_t dropped = tags_put(tags, &place, 0);
        if (dropped && caches->levels[level].holds == HOLDS_INCLUSIVE)
            drop_above(caches, level, dropped >> 1);
        if (!dropped || level + 1 == caches->count || caches->levels[level + 1].holds != HOLDS_EXCLUSIVE)
            return;
        line = dropped >> 1;
        tags = caches->levels[level + 1].of[instruction];
        place = place_of(tags, line);
        if (!caches->levels[level + 1].apart && tags_find(tags, &place, NULL))
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

struct cache_served caches_access(
    struct caches *caches, uint64_t address, bool instruction, unsigned first, bool remote)
{
    uint64_t line = address / MACHINE_LINE_BYTES;
    unsigned server = first - 1;
    for (; server < caches->count; server++) {
        struct tags *tags = caches->levels[server].of[instruction];
        struct tags_place place = place_of(tags, line);
        if (tags_find(tags, &place, NULL))
            break;
    }
    struct cache_served served = {server + 1,
        server < caches->count ? caches->levels[server].cycles[instruction] : caches->memory_cycles[remote]};
    if (server < caches->count && caches->levels[server].holds == HOLDS_EXCLUSIVE &&
        is_filled(caches, first - 1, server))
        drop_from(caches->levels[server].of[instruction], line);
    for (unsigned i = server; i-- > first - 1;)
        if (caches->levels[i].holds != HOLDS_EXCLUSIVE)
            fill(caches, i, instruction, line);
    return served;
}

void caches_prefetch(const struct caches *caches, uint64_t address)
{
    uint64_t line = address / MACHINE_LINE_BYTES;
    for (unsigned i = 1; i < caches->count; i++) {
        const struct tags *tags = &caches->levels[i].data;
        struct tags_place place = place_of(tags, line);
        tags_prefetch(tags, place.set);
    }
}

void caches_prefetch_victim(const struct caches *caches, uint64_t address)
{
    uint64_t line = address / MACHINE_LINE_BYTES;
    for (unsigned i = 1; i + 1 < caches->count; i++) {
        const struct tags *tags = &caches->levels[i].data, *next = &caches->levels[i + 1].data;
        if (caches->levels[i + 1].holds != HOLDS_EXCLUSIVE)
            continue;
        uint64_t victim = tags_last(tags, place_of(tags, line).set);
        if (victim)
            tags_prefetch(next, place_of(next, victim >> 1).set);
    }
}
