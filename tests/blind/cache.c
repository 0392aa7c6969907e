#include "cache.h"

#include <math.h>

void cache_make(struct cache *cache, const struct geometry *geometry)
{
    store_make(&cache->l1, geometry->l1_sets, geometry->l1_ways, LINES_MAX);
    store_make(&cache->l2, geometry->l2_sets, geometry->l2_ways, LINE_IDS);
}

void cache_free(struct cache *cache)
{
    store_free(&cache->l1);
    store_free(&cache->l2);
}

static void clear(struct store *store, bool random, struct dice *dice)
{
    store_clear(store);
    store->random = random;
    store->dice = dice_make(dice_below(dice, UINT32_MAX), 0, 0, 0);
}

void cache_clear(struct cache *cache, bool random, struct dice *dice)
{
    clear(&cache->l1, random, dice);
    clear(&cache->l2, random, dice);
}

enum cache_outcome cache_load(struct cache *cache, const struct stop *stop)
{
    uint32_t id = (uint32_t)stop->line.id;
    if (store_touch(&cache->l1, id, stop->l1_number))
        return CACHE_L1;
    return store_touch(&cache->l2, id, stop->line.number) ? CACHE_L2 : CACHE_BEYOND;
}

enum cache_outcome cache_walk(struct cache *cache, const struct thing *leaf)
{
    return store_touch(&cache->l2, (uint32_t)leaf->id, leaf->number) ? CACHE_L2 : CACHE_BEYOND;
}

/* Between two uses of a line m F misses pass, each of which evicts it with probability 1 / C; it has to
 * survive them all: 1 - m = exp(-m F / C). By iteration; 0 is the solution while F <= C. */
static double cyclic_miss_share(double load)
{
    double miss = 1;
    if (load <= 1)
        return 0;
    for (unsigned i = 0; i < 40; i++)
        miss = -expm1(-miss * load);
    return miss;
}

/* Sets get unequal shares: their loads are averaged over, as five points of a normal distribution. */
double cache_miss_share(double footprint, double capacity)
{
    enum { WAYS = 16, POINTS = 5 };
    static const double off[POINTS] = {-1.28, -0.52, 0, 0.52, 1.28};
    double load = footprint / capacity, spread = 1 / sqrt(WAYS * (load > 0.05 ? load : 0.05)), sum = 0;
    for (unsigned i = 0; i < POINTS; i++)
        sum += cyclic_miss_share(load * (1 + off[i] * spread));
    return sum / POINTS;
}
