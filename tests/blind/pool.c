#include "pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_LINES = 16, OCTAVES = 10, GEOMETRIES_MAX = 32, PURPOSE = 1 };

static struct {
    uint64_t seed, epoch;
    struct pool *pools[GEOMETRIES_MAX][POOL_VARIANTS];
} kept;

/* A guest's allocator mostly hands out small pages in runs; a host's frames come as its faults came. Measured
 * on a Zen 4 under splintered pages (small, large, packed, ns): 4096 lines 14.2, 11.5, 3.9; 16384
 * lines 32.1, 27.6, 9.2. So a walk for a large page costs 0.7 to 0.8 of one for a small page there, which
 * needs runs in the guest. */
static void draw_state(struct pool *pool, struct machine *machine, struct dice *dice)
{
    static const double guest_runs[] = {0, 0.3, 0.9, 1, 1}, host_runs[] = {0, 0, 0.3, 0.9, 1};
    pool->shadow = dice_chance(dice, 0.3);
    pool->traits.guest_runs = guest_runs[dice_below(dice, 5)];
    pool->traits.host_runs = host_runs[dice_below(dice, 5)];
    pool->traits.share = dice_between(dice, 0.3, 0.7);
    machine->random_tlb = dice_chance(dice, 0.5);
    machine->random_cache = dice_chance(dice, 0.4);
}

static void draw_points(struct pool *pool, unsigned per_octave)
{
    pool->per_octave = per_octave;
    pool->count = OCTAVES * per_octave + 1;
    for (unsigned i = 0; i < pool->count; i++)
        pool->lines[i] = (unsigned)lround(FIRST_LINES * exp2((double)i / per_octave));
}

static void simulate_curve(struct pool *pool, struct machine *machine, const struct region *region,
    enum arrangement arrangement, struct counts *counts, struct dice *dice)
{
    static struct layout layout;
    for (unsigned i = 0; i < pool->count; i++) {
        layout_make(
            &layout, region, arrangement, pool->lines[i], pool->geometry->coalesced, pool->shadow, dice);
        counts[i] = machine_chase(machine, &layout, dice);
    }
}

/* All that one placement's memory shows. */
static void simulate_placement(
    struct pool *pool, struct machine *machine, unsigned placement, enum backing backing, struct dice *dice)
{
    static struct region region;
    struct counts(*counts)[POOL_POINTS] = pool->counts[placement][backing];
    if (backing != BACKING_HALF) {
        region_make(&region, &pool->traits, false, backing, dice);
        simulate_curve(pool, machine, &region, SMALL, counts[SMALL], dice);
    }
    region_make(&region, &pool->traits, true, backing, dice);
    for (unsigned a = 0; a < ARRANGEMENTS; a++)
        if (a != SMALL)
            simulate_curve(pool, machine, &region, a, counts[a], dice);
}

static struct pool *make(uint64_t seed, uint64_t epoch, size_t geometry, unsigned variant)
{
    struct dice dice = dice_make(seed, PURPOSE + epoch * 2, geometry, variant);
    struct machine machine;
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        fputs("generate: no memory\n", stderr);
        exit(1);
    }
    pool->geometry = &geometries[geometry];
    machine_make(&machine, pool->geometry);
    draw_state(pool, &machine, &dice);
    draw_points(pool, variant == 0 ? 3 : 4);
    for (unsigned placement = 0; placement < POOL_PLACEMENTS; placement++)
        for (unsigned backing = 0; backing < BACKINGS; backing++)
            simulate_placement(pool, &machine, placement, backing, &dice);
    machine_free(&machine);
    return pool;
}

void pool_forget(void)
{
    for (size_t i = 0; i < GEOMETRIES_MAX; i++)
        for (size_t j = 0; j < POOL_VARIANTS; j++) {
            free(kept.pools[i][j]);
            kept.pools[i][j] = NULL;
        }
}

const struct pool *pool_get(uint64_t seed, uint64_t epoch, size_t geometry, unsigned variant)
{
    if (kept.seed != seed || kept.epoch != epoch)
        pool_forget();
    kept.seed = seed;
    kept.epoch = epoch;
    if (!kept.pools[geometry][variant])
        kept.pools[geometry][variant] = make(seed, epoch, geometry, variant);
    return kept.pools[geometry][variant];
}
