/* L1 and L2 caches, simulated; the L3 as a formula, so that its size may differ from curve to curve and
 * fluctuate. */
#ifndef VCOST_BLIND_CACHE_H
#define VCOST_BLIND_CACHE_H

#include "layout.h"
#include "store.h"

struct cache {
    struct store l1, l2;
};

enum cache_outcome { CACHE_L1, CACHE_L2, CACHE_BEYOND };

void cache_make(struct cache *cache, const struct geometry *geometry);
void cache_free(struct cache *cache);
void cache_clear(struct cache *cache, bool random, struct dice *dice);
enum cache_outcome cache_load(struct cache *cache, const struct stop *stop);
enum cache_outcome cache_walk(
    struct cache *cache, const struct thing *leaf); /* walkers read through the L2 */

/* The share of accesses that miss a cache of so many lines, 16-way with random replacement, which many lines
 * in turn go through. */
double cache_miss_share(double footprint, double capacity);

#endif
