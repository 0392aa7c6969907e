#include "price.h"

#include <math.h>

struct prices price_draw(const struct geometry *geometry, bool shadow, struct dice *dice)
{
    return (struct prices){
        .l1 = dice_within(dice, geometry->l1_ns),
        .l2 = dice_within(dice, geometry->l2_ns),
        .l3 = dice_within(dice, geometry->l3_ns),
        .memory = dice_within(dice, geometry->memory_ns),
        .second = dice_within(dice, geometry->second_ns),
        .walk = dice_within(dice, geometry->walk_ns),
        /* Nested, a guest's large page saves one of the guest's levels and with it a walk of the host's
         * tables; caches of upper levels hide most of that. */
        .large_walk = shadow ? 1 : dice_between(dice, 0.6, 1),
    };
}

double price_hop(
    const struct counts *counts, const struct prices *prices, const struct weather *weather, bool guest_large)
{
    double beyond_l1 = counts->l1_missed + (1 - counts->l1_missed) * weather->l1_theft;
    double beyond_l2 = counts->l2_missed + (beyond_l1 - counts->l2_missed) * weather->l2_theft;
    double far = cache_miss_share(counts->footprint, weather->l3_lines);
    double deep = (prices->l3 + far * (prices->memory - prices->l3)) * weather->beyond;
    double walk = counts->walks * prices->walk * (guest_large ? prices->large_walk : 1);
    walk += counts->leaves_in_l2 * prices->l2 + counts->leaves_beyond * deep;
    double data = prices->l1 + beyond_l1 * (prices->l2 - prices->l1) + beyond_l2 * fmax(deep - prices->l2, 0);
    return weather->all * (data + counts->first_missed * prices->second + walk * weather->walk);
}
