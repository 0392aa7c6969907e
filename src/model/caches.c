#include "model/caches_many.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct caches_codes caches_codes_any = {CACHES_CODE, CACHES_MANY};

/* Of the tables of all levels but the last [0], and of the last [1]. */
static const enum tags_kind kinds[CACHES_CODES][2] = {
    [CACHES_EIGHT] = {TAGS_BY_BITS | TAGS_STRIDE_8, TAGS_BY_BITS | TAGS_STRIDE_16},
    [CACHES_SIXTEEN] = {TAGS_BY_BITS | TAGS_STRIDE_16, TAGS_STRIDE_16},
    [CACHES_BARE] = {TAGS_BARE, TAGS_BARE},
    [CACHES_KEYED] = {TAGS_KEYED, TAGS_KEYED},
};

/* ---- making them ---- */

/* What tables have in common: of all levels but the last [0], and of the last [1]. */
struct common {
    unsigned ways; /* at most */
    bool by_bits, lru;
};

/* The code for a machine's caches: for bare tables, unless memory is too large for one of them. */
static enum caches_kind kind_for(const struct machine *machine, unsigned count, uint64_t lines)
{
    struct common common[2] = {{0, true, true}, {0, true, true}};
    for (size_t i = 0; i < machine->cache_count; i++) {
        const struct machine_cache *cache = &machine->caches[i];
        const struct machine_shape shape = {.entries = (unsigned)(cache->bytes / MACHINE_LINE_BYTES),
            .ways = cache->ways,
            .index = cache->index};
        struct common *of = &common[cache->level == count];
        if (!tags_are_enough(&shape, lines))
            return CACHES_KEYED;
        of->ways = cache->ways > of->ways ? cache->ways : of->ways;
        of->by_bits &= cache->index == INDEX_BITS;
        of->lru &= cache->replacement == REPLACE_LRU;
    }
    if (count != 3 || !common[0].by_bits || !common[0].lru || common[0].ways > 16 || common[1].ways > 16)
        return CACHES_BARE;
    return common[0].ways <= 8 && common[1].by_bits ? CACHES_EIGHT : CACHES_SIXTEEN;
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
    for (unsigned use = 0; use < 2; use++)
        if (cache->use == USE_BOTH || cache->use == use)
            for (unsigned remote = 0; remote < 2; remote++)
                caches->cycles[cache->level - 1][use][remote] = cache->cycles;
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

/* As caches_many.h needs them: what the last level has comes by the one above, and goes there again. */
static bool are_for_many(const struct caches *caches)
{
    const struct cache_level *levels = caches->levels;
    return caches->count == 3 && levels[0].holds == HOLDS_EITHER && levels[1].holds != HOLDS_EXCLUSIVE &&
           levels[2].apart && !levels[2].split && !caches->others.next;
}

/* ---- neighbours ---- */

static int add_others(struct caches *caches, const struct machine *machine, const struct model_clock *clock,
    struct error *error)
{
    uint64_t sets = caches->levels[caches->count - 1].data.sets;
    double period = (double)sets * machine->ghz * 1000 / machine->neighbours.lines_per_us;
    struct caches_others *others = &caches->others;
    *others = (struct caches_others){.period = period < 1 ? 1 : (uint64_t)period,
        .clock = clock,
        .next = malloc(sets * sizeof *others->next)};
    for (uint64_t set = 0; others->next && set < sets; set++)
        others->next[set] = others->period - set * others->period / sets;
    return others->next ? 0 : error_set(error, ENOMEM, "no memory for a simulated cache");
}

static bool is_by_bits(const struct tags *tags)
{
    return !tags->hashes && !tags->folded;
}

int caches_init(struct caches *caches, const struct machine *machine, uint64_t bytes, uint64_t seed,
    const struct model_clock *clock, struct error *error)
{
    int rc = 0;
    *caches = (struct caches){.lines = bytes / MACHINE_LINE_BYTES};
    for (size_t i = 0; i < machine->cache_count; i++)
        if (machine->caches[i].level > caches->count)
            caches->count = machine->caches[i].level;
    for (unsigned use = 0; use < 2; use++) {
        caches->cycles[caches->count][use][0] = machine->memory.cycles;
        caches->cycles[caches->count][use][1] = machine->memory.remote_cycles;
    }
    enum caches_kind kind = kind_for(machine, caches->count, bytes / MACHINE_LINE_BYTES);
    const struct caches_codes *codes = caches_are_wide() ? &caches_codes_wide : &caches_codes_any;
    memcpy(caches->serve, codes->serve[kind], sizeof caches->serve);
    for (size_t i = 0; rc == 0 && i < machine->cache_count; i++) {
        bool last = machine->caches[i].level == caches->count;
        rc = add(caches, &machine->caches[i], kinds[kind][last], seed, error);
    }
    relate(caches);
    if (caches->count > 1 && kind != CACHES_KEYED) {
        const struct cache_level *last = &caches->levels[caches->count - 1];
        caches->far = &last->data;
        caches->before_far = last[-1].hands_on ? &last[-1].data : NULL;
        caches->far_by_bits = is_by_bits(&last->data) && is_by_bits(&last[-1].data);
    }
    if (rc == 0 && machine->has_neighbours)
        rc = add_others(caches, machine, clock, error);
    if (are_for_many(caches))
        memcpy(caches->many, codes->many[kind], sizeof caches->many);
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
    free(caches->others.next);
    caches->others.next = NULL;
}

void caches_clear(struct caches *caches)
{
    for (unsigned i = 0; i < caches->count; i++) {
        tags_clear(&caches->levels[i].data);
        if (caches->levels[i].split)
            tags_clear(&caches->levels[i].instructions);
    }
}
